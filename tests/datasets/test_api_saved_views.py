"""Saved views over REST: whose they are, who sees them, who changes them."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from rest_framework.test import APIClient

from datasets.models import Dataset, SavedView
from tests.factories import DatasetFactory
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]
VIEWS = f"{API}views/"
DOUBTFUL = {"dataset": "d", "name": "Doubtful", "query": {"model": "champion", "disagrees": "true"}}


@pytest.fixture
def dataset() -> Dataset:
    made: Dataset = DatasetFactory(slug="d")
    return made


def names(client: APIClient, query: str = "") -> list[str]:
    return [view["name"] for view in client.get(f"{VIEWS}{query}").json()["results"]]


def test_a_view_is_saved_shown_changed_and_deleted(api: Api, dataset: Dataset) -> None:
    client = api("viewer")
    made = client.post(VIEWS, DOUBTFUL, format="json")
    assert made.status_code == 201, made.content
    view = made.json()
    assert {**DOUBTFUL, "shared": False, "owner": "viewer", "mine": True}.items() <= view.items()
    address = f"{VIEWS}{view['id']}/"
    changed = client.patch(address, {"name": "In doubt", "query": {"q": "01"}}, format="json").json()
    assert (changed["name"], changed["query"], changed["dataset"]) == ("In doubt", {"q": "01"}, "d")
    assert names(client, "?dataset=d") == ["In doubt"]
    assert client.delete(address).status_code == 204
    assert names(client) == []


def test_others_see_what_is_shared_and_change_nothing(api: Api, dataset: Dataset) -> None:
    owner, other = api("annotator"), api("admin")
    own = owner.post(VIEWS, DOUBTFUL, format="json").json()
    assert names(other) == []
    assert_error(other.patch(f"{VIEWS}{own['id']}/", {"name": "x"}, format="json"), 404, "not_found")
    owner.patch(f"{VIEWS}{own['id']}/", {"shared": True}, format="json")
    (seen,) = other.get(VIEWS).json()["results"]
    assert (seen["name"], seen["owner"], seen["mine"]) == ("Doubtful", "annotator", False)
    refused = other.patch(f"{VIEWS}{own['id']}/", {"name": "x"}, format="json")
    assert_error(refused, 403, "permission_denied")
    assert "annotator" in refused.json()["detail"]
    assert_error(other.delete(f"{VIEWS}{own['id']}/"), 403, "permission_denied")
    assert SavedView.objects.get().name == "Doubtful"


def test_a_name_is_taken_once_by_each_person_in_each_dataset(api: Api, dataset: Dataset) -> None:
    DatasetFactory(slug="e")
    client = api("viewer")
    first = client.post(VIEWS, DOUBTFUL, format="json").json()
    assert_error(client.post(VIEWS, DOUBTFUL, format="json"), 409, "name_taken")
    assert client.post(VIEWS, {**DOUBTFUL, "dataset": "e"}, format="json").status_code == 201
    assert api("curator").post(VIEWS, DOUBTFUL, format="json").status_code == 201
    client.post(VIEWS, {**DOUBTFUL, "name": "Other"}, format="json")
    taken = client.patch(f"{VIEWS}{first['id']}/", {"name": "Other"}, format="json")
    assert_error(taken, 409, "name_taken")
    assert names(client, "?dataset=d") == ["Doubtful", "Other"]
    assert names(client, "?dataset=e") == ["Doubtful"]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"dataset": "nowhere"}, "unknown_dataset"),
        ({"name": ""}, "invalid"),
        ({"name": "x" * 65}, "invalid"),
        ({"query": "q=1"}, "invalid"),
        ({"query": {"Q?": "1"}}, "invalid"),
        ({"query": {"q": "x" * 501}}, "invalid"),
        ({"query": {f"a{'b' * n}": "" for n in range(3)}}, "invalid"),
    ],
)
def test_what_is_no_view_is_refused(api: Api, dataset: Dataset, change: Any, code: str) -> None:
    response = api("viewer").post(VIEWS, {**DOUBTFUL, **change}, format="json")
    assert_error(response, 404 if code == "unknown_dataset" else 400, code)
    assert not SavedView.objects.exists()


def test_the_dataset_of_a_query_stands_beside_it(api: Api, dataset: Dataset) -> None:
    body = {**DOUBTFUL, "query": {"dataset": "other", "q": "01"}}
    assert api("viewer").post(VIEWS, body, format="json").json()["query"] == {"q": "01"}


def test_who_sees_no_images_has_no_views(dataset: Dataset) -> None:
    client = APIClient()
    client.force_authenticate(get_user_model().objects.create(username="nobody"))
    assert_error(client.get(VIEWS), 403, "permission_denied")
    assert_error(client.post(VIEWS, DOUBTFUL, format="json"), 403, "permission_denied")
