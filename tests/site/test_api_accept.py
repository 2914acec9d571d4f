"""Accepting predictions over REST: a preview, the deed, its undoing."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from classifier.aliases import promote
from classifier.models import ModelVersion
from datasets.models import Image, Label
from tests.factories import ImageFactory, PaperFactory
from tests.factories_models import ModelVersionFactory, PredictionFactory, labelled_dataset
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def images() -> list[Image]:
    """Two FAC, two without a label, one excluded."""
    paper = PaperFactory(dataset__slug="d")
    made = [ImageFactory(paper=paper, label=label) for label in ("FAC", "FAC", None, None)]
    return [*made, ImageFactory(paper=paper, excluded=True)]


@pytest.fixture
def version(images: list[Image]) -> ModelVersion:
    """The champion demo@1: right, wrong, sure, unsure, and sure of the excluded one."""
    made = ModelVersionFactory(name="demo", version=1)
    said = [("FAC", 0.9), ("Microscopy", 0.8), ("BlotGel", 0.95), ("BlotGel", 0.4), ("BlotGel", 0.99)]
    for image, (predicted, confidence) in zip(images, said, strict=True):
        PredictionFactory(version=made, image=image, predicted=predicted, confidence=confidence)
    promote(made, reason="the only one")
    return made


def accept(client: APIClient, **body: Any) -> Any:
    return client.post(f"{API}accept/", body, format="json")


def named(images: list[Image]) -> list[dict[str, int]]:
    return [{"id": image.pk, "version": image.version} for image in images]


def labels() -> list[str | None]:
    return list(Image.objects.order_by("pk").values_list("label__name", flat=True))


def now() -> str:
    return timezone.now().isoformat()


def test_named_images_are_previewed_accepted_and_undone(
    api: Api, images: list[Image], version: ModelVersion
) -> None:
    client = api("annotator")
    body = {"images": named(images), "model": "demo@1", "reason": "looked at"}
    preview = accept(client, **body, dry_run=True).json()
    assert preview == {
        "batch": None,
        "changed": 3,
        "unchanged": 1,
        "stale": [],
        "model": "demo@1",
        "dry_run": True,
        "skipped": {"no_prediction": 0, "no_such_class": 0, "excluded": 1},
        "by_class": {"Microscopy": 1, "BlotGel": 2},
        "changes": [
            {"from": None, "to": "BlotGel", "count": 2},
            {"from": "FAC", "to": "Microscopy", "count": 1},
        ],
    }
    assert labels() == ["FAC", "FAC", None, None, None]
    done = accept(client, **body).json()
    assert {**done, "batch": None, "dry_run": True} == preview
    assert labels() == ["FAC", "Microscopy", "BlotGel", "BlotGel", None]
    undone = client.post(f"{API}relabel/{done['batch']}/undo/").json()
    assert undone["changed"] == 3
    assert labels() == ["FAC", "FAC", None, None, None]


def test_the_history_says_which_version_was_believed(
    api: Api, images: list[Image], version: ModelVersion
) -> None:
    accept(api("annotator"), images=named(images[2:3]), model="champion", reason="clear")
    row = api("viewer").get(f"{API}images/{images[2].pk}/labels/").json()["results"][0]
    assert (row["label"], row["source"], row["origin"]) == ("BlotGel", "prediction", "demo@1")
    assert (row["by"], row["reason"]) == ("annotator", "clear")
    api("annotator").put(
        f"{API}images/{images[0].pk}/label/", {"label": "BlotGel"}, format="json", HTTP_IF_MATCH='"1"'
    )
    row = api("viewer").get(f"{API}images/{images[0].pk}/labels/").json()["results"][0]
    assert (row["source"], row["origin"]) == ("person", "")


def test_all_of_a_class_above_a_confidence_are_accepted(
    api: Api, images: list[Image], version: ModelVersion
) -> None:
    body = accept(
        api("annotator"),
        filter={"dataset": "d", "predicted": "BlotGel"},
        as_of=now(),
        model="demo@1",
        min_confidence=0.9,
    ).json()
    assert (body["changed"], body["by_class"]) == (1, {"BlotGel": 1})
    assert body["skipped"] == {"no_prediction": 0, "no_such_class": 0, "excluded": 1}
    assert labels() == ["FAC", "FAC", "BlotGel", None, None]


def test_a_filter_of_predictions_means_the_model_that_is_accepted(
    api: Api, images: list[Image], version: ModelVersion
) -> None:
    other = ModelVersionFactory(name="other", version=1)
    PredictionFactory(version=other, image=images[3], predicted="Macroscopy", confidence=0.7)
    asked = {"dataset": "d", "predicted": "Macroscopy"}
    body = accept(api("annotator"), filter=asked, as_of=now(), model="other@1").json()
    assert (body["model"], body["by_class"]) == ("other@1", {"Macroscopy": 1})


def test_images_labelled_since_the_filter_was_seen_are_stale(
    api: Api, images: list[Image], version: ModelVersion
) -> None:
    as_of = now()
    accept(api("curator"), images=named(images[1:2]), model="demo@1")
    for dry_run in (True, False):
        body = accept(
            api("annotator"), filter={"dataset": "d"}, as_of=as_of, model="demo@1", dry_run=dry_run
        ).json()
        assert [(each["id"], each["by"]) for each in body["stale"]] == [(images[1].pk, "curator")]
        assert body["changed"] == 2


@pytest.mark.parametrize(
    ("body", "status", "code", "field"),
    [
        ({}, 400, "invalid", "model"),
        ({"model": "demo@1"}, 400, "invalid", "non_field_errors"),
        ({"model": "none", "images": [{"id": 1, "version": 1}]}, 404, "unknown_model", None),
        ({"model": "demo@1", "images": []}, 400, "invalid", "images"),
        ({"model": "demo@1", "filter": {"dataset": "d"}}, 400, "invalid", "as_of"),
        ({"model": "demo@1", "filter": {}, "as_of": "2026-01-01T00:00Z"}, 400, "invalid", "filter.dataset"),
        (
            {"model": "demo@1", "filter": {"dataset": "d", "lable": "x"}, "as_of": "2026-01-01T00:00Z"},
            400,
            "invalid",
            "filter.lable",
        ),
        (
            {"model": "demo@1", "images": [{"id": 1, "version": 1}], "min_confidence": 0.5},
            400,
            "invalid",
            "min_confidence",
        ),
        (
            {
                "model": "demo@1",
                "filter": {"dataset": "d"},
                "as_of": "2026-01-01T00:00Z",
                "min_confidence": 2,
            },
            400,
            "invalid",
            "min_confidence",
        ),
        ({"model": "demo@1", "images": [{"id": 10**9, "version": 1}]}, 400, "unknown_images", None),
    ],
)
def test_what_means_nothing_is_refused_and_nothing_written(
    api: Api, version: ModelVersion, body: dict[str, Any], status: int, code: str, field: str | None
) -> None:
    before = Label.objects.count()
    response = accept(api("annotator"), **body)
    assert_error(response, status, code)
    if field:
        assert field in response.json()["fields"]
    assert Label.objects.count() == before


def test_a_viewer_accepts_nothing_not_even_for_a_preview(
    api: Api, images: list[Image], version: ModelVersion
) -> None:
    body = {"images": named(images), "model": "demo@1", "dry_run": True}
    assert_error(accept(api("viewer"), **body), 403, "permission_denied")


def test_a_split_without_accepted_labels_is_made_over_rest(api: Api) -> None:
    dataset = labelled_dataset(slug="panels")
    image = Image.objects.filter(dataset=dataset)[0]
    version = ModelVersionFactory()
    PredictionFactory(version=version, image=image, predicted="Microscopy")
    accept(api("curator"), images=named([image]), model=str(version))
    body = {"dataset": "panels", "name": "own", "ratios": "2:1:1", "without_accepted": True}
    made = api("curator").post(f"{API}splits/", body, format="json").json()
    assert made["without_accepted"] is True
    assert sum(made["counts"]["images"].values()) == 23
    made = api("curator").post(
        f"{API}splits/", {**body, "name": "all", "without_accepted": False}, format="json"
    )
    assert made.json()["without_accepted"] is False
    assert sum(made.json()["counts"]["images"].values()) == 24
