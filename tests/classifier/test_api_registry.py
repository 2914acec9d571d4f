"""Gates, notes, tags, cards and aliases over REST."""

from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from classifier.aliases import promote
from classifier.evaluation import evaluate
from classifier.models import Alias, ModelVersion, Promotion
from datasets.models import Split
from tests.factories_models import ModelVersionFactory, images_in, labelled_dataset, predict_all, split_of
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def split() -> Split:
    """A split of 12 papers."""
    return split_of(labelled_dataset(papers=12, slug="d"))


def scored(split: Split, *, wrong: int = 0) -> ModelVersion:
    version = ModelVersionFactory(split=split)
    predict_all(version, images_in(split, "test"), wrong=wrong)
    evaluate(version, split=split)
    return version


def test_a_failed_gate_refuses_and_is_named(api: Api, split: Split) -> None:
    champion, worse = scored(split), scored(split, wrong=3)
    promote(champion, reason="first")
    client, address = api("curator"), f"{API}models/{worse.pk}/"
    checked = client.get(f"{address}gates/?alias=champion").json()
    assert (checked["passes"], checked["against"]) == (False, champion.pk)
    assert checked["evaluation"] == worse.evaluations.get().pk
    outcomes = {gate["name"]: gate["outcome"] for gate in checked["gates"]}
    assert outcomes == {
        "evaluated": "pass",
        "no_leak": "pass",
        "no_class_worse": "fail",
        "exports": "pass",
    }
    numbers = checked["gates"][2]["numbers"]
    assert {(row["class"], row["score"]) for row in numbers} == {
        (name, score) for name in ("BlotGel", "Microscopy") for score in ("recall", "F1")
    }
    refused = client.post(f"{address}promote/", {"reason": "newer"}, format="json")
    assert_error(refused, 409, "gate_failed")
    assert set(refused.json()["fields"]) == {"no_class_worse"}
    body = {"reason": "it leaked", "override": True}
    assert_error(client.post(f"{address}promote/", body, format="json"), 403, "override_not_allowed")
    moved = api("admin").post(f"{address}promote/", body, format="json").json()
    assert (moved["overridden"], moved["reason"]) == (["no_class_worse"], "it leaked")
    assert moved["evaluation"] == checked["evaluation"]
    assert Alias.objects.get().version == worse


def test_gates_refuse_what_they_cannot_be_asked(api: Api, split: Split) -> None:
    address = f"{API}models/{scored(split).pk}/gates/"
    client = api("viewer")
    assert client.get(f"{address}?alias=candidate").json()["gates"] == []
    assert_error(client.get(f"{address}?alias=a b"), 400, "invalid")
    assert_error(client.get(f"{address}?evaluation=x"), 400, "invalid")
    assert_error(client.get(f"{address}?evaluation=99999"), 404, "unknown_evaluation")


def test_notes_and_tags_are_patched_and_filtered_by(api: Api) -> None:
    version, other = ModelVersionFactory(), ModelVersionFactory()
    client, address = api("curator"), f"{API}models/{version.pk}/"
    told = client.patch(address, {"notes": "for gels", "tags": ["b", "a"]}, format="json").json()
    assert (told["notes"], told["tags"], told["noted_by"]) == ("for gels", ["a", "b"], "curator")
    assert client.patch(address, {"tags": ["a"]}, format="json").json()["notes"] == "for gels"
    assert client.get(address).json()["tags"] == ["a"]
    assert [each["id"] for each in client.get(f"{API}models/?tag=a").json()["results"]] == [version.pk]
    assert client.get(f"{API}models/?tag=b").json()["results"] == []
    assert_error(client.patch(address, {"tags": ["a b"]}, format="json"), 400, "invalid")
    assert_error(client.patch(address, {"notes": "a\0b"}, format="json"), 400, "invalid")
    assert_error(api("annotator").patch(address, {"notes": "x"}, format="json"), 403, "permission_denied")
    assert ModelVersion.objects.get(pk=other.pk).notes == ""


def test_a_model_names_its_evaluations_exports_and_card(api: Api, split: Split) -> None:
    version = scored(split)
    client = api("viewer")
    told = client.get(f"{API}models/{version.pk}/").json()
    assert told["evaluations"] == [version.evaluations.get().pk]
    assert [(each["format"], each["bytes"]) for each in told["exports"]] == [("keras", 13), ("onnx", 13)]
    card = client.get(told["card"])
    assert card["Content-Type"] == "text/markdown; charset=utf-8"
    assert card.content.decode().startswith(f"# Model card of {version}")
    version.keras_path.unlink()
    assert client.get(f"{API}models/{version.pk}/").json()["exports"][0]["bytes"] is None


def test_the_history_of_an_alias_is_told_at_any_moment(api: Api) -> None:
    first, second = ModelVersionFactory(), ModelVersionFactory()
    promote(first, reason="first")
    Promotion.objects.update(created_at="2026-03-01T00:00:00Z")
    promote(second, reason="second")
    client = api("viewer")
    told = client.get(f"{API}aliases/champion/at/?when=2026-03-03T10:00").json()
    assert (told["model"], told["model_name"], told["move"]["reason"]) == (first.pk, str(first), "first")
    assert told["when"] == "2026-03-03T10:00:00Z"
    assert client.get(f"{API}aliases/champion/at/?when=2026-02-28").json()["model"] is None
    assert client.get(f"{API}aliases/champion/at/?when=2026-03-01").json()["model"] == first.pk
    assert client.get(f"{API}aliases/champion/at/?when=2026-03-01T00:30:00%2B01:00").json()["model"] is None
    assert client.get(f"{API}aliases/champion/at/").json()["model"] == second.pk
    assert_error(client.get(f"{API}aliases/champion/at/?when=2026-13-45"), 400, "bad_moment")
    assert_error(client.get(f"{API}aliases/nobody/at/"), 404, "unknown_alias")
    history = client.get(f"{API}aliases/champion/history/").json()["results"]
    assert [each["model"] for each in history] == [second.pk, first.pk]
    (alias,) = client.get(f"{API}aliases/").json()["results"]
    assert (alias["alias"], alias["model"]) == ("champion", second.pk)
    assert client.get(f"{API}aliases/champion/").json() == alias


def test_an_alias_is_taken_away_with_a_reason(api: Api) -> None:
    version = ModelVersionFactory()
    for alias in ("champion", "candidate"):
        promote(version, alias=alias, reason="first")
    client = api("curator")
    assert_error(client.delete(f"{API}aliases/candidate/"), 400, "reason_missing")
    assert_error(client.delete(f"{API}aliases/champion/?reason=x"), 409, "alias_needed")
    assert client.delete(f"{API}aliases/candidate/?reason=tried").json()["kind"] == "remove"
    assert_error(client.delete(f"{API}aliases/candidate/?reason=tried"), 404, "unknown_alias")
    assert client.get(f"{API}aliases/candidate/history/").json()["results"][0]["reason"] == "tried"
