"""Images over REST, chosen by what a model said of them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from biofors_site.api.filters import WideImageFilter
from classifier.aliases import promote
from classifier.models import ModelVersion, Prediction
from datasets.labelling import correct_label
from datasets.models import Image
from tests.factories import ImageFactory, PaperFactory
from tests.factories_models import ModelVersionFactory, PredictionFactory
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def images() -> list[Image]:
    """Three labelled images and one without a label."""
    paper = PaperFactory(dataset__slug="d")
    return [ImageFactory(paper=paper, label=label) for label in ("BlotGel", "FAC", "FAC", None)]


@pytest.fixture
def version(images: list[Image]) -> ModelVersion:
    """The champion: right, wrong, unsure; it said nothing of the last."""
    made = ModelVersionFactory()
    for image, predicted, confidence in zip(
        images, ("BlotGel", "Microscopy", "FAC"), (0.99, 0.8, 0.4), strict=False
    ):
        PredictionFactory(version=made, image=image, predicted=predicted, confidence=confidence)
    promote(made, reason="the only one")
    return made


def listed(client: APIClient, query: str) -> list[dict[str, Any]]:
    response = client.get(f"{API}images/?{query}")
    assert response.status_code == 200, response.content
    results: list[dict[str, Any]] = response.json()["results"]
    return results


def test_images_are_chosen_by_prediction(api: Api, images: list[Image], version: ModelVersion) -> None:
    client = api("viewer")
    first, second, third, last = (image.pk for image in images)
    for query, expected in [
        ("", [first, second, third, last]),
        ("predicted=Microscopy", [second]),
        ("predicted=FAC&actual=FACS", [third]),
        ("min_confidence=0.8", [first, second]),
        ("max_confidence=0.5", [third]),
        ("min_confidence=0.5&max_confidence=0.9", [second]),
        ("disagrees=true", [second]),
        ("disagrees=false", [first, third]),
        ("actual=none", [last]),
        ("dataset=d&label=FAC&disagrees=true&state=labelled", [second]),
        ("ordering=confidence", [third, second, first]),
        ("ordering=-confidence&disagrees=false", [first, third]),
    ]:
        for model in (f"model={version.pk}", f"model={version}", "model=champion"):
            assert [each["id"] for each in listed(client, f"{model}&{query}")] == expected, query
    # Without a model the champion is meant.
    assert [each["id"] for each in listed(client, "predicted=Microscopy")] == [second]


def test_where_label_and_prediction_differ_follows_both(
    api: Api, images: list[Image], version: ModelVersion
) -> None:
    client = api("curator")
    first, second, third, last = images

    def differing(more: str = "") -> list[int]:
        return [each["id"] for each in listed(client, f"model=champion&disagrees=true{more}")]

    assert differing() == [second.pk]
    Image.objects.filter(pk=second.pk).update(excluded=True)
    assert differing() == differing("&state=excluded") == [second.pk]
    correct_label(
        second,
        label=second.dataset.class_named("Microscopy"),
        excluded=False,
        author=None,
        expected_version=None,
    )
    assert differing() == []
    PredictionFactory(version=version, image=last, predicted="FAC")
    assert differing() == []
    second.dataset.classes.filter(name="FAC").update(name="Cytometry")
    for ordering in ("id", "-id", "-confidence", "margin", "entropy", "file", "panel"):
        assert differing(f"&ordering={ordering}") == [third.pk], ordering
    assert [each["id"] for each in listed(client, "disagrees=false")] == [first.pk, second.pk]
    counted = client.get(f"{API}images/facets/?dataset=d&model=champion&disagrees=true").json()
    assert counted["count"] == 1
    assert {"value": "Cytometry", "count": 1, "exact": True} in counted["facets"]["label"]


def test_the_prediction_stands_beside_the_label(api: Api, images: list[Image], version: ModelVersion) -> None:
    client = api("viewer")
    shown = listed(client, "model=champion")
    assert [each["prediction"] for each in shown] == [
        {"label": "BlotGel", "confidence": 0.99},
        {"label": "Microscopy", "confidence": 0.8},
        {"label": "FAC", "confidence": 0.4},
        None,
    ]
    assert [each["label"] for each in shown] == ["BlotGel", "FAC", "FAC", None]
    one = client.get(f"{API}images/{images[1].pk}/?model=champion").json()
    assert one["prediction"] == {"label": "Microscopy", "confidence": 0.8}
    assert listed(client, "")[0]["prediction"] is None


def test_images_go_by_how_close_a_call_it_was(api: Api, version: ModelVersion, images: list[Image]) -> None:
    first, second, third, _ = (image.pk for image in images)
    client = api("viewer")
    # Nearly a tie of two classes is closer than an even spread behind a leader, which is less decided.
    close = [0.41, 0.59, 0, 0, 0]
    Prediction.objects.get(image=first).delete()
    PredictionFactory(version=version, image=images[0], predicted="FAC", confidence=0.59, probabilities=close)
    for ordering, expected in [
        ("margin", [first, third, second]),
        ("-margin", [second, third, first]),
        ("entropy", [first, second, third]),
        ("-entropy", [third, second, first]),
    ]:
        seen = [each["id"] for each in listed(client, f"model=champion&ordering={ordering}")]
        assert seen == expected, ordering


def test_predicted_classes_are_counted(api: Api, version: ModelVersion) -> None:
    body = api("viewer").get(f"{API}images/facets/?dataset=d&model=champion&predicted=FAC&actual=FAC").json()
    counts = {
        name: {each["value"]: each["count"] for each in values if each["count"]}
        for name, values in body["facets"].items()
    }
    assert body["count"] == 1
    assert counts["predicted"] == {"FAC": 1, "Microscopy": 1}
    assert counts["label"] == {"FAC": 1}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("disagrees=perhaps", "disagrees"),
        ("ordering=-margin", "ordering"),
        ("ordering=entropy", "ordering"),
        ("model=none", "model"),
        ("model=99999", "model"),
        ("model=panels@99", "model"),
        ("predicted=Cat", "predicted"),
        ("actual=Cat", "actual"),
        ("min_confidence=2", "min_confidence"),
        ("min_confidence=sure", "min_confidence"),
        ("max_confidence=nan", "max_confidence"),
        ("ordering=confidence", "ordering"),
    ],
)
def test_a_choice_that_means_nothing_is_an_error(
    api: Api, version: ModelVersion, query: str, field: str
) -> None:
    response = api().get(f"{API}images/?{query}")
    assert_error(response, 400, "invalid")
    assert field in response.json()["fields"]


def test_without_a_model_a_prediction_cannot_be_asked_for(api: Api, images: list[Image]) -> None:
    response = api().get(f"{API}images/?predicted=FAC")
    assert_error(response, 400, "invalid")
    assert "model" in response.json()["fields"]
    assert_error(api().get(f"{API}images/{images[0].pk}/?model=champion"), 404, "unknown_model")


def test_pages_go_by_confidence(api: Api, version: ModelVersion) -> None:
    client = api("viewer")
    seen = []
    url: str | None = f"{API}images/?model=champion&ordering=-confidence&page_size=1"
    while url:
        body = client.get(url).json()
        seen += [each["prediction"]["confidence"] for each in body["results"]]
        url = body["next"]
    assert seen == [0.99, 0.8, 0.4]


def test_what_a_model_said_can_be_relabelled_at_once(api: Api, version: ModelVersion) -> None:
    body = {
        "filter": {"dataset": "d", "model": "champion", "disagrees": True},
        "as_of": timezone.now().isoformat(),
        "label": "Microscopy",
        "reason": "the model is right",
    }
    done = api("annotator").post(f"{API}relabel/", body, format="json").json()
    assert (done["changed"], done["stale"]) == (1, [])
    assert listed(api("viewer"), "model=champion&disagrees=true") == []


def test_pages_use_the_same_filters(images: list[Image], version: ModelVersion) -> None:
    chosen = WideImageFilter({"disagrees": "true", "dataset": "d"}, queryset=Image.objects.all())
    assert chosen.is_valid()
    assert chosen.version == version
    assert [(image.pk, image.predicted_label) for image in chosen.qs] == [(images[1].pk, "Microscopy")]
    wrong = WideImageFilter({"label": "Cat"}, queryset=Image.objects.all())
    assert not wrong.is_valid()
    assert "Cat" in wrong.errors["label"][0]


def test_a_list_with_predictions_takes_few_queries(
    api: Api, version: ModelVersion, django_assert_max_num_queries: Any
) -> None:
    client = api("viewer")
    with django_assert_max_num_queries(9):
        assert len(listed(client, "model=champion&dataset=d")) == 4
