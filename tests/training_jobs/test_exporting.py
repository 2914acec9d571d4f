"""A version in a further form: LiteRT, made by a worker on request."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from rest_framework.test import APIClient

from classifier.exports import file_of
from classifier.gates import check_gates
from classifier.models import Export, ModelVersion
from classifier.networks.artefacts import sha256_of
from tests.factories_models import ModelVersionFactory, labelled_dataset, split_of
from tests.rest import API, api, assert_error
from training_jobs.exporting import AlreadyExported, queue_export
from training_jobs.models import ExportJob, Job
from training_jobs.running import carry_out

__all__ = ["api"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.keras]
SIZE = 32


def trained(**fields: Any) -> ModelVersion:
    """A version whose Keras file is a real, small CNN."""
    from classifier.networks.architectures import build
    from classifier.networks.config import TrainingConfig

    version = ModelVersionFactory(input_size=SIZE, **fields)
    config = TrainingConfig.defaults("cnn").with_overrides({"image_size": SIZE})
    build(config, class_count=len(version.classes)).save(version.keras_path)
    version.keras_sha256 = sha256_of(version.keras_path)
    version.save()
    return version


def exported(version: ModelVersion) -> ExportJob:
    job = queue_export(version)
    assert carry_out(job, worker="w")
    job.refresh_from_db()
    return job


@pytest.mark.slow
def test_a_version_becomes_a_litert_file_that_says_the_same(
    api: Callable[..., APIClient], user_in_role: Callable[[str], User]
) -> None:
    version = trained(split=split_of(labelled_dataset(slug="d")))
    client = api("curator")
    assert_error(client.get(f"{API}models/{version.pk}/download/?format=litert"), 404, "not_exported")
    asked = client.post(f"{API}models/{version.pk}/exports/", {}, format="json")
    assert asked.status_code == 202
    again = client.post(f"{API}models/{version.pk}/exports/", {"format": "litert"}, format="json")
    assert again.json()["id"] == asked.json()["id"]

    assert carry_out(ExportJob.objects.get(), worker="w")
    shown = client.get(asked["Location"]).json()
    assert (shown["state"], shown["error"], shown["model"]) == ("succeeded", None, version.pk)
    export = Export.objects.get()
    assert export.parity < 1e-4
    assert export.created_by == user_in_role("curator")
    litert = client.get(f"{API}models/{version.pk}/").json()["exports"][-1]
    assert litert == {
        "format": "litert",
        "bytes": export.byte_size,
        "sha256": export.sha256,
        "parity": export.parity,
    }
    answer = client.get(f"{API}models/{version.pk}/download/?format=litert")
    sent = answer.getvalue()
    assert (len(sent), sent[4:8]) == (export.byte_size, b"TFL3")
    assert f"{version.name}-{version.version}.tflite" in answer["Content-Disposition"]
    assert_error(
        client.post(f"{API}models/{version.pk}/exports/", {}, format="json"), 409, "already_exported"
    )
    _says_the_same(version)
    assert {path.name for path in version.folder.iterdir()} == {
        "model.keras",
        "model.onnx",
        "model.tflite",
        "recipe.json",
    }


def _says_the_same(version: ModelVersion) -> None:
    """Held against Keras here, by images that the export did not see."""
    from classifier.networks.artefacts import load_keras
    from classifier.networks.litert import probabilities

    file = file_of(version, "litert")
    assert file is not None
    batch = np.random.default_rng(7).integers(0, 256, (3, SIZE, SIZE, 3)).astype(np.float32)
    expected = load_keras(version.keras_path).predict_on_batch(batch)
    assert np.abs(probabilities(file.path, batch) - expected).max() < 1e-5


@pytest.mark.slow
def test_a_file_that_is_no_model_fails_with_a_reason_and_leaves_nothing() -> None:
    version = ModelVersionFactory()
    job = queue_export(version)
    with pytest.raises(Exception, match="converter ended"):
        carry_out(job, worker="w")
    job.refresh_from_db()
    assert (job.state, job.error_code) == (Job.State.FAILED, "export_failed")
    assert not Export.objects.exists()
    assert not (version.folder / "model.tflite").exists()


def test_a_changed_keras_file_is_not_exported() -> None:
    version = ModelVersionFactory()
    version.keras_path.write_bytes(b"another")
    with pytest.raises(Exception, match="not the one that was registered"):
        queue_export(version)


def test_a_cancelled_export_leaves_nothing() -> None:
    job = queue_export(ModelVersionFactory())
    job.cancel()
    assert not carry_out(job, worker="w")
    assert not Export.objects.exists()


@pytest.mark.slow
def test_a_damaged_export_fails_the_gate_and_may_be_made_again() -> None:
    version = trained()
    exported(version)
    with pytest.raises(AlreadyExported):
        queue_export(version)
    (version.folder / "model.tflite").write_bytes(b"damaged")
    gates = {gate.name: gate for gate in check_gates(version).gates}
    assert gates["exports"].outcome == "fail"
    assert "LiteRT file is not the one" in gates["exports"].told
    assert exported(version).state == Job.State.SUCCEEDED
    assert Export.objects.count() == 1


@pytest.mark.slow
def test_the_command_makes_and_copies_the_file(tmp_path: Path) -> None:
    version = trained()
    out = tmp_path / "model.tflite"
    call_command("export_model", str(version), output=out, stdout=StringIO())
    assert out.read_bytes() == (version.folder / "model.tflite").read_bytes()
    call_command("export_model", str(version), format="keras", output=out, stdout=StringIO())
    assert out.read_bytes() == version.keras_path.read_bytes()
    with pytest.raises(CommandError, match="cannot be written"):
        call_command("export_model", str(version), format="onnx", output=tmp_path / "no" / "x")
