"""Models trained elsewhere become versions: whole or not at all, checked on a split, refused by name."""

import hashlib
import json
import shutil
from datetime import timedelta
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import CommandError, call_command
from django.utils import timezone
from PIL import Image as Picture

from classifier.engines import engine_of
from classifier.models import Evaluation, ModelVersion, Prediction
from datasets.errors import Refused
from datasets.labelling import correct_label
from datasets.models import Split, Subset
from datasets.models.label_class import DEFAULT_CLASSES
from tests.classifier.foreign_files import colour_network
from tests.factories import DatasetFactory, ImageFactory, PaperFactory, UserFactory
from tests.factories_models import split_of
from tests.training_jobs.test_jobs import let_lease_expire, seen_elsewhere
from training_jobs import model_importing, tasks
from training_jobs.leases import reap
from training_jobs.leavings import clear_leavings, place_of, scratch_of
from training_jobs.model_queueing import MOST_BYTES, check_model_size, queue_model_import
from training_jobs.models import Job, ModelImport

NAMES = [str(each["name"]) for each in DEFAULT_CLASSES]
COLOURS = {"BlotGel": (200, 20, 20), "FAC": (20, 200, 20), "Macroscopy": (20, 20, 200)}
# It calls what is red FAC and what is green BlotGel.
WRONG = "FACS, Blot/Gel, Macroscopy, Microscopy, Noneoftheabove"
CARRIED_OUT = pytest.mark.django_db(transaction=True)


def coloured_split() -> Split:
    """A split of a dataset whose classes are red, green and blue."""
    dataset = DatasetFactory(slug="colours")
    for number in range(8):
        paper = PaperFactory(dataset=dataset, identifier=str(number))
        for place, (name, colour) in enumerate(COLOURS.items()):
            written = BytesIO()
            Picture.new("RGB", (20 + number, 16), colour).save(written, "PNG")
            ImageFactory(
                paper=paper, file_name=f"01{place + 1:02}01.png", label=name, data=written.getvalue()
            )
    return split_of(dataset, ratios="1:1:2")


def queued(path: Path, **stated: Any) -> ModelImport:
    """An import of a file that waits; no worker is woken."""
    given: dict[str, Any] = {"architecture": "cnn", "classes": NAMES, **stated}
    return queue_model_import(path, wake=False, **given)


def after(job: Any) -> Any:
    """The job as its row says after its task has run."""
    tasks.import_model(job.pk)
    job.refresh_from_db()
    return job


def refusal(path: Path | SimpleUploadedFile | None, **stated: Any) -> Refused:
    """Why an import is not even queued."""
    with pytest.raises(Refused) as refused:
        queued(path, **stated)  # type: ignore[arg-type]
    assert not ModelImport.objects.exists()
    return refused.value


def files(data_dir: Path, folder: str) -> list[str]:
    """What lies in a folder of the data directory."""
    return sorted(path.name for path in (data_dir / folder).rglob("*") if path.is_file())


@CARRIED_OUT
@pytest.mark.keras
def test_a_model_becomes_a_version_checked_on_the_test_subset(tmp_path: Path, data_dir: Path) -> None:
    path, split, author = colour_network(tmp_path / "Old model.h5"), coloured_split(), UserFactory()
    job = after(queued(path, classes=WRONG, split=split, author=author))
    assert (job.state, job.error) == (Job.State.SUCCEEDED, "")

    version = job.version
    assert (str(version), version.architecture, version.origin) == ("old-model@1", "cnn", "imported")
    assert version.origin_note == f"Old model.h5, sha256 {hashlib.sha256(path.read_bytes()).hexdigest()}"
    assert version.classes == ["FAC", "BlotGel", *NAMES[2:]]
    assert (version.input_size, version.geometry, version.created_by) == (32, "stretch", author)
    assert (version.split, version.training_images, version.can_be_repeated) == (None, 0, False)
    assert version.parity < 1e-3
    assert version.config["preprocessing"] == "unit"

    recipe = json.loads((version.onnx_path.parent / "recipe.json").read_text())
    assert recipe["file_sha256"] == job.file_sha256
    assert recipe["onnx_sha256"] == hashlib.sha256(version.onnx_path.read_bytes()).hexdigest()
    assert files(data_dir, "models") == ["model.keras", "model.onnx", "recipe.json"]
    assert (files(data_dir, "imports"), files(data_dir, "scratch")) == ([], [])
    red = engine_of(version).classify(np.full((9, 9, 3), (255, 0, 0), dtype=np.uint8))
    assert (red.label, red.confidence > 0.99) == ("FAC", True)

    evaluation = Evaluation.objects.get()
    assert (job.evaluation, evaluation.subset, evaluation.label_cutoff) == (
        evaluation,
        Subset.TEST,
        job.label_cutoff,
    )
    assert evaluation.accuracy == pytest.approx(1 / 3)
    assert Prediction.objects.of(version).count() == evaluation.total
    assert job.warning == (
        "With the order BlotGel, FAC, Macroscopy, Microscopy, Noneoftheabove accuracy would be 1.00 "
        "instead of 0.33: are the classes in the right order?"
    )
    # A message that comes twice changes nothing.
    assert after(job).version == version
    assert ModelVersion.objects.count() == 1


@CARRIED_OUT
@pytest.mark.slow
@pytest.mark.keras
def test_the_command_registers_a_model_and_says_that_it_is_unchecked(tmp_path: Path, data_dir: Path) -> None:
    path, out = colour_network(tmp_path / "m.h5"), StringIO()
    options = ["--architecture", "cnn", "--classes", ",".join(NAMES), "--name", "colours"]
    call_command("import_model", str(path), *options, stdout=out, stderr=StringIO())
    assert "colours@1" in out.getvalue()
    assert "It is not checked yet: evaluate colours@1 --split SPLIT" in out.getvalue()
    job = ModelImport.objects.get()
    assert (job.state, job.evaluation, job.warning) == (Job.State.SUCCEEDED, None, "")
    assert path.exists()


@pytest.mark.django_db
def test_the_command_refuses_in_words_and_leaves_nothing(tmp_path: Path, data_dir: Path) -> None:
    path = colour_network(tmp_path / "m.h5")
    words = [str(path), "--architecture", "cnn", "--classes", "a,b,c"]
    with pytest.raises(CommandError, match="tells 5 classes apart, but 3 are named") as error:
        call_command("import_model", *words, stdout=StringIO(), stderr=StringIO())
    assert error.value.returncode == 1
    with pytest.raises(CommandError, match="There is no file"):
        call_command("import_model", str(tmp_path / "none.h5"), *words[1:], stdout=StringIO())
    assert not ModelVersion.objects.exists()
    assert (files(data_dir, "models"), files(data_dir, "scratch")) == ([], [])


@CARRIED_OUT
@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ({"classes": "a,b"}, "class_count_differs"),
        ({"architecture": "resnet50"}, "not_resnet50"),
        ({"stated": {"pooling": "flatten"}}, "settings_contradict"),
    ],
)
def test_what_does_not_fit_fails_by_name_and_leaves_nothing(
    tmp_path: Path, data_dir: Path, stated: dict[str, Any], code: str
) -> None:
    job = after(queued(colour_network(tmp_path / "m.h5"), **stated))
    assert (job.state, job.error_code) == (Job.State.FAILED, code)
    assert str(data_dir) not in job.error
    assert not ModelVersion.objects.exists()
    assert (files(data_dir, "models"), files(data_dir, "scratch")) == ([], [])
    # Kept, as a retry would need it.
    assert len(files(data_dir, "imports")) == 1


@CARRIED_OUT
def test_a_hostile_file_fails_by_name(tmp_path: Path) -> None:
    path = colour_network(tmp_path / "m.h5")
    with h5py.File(path, "r+") as file:
        del file["model_weights/dense"]
        file["model_weights/dense"] = h5py.ExternalLink("/etc/passwd", "/")
    assert after(queued(path)).error_code == "linked_weights"
    path.write_bytes(path.read_bytes()[:3000])
    assert after(queued(path)).error_code == "damaged_file"


@CARRIED_OUT
def test_a_file_that_changed_or_went_since_it_was_sent_is_not_taken(tmp_path: Path, data_dir: Path) -> None:
    job = queued(colour_network(tmp_path / "m.h5"))
    kept = data_dir / job.file
    kept.write_bytes(kept.read_bytes() + b" ")
    assert after(job).error_code == "damaged_file"
    kept.unlink()
    job.retry()
    assert after(job).error_code == "model_missing"


@CARRIED_OUT
def test_a_cancelled_import_leaves_nothing(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = queued(colour_network(tmp_path / "m.h5"))
    waiting.cancel()
    assert after(waiting).state == Job.State.CANCELLED

    job = queued(tmp_path / "m.h5")

    def cancelled_meanwhile(*_args: Any, ask: Any) -> Any:
        seen_elsewhere(job).cancel()
        claim_knows = timezone.now() + timedelta(seconds=20)
        while timezone.now() < claim_knows:
            ask()

    monkeypatch.setattr(model_importing, "rebuild", cancelled_meanwhile)
    assert after(job).state == Job.State.CANCELLED
    assert (files(data_dir, "models"), files(data_dir, "scratch")) == ([], [])
    assert not ModelVersion.objects.exists()


@CARRIED_OUT
def test_a_result_of_a_worker_that_was_given_up_is_not_registered(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queued(colour_network(tmp_path / "m.h5"))

    def taken_away(folder: Path, *, ask: Any) -> dict[str, Any]:
        made = folder / "published"
        made.mkdir()
        shutil.copy(tmp_path / "m.h5", made / "model.onnx")
        let_lease_expire(seen_elsewhere(job))
        seen_elsewhere(job).take_back()
        columns = {"config": {}, "input_size": 32, "geometry": "stretch", "parity": 0.0, "libraries": {}}
        return {**columns, "keras_sha256": "", "onnx_sha256": ""}

    monkeypatch.setattr(model_importing, "rebuild", taken_away)
    assert after(job).state == Job.State.QUEUED
    assert not ModelVersion.objects.exists()
    assert files(data_dir, "models") == []
    assert len(files(data_dir, "imports")) == 1


@pytest.mark.django_db
def test_a_lost_import_is_queued_again_and_what_it_left_is_cleared(tmp_path: Path, woken: Any) -> None:
    job = queued(colour_network(tmp_path / "m.h5"))
    job.claim("worker")
    scratch, published = scratch_of(job), place_of(job)
    for folder in (scratch, published):
        folder.mkdir(parents=True)
    (published / "recipe.json").write_text(json.dumps({"asked_at": job.created_at.isoformat()}))
    assert reap().removed == []
    let_lease_expire(job)
    summary = reap()
    assert summary.requeued == [str(job)]
    assert summary.removed == [f"models/m/model-{job.pk}-1", f"scratch/model-{job.pk}-1"]


@pytest.mark.django_db
def test_a_file_is_kept_for_a_day_after_its_import_ended(tmp_path: Path, data_dir: Path) -> None:
    job = queued(colour_network(tmp_path / "m.h5"))
    assert clear_leavings() == []
    job.claim("worker")
    job.fail(code="does_not_fit", reason="It does not fit.")
    assert clear_leavings() == []
    ModelImport.objects.update(finished_at=timezone.now() - timedelta(days=2))
    assert clear_leavings() == [job.file]
    assert not (data_dir / job.file).exists()


@pytest.mark.django_db
def test_what_is_no_model_is_refused_before_it_is_kept(tmp_path: Path, data_dir: Path) -> None:
    for data, word in ((b"", "empty"), (b"\x80\x04pickle", "pickle"), (b"GIF89a", "neither HDF5")):
        error = refusal(SimpleUploadedFile("m.h5", data))
        assert (error.code, word in str(error)) == ("not_a_model_file", True)
    assert refusal(None).code == "model_missing"
    assert files(data_dir, "imports") == []
    with pytest.raises(Refused) as large:
        check_model_size(MOST_BYTES + 1)
    assert (large.value.code, large.value.status) == ("model_too_large", 413)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("stated", "code"),
    [
        ({"classes": ""}, "bad_classes"),
        ({"classes": "a"}, "bad_classes"),
        ({"classes": "a,,b"}, "bad_classes"),
        ({"classes": "FAC, FACS"}, "bad_classes"),
        ({"classes": "a,b\0"}, "bad_classes"),
        ({"name": "no name"}, "bad_name"),
        ({"architecture": "vgg16"}, "invalid_config"),
        ({"stated": {"preprocessing": "magic"}}, "invalid_config"),
        ({"stated": {"image_size": 20}}, "invalid_config"),
        ({"stated": {"weights": "/etc/passwd"}}, "invalid_config"),
    ],
)
def test_what_cannot_be_stated_is_refused(tmp_path: Path, stated: dict[str, Any], code: str) -> None:
    assert refusal(colour_network(tmp_path / "m.h5"), **stated).code == code


@pytest.mark.django_db
def test_a_split_that_cannot_check_it_is_refused(tmp_path: Path) -> None:
    split = coloured_split()
    path = colour_network(tmp_path / "m.h5")
    error = refusal(path, classes="red,green,blue,x,y", split=split)
    assert (error.code, "BlotGel" in str(error)) == ("other_classes", True)
    for image in split.dataset.images.all():
        correct_label(image, label=None, excluded=False, author=None, expected_version=None)
    assert refusal(path, split=split).code == "empty_subset"
