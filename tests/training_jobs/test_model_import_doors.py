"""Imports of models over REST and in the browser's forms; no worker runs here."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from rest_framework.test import APIClient

from tests.classifier.foreign_files import colour_network
from tests.factories_models import ModelVersionFactory, predict_all
from tests.rest import API, api, assert_error
from tests.training_jobs.test_model_imports import NAMES, coloured_split, queued
from training_jobs import archives
from training_jobs.models import Job, ModelImport

__all__ = ["api"]

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("woken")]
Api = Callable[..., APIClient]
As = Callable[..., Client]


def sent(path: Path, **more: Any) -> dict[str, Any]:
    """The form of an import."""
    file = SimpleUploadedFile("old.h5", path.read_bytes())
    return {"file": file, "architecture": "cnn", "classes": ",".join(NAMES), **more}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of a network."""
    return colour_network(tmp_path / "m.h5")


def test_an_import_is_queued_watched_cancelled_and_retried(
    api: Api, path: Path, woken: Any, django_capture_on_commit_callbacks: Any, data_dir: Path
) -> None:
    client, split = api("curator"), coloured_split()
    body = sent(path, name="old", split=str(split), preprocessing="tf", image_size=32)
    with django_capture_on_commit_callbacks(execute=True):
        answer = client.post(f"{API}models/import/", body, format="multipart")
    assert answer.status_code == 202, answer.json()
    assert woken.call_count == 1
    job = answer.json()
    assert (job["state"], job["queue_position"], job["file"]) == ("queued", 1, "old.h5")
    assert (job["name"], job["classes"], job["split_name"]) == ("old", NAMES, "colours/s")
    assert (job["stated"]["preprocessing"], job["stated"]["geometry"]) == ("tf", "stretch")
    assert (job["model"], job["evaluation"], job["warning"]) == (None, None, "")
    assert (data_dir / ModelImport.objects.get().file).read_bytes() == path.read_bytes()
    route = answer["Location"]
    assert api("viewer").get(route).json()["file_sha256"] == job["file_sha256"]
    assert [each["id"] for each in client.get(f"{API}model-imports/?state=queued").json()["results"]] == [
        job["id"]
    ]
    assert client.get(f"{API}model-imports/?architecture=resnet50").json()["results"] == []
    assert_error(api("viewer").post(f"{route}cancel/"), 403, "permission_denied")
    assert client.post(f"{route}cancel/").json()["state"] == "cancelled"
    assert_error(client.post(f"{route}cancel/"), 409, "illegal_move")
    assert client.post(f"{route}retry/").json()["state"] == "queued"


def test_an_import_that_cannot_be_says_why(api: Api, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client, route = api("curator"), f"{API}models/import/"
    assert_error(api("annotator").post(route, sent(path), format="multipart"), 403, "permission_denied")
    assert_error(client.post(route, sent(path, classes="a"), format="multipart"), 400, "bad_classes")
    assert_error(client.post(route, sent(path, split="none/none"), format="multipart"), 404, "unknown_split")
    no_model = {**sent(path), "file": SimpleUploadedFile("m.h5", b"\x80\x04pickle")}
    assert_error(client.post(route, no_model, format="multipart"), 400, "not_a_model_file")
    for body, code, fields in (
        ({}, "invalid", {"file", "architecture", "classes"}),
        (sent(path, image_size=5), "invalid_config", {"image_size"}),
        (sent(path, geometry="round"), "invalid", {"geometry"}),
    ):
        answer = client.post(route, body, format="multipart")
        assert_error(answer, 400, code)
        assert set(answer.json()["fields"]) == fields
    monkeypatch.setattr(archives, "MOST_BYTES", 100)
    assert_error(client.post(route, sent(path), format="multipart"), 413, "model_too_large")
    assert not ModelImport.objects.exists()
    assert_error(client.get(route), 405, "method_not_allowed")


def test_the_page_queues_an_import_and_follows_it(as_role: As, path: Path) -> None:
    client, split = as_role(), coloured_split()
    page = client.get("/models/import/").content.decode()
    assert "BlotGel, FAC, Macroscopy, Microscopy, Noneoftheabove" in page
    assert "colours/s" in page
    answer = client.post(
        "/models/import/", sent(path, split=split.pk, preprocessing="unit", geometry="stretch")
    )
    job = ModelImport.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/models/imports/{job.pk}/")
    assert (job.name, job.split, job.stated["preprocessing"]) == ("old", split, "unit")
    page = client.get(answer["Location"]).content.decode()
    assert "Number 1 in the queue" in page
    assert job.file_sha256 in page
    assert "old.h5" in client.get("/models/import/").content.decode()
    assert "of old.h5" in client.get("/?dataset=colours").content.decode()
    client.post(answer["Location"], {"action": "cancel"})
    job.refresh_from_db()
    assert job.state == Job.State.CANCELLED


def test_the_page_says_at_the_field_what_is_wrong(as_role: As, path: Path) -> None:
    client = as_role()
    wrong = {**sent(path, classes="a", image_size="5", name="x y"), "file": SimpleUploadedFile("m.h5", b"no")}
    for change, field, sentence in (
        ({}, "image_size", "image_size must be 0 or a whole number from 32 to 512."),
        ({"image_size": "x"}, "image_size", "Enter a whole number."),
        ({"image_size": "0"}, "classes", "Name 2 to 100 classes"),
        ({"image_size": "0", "classes": "a,b"}, "name", "cannot name a model"),
        ({"image_size": "0", "classes": "a,b", "name": ""}, "file", "neither HDF5"),
        ({"classes": ""}, "classes", "Name the classes"),
        ({"split": "999"}, "split", "no such split"),
    ):
        wrong["file"].seek(0)
        answer = client.post("/models/import/", {**wrong, **change})
        assert answer.status_code == 400
        errors = answer.context["form"].errors
        assert sentence in " ".join(errors[field])
    assert not ModelImport.objects.exists()


def test_a_failed_import_says_why_and_that_nothing_changed(as_role: As, path: Path) -> None:
    job = queued(path)
    job.claim("worker")
    job.fail(code="does_not_fit", reason="The kernel of the layer dense is 3 x 5.")
    page = as_role().get(f"/models/imports/{job.pk}/").content.decode()
    assert "The kernel of the layer dense is 3 x 5." in page
    assert "Nothing was registered" in page
    assert 'value="retry"' not in page


def test_who_may_not_import_watches(as_role: As, path: Path) -> None:
    viewer, job = as_role("viewer"), queued(path)
    page = viewer.get("/models/import/").content.decode()
    assert "m.h5" in page
    assert "model-form" not in page
    assert viewer.post("/models/import/", sent(path)).status_code == 403
    assert viewer.post(f"/models/imports/{job.pk}/", {"action": "cancel"}).status_code == 403
    assert "Import a model" not in viewer.get("/models/").content.decode()
    assert "Import a model" in as_role().get("/models/").content.decode()


def test_a_form_without_its_token_is_refused(as_role: As, path: Path) -> None:
    client = as_role()
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = client.cookies
    assert strict.post("/models/import/", sent(path)).status_code == 403


def test_the_page_of_a_model_says_whether_it_was_checked(as_role: As) -> None:
    split = coloured_split()
    version = ModelVersionFactory(origin="imported")
    page = as_role().get(f"/models/{version.pk}/").content.decode()
    assert "has not been checked yet" in page
    assert "Evaluate it" in page

    from classifier.evaluation import evaluate

    predict_all(version, split.dataset.images.all(), wrong=100)
    evaluate(version, split=split)
    page = as_role().get(f"/models/{version.pk}/").content.decode()
    assert "accuracy would be 1.00 instead of 0.00" in page
    trained = ModelVersionFactory()
    predict_all(trained, split.dataset.images.all(), wrong=100)
    evaluate(trained, split=split)
    assert (
        "The classes may be in another order" not in as_role().get(f"/models/{trained.pk}/").content.decode()
    )
