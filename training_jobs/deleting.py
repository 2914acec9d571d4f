"""A version taken away for good: what it said, its scores, its files; refused while anything needs it."""

import shutil
from functools import partial
from pathlib import Path
from typing import Any

from django.db import models, transaction
from django.db.models import Q

from classifier.exports import files_of
from classifier.models import Alias, Evaluation, ModelVersion, Prediction, Promotion, RemovedVersion
from classifier.reasons import checked_reason
from datasets.errors import Refused
from datasets.models import Label
from training_jobs.models import ExportJob, InferenceJob, TrainingRun

_MOST_NAMED = 5


class VersionInUse(Refused):
    """Raised where something needs the version that is to be deleted."""

    code = "model_in_use"
    status = 409


class NameNeeded(Refused):
    """Raised where the name of what is to be deleted was not given, or another was."""

    code = "name_needed"


def uses_of(version: ModelVersion) -> list[str]:
    """Return what needs a version, in words; it can be deleted where there is nothing."""
    told = [f"the alias {alias.name} points at it" for alias in Alias.objects.filter(version=version)]
    named = Promotion.objects.filter(Q(version=version) | Q(previous=version)).order_by("alias")
    past = sorted(
        set(named.values_list("alias", flat=True)) - {alias.name for alias in version.aliases.all()}
    )
    if past:
        told.append(f"the history of {_listed(past)} names it: it answered then")
    if accepted := Label.objects.filter(origin=str(version)).count():
        told.append(f"{_counted(accepted, 'label was', 'labels were')} accepted from its predictions")
    repeating = _repetitions(version).filter(Q(state__in=TrainingRun.ACTIVE) | Q(version__isnull=False))
    if runs := [str(pk) for pk in repeating.order_by("pk").values_list("pk", flat=True)]:
        told.append(f"training {_runs(runs)} it")
    for kind, words in ((InferenceJob, "inference job"), (ExportJob, "export")):
        active: Any = kind._default_manager.filter(version=version, state__in=kind.ACTIVE)
        if active.exists():
            told.append(f"{_counted(active.count(), words, f'{words}s')} of it wait or are at work")
    return told


def contents_of(version: ModelVersion) -> dict[str, int]:
    """Count what goes with a version: `predictions`, `evaluations`, `files`, `bytes`."""
    sizes = [file.byte_size for file in files_of(version)]
    return {
        "predictions": Prediction.objects.filter(version=version).count(),
        "evaluations": Evaluation.objects.filter(version=version).count(),
        "files": sum(size is not None for size in sizes),
        "bytes": sum(size or 0 for size in sizes),
    }


@transaction.atomic
def delete_version(
    version: ModelVersion, *, name: str, reason: str = "", author: Any = None
) -> RemovedVersion:
    """Delete a version for good, whose `name` ("demo@1") has to be given; return what is left of it.

    Its number is never given again. The run that it came from keeps its curves and says what it made. Files
    go after the commit. Raises NameNeeded, VersionInUse, and `Refused` (reason_too_long, bad_reason).
    """
    version = ModelVersion.objects.select_for_update().get(pk=version.pk)
    if name.strip() != str(version):
        raise NameNeeded(f"Give the name of what is to be deleted for good: {version}.")
    reason = checked_reason(reason)
    if uses := uses_of(version):
        raise VersionInUse(f"{version} is in use and stays: {'; '.join(uses)}.")
    left = RemovedVersion.objects.create(
        name=version.name,
        version=version.version,
        onnx_sha256=version.onnx_sha256,
        contents=contents_of(version),
        reason=reason,
        author=author,
    )
    folder = version.folder
    _delete_rows(version)
    transaction.on_commit(partial(_remove_files, folder), robust=True)
    return left


def _delete_rows(version: ModelVersion) -> None:
    """Delete a version with what came of it and of jobs that have ended."""
    InferenceJob.objects.filter(version=version).delete()
    ExportJob.objects.filter(version=version).delete()
    _repetitions(version).update(like=None)
    TrainingRun.objects.filter(version=version).update(version=None, version_removed=str(version))
    Prediction.objects.filter(version=version)._raw_delete(Prediction.objects.db)
    Evaluation.objects.filter(version=version).delete()
    try:
        version.delete()
    except models.ProtectedError as error:
        kinds = sorted({str(row._meta.verbose_name_plural) for row in error.protected_objects})
        raise VersionInUse(f"{version} is in use and stays: {', '.join(kinds)} point at it.") from error


def _repetitions(version: ModelVersion) -> "models.QuerySet[Any]":
    """Return the runs that train it again."""
    return TrainingRun.objects.filter(like=version)


def _remove_files(folder: Path) -> None:
    """Remove a version's folder, and that of its name where it was the last in it."""
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.parent.rmdir()
    except OSError:
        return


def _runs(ids: list[str]) -> str:
    more = f" and {len(ids) - _MOST_NAMED} more" if len(ids) > _MOST_NAMED else ""
    one = len(ids) == 1
    return f"run{'' if one else 's'} {', '.join(ids[:_MOST_NAMED])}{more} repeat{'s' if one else ''}"


def _listed(names: list[str]) -> str:
    return ", ".join(names)


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
