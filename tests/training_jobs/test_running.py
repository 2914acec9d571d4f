"""Jobs carried out as a worker does, their tasks called as functions."""

import errno
import shutil
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError

from classifier import row_cache
from classifier.models import Prediction
from datasets.labelling import correct_label
from datasets.models import Dataset, LabelClass, Split
from datasets.store import path_of
from tests.factories import UserFactory, png
from tests.factories_models import (
    ImportJobFactory,
    InferenceJobFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    images_in,
    labelled_dataset,
    split_of,
)
from tests.training_jobs.test_jobs import let_lease_expire, seen_elsewhere
from training_jobs import leases, running, tasks, training
from training_jobs.launching import queue_evaluation, queue_import, queue_inference
from training_jobs.leases import reap
from training_jobs.models import ImportJob, Job, LeaseLost, TrainingRun

pytestmark = pytest.mark.django_db


@pytest.fixture
def split() -> Split:
    """A split of a small dataset."""
    return split_of(labelled_dataset())


def after(job: Any) -> Any:
    """The job as its row says after its task has run."""
    job.refresh_from_db()
    return job


def test_bulk_inference_predicts_every_image_and_changes_no_label(split: Split) -> None:
    version = ModelVersionFactory(answers=True)
    labels = list(split.dataset.images.values_list("label", "version"))
    job = queue_inference(split.dataset, version=version)
    tasks.infer(job.pk)
    assert (after(job).state, job.new_predictions, job.done, job.total) == (Job.State.SUCCEEDED, 24, 24, 24)
    again = queue_inference(split.dataset, version=version)
    tasks.infer(again.pk)
    assert (after(again).state, again.new_predictions) == (Job.State.SUCCEEDED, 0)
    assert list(split.dataset.images.values_list("label", "version")) == labels


def test_inference_lists_images_that_cannot_be_read_and_goes_on(split: Split) -> None:
    gone = split.dataset.images.first()
    path_of(gone.sha256).unlink()
    job = queue_inference(split.dataset, version=ModelVersionFactory(answers=True))
    tasks.infer(job.pk)
    assert (after(job).state, job.new_predictions) == (Job.State.SUCCEEDED, 23)
    assert [(failure["image"], failure["code"]) for failure in job.failures] == [(gone.pk, "bytes_missing")]
    assert job.failed == 1


def test_an_evaluation_job_scores_by_the_labels_of_when_it_was_asked_for(split: Split) -> None:
    version = ModelVersionFactory(answers=True)
    job = queue_evaluation(version, split=split, author=UserFactory())
    image = images_in(split, "test").first()
    correct_label(
        image,
        label=LabelClass.objects.get(dataset=split.dataset, name="FAC"),
        excluded=False,
        author=UserFactory(),
        expected_version=image.version,
    )
    tasks.infer(job.pk)
    scored = after(job).evaluation
    assert (job.state, scored.label_cutoff, scored.created_by) == (
        Job.State.SUCCEEDED,
        job.label_cutoff,
        job.created_by,
    )
    assert sum(scored.matrix[1]) == 0


def test_running_a_task_twice_does_the_work_once(split: Split) -> None:
    job = queue_inference(split.dataset, version=ModelVersionFactory(answers=True))
    tasks.infer(job.pk)
    tasks.infer(job.pk)
    assert after(job).attempt == 1


@pytest.mark.parametrize("state", [Job.State.RUNNING, *Job.ENDED])
def test_a_late_message_moves_nothing(state: str) -> None:
    job = InferenceJobFactory(state=state)
    tasks.infer(job.pk)
    assert (after(job).state, job.attempt) == (state, 0)


def test_a_message_for_a_row_that_is_gone_is_told_and_does_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    carried_out: list[Any] = []
    monkeypatch.setattr(running, "carry_out", lambda job, **_: carried_out.append(job))
    for task in (tasks.train, tasks.infer, tasks.run_import):
        task(0)
    assert [record.getMessage() for record in caplog.records] == [
        "training run 0 is gone",
        "inference job 0 is gone",
        "import job 0 is gone",
    ]
    assert carried_out == []


def test_a_job_cancelled_while_it_runs_ends_cancelled(split: Split, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "ASK_EVERY", 0.0)
    job = queue_inference(split.dataset, version=ModelVersionFactory(answers=True))
    report = running.Reports.__call__

    def cancel_at_first_report(reports: Any, *args: Any) -> None:
        report(reports, *args)
        seen_elsewhere(job).cancel()

    monkeypatch.setattr(running.Reports, "__call__", cancel_at_first_report)
    tasks.infer(job.pk)
    assert after(job).state == Job.State.CANCELLED


def test_a_worker_that_lost_its_job_leaves_the_new_owners_row_alone(
    split: Split, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queue_inference(split.dataset, version=ModelVersionFactory(answers=True))

    def taken_over(mine: Any, _claim: Any) -> None:
        let_lease_expire(mine)
        seen_elsewhere(mine).take_back()
        seen_elsewhere(mine).claim("quick")
        mine.succeed(new_predictions=5)

    monkeypatch.setattr(running, "run_inference", taken_over)
    tasks.infer(job.pk)
    assert (after(job).state, job.worker, job.new_predictions) == (Job.State.RUNNING, "quick", 0)


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (OSError(errno.ENOSPC, "No space left", "/secret/place"), "disk_full", "Make room"),
        (MemoryError(), "out_of_memory", "memory"),
        (FileNotFoundError(errno.ENOENT, "No such file", "/secret/place"), "unexpected", "No such file"),
        (ZeroDivisionError("by zero"), "unexpected", "by zero"),
    ],
)
def test_an_unexpected_failure_is_kept_with_its_reason_and_raised(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: str, told: str
) -> None:
    def broken(*_: Any) -> None:
        raise error

    monkeypatch.setattr(running, "run_inference", broken)
    job = InferenceJobFactory()
    with pytest.raises(type(error)):
        tasks.infer(job.pk)
    assert (after(job).state, job.error_code) == (Job.State.FAILED, code)
    assert told in job.error
    assert "/secret" not in job.error


def test_a_database_that_fails_for_a_moment_fails_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(running, "run_inference", broken)
    job = InferenceJobFactory()
    with pytest.raises(OperationalError):
        tasks.infer(job.pk)
    assert after(job).state == Job.State.RUNNING
    let_lease_expire(job)
    monkeypatch.setattr(leases, "wake", lambda _job: True)
    assert reap().requeued == [str(job)]


def test_a_version_without_its_file_fails_the_job_with_what_to_do(split: Split) -> None:
    version = ModelVersionFactory(answers=True)
    version.onnx_path.unlink()
    job = queue_inference(split.dataset, version=version)
    tasks.infer(job.pk)
    assert (after(job).state, job.error_code) == (Job.State.FAILED, "artefact_missing")
    assert "backup" in job.error
    assert not Prediction.objects.exists()


def packed(folder: Path, names: dict[str, bytes]) -> Path:
    """A zip of these files."""
    path = folder / "panels.zip"
    with zipfile.ZipFile(path, "w") as opened:
        for name, data in names.items():
            opened.writestr(name, data)
    return path


def test_an_archive_is_checked_then_imported_then_gone(tmp_path: Path, data_dir: Path) -> None:
    path = packed(tmp_path, {"BlotGel/a.png": png(1), "FAC/b.png": png(2), "FAC/c.png": b"none"})
    checked = queue_import(path, dataset_slug="new", author=UserFactory())
    tasks.run_import(checked.pk)
    assert (after(checked).state, checked.result["created"]) == (Job.State.SUCCEEDED, 2)
    assert checked.result["refused"] == {"format_not_allowed": 1}
    assert list(checked.entries) == ["format_not_allowed"]
    assert not Dataset.objects.exists()
    done = queue_import(None, dataset_slug="", dry_run=False, checked_by=checked)
    tasks.run_import(done.pk)
    assert (after(done).state, done.result["created"]) == (Job.State.SUCCEEDED, 2)
    assert Dataset.objects.get(slug="new").images.count() == 2
    assert not running.archive_path(done).exists()
    assert not any((data_dir / "scratch").iterdir())


def test_an_archive_is_unpacked_where_the_reaper_finds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = queue_import(packed(tmp_path, {"BlotGel/a.png": png(1)}), dataset_slug="new")
    seen: list[list[str]] = []

    def import_killed(*_: Any, scratch: Path, **__: Any) -> None:
        scratch.mkdir(parents=True)
        seen.append([path.name for path in scratch.parent.iterdir()])
        raise SystemExit

    monkeypatch.setattr(running, "import_archive", import_killed)
    with pytest.raises(SystemExit):
        tasks.run_import(job.pk)
    assert seen == [[f"import-{job.pk}-1"]]
    let_lease_expire(after(job))
    assert reap().removed == [f"scratch/import-{job.pk}-1"]


def test_an_archive_with_an_unsafe_name_imports_nothing(tmp_path: Path) -> None:
    path = packed(tmp_path, {"BlotGel/a.png": png(1), "../b.png": png(2)})
    job = queue_import(path, dataset_slug="new", dry_run=False)
    tasks.run_import(job.pk)
    assert (after(job).state, job.error_code) == (Job.State.FAILED, "unsafe_name")
    assert "../b.png" in job.error
    assert not Dataset.objects.exists()


def test_an_import_whose_archive_is_gone_says_so() -> None:
    job = ImportJobFactory()
    tasks.run_import(job.pk)
    assert ImportJob.objects.get().error_code == "archive_missing"


def test_a_run_none_of_whose_images_can_be_read_fails_and_names_them(data_dir: Path) -> None:
    run = TrainingRunFactory()
    shutil.rmtree(data_dir / "images")
    tasks.train(run.pk)
    assert (after(run).state, run.error_code) == (Job.State.FAILED, "no_readable_image")
    assert any("bytes_missing" in event["note"] for event in run.events)
    assert not any(data_dir.glob("scratch/*"))


def test_a_run_that_does_not_fit_on_the_disk_says_how_much_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_cache, "_SPARE_BYTES", 2**60)
    run = TrainingRunFactory()
    tasks.train(run.pk)
    assert after(run).error_code == "disk_full"
    assert "GiB" in run.error


def test_a_run_whose_base_weights_were_exchanged_is_not_trained(settings: Any, tmp_path: Path) -> None:
    config = {"architecture": "resnet50", "image_size": 32, "weights": "a.h5"}
    run = TrainingRunFactory(architecture="resnet50", config=config)
    settings.RESNET50_WEIGHTS = str(tmp_path / "b.h5")
    tasks.train(run.pk)
    assert after(run).error_code == "weights_changed"
    assert str(tmp_path) not in run.error


def test_an_epoch_of_a_lost_attempt_is_not_written() -> None:
    from types import SimpleNamespace

    run = TrainingRunFactory()
    run.claim("slow")
    let_lease_expire(run)
    seen_elsewhere(run).take_back()
    figures: Any = SimpleNamespace(epoch=1)
    with pytest.raises(LeaseLost):
        training._record_epochs(run, [figures])
    assert not TrainingRun.objects.get().epochs.exists()
