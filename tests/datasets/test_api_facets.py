"""Counts of images by the values of their facets, over REST."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from datasets.api import facets
from datasets.labelling import correct_label
from datasets.models import Dataset
from tests.factories import DatasetFactory, ImageFactory, PaperFactory
from tests.factories_models import labelled_dataset, split_of
from tests.rest import API, api

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def ask(api: Api) -> Callable[[str], dict[str, Any]]:
    """Count for a query; facets as {facet: {value: count}}, values that nothing has left out."""

    def get(query: str) -> dict[str, Any]:
        response = api("viewer").get(f"{API}images/facets/?{query}")
        assert response.status_code == 200, response.content
        body: dict[str, Any] = response.json()
        body["all"] = body["facets"]
        body["facets"] = {
            name: {each["value"]: each["count"] for each in values if each["count"]}
            for name, values in body["facets"].items()
        }
        return body

    return get


@pytest.fixture
def dataset() -> Dataset:
    """Two gels and a chart by import, of which a person excluded a gel; one without a label."""
    paper = PaperFactory(dataset=DatasetFactory(slug="d"), identifier="7")
    names = (
        ("010101.png", "BlotGel"),
        ("010102.png", "BlotGel"),
        ("020101.png", "FAC"),
        ("020102.png", None),
    )
    images = [ImageFactory(paper=paper, file_name=name, label=label) for name, label in names]
    correct_label(images[1], label=images[1].label, excluded=True, author=None, expected_version=None)
    ImageFactory(label="Microscopy")
    made: Dataset = paper.dataset
    return made


def test_all_images_of_a_dataset_are_counted_by_label_state_and_source(
    ask: Callable[[str], dict[str, Any]], dataset: Dataset
) -> None:
    body = ask("dataset=d")
    assert (body["count"], body["exact"]) == (4, True)
    assert body["facets"] == {
        "label": {"BlotGel": 2, "FAC": 1, "none": 1},
        "state": {"labelled": 2, "unlabelled": 1, "excluded": 1},
        "source": {"imported": 2, "person": 1},
    }
    assert [each["value"] for each in body["all"]["label"]] == [
        *dataset.classes.values_list("name", flat=True),
        "none",
    ]
    assert {each["exact"] for each in body["all"]["label"]} == {True}


@pytest.mark.parametrize("further", ["", "&figure=01", "&paper=7&figure=01"])
def test_a_facet_is_counted_under_all_filters_but_its_own(
    ask: Callable[[str], dict[str, Any]], dataset: Dataset, further: str
) -> None:
    body = ask(f"dataset=d&label=BlotGel&state=labelled{further}")
    assert body["count"] == 1
    assert body["facets"]["state"] == {"labelled": 1, "excluded": 1}
    assert body["facets"]["source"] == {"imported": 1}
    assert body["facets"]["label"] == ({"BlotGel": 1} if further else {"BlotGel": 1, "FAC": 1})


def test_subsets_are_counted_where_a_split_is_chosen(ask: Callable[[str], dict[str, Any]]) -> None:
    split = split_of(labelled_dataset(slug="d", papers=4))
    sizes = split.counts["images"]
    body = ask(f"dataset=d&split={split}&subset=test")
    assert body["count"] == sizes["test"]
    assert body["facets"]["subset"] == sizes
    assert sum(body["facets"]["label"].values()) == sizes["test"]
    assert "subset" not in ask("dataset=d")["facets"]


def test_what_no_counts_are_kept_of_is_counted_up_to_a_bound(
    ask: Callable[[str], dict[str, Any]], dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(facets, "MOST_COUNTED", 1)
    body = ask("dataset=d&figure=01")
    assert (body["count"], body["exact"]) == (1, False)
    assert {each["exact"] for each in body["all"]["state"]} == {False}
    assert ask("dataset=d&paper=7&q=020101")["exact"] is True
    assert (ask("dataset=d")["count"], ask("dataset=d")["exact"]) == (4, True)


def test_a_filter_that_chooses_nothing_counts_nothing(
    ask: Callable[[str], dict[str, Any]], dataset: Dataset
) -> None:
    body = ask("dataset=d&q=nosuchfile")
    assert (body["count"], body["exact"]) == (0, True)
    assert body["facets"] == {"label": {}, "state": {}, "source": {}}


def test_counting_takes_few_queries(api: Api, dataset: Dataset, django_assert_max_num_queries: Any) -> None:
    client = api("viewer")
    with django_assert_max_num_queries(14):
        assert client.get(f"{API}images/facets/?dataset=d&label=FAC&figure=02").json()["count"] == 1
