"""Evaluations, the images behind them, and comparison over REST."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from classifier.evaluation import evaluate
from classifier.models import ModelVersion
from datasets.labelling import correct_label
from datasets.models import Image, Split
from datasets.splitting import make_split
from tests.factories_models import ModelVersionFactory, labelled_dataset, predict_all, split_of
from tests.rest import API, api, assert_error

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


def test_scores_that_are_too_good_are_told_to_be_so(api: Api, django_assert_max_num_queries: Any) -> None:
    leaky = make_split(labelled_dataset(slug="leaky", per_paper=6), name="l", ratios="2:1:1", by="image")
    fair = split_of(leaky.dataset, name="fair")
    versions = [ModelVersionFactory(split=leaky) for _ in range(3)]
    for version in versions:
        predict_all(version, Image.objects.filter(dataset=leaky.dataset))
        for split in (leaky, fair):
            evaluate(version, split=split, subset="test")
    client = api("viewer")
    with django_assert_max_num_queries(8):
        listed = client.get(f"{API}evaluations/").json()["results"]
    for each in listed:
        assert each["leaks"] is (each["split"] == leaky.pk)
        assert ("leaks: of its" in "".join(each["warnings"])) is each["leaks"]
        # Trained on another split of the same images.
        assert ("was trained on" in "".join(each["warnings"])) is (each["split"] == fair.pk)
    one = listed[0]
    assert client.get(f"{API}evaluations/{one['id']}/").json()["warnings"] == one["warnings"]
    route = f"{API}compare/?models={versions[0].pk},{versions[1].pk}&split=leaky/l"
    assert_error(client.get(route), 409, "trained_on_test")
    compared = client.get(f"{route}&despite_leaks=true").json()
    assert compared["leaks"] is True
    assert [sentence for sentence in compared["warnings"] if "leaks: of its" in sentence]


def test_scores_of_a_fair_split_bear_no_warning(api: Api, split: Split) -> None:
    one, other = ModelVersionFactory(split=split), ModelVersionFactory(split=split)
    for version in (one, other):
        predict_all(version, Image.objects.in_subset(split, "test"))
        evaluate(version, split=split, subset="test")
    client = api("viewer")
    listed = client.get(f"{API}evaluations/").json()["results"]
    compared = client.get(f"{API}compare/?models={one.pk},{other.pk}&split=d/s").json()
    assert [(each["leaks"], each["warnings"]) for each in (*listed, compared)] == [(False, [])] * 3


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


def test_an_evaluation_tells_that_labels_changed_and_is_scored_again(api: Api, split: Split) -> None:
    version = evaluated(split, wrong=1)
    evaluation = evaluate(version, split=split, subset="test")
    route = f"{API}evaluations/{evaluation.pk}/"
    viewer, curator = api("viewer"), api("curator")
    assert viewer.get(route).json()["stale"] == 0
    assert_error(curator.post(f"{route}rescore/"), 409, "not_stale")
    image = Image.objects.in_subset(split, "test").order_by("pk")[0]
    wrong = next(each for each in image.dataset.classes.all() if each != image.label)
    correct_label(image, label=wrong, excluded=False, author=None, expected_version=image.version)
    assert viewer.get(route).json()["stale"] == 1
    assert viewer.get(f"{API}evaluations/").json()["results"][0]["stale"] == 1
    assert_error(viewer.post(f"{route}rescore/"), 403, "permission_denied")
    made = curator.post(f"{route}rescore/")
    assert made.status_code == 201
    assert made.json()["stale"] == 0
    assert made.json()["accuracy"] != viewer.get(route).json()["accuracy"]
    assert made.json()["intervals"]["papers"] == made.json()["papers"]
