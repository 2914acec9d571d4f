"""What ended attempts leave in the data directory goes; what the database does not know stays."""

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from tests.factories_models import ImportJobFactory, ModelVersionFactory, TrainingRunFactory
from tests.training_jobs.test_jobs import let_lease_expire, seen_elsewhere
from training_jobs import leases, leavings
from training_jobs.archives import archive_path
from training_jobs.deleting import delete_version
from training_jobs.leases import reap
from training_jobs.leavings import clear_leavings, place_of, scratch_of
from training_jobs.models import Job, TrainingRun

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The jobs whose message was sent."""
    sent: list[Any] = []
    monkeypatch.setattr(leases, "wake", lambda job: sent.append(job) or True)
    return sent


def folder(path: Path) -> Path:
    """A folder with something in it."""
    path.mkdir(parents=True)
    (path / "file").write_bytes(b"left")
    return path


def published(run: TrainingRun, *, place: Path | None = None) -> Path:
    """The folder that an attempt of a run has published, its row not written yet."""
    made = folder(place or place_of(run))
    (made / "recipe.json").write_text(json.dumps({"label_cutoff": run.label_cutoff.isoformat()}))
    return made


def written(path: Path, *, days_ago: float = 0) -> Path:
    """A file or folder last written to so long ago."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"zip")
    moment = timezone.now().timestamp() - days_ago * 86_400
    os.utime(path, (moment, moment))
    return path


def test_the_reaper_clears_what_lost_attempts_left_and_nothing_else(data_dir: Path, settings: Any) -> None:
    lost = TrainingRunFactory()
    lost.claim("worker")
    settings.DEVICE = "another"
    running = TrainingRunFactory(split=lost.split)
    running.claim("worker")
    importing, lost_import = ImportJobFactory(), ImportJobFactory()
    for job in (importing, lost_import):
        job.claim("worker")
    kept = [
        folder(scratch_of(running)),
        published(running),
        folder(scratch_of(importing)),
        folder(data_dir / "scratch" / "import-1"),
    ]
    left = [folder(scratch_of(lost)), published(lost), folder(scratch_of(lost_import))]
    assert reap().removed == []
    for job in (lost, lost_import):
        let_lease_expire(job)
    assert reap().removed == sorted(str(path.relative_to(data_dir)) for path in left)
    assert not any(path.exists() for path in left)
    assert all(path.exists() for path in kept)


def test_a_published_model_stays_however_its_run_went_on() -> None:
    run = TrainingRunFactory()
    run.claim("worker")
    place = published(run)
    ModelVersionFactory(directory=f"models/{run.name}/{place.name}")
    run.fail(code="broken", reason="It broke.")
    run.retry()
    seen_elsewhere(run).claim("worker")
    assert clear_leavings() == []
    assert place.exists()


def test_an_attempt_is_over_once_the_next_has_begun() -> None:
    job = ImportJobFactory()
    job.claim("slow")
    slow = folder(scratch_of(job))
    let_lease_expire(job)
    job.take_back()
    job.claim("quick")
    quick = folder(scratch_of(job))
    assert clear_leavings() == [f"scratch/{slow.name}"]
    assert quick.exists()


@pytest.mark.parametrize("state", Job.ENDED)
def test_scratch_of_an_ended_job_goes(state: str) -> None:
    left = folder(scratch_of(ImportJobFactory(state=state, attempt=1)))
    assert clear_leavings() == [f"scratch/{left.name}"]


def test_nothing_of_another_database_is_removed(data_dir: Path) -> None:
    """A fresh, restored or wrong database beside a data directory full of models."""
    known = TrainingRunFactory(state=Job.State.FAILED, attempt=1)
    other = TrainingRunFactory.build(
        split=known.split, name=known.name, label_cutoff=known.label_cutoff - timedelta(days=1)
    )
    models = data_dir / "models"
    foreign = [
        # Runs that this database has never had, or not so often.
        published(other, place=models / known.name / f"run-{known.pk + 1}-1"),
        published(known, place=models / known.name / f"run-{known.pk}-2"),
        # The same number, but another name, or labels of another time.
        published(known, place=models / "others" / f"run-{known.pk}-1"),
        published(other, place=models / known.name / f"run-{known.pk}-1"),
        folder(models / "panels" / "by-hand"),
        folder(data_dir / "scratch" / f"run-{known.pk + 1}-1"),
        folder(data_dir / "scratch" / "import-1-1"),
        written(data_dir / "imports" / "unknown.zip", days_ago=400),
    ]
    assert clear_leavings() == []
    assert all(path.exists() for path in foreign)


def test_an_archive_goes_a_day_after_its_last_job_ended(data_dir: Path) -> None:
    now = timezone.now()
    long_ago, lately = now - timedelta(days=2), now - timedelta(hours=2)

    def job(archive: str, state: str, finished_at: Any) -> None:
        ImportJobFactory(archive=f"imports/{archive}.zip", state=state, finished_at=finished_at)

    for state in Job.ENDED:
        job(f"{state}-long-ago", state, long_ago)
        job(f"{state}-lately", state, lately)
        job("waiting", state, long_ago)
        job("again", state, long_ago)
    job("waiting", Job.State.QUEUED, None)
    job("again", Job.State.FAILED, lately)
    names = [f"{state}-{when}" for state in Job.ENDED for when in ("long-ago", "lately")]
    for name in (*names, "waiting", "again"):
        written(data_dir / "imports" / f"{name}.zip", days_ago=3)
    assert clear_leavings() == sorted(f"imports/{state}-long-ago.zip" for state in Job.ENDED)


def test_uploads_and_exports_that_were_broken_off_go_after_a_day(data_dir: Path) -> None:
    folder(data_dir / "scratch" / "export-old")
    folder(data_dir / "scratch" / "export-new")
    written(data_dir / "scratch" / "export-old", days_ago=2)
    written(data_dir / "imports" / ".old.zip", days_ago=2)
    written(data_dir / "imports" / ".new.zip")
    assert clear_leavings() == ["imports/.old.zip", "scratch/export-old"]
    assert (data_dir / "imports" / ".new.zip").exists()
    assert (data_dir / "scratch" / "export-new").exists()


def test_what_cannot_be_removed_is_not_told_as_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    job = ImportJobFactory(state=Job.State.FAILED, finished_at=timezone.now() - timedelta(days=2))
    written(archive_path(job))

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError("read only")

    monkeypatch.setattr(leavings.Path, "unlink", refuse)
    assert clear_leavings() == []


def test_the_files_of_a_deleted_version_go_even_where_its_worker_died_before(data_dir: Path) -> None:
    run = TrainingRunFactory()
    run.claim("worker")
    place = published(run)
    version = ModelVersionFactory(name=run.name, directory=str(place.relative_to(data_dir)))
    run.succeed(version=version)
    (place / "recipe.json").write_text(json.dumps({"label_cutoff": run.label_cutoff.isoformat()}))
    assert clear_leavings() == []
    # No commit comes here, so that the files stay, as they do where a process dies right after it.
    delete_version(version, name=str(version))
    assert place.exists()
    assert clear_leavings() == [str(place.relative_to(data_dir))]
