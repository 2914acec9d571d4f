"""What the data directory holds for jobs, and what of it the reaper clears."""

import contextlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from classifier.models import ModelVersion
from training_jobs.archives import ARCHIVES, MODEL
from training_jobs.models import (
    ExportJob,
    ImportJob,
    InferenceJob,
    Job,
    ModelImport,
    TrainingRun,
)

SCRATCH = "scratch"
MODELS = "models"
CHECKPOINTS = "checkpoints"
# How long an archive whose jobs have ended is kept, and a file that nobody has written to.
KEPT_FOR = timedelta(days=1)
_NAMES: dict[str, type[Job]] = {
    "run": TrainingRun,
    "inference": InferenceJob,
    "import": ImportJob,
    # `export-*` is a dataset on its way out.
    "form": ExportJob,
    "model": ModelImport,
}
_OF_ATTEMPT = re.compile(rf"(?P<kind>{'|'.join(_NAMES)})-(?P<job>\d{{1,18}})-(?P<attempt>\d{{1,9}})")


def scratch_of(job: Job) -> Path:
    """Return the folder for what one attempt needs while it runs."""
    kind = next(name for name, model in _NAMES.items() if isinstance(job, model))
    return Path(settings.DATA_DIR) / SCRATCH / f"{kind}-{job.pk}-{job.attempt}"


@contextmanager
def scratch_folder(job: Job) -> Iterator[Path]:
    """Make that folder, empty, and remove it at the end; the reaper removes one that was left."""
    folder = scratch_of(job)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def place_of(job: TrainingRun | ModelImport) -> Path:
    """Return the folder of the version that one attempt publishes; no other attempt has the same."""
    return Path(settings.DATA_DIR) / MODELS / job.name / scratch_of(job).name


def checkpoints_of(run: TrainingRun, attempt: int) -> Path:
    """Return the folder in which one attempt keeps where it stands; later ones go on from there."""
    return Path(settings.DATA_DIR) / CHECKPOINTS / f"run-{run.pk}-{attempt}"


def clear_checkpoints(run: TrainingRun) -> None:
    """Remove the checkpoints of all attempts of a run that has its version."""
    for attempt in range(1, run.attempt + 1):
        _remove(checkpoints_of(run, attempt))


def clear_leavings() -> list[str]:
    """Remove what ended attempts left, and archives and part files that no job needs; return what went.

    What this database does not know is left alone: it may be a new one, or another's, beside old data.
    """
    data_dir = Path(settings.DATA_DIR)
    left = [
        *_scratch(data_dir),
        *_checkpoints(data_dir),
        *_models(data_dir),
        *_archives(data_dir),
        *_part_files(data_dir),
    ]
    return sorted(str(path.relative_to(data_dir)) for path in left if _remove(path))


def _scratch(data_dir: Path) -> list[Path]:
    """Return the scratch folders of attempts that are over."""
    return [path for path, _ in _of_ended_attempts(data_dir.glob(f"{SCRATCH}/*-*-*"))]


def _checkpoints(data_dir: Path) -> list[Path]:
    """Return the checkpoints of runs that succeeded, or that ended longer ago than a retry is likely.

    Those of a trial are kept while another may go on from them.
    """
    oldest = timezone.now() - KEPT_FOR
    return [
        path
        for path, run in _of_ended_attempts(data_dir.glob(f"{CHECKPOINTS}/run-*-*"))
        if (run.state == Job.State.SUCCEEDED and not run.may_go_on)
        or (run.state in Job.ENDED and run.finished_at < oldest)
    ]


def _models(data_dir: Path) -> list[Path]:
    """Return the folders of attempts that are over, whose model never got its row."""
    left = {
        str(path.relative_to(data_dir)): path
        for path, job in _of_ended_attempts(data_dir.glob(f"{MODELS}/*/*-*-*"))
        if isinstance(job, TrainingRun | ModelImport)
        and path.parent.name == job.name
        and _is_made_by(path, job)
    }
    # A version is read after its run: it got its row as the run ended.
    published = ModelVersion.objects.filter(directory__in=left).values_list("directory", flat=True)
    return [left[directory] for directory in left.keys() - set(published)]


def _archives(data_dir: Path) -> list[Path]:
    """Return the archives and weights all of whose jobs ended longer ago than a file is kept."""
    return [
        *_files_of(data_dir, ImportJob, "archive", ".zip"),
        *_files_of(data_dir, ModelImport, "file", MODEL),
    ]


def _files_of(data_dir: Path, kind: Any, column: str, suffix: str) -> list[Path]:
    """Return the files that jobs of a kind name in a column, and none needs any more."""
    found = {f"{ARCHIVES}/{path.name}": path for path in data_dir.glob(f"{ARCHIVES}/[!.]*{suffix}")}
    if not found:
        return []
    jobs = kind.objects.filter(**{f"{column}__in": found})
    ended = jobs.filter(state__in=Job.ENDED, finished_at__lt=timezone.now() - KEPT_FOR)
    needed = jobs.exclude(pk__in=ended.values("pk")).values_list(column, flat=True)
    known = jobs.values_list(column, flat=True)
    return [found[name] for name in set(known) - set(needed)]


def _part_files(data_dir: Path) -> list[Path]:
    """Return uploads and exports that were broken off: nobody has written to them for long."""
    uploads = (path for suffix in (".zip", MODEL) for path in data_dir.glob(f"{ARCHIVES}/.*{suffix}"))
    found = (*uploads, *data_dir.glob(f"{SCRATCH}/export-*"))
    oldest = (timezone.now() - KEPT_FOR).timestamp()
    return [path for path in found if _written_at(path, otherwise=oldest) < oldest]


def _of_ended_attempts(folders: Iterator[Path]) -> Iterator[tuple[Path, Any]]:
    """Yield the folders named for attempts that are over, each with its job as this database has it."""
    found = [(path, match) for path in folders if (match := _OF_ATTEMPT.fullmatch(path.name))]
    # The rows are read after the folders: who made a folder had claimed its job before.
    named = {kind: {int(match["job"]) for _, match in found if match["kind"] == kind} for kind in _NAMES}
    jobs = {kind: model._default_manager.in_bulk(named[kind]) for kind, model in _NAMES.items()}
    for path, match in found:
        job = jobs[match["kind"]].get(int(match["job"]))
        if job is not None and job.is_over(int(match["attempt"])):
            yield path, job


def _is_made_by(directory: Path, job: TrainingRun | ModelImport) -> bool:
    """Whether a model's recipe tells of this very job; one of another database has other times."""
    try:
        recipe = json.loads((directory / "recipe.json").read_text())
        if isinstance(job, ModelImport):
            return bool(recipe["asked_at"] == job.created_at.isoformat())
        return bool(recipe["label_cutoff"] == job.label_cutoff.isoformat())
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _written_at(path: Path, *, otherwise: float) -> float:
    """Return when a file or folder was last written to, in seconds; `otherwise` where it has gone."""
    try:
        return path.stat().st_mtime
    except OSError:
        return otherwise


def _remove(path: Path) -> bool:
    """Remove a file or a folder; False where it cannot be."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()
    return not path.exists()
