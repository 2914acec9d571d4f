"""Relabelling many images over REST."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from rest_framework.test import APIClient

from datasets.models import Image, Label, LabelBatch
from tests.factories import ImageFactory, PaperFactory, UserFactory
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def images() -> list[Image]:
    """Six images of one paper: four FAC, two without a label."""
    paper = PaperFactory(identifier="77", dataset__slug="d")
    return [ImageFactory(paper=paper, label="FAC" if n < 4 else None) for n in range(6)]


def seen(images: list[Image]) -> list[dict[str, int]]:
    return [{"id": image.pk, "version": image.version} for image in images]


def relabel(client: APIClient, **body: Any) -> Any:
    return client.post(f"{API}relabel/", body, format="json")


def labels() -> list[str | None]:
    return list(Image.objects.order_by("pk").values_list("label__name", flat=True))


def test_images_are_relabelled_undone_and_redone(api: Api, images: list[Image]) -> None:
    client = api("annotator")
    done = relabel(client, images=seen(images), label="Macroscopy", reason="all plates")
    assert done.status_code == 200
    body = done.json()
    assert (body["changed"], body["unchanged"], body["stale"]) == (6, 0, [])
    assert labels() == ["Macroscopy"] * 6
    route = f"{API}relabel/{body['batch']}"
    assert client.post(f"{route}/undo/").json()["changed"] == 6
    assert labels() == ["FAC"] * 4 + [None] * 2
    assert_error(client.post(f"{route}/undo/"), 409, "not_reversible")
    assert client.post(f"{route}/redo/").json()["changed"] == 6
    assert labels() == ["Macroscopy"] * 6
    assert_error(client.post(f"{route}/redo/"), 409, "not_reversible")
    assert_error(client.post(f"{API}relabel/999999/undo/"), 404, "not_found")


def test_what_somebody_changed_meanwhile_is_left_alone_and_told(api: Api, images: list[Image]) -> None:
    before = seen(images)
    relabel(api("curator"), images=before[:2], label="BlotGel")
    body = relabel(api("annotator"), images=before, label="Microscopy").json()
    assert body["changed"] == 4
    told = {row["id"]: row for row in body["stale"]}
    assert set(told) == {images[0].pk, images[1].pk}
    row = told[images[0].pk]
    assert (row["expected"], row["version"], row["label"], row["by"]) == (1, 2, "BlotGel", "curator")
    assert labels()[:2] == ["BlotGel"] * 2


def test_an_undo_leaves_what_was_changed_since(api: Api, images: list[Image]) -> None:
    client = api("annotator")
    first = relabel(client, images=seen(images), label="BlotGel").json()["batch"]
    again = Image.objects.get(pk=images[0].pk)
    relabel(client, images=seen([again]), label="Microscopy")
    undone = client.post(f"{API}relabel/{first}/undo/").json()
    assert undone["changed"] == 5
    assert [row["id"] for row in undone["stale"]] == [images[0].pk]
    assert labels()[0] == "Microscopy"


def test_a_filter_relabels_what_it_showed(api: Api, images: list[Image]) -> None:
    as_of = timezone.now().isoformat()
    choice = {"dataset": "d", "label": "FAC"}
    body = relabel(api("annotator"), filter=choice, as_of=as_of, label="BlotGel").json()
    assert (body["changed"], body["stale"]) == (4, [])
    assert labels() == ["BlotGel"] * 4 + [None] * 2


def test_a_filter_leaves_images_labelled_or_stored_since(api: Api, images: list[Image]) -> None:
    as_of = timezone.now().isoformat()
    relabel(api("curator"), images=seen(images[:1]), excluded=True)
    late = ImageFactory(paper=images[0].paper)
    body = relabel(api("annotator"), filter={"dataset": "d"}, as_of=as_of, label="BlotGel").json()
    assert body["changed"] == 5
    told = {row["id"]: row for row in body["stale"]}
    assert set(told) == {images[0].pk, late.pk}
    first = told[images[0].pk]
    assert (first["expected"], first["version"], first["excluded"], first["by"]) == (1, 2, True, "curator")
    assert not Label.objects.filter(image=late).exists()


def test_who_labelled_meanwhile_is_told_to_those_who_may_see_labels(api: Api, images: list[Image]) -> None:
    as_of = timezone.now().isoformat()
    relabel(api("curator"), images=seen(images[:1]), excluded=True)
    person = UserFactory()
    names = ("view_dataset", "view_image", "add_label", "add_labelbatch")
    person.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = APIClient()
    client.force_authenticate(person)
    body = relabel(client, filter={"dataset": "d"}, as_of=as_of, excluded=True).json()
    assert [(row["id"], row["by"]) for row in body["stale"]] == [(images[0].pk, None)]
    assert body["changed"] == 5


def test_only_what_is_named_changes(api: Api, images: list[Image]) -> None:
    client = api("annotator")
    body = relabel(client, images=seen(images), excluded=True).json()
    assert body["changed"] == 6
    assert labels() == ["FAC"] * 4 + [None] * 2
    now = list(Image.objects.order_by("pk"))
    body = relabel(client, images=seen(now), label=None).json()
    assert (body["changed"], body["unchanged"]) == (4, 2)
    assert all(Image.objects.values_list("excluded", flat=True))


@pytest.mark.parametrize(
    ("body", "code", "field"),
    [
        ({"label": "FAC"}, "invalid", "non_field_errors"),
        ({"images": [], "label": "FAC"}, "invalid", "images"),
        ({"images": [{"id": 1}], "label": "FAC"}, "invalid", "images.0.version"),
        ({"images": [{"id": 1, "version": 0}]}, "invalid", "non_field_errors"),
        ({"images": [{"id": 1, "version": 0}, {"id": 1, "version": 1}], "label": None}, "invalid", "images"),
        ({"images": [{"id": 987654321, "version": 0}], "label": None}, "unknown_images", None),
        ({"images": "all", "label": None}, "invalid", "images"),
        ({"images": [{"id": 2**70, "version": 0}], "label": None}, "invalid", "images.0.id"),
        ({"filter": {"dataset": "d"}, "label": None}, "invalid", "as_of"),
        ({"filter": {"label": "FAC"}, "as_of": "NOW", "label": None}, "invalid", "filter.dataset"),
        (
            {"filter": {"dataset": "d", "lable": "x"}, "as_of": "NOW", "label": None},
            "invalid",
            "filter.lable",
        ),
        ({"filter": {"dataset": "e"}, "as_of": "NOW", "label": None}, "invalid", "filter.dataset"),
        (
            {"filter": {"dataset": "d", "label": "Cat"}, "as_of": "NOW", "label": None},
            "invalid",
            "filter.label",
        ),
        ({"filter": {"dataset": "d"}, "as_of": "AHEAD", "label": None}, "invalid", "as_of"),
        ({"filter": {"dataset": "d"}, "as_of": "NOW", "label": "Cat"}, "unknown_label", "label"),
        (
            {"filter": {"dataset": "d"}, "as_of": "NOW", "label": None, "reason": "x" * 501},
            "invalid",
            "reason",
        ),
    ],
)
def test_a_request_that_makes_no_sense_changes_nothing(
    api: Api, images: list[Image], body: dict[str, Any], code: str, field: str | None
) -> None:
    moments = {"NOW": timezone.now(), "AHEAD": timezone.now() + timedelta(hours=1)}
    body = {key: moments.get(value, value) if key == "as_of" else value for key, value in body.items()}
    response = relabel(api("annotator"), **body)
    assert_error(response, 400, code)
    if field:
        assert field in response.json()["fields"]
    assert labels() == ["FAC"] * 4 + [None] * 2


def test_a_batch_is_of_one_dataset(api: Api, images: list[Image]) -> None:
    other = ImageFactory()
    assert_error(relabel(api(), images=seen([images[0], other]), label="FAC"), 400, "several_datasets")
    assert LabelBatch.objects.filter(kind="relabel").count() == 0


def test_many_images_take_few_queries(
    api: Api, images: list[Image], django_assert_max_num_queries: Any
) -> None:
    client = api("annotator")
    with django_assert_max_num_queries(25):
        assert relabel(client, images=seen(images), label="BlotGel").json()["changed"] == 6


def test_a_deed_sent_twice_under_one_key_is_done_once(api: Api, images: list[Image]) -> None:
    client, key = api("annotator"), str(uuid4())
    first = relabel(client, images=seen(images), label="FAC", key=key).json()
    relabel(api("curator"), images=[{"id": images[5].pk, "version": images[5].version + 1}], label="BlotGel")
    again = relabel(client, images=seen(images), label="FAC", key=key).json()
    assert (first["changed"], first["unchanged"]) == (2, 4)
    assert again == first
    assert LabelBatch.objects.filter(key=key).count() == 1
    assert labels() == ["FAC"] * 5 + ["BlotGel"]
    other = relabel(api("curator"), images=seen(images)[:1], label="BlotGel", key=key)
    assert_error(other, 409, "key_taken")


def test_a_deed_told_again_still_names_what_somebody_else_had_changed(api: Api, images: list[Image]) -> None:
    client, key = api("annotator"), str(uuid4())
    relabel(api("curator"), images=seen(images)[:1], label="BlotGel")
    answers = [relabel(client, images=seen(images), label="Macroscopy", key=key).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert [(each["id"], each["label"], each["by"]) for each in answers[1]["stale"]] == [
        (images[0].pk, "BlotGel", "curator")
    ]


def test_several_deeds_in_one_request_are_each_undone_by_themselves(api: Api, images: list[Image]) -> None:
    client, (first, second) = api("annotator"), seen(images)[:2]
    deeds = [
        {"images": [first], "label": "BlotGel", "key": str(uuid4())},
        {"images": [{**first, "version": first["version"] + 1}], "label": "Macroscopy"},
        {"images": [second], "label": "no such class"},
        {"images": [second], "excluded": True},
    ]
    results = client.post(f"{API}relabel/many/", {"deeds": deeds}, format="json").json()["results"]
    assert [each.get("changed") for each in results] == [1, 1, None, 1]
    assert results[2]["error"]["code"] == "unknown_label"
    assert labels()[:2] == ["Macroscopy", "FAC"]
    assert Image.objects.get(pk=second["id"]).excluded
    assert client.post(f"{API}relabel/{results[1]['batch']}/undo/").json()["changed"] == 1
    assert labels()[0] == "BlotGel"


def test_more_than_fifty_deeds_or_a_wrong_one_are_refused_whole(api: Api, images: list[Image]) -> None:
    deed = {"images": seen(images)[:1], "label": "BlotGel"}
    client = api("annotator")
    for deeds in ([deed] * 51, [], [deed, {"label": "FAC"}]):
        refused = client.post(f"{API}relabel/many/", {"deeds": deeds}, format="json")
        assert_error(refused, 400, "invalid")
    assert labels()[0] == "FAC"
    assert api("viewer").post(f"{API}relabel/many/", {"deeds": [deed]}, format="json").status_code == 403
