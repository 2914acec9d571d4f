"""Models, their aliases, evaluations, comparison and classification over REST."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from rest_framework.test import APIClient

from classifier.evaluation import evaluate
from classifier.models import ModelVersion, Promotion
from classifier.serving.cache import forget_engines
from datasets.labelling import correct_label
from datasets.models import Image, Split
from tests.factories import png
from tests.factories_models import ModelVersionFactory, labelled_dataset, predict_all, split_of
from tests.rest import API, AWKWARD, api, assert_error, upload

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def split() -> Split:
    """A split of a small labelled dataset."""
    return split_of(labelled_dataset(slug="d"))


def evaluated(split: Split, *, wrong: int = 0) -> ModelVersion:
    """A version that has classified the whole dataset, some of it wrongly."""
    version = ModelVersionFactory()
    predict_all(version, Image.objects.in_subset(split, "test"), wrong=wrong)
    return version


def test_models_are_listed_and_shown(api: Api, django_assert_max_num_queries: Any) -> None:
    split = split_of(labelled_dataset(slug="d"))
    versions = [ModelVersionFactory(split=split) for _ in range(4)]
    client = api("viewer")
    with django_assert_max_num_queries(8):
        listed = client.get(f"{API}models/").json()["results"]
    assert [each["id"] for each in listed] == [version.pk for version in reversed(versions)]
    one = client.get(f"{API}models/{versions[0].pk}/").json()
    assert one == listed[-1]
    assert (one["full_name"], one["split_name"], one["aliases"]) == (str(versions[0]), "d/s", [])
    assert_error(client.get(f"{API}models/99999/"), 404, "not_found")


def test_a_model_never_tells_where_its_weights_file_lay(api: Api) -> None:
    config = {"architecture": "resnet50", "weights": "/srv/secret/place/weights.h5"}
    version = ModelVersionFactory(architecture="resnet50", config=config)
    response = api("viewer").get(f"{API}models/{version.pk}/")
    assert b"secret" not in response.content
    strange = ModelVersionFactory(config={"no_setting": 1, "weights": "/srv/secret/place/weights.h5"})
    assert b"secret" not in api("viewer").get(f"{API}models/{strange.pk}/").content


def test_a_version_is_promoted_and_taken_back(api: Api) -> None:
    first, second = ModelVersionFactory(), ModelVersionFactory()
    client = api("curator")
    for version in (first, second):
        moved = client.post(f"{API}models/{version.pk}/promote/", {"reason": "better"}, format="json")
        assert moved.status_code == 200
        assert (moved.json()["alias"], moved.json()["model"]) == ("champion", version.pk)
    assert client.get(f"{API}models/{second.pk}/").json()["aliases"] == ["champion"]
    assert [each["id"] for each in client.get(f"{API}models/?alias=champion").json()["results"]] == [
        second.pk
    ]
    back = client.post(f"{API}aliases/champion/rollback/", {"reason": "worse on gels"}, format="json").json()
    assert (back["kind"], back["model"], back["previous"], back["by"]) == (
        "rollback",
        first.pk,
        second.pk,
        "curator",
    )
    again = client.post(f"{API}aliases/champion/rollback/", {"reason": "again"}, format="json")
    assert_error(again, 409, "nothing_to_roll_back")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "reason_missing"),
        ({"reason": "  "}, 400, "reason_missing"),
        ({"reason": "good", "alias": "a b"}, 400, "invalid"),
        ({"reason": "good", "alias": "7"}, 400, "bad_alias"),
        ({"reason": "x" * 501}, 400, "invalid"),
    ],
)
def test_a_promotion_says_why_and_to_what(api: Api, body: dict[str, str], status: int, code: str) -> None:
    version = ModelVersionFactory()
    assert_error(api().post(f"{API}models/{version.pk}/promote/", body, format="json"), status, code)
    assert_error(api().post(f"{API}aliases/champion/rollback/", {}, format="json"), 400, "reason_missing")
    assert not Promotion.objects.exists()


def test_a_model_is_downloaded(api: Api) -> None:
    version = ModelVersionFactory()
    client = api("viewer")
    for file_format, sha256 in (("keras", version.keras_sha256), ("onnx", version.onnx_sha256)):
        response = client.get(f"{API}models/{version.pk}/download/?format={file_format}")
        assert response.getvalue() == b"a placeholder"
        assert response["ETag"] == f'"{sha256}"'
        assert f"panels-{version.version}.{file_format}" in response["Content-Disposition"]
    assert_error(client.get(f"{API}models/{version.pk}/download/?format=h5"), 400, "invalid")
    version.onnx_path.unlink()
    assert_error(client.get(f"{API}models/{version.pk}/download/?format=onnx"), 503, "artefact_missing")


def test_an_evaluation_shows_its_matrix_and_the_images_of_a_cell(
    api: Api, split: Split, django_assert_max_num_queries: Any
) -> None:
    version = evaluated(split, wrong=2)
    evaluation = evaluate(version, split=split, subset="test")
    client = api("viewer")
    shown = client.get(f"{API}evaluations/{evaluation.pk}/").json()
    assert shown["classes"] == version.classes
    assert sum(map(sum, shown["matrix"])) == shown["total"]
    assert (shown["model"], shown["split"], shown["subset"]) == (version.pk, split.pk, "test")
    assert {score["name"] for score in shown["per_class"]} == set(version.classes)
    listed = client.get(f"{API}evaluations/?model={version.pk}&split=d/s&subset=test").json()
    assert [each["id"] for each in listed["results"]] == [evaluation.pk]
    assert client.get(f"{API}evaluations/?subset=val").json()["results"] == []
    for row, actual in enumerate(shown["classes"]):
        for column, predicted in enumerate(shown["classes"]):
            route = f"{API}evaluations/{evaluation.pk}/images/?actual={actual}&predicted={predicted}"
            images = client.get(route).json()["results"]
            assert len(images) == shown["matrix"][row][column]
            assert all((each["label_then"], each["predicted"]) == (actual, predicted) for each in images)
    with django_assert_max_num_queries(8):
        route = f"{API}evaluations/{evaluation.pk}/images/?ordering=-confidence"
        assert len(client.get(route).json()["results"]) == shown["total"]


def test_an_image_relabelled_since_stays_in_its_cell(api: Api, split: Split) -> None:
    evaluation = evaluate(evaluated(split), split=split, subset="test")
    image = Image.objects.in_subset(split, "test").get(pk=Image.objects.in_subset(split, "test")[0].pk)
    was = image.label.name
    correct_label(
        image,
        label=image.dataset.class_named("FAC"),
        excluded=False,
        author=None,
        expected_version=image.version,
    )
    cell = api().get(f"{API}evaluations/{evaluation.pk}/images/?actual={was}&page_size=500").json()["results"]
    assert {each["id"]: (each["label"], each["label_then"]) for each in cell}[image.pk] == ("FAC", was)


@pytest.mark.parametrize(
    ("query", "field"),
    [("actual=Cat", "actual"), ("predicted=Cat", "predicted"), ("ordering=label", "ordering")],
)
def test_a_cell_that_does_not_exist_is_an_error(api: Api, split: Split, query: str, field: str) -> None:
    evaluation = evaluate(evaluated(split), split=split, subset="test")
    response = api().get(f"{API}evaluations/{evaluation.pk}/images/?{query}")
    assert_error(response, 400, "invalid")
    assert field in response.json()["fields"]


def test_models_are_compared_on_the_same_images(api: Api, split: Split) -> None:
    worse, better = evaluated(split, wrong=2), evaluated(split)
    body = api("viewer").get(f"{API}compare/?models={worse.pk},{better}&split=d/s&subset=test").json()
    assert [each["id"] for each in body["models"]] == [worse.pk, better.pk]
    assert (len(body["fixed"]), body["broken"]) == (2, [])
    assert body["total"] == sum(map(sum, body["models"][0]["matrix"]))
    assert sum(map(sum, body["difference"])) == 0
    assert 0 < body["paired"][0]["p_value"] <= 1


def test_a_comparison_that_cannot_be_says_why(api: Api, split: Split) -> None:
    done, idle = evaluated(split), ModelVersionFactory()
    client = api("viewer")
    for query, status, code in [
        ("", 400, "invalid"),
        (f"models={done.pk}&split=d/s", 400, "too_few_models"),
        (f"models={done.pk},{done.pk}&split=d/s", 400, "too_few_models"),
        (f"models={done.pk},9999&split=d/s", 404, "unknown_model"),
        (f"models={done.pk},{idle.pk}&split=d/s", 409, "not_evaluated"),
        (f"models={done.pk},{idle.pk}&split=none", 404, "unknown_split"),
        (f"models={done.pk},{idle.pk}&split=d/s&subset=all", 400, "bad_subset"),
        ("models=1,2,3,4,5,6,7,8,9&split=d/s", 400, "invalid"),
    ]:
        assert_error(client.get(f"{API}compare/?{query}"), status, code)


@pytest.fixture
def model() -> ModelVersion:
    """A version that answers."""
    forget_engines()
    return ModelVersionFactory(answers=True)


def classify(client: APIClient, *files: Any, **fields: Any) -> Any:
    return client.post(f"{API}classify/", {"images": list(files), **fields}, format="multipart")


def test_files_are_classified_in_their_order(api: Api, model: ModelVersion) -> None:
    response = classify(
        api("viewer"), upload(seed=1, name="a.png"), upload(b"", "b.png"), upload(name="c.png")
    )
    assert response.status_code == 200
    body = response.json()
    assert body["model"] == {
        "id": model.pk,
        "name": model.name,
        "version": model.version,
        "sha256": model.onnx_sha256,
    }
    first, second, third = body["results"]
    assert (first["file"], second["file"], third["file"]) == ("a.png", "b.png", "c.png")
    assert first["label"] == max(first["probabilities"], key=first["probabilities"].get)
    assert set(first["probabilities"]) == set(model.classes)
    assert np.isclose(sum(first["probabilities"].values()), 1)
    assert first["abstained"] is False
    assert second["error"]["code"] == "empty"
    assert set(second) == {"file", "error"}


def test_only_the_most_probable_classes_are_shown_if_wanted(api: Api, model: ModelVersion) -> None:
    body = classify(api("viewer"), upload(), top=2, model=str(model)).json()
    assert len(body["results"][0]["probabilities"]) == 2
    assert_error(classify(api("viewer"), upload(), top=0), 400, "invalid")


@pytest.mark.parametrize("kind", AWKWARD)
def test_a_file_that_is_no_image_is_told_by_its_code(api: Api, model: ModelVersion, kind: str) -> None:
    data, code = AWKWARD[kind]
    response = classify(api("viewer"), upload(data, f"{kind}.png"))
    assert response.status_code == 422
    assert response.json()["results"][0]["error"]["code"] == code


def test_what_cannot_be_classified_at_all_says_why(api: Api, model: ModelVersion) -> None:
    client = api("viewer")
    assert_error(classify(client), 400, "no_files")
    assert_error(client.post(f"{API}classify/", {"images": "text"}, format="multipart"), 400, "no_files")
    assert_error(classify(client, *(upload(seed=n) for n in range(33))), 413, "too_many_files")
    assert_error(classify(client, *(upload(b"x") for _ in range(101))), 413, "too_many_files")
    assert_error(classify(client, upload(), model="none"), 404, "unknown_model")
    assert_error(client.post(f"{API}classify/", {"images": []}, format="json"), 415, "unsupported_media_type")
    model.onnx_path.unlink()
    assert_error(classify(client, upload()), 503, "artefact_missing")


def test_without_any_model_nothing_is_classified(api: Api) -> None:
    assert_error(classify(api("viewer"), upload()), 503, "no_model")


def test_a_classified_file_leaves_nothing_behind(api: Api, model: ModelVersion, data_dir: Any) -> None:
    assert classify(api("viewer"), upload(png(5))).status_code == 200
    assert not Image.objects.exists()
    assert not (data_dir / "images").exists()
