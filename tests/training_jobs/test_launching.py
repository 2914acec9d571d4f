"""What is queued, what is refused before it is queued, and who is woken."""

import zipfile
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from datasets.errors import Refused
from datasets.labelling import relabel_batch
from datasets.models import Dataset, Image, LabelClass, Split
from tests.factories import DatasetFactory, UserFactory, png
from tests.factories_models import (
    ImportJobFactory,
    InferenceJobFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    images_in,
    labelled_dataset,
    split_of,
)
from training_jobs import archives, launching
from training_jobs.archives import archive_path
from training_jobs.launching import (
    queue_evaluation,
    queue_import,
    queue_inference,
    queue_position,
    queue_training,
    retry,
)
from training_jobs.models import ImportJob, Job, TrainingRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def split() -> Split:
    """A split of a small dataset."""
    return split_of(labelled_dataset(slug="panels"))


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[int], str]]:
    """The messages sent, as (task, arguments, queue)."""
    messages: list[tuple[str, list[int], str]] = []
    monkeypatch.setattr(
        launching.current_app,
        "send_task",
        lambda name, args, queue, **_: messages.append((name, args, queue)),
    )
    return messages


def archive() -> bytes:
    """A zip of one class folder with one image."""
    written = BytesIO()
    with zipfile.ZipFile(written, "w") as opened:
        opened.writestr("BlotGel/a.png", png(1))
    return written.getvalue()


def label_all(images: Any, dataset: Dataset, name: str) -> None:
    """Let a person give images a class."""
    relabel_batch(
        images,
        dataset=dataset,
        label=LabelClass.objects.get(dataset=dataset, name=name),
        excluded=False,
        author=UserFactory(),
        reason="for the test",
    )


def test_a_worker_is_woken_once_the_row_can_be_seen(
    split: Split, sent: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        run = queue_training(split, architecture="cnn", config={"epochs": "3"})
        assert sent == []
    assert sent == [("training_jobs.train", [run.pk], "training")]
    assert (run.state, run.name, run.config["epochs"]) == (Job.State.QUEUED, "panels-cnn", 3)
    assert run.label_cutoff <= run.created_at


def test_each_kind_of_job_goes_to_its_queue(
    split: Split, sent: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    version = ModelVersionFactory()
    with django_capture_on_commit_callbacks(execute=True):
        inference = queue_inference(split.dataset, version=version)
        evaluation = queue_evaluation(version, split=split, subset="val")
        checked = queue_import(SimpleUploadedFile("a.zip", archive()), dataset_slug="new")
    assert sent == [
        ("training_jobs.infer", [inference.pk], "inference"),
        ("training_jobs.infer", [evaluation.pk], "inference"),
        ("training_jobs.run_import", [checked.pk], "inference"),
    ]
    assert (evaluation.kind, evaluation.subset, evaluation.split) == ("evaluation", "val", split)


def test_a_configuration_out_of_range_is_refused_with_its_fields(split: Split) -> None:
    with pytest.raises(Refused) as refusal:
        queue_training(split, architecture="cnn", config={"epochs": 0, "batch_size": "many"})
    assert refusal.value.code == "invalid_config"
    assert set(refusal.value.fields or {}) == {"epochs", "batch_size"}
    assert not TrainingRun.objects.exists()


def test_what_cannot_be_trained_is_refused_with_a_code(split: Split, settings: Any) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"architecture": "transformer"}, "unknown_architecture"),
        ({"architecture": "cnn", "name": "a b"}, "bad_name"),
        ({"architecture": "cnn", "config": {"weights": "/etc/passwd"}}, "invalid_config"),
    ]
    for arguments, code in cases:
        with pytest.raises(Refused) as refusal:
            queue_training(split, **arguments)
        assert refusal.value.code == code
    settings.RESNET50_WEIGHTS = "none"
    with pytest.raises(Refused) as refusal:
        queue_training(split, architecture="resnet50", config={"train_base": "false"})
    assert refusal.value.code == "random_base_frozen"
    settings.RESNET50_WEIGHTS = "/nowhere/weights.h5"
    with pytest.raises(Refused) as refusal:
        queue_training(split, architecture="resnet50")
    assert refusal.value.code == "weights_unavailable"
    assert "/nowhere" not in str(refusal.value)


def test_of_a_weights_file_the_row_keeps_only_the_name(split: Split, settings: Any, tmp_path: Path) -> None:
    weights = tmp_path / "base.h5"
    weights.touch()
    settings.RESNET50_WEIGHTS = str(weights)
    assert queue_training(split, architecture="resnet50").config["weights"] == "base.h5"


def test_a_class_that_left_train_since_the_split_was_made_is_refused(split: Split) -> None:
    label_all(images_in(split, "train"), split.dataset, "BlotGel")
    with pytest.raises(Refused, match="Microscopy") as refusal:
        queue_training(split, architecture="cnn")
    assert refusal.value.code == "class_absent_from_train"


def test_a_train_subset_of_one_class_is_refused(split: Split) -> None:
    label_all(Image.objects.filter(dataset=split.dataset), split.dataset, "BlotGel")
    with pytest.raises(Refused) as refusal:
        queue_training(split, architecture="cnn")
    assert refusal.value.code == "nothing_to_train_on"


def test_a_train_subset_without_labels_is_refused(split: Split) -> None:
    relabel_batch(
        images_in(split, "train"),
        dataset=split.dataset,
        label=None,
        excluded=True,
        author=UserFactory(),
        reason="for the test",
    )
    with pytest.raises(Refused) as refusal:
        queue_training(split, architecture="cnn")
    assert refusal.value.code == "empty_subset"


def test_a_class_absent_from_the_whole_dataset_is_no_hindrance(split: Split) -> None:
    assert split.dataset.classes.count() == 5
    assert queue_training(split, architecture="cnn").state == Job.State.QUEUED


def test_an_empty_dataset_is_not_classified() -> None:
    with pytest.raises(Refused) as refusal:
        queue_inference(DatasetFactory(), version=ModelVersionFactory())
    assert refusal.value.code == "empty_dataset"


def test_an_archive_is_kept_whole_and_imported_after_its_check(data_dir: Path) -> None:
    checked = queue_import(SimpleUploadedFile("../up/a.zip", archive()), dataset_slug="new")
    assert archive_path(checked).read_bytes() == archive()
    assert archive_path(checked).is_relative_to(data_dir)
    with pytest.raises(Refused) as refusal:
        queue_import(None, dataset_slug="new", dry_run=False, checked_by=checked)
    assert refusal.value.code == "not_checked"
    ImportJob.objects.update(state=Job.State.SUCCEEDED)
    checked.refresh_from_db()
    following = queue_import(None, dataset_slug="ignored", dry_run=False, checked_by=checked)
    assert (following.archive, following.archive_name, following.dataset_slug) == (
        checked.archive,
        checked.archive_name,
        "new",
    )


def test_an_archive_that_is_none_is_refused_and_not_kept(data_dir: Path) -> None:
    with pytest.raises(Refused) as refusal:
        queue_import(SimpleUploadedFile("a.zip", b"no zip"), dataset_slug="new")
    assert refusal.value.code == "not_an_archive"
    with pytest.raises(Refused) as refusal:
        queue_import(SimpleUploadedFile("a.zip", archive()), dataset_slug="not a slug")
    assert refusal.value.code == "bad_slug"
    assert not [path for path in data_dir.rglob("*") if path.is_file()]
    assert not ImportJob.objects.exists()


def test_an_archive_larger_than_the_room_there_is_is_refused_unread(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Unread(SimpleUploadedFile):
        def chunks(self, chunk_size: int | None = None) -> Any:
            raise AssertionError("it was read")

    for room, free in ((10, 2**40), (2**40, 10)):
        monkeypatch.setattr(archives, "MOST_BYTES", room)
        monkeypatch.setattr(archives.shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        with pytest.raises(Refused) as refusal:
            queue_import(Unread("a.zip", archive()), dataset_slug="new")
        assert refusal.value.code == "archive_too_large"
    assert not (data_dir / "imports").exists()


def test_a_check_whose_archive_has_gone_is_not_imported(data_dir: Path) -> None:
    checked = ImportJobFactory(state=Job.State.SUCCEEDED)
    with pytest.raises(Refused, match=r"kept for a day\. Upload it again") as refusal:
        queue_import(None, dataset_slug="", dry_run=False, checked_by=checked)
    assert refusal.value.code == "archive_missing"


def test_a_place_in_the_queue_counts_those_that_wait_before() -> None:
    first, second = InferenceJobFactory(), InferenceJobFactory()
    ImportJobFactory()
    TrainingRunFactory()
    assert [queue_position(first), queue_position(second)] == [1, 2]
    first.claim("worker")
    assert [queue_position(first), queue_position(second)] == [0, 1]


def test_a_retried_job_wakes_a_worker(sent: list[Any], django_capture_on_commit_callbacks: Any) -> None:
    job = InferenceJobFactory(state=Job.State.FAILED)
    with django_capture_on_commit_callbacks(execute=True):
        retry(job)
    assert sent == [("training_jobs.infer", [job.pk], "inference")]
