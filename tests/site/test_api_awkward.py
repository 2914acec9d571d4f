"""Real awkward files over REST: stored and shown right, or refused with a code and a sentence."""

from collections.abc import Callable
from pathlib import Path

import pytest
from rest_framework.test import APIClient

from datasets.models import Image
from tests.factories import DatasetFactory
from tests.factories_models import ModelVersionFactory
from tests.rest import API, api, assert_error, upload

__all__ = ["api"]

pytestmark = [pytest.mark.django_db, pytest.mark.reference]
Api = Callable[..., APIClient]
REFUSALS = {
    "empty",
    "too_large",
    "too_many_pixels",
    "bad_dimensions",
    "format_not_allowed",
    "mode_not_supported",
    "corrupt",
    "unsafe_name",
}


@pytest.fixture
def awkward(reference_dir: Path) -> list[Path]:
    """The awkward files."""
    found = sorted(path for path in (reference_dir / "real" / "awkward").iterdir() if path.suffix != ".md")
    assert len(found) > 20
    return found


def test_awkward_files_are_stored_and_shown_or_refused(api: Api, awkward: list[Path]) -> None:
    DatasetFactory(slug="d")
    client = api("curator")
    stored = []
    for path in awkward:
        body = {"dataset": "d", "file": upload(path.read_bytes(), path.name)}
        response = client.post(f"{API}images/", body, format="multipart")
        if response.status_code == 201:
            image = response.json()
            assert client.get(image["thumbnail"]).getvalue()[:3] == b"\xff\xd8\xff"
            original = client.get(image["file_url"])
            assert original.getvalue() == path.read_bytes()
            assert original["Content-Type"] in {"image/png", "image/jpeg", "image/tiff"}
            assert image["file"] == path.name
            stored.append(path.name)
        else:
            code = response.json()["code"]
            assert code in REFUSALS
            assert_error(response, 400, code)
    assert Image.objects.count() == len(stored)
    assert len(stored) >= 10
    assert not any(name.startswith(("09", "13", "14", "15", "16", "17", "19")) for name in stored)


def test_awkward_files_are_classified_or_told_why_not(api: Api, awkward: list[Path]) -> None:
    ModelVersionFactory(answers=True)
    files = [upload(path.read_bytes(), path.name) for path in awkward]
    response = api("viewer").post(f"{API}classify/", {"images": files}, format="multipart")
    assert response.status_code == 200
    results = response.json()["results"]
    assert [each["file"] for each in results] == [path.name for path in awkward]
    assert all(("label" in each) != ("error" in each) for each in results)
    assert {each["error"]["code"] for each in results if "error" in each} <= REFUSALS
