"""One image's label over REST: corrected, refused where stale, remembered."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from datasets.models import Image, Label
from tests.factories import ImageFactory
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


def put_label(client: APIClient, image: Image, body: dict[str, Any], tag: str | None) -> Any:
    headers = {} if tag is None else {"If-Match": tag}
    return client.put(f"{API}images/{image.pk}/label/", body, format="json", headers=headers)


def test_a_label_is_corrected_with_its_version(api: Api) -> None:
    image = ImageFactory(label="FAC")
    client = api("annotator")
    response = put_label(client, image, {"label": "Blot/Gel", "reason": "bands"}, '"1"')
    assert response.status_code == 200
    assert response["ETag"] == '"2"'
    body = response.json()
    assert (body["label"], body["version"], body["excluded"]) == ("BlotGel", 2, False)
    undone = client.post(f"{API}relabel/{body['batch']}/undo/").json()
    assert (undone["changed"], undone["stale"]) == (1, [])
    assert client.get(f"{API}images/{image.pk}/").json()["label"] == "FAC"
    history = client.get(f"{API}images/{image.pk}/labels/").json()["results"]
    assert [(row["version"], row["label"]) for row in history] == [(3, "FAC"), (2, "BlotGel"), (1, "FAC")]
    assert (history[1]["by"], history[1]["reason"], history[1]["batch"]) == (
        "annotator",
        "bands",
        body["batch"],
    )


def test_a_correction_of_something_seen_too_early_is_stale(api: Api) -> None:
    image = ImageFactory(label="FAC")
    assert put_label(api("curator"), image, {"label": "Microscopy"}, '"1"').status_code == 200
    late = put_label(api("annotator"), image, {"label": "BlotGel"}, '"1"')
    assert_error(late, 412, "stale_label")
    assert "curator" in late.json()["detail"]
    assert "Microscopy" in late.json()["detail"]
    assert late["ETag"] == '"2"'
    assert Label.objects.filter(image=image).count() == 2


@pytest.mark.parametrize(
    ("tag", "status", "code"),
    [
        (None, 428, "precondition_required"),
        ("7", 400, "bad_if_match"),
        ('W/"1"', 400, "bad_if_match"),
        ("*", 400, "bad_if_match"),
        ('"1", "2"', 400, "bad_if_match"),
    ],
)
def test_a_label_needs_the_version_seen(api: Api, tag: str | None, status: int, code: str) -> None:
    assert_error(put_label(api(), ImageFactory(), {"label": "FAC"}, tag), status, code)


@pytest.mark.parametrize(
    "body", [{}, {"label": "Cat"}, {"label": 7.5, "excluded": "maybe"}, {"label": ""}, [1]]
)
def test_a_label_that_is_none_is_refused(api: Api, body: Any) -> None:
    response = put_label(api(), ImageFactory(label="FAC"), body, '"1"')
    assert_error(response, 400, "unknown_label" if body == {"label": "Cat"} else "invalid")


def test_a_label_is_taken_away_and_an_image_excluded(api: Api) -> None:
    image = ImageFactory(label="FAC")
    assert put_label(api(), image, {"label": None}, '"1"').json()["state"] == "unlabelled"
    body = put_label(api(), image, {"excluded": True}, '"2"').json()
    assert (body["state"], body["label"], body["version"]) == ("excluded", None, 3)
    assert put_label(api(), image, {"excluded": True}, '"3"').json()["batch"] is None
