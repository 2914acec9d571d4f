"""Deleting a version, and asking for a further form of it, on their pages."""

import html
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from classifier.aliases import promote
from classifier.models import ModelVersion, RemovedVersion
from datasets.models import Split
from tests.factories_models import ModelVersionFactory, TrainingRunFactory
from training_jobs.models import ExportJob

pytestmark = pytest.mark.django_db
Browser = Callable[..., Client]


def shown(client: Client, address: str) -> str:
    response = client.get(address)
    assert response.status_code == 200
    return html.unescape(response.content.decode())


def test_a_version_is_deleted_by_who_gives_its_name(as_role: Browser, split: Split) -> None:
    version = ModelVersionFactory()
    run = TrainingRunFactory(split=split, version=version, state="succeeded")
    client, address = as_role(), f"/models/{version.pk}/delete/"
    assert "With panels@" in shown(client, address)
    wrong = client.post(address, {"name": "panels", "reason": "old"})
    assert wrong.status_code == 400
    assert 'value="old"' in wrong.content.decode()
    assert ModelVersion.objects.exists()
    sent = client.post(address, {"name": str(version), "reason": "overfitted"})
    assert sent.headers["Location"] == "/models/"
    page = shown(client, "/models/")
    assert f"{version} is deleted." in page
    assert f"{version}: deleted by curator, because: overfitted" in page
    assert f"It made {version}, which was deleted since" in shown(client, f"/training/{run.pk}/")


def test_what_is_in_use_says_by_what_and_offers_no_form(as_role: Browser) -> None:
    version = ModelVersionFactory()
    promote(version, reason="first")
    client, address = as_role(), f"/models/{version.pk}/delete/"
    page = shown(client, address)
    assert "the alias champion points at it" in page
    assert 'name="name"' not in page
    assert client.post(address, {"name": str(version)}).status_code == 409
    assert not RemovedVersion.objects.exists()


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_not_is_offered_neither(as_role: Browser, role: str) -> None:
    version = ModelVersionFactory()
    client = as_role(role)
    page = shown(client, f"/models/{version.pk}/")
    assert "Make a LiteRT file" not in page
    assert "/delete/" not in page
    assert client.get(f"/models/{version.pk}/delete/").status_code == 403
    assert client.post(f"/models/{version.pk}/export/").status_code == 403


def test_a_litert_file_is_asked_for_once(as_role: Browser, woken: Any, split: Split) -> None:
    version = ModelVersionFactory()
    client, address = as_role(), f"/models/{version.pk}/export/"
    assert "Nobody has asked" in shown(client, address)
    for _ in range(2):
        assert client.post(address).headers["Location"] == f"{address}?format=litert"
    job = ExportJob.objects.get()
    assert f'data-source="/api/v1/export-jobs/{job.pk}/"' in shown(client, address)
    assert f'href="{address}"' in shown(client, "/?dataset=d")
    version.keras_path.unlink()
    job.cancel()
    client.post(address)
    assert "the Keras file is missing" in shown(client, f"/models/{version.pk}/")
