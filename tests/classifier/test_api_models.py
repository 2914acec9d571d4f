"""Models, their aliases and classification over REST."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from classifier.models import Promotion
from datasets.models import Split
from tests.factories_models import ModelVersionFactory, labelled_dataset, split_of
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def split() -> Split:
    """A split of a small labelled dataset."""
    return split_of(labelled_dataset(slug="d"))


def test_models_are_listed_and_shown(api: Api, django_assert_max_num_queries: Any) -> None:
    split = split_of(labelled_dataset(slug="d"))
    versions = [ModelVersionFactory(split=split) for _ in range(4)]
    client = api("viewer")
    with django_assert_max_num_queries(9):
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


def test_a_rollback_may_name_the_model_it_is_taken_from(api: Api) -> None:
    first, second, third = (ModelVersionFactory() for _ in range(3))
    client = api("curator")
    for version in (first, second, third):
        client.post(f"{API}models/{version.pk}/promote/", {"reason": "better"}, format="json")
    route, body = f"{API}aliases/champion/rollback/", {"reason": "worse", "expected": third.pk}
    assert client.post(route, body, format="json").json()["model"] == second.pk
    assert_error(client.post(route, body, format="json"), 409, "alias_moved")
    assert_error(client.post(route, {**body, "expected": 99999}, format="json"), 404, "unknown_model")
    for expected in (0, 2**63, "x"):
        assert_error(client.post(route, {**body, "expected": expected}, format="json"), 400, "invalid")
    assert client.get(f"{API}models/{second.pk}/").json()["aliases"] == ["champion"]


def test_models_are_filtered_by_their_split_as_other_rows_are(api: Api, split: Split) -> None:
    trained = ModelVersionFactory(split=split)
    ModelVersionFactory()
    client = api("viewer")
    for text in (split.pk, "d/s", "s"):
        found = client.get(f"{API}models/?split={text}").json()["results"]
        assert [each["id"] for each in found] == [trained.pk]
    for text in (2**63, 99999, "none", "%00"):
        assert_error(client.get(f"{API}models/?split={text}"), 400, "invalid")


@pytest.mark.parametrize("query", ["name=%00", "architecture=%00", "alias=%00", "split=%00"])
def test_a_filter_that_no_database_takes_is_an_error(api: Api, query: str) -> None:
    assert_error(api("viewer").get(f"{API}models/?{query}"), 400, "invalid")


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
