"""The mirror of training runs in MLflow: brought up to what the rows say, by a process of its own.

Training knows nothing of it: whatever MLflow does, no run waits or fails for it. What was missed while it
was down is told afterwards, from the same rows.
"""

import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from django.conf import settings
from django.db import Error, close_old_connections
from django.db.models import Exists, F, OuterRef, Q
from django.utils import timezone

from datasets.errors import Refused
from training_jobs.models import EpochMetric, Mirror, TrainingRun

logger = logging.getLogger(__name__)

INSTALL = "python -m pip install --no-deps --require-hashes -r requirements-mlflow.txt"
_LONGEST_REASON = 500


class NotMirrored(Refused):
    """Raised where no server is set, or the client is not installed."""

    code = "not_mirrored"


class MirrorBehind(Exception):
    """Raised where MLflow could not be told; the mirror keeps why."""


@dataclass
class MirrorSummary:
    """What a pass did: runs that were brought up, why others were not, and how many are still behind."""

    mirrored: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    behind: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return asdict(self)


def server() -> str:
    """Return the address of the server without a name and password that it may hold; "" for none."""
    parts = urlsplit(settings.MLFLOW_TRACKING_URI)
    return (
        urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])) if parts.netloc else parts.geturl()
    )


def why_not() -> str:
    """Return why nothing can be mirrored; "" where it can."""
    if not settings.MLFLOW_TRACKING_URI:
        return "MLFLOW_TRACKING_URI is not set: there is no MLflow server to mirror to."
    if find_spec("mlflow") is None:
        return (
            "MLFLOW_TRACKING_URI is set, but MLflow's client is not installed: runs are not mirrored. "
            f"Install it beside the rest: {INSTALL}"
        )
    return ""


def behind() -> Any:
    """Return the runs of which MLflow does not say what the rows say, the newest first."""
    newer = EpochMetric.objects.filter(run=OuterRef("run"), pk__gt=OuterRef("last_epoch"))
    up_to_date = Mirror.objects.filter(
        ~Exists(newer), server=server(), state=F("run__state"), attempt=F("run__attempt")
    )
    began = TrainingRun.objects.filter(attempt__gt=0)
    return began.exclude(pk__in=up_to_date.values("run")).order_by("-pk")


def mirror(run: TrainingRun, *, anew: bool = False) -> Mirror:
    """Bring the mirror of a run up to what its rows say; again: changes nothing.

    `anew` tells all of it again, into a new run of MLflow where the old one was deleted there.
    Raises NotMirrored; MirrorBehind where MLflow is down, slow or refuses.
    """
    if told := why_not():
        raise NotMirrored(told)
    # Only here: no other process loads MLflow.
    from training_jobs.mlflow_run import bring_up

    run.refresh_from_db()
    kept, _ = Mirror.objects.get_or_create(run=run)
    if anew:
        kept.begin_anew(server())
    else:
        kept.move_to(server())
    try:
        bring_up(run, kept)
    except Error:
        raise
    except Exception as error:  # MLflow, its stores and the network below have errors of their own
        kept.failed(_reason(error))
        raise MirrorBehind(kept.error) from error
    kept.reached(state=run.state, attempt=run.attempt)
    return kept


def catch_up(runs: Iterable[int] | None = None) -> MirrorSummary:
    """Bring up all runs that are behind, or tell those named anew; what fails is told in the summary.

    Without names a run that failed a moment ago is left alone, and the first failure ends the pass: a
    server that is down is not asked for every run.
    """
    rows = behind()
    waiting = Q(mirror__not_before__gt=timezone.now(), mirror__server=server())
    wanted = rows.exclude(waiting) if runs is None else TrainingRun.objects.filter(pk__in=runs, attempt__gt=0)
    summary = MirrorSummary()
    for run in wanted.select_related("split__dataset", "candidate__sweep", "version", "created_by"):
        try:
            mirror(run, anew=runs is not None)
            summary.mirrored.append(str(run))
        except MirrorBehind as error:
            summary.failed[str(run)] = str(error)
            if runs is None:
                break
    summary.behind = rows.count()
    return summary


def mirror_for_ever(*, every: float, say: Callable[[str], None], ended: threading.Event) -> None:
    """Catch up every so many seconds; a failure is said once until it is another one or over."""
    if told := why_not():
        say(told)
        ended.wait()
        return
    failing = ""
    while not ended.is_set():
        try:
            summary = catch_up()
            reason = next(iter(summary.failed.values()), "")
            if reason and reason != failing:
                say(f"Runs that are behind in MLflow: {summary.behind}. {reason}")
            elif failing and summary.mirrored:
                say("MLflow takes what it is told again")
            failing = reason or ("" if summary.mirrored else failing)
        except Error as error:
            logger.warning("What is to be mirrored could not be asked: %s", error)
        close_old_connections()
        ended.wait(every)


def told_mirror(run: TrainingRun) -> dict[str, Any] | None:
    """Return how a run's mirror stands: address, name, is_behind, reason; None where there is nothing to say.

    `address` is "" where the mirror is no web server.
    """
    if not settings.MLFLOW_TRACKING_URI or not run.attempt:
        return None
    kept = Mirror.objects.filter(run=run, server=server()).first()
    is_behind = behind().filter(pk=run.pk).exists()
    if kept is None or not kept.mlflow_run:
        reason = why_not() or (kept.error if kept else "")
        return {"address": "", "name": "", "is_behind": is_behind, "reason": reason}
    is_web = urlsplit(kept.server).scheme in ("http", "https")
    place = f"{kept.server.rstrip('/')}/#/experiments/{kept.experiment}/runs/{kept.mlflow_run}"
    return {
        "address": place if is_web else "",
        "name": kept.mlflow_run,
        "is_behind": is_behind,
        "reason": kept.error or (why_not() if is_behind else ""),
    }


def _reason(error: Exception) -> str:
    """Return an error as one line that holds no password."""
    told = " ".join(f"{type(error).__name__}: {error}".split())
    return told.replace(settings.MLFLOW_TRACKING_URI, server())[:_LONGEST_REASON]
