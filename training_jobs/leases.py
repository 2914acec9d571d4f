"""Claims: a worker holds a job by a lease that a thread renews; the reaper takes back what is left alone."""

import copy
import logging
import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import Error, close_old_connections, connection
from django.utils import timezone

from training_jobs.launching import wake
from training_jobs.leavings import clear_leavings
from training_jobs.models import ImportJob, InferenceJob, Job, LeaseLost, TrainingRun

logger = logging.getLogger(__name__)

KINDS: tuple[type[Job], ...] = (TrainingRun, InferenceJob, ImportJob)
BEATS_PER_LEASE = 6
ASK_EVERY = 1.0
RESEND_AFTER = timedelta(seconds=15)
# While a worker of that queue is at work its messages wait their turn: they are not lost yet.
RESEND_AFTER_BEHIND_OTHERS = timedelta(minutes=5)


class Claim:
    """A worker's hold on a job, renewed by a thread of its own: an epoch can outlast a lease."""

    def __init__(self, job: Any) -> None:
        self.job = job
        # The thread's own copy: the worker's may change while it is read.
        self._own: Any = copy.copy(job)
        self._cancelled = threading.Event()
        self._lost = threading.Event()
        self._ended = threading.Event()
        self._asked = time.monotonic()
        self._thread = threading.Thread(target=self._beat, name=f"heartbeat of {job}", daemon=True)

    @property
    def cancelled(self) -> bool:
        """Whether a person asked for an end, as far as is known here."""
        return self._cancelled.is_set()

    def should_stop(self) -> bool:
        """Whether the job is to be cancelled; raises LeaseLost where it was taken away.

        The heartbeat knows within a few seconds; the row itself is asked once a second at most.
        """
        if self._lost.is_set():
            raise LeaseLost(f"{self.job} was taken over or ended; this attempt stops.")
        now = time.monotonic()
        if not self._cancelled.is_set() and now - self._asked >= ASK_EVERY:
            self._asked = now
            if self.job.asked_to_stop():
                self._cancelled.set()
        return self._cancelled.is_set()

    def start(self) -> None:
        """Begin to renew the lease."""
        self._thread.start()

    def end(self) -> None:
        """Stop renewing, and wait until the thread has let go of its connection."""
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        """Renew the lease until told to end; a database that fails for a moment is asked again."""
        try:
            while not self._ended.wait(settings.JOB_LEASE_SECONDS / BEATS_PER_LEASE):
                try:
                    if self._own.heartbeat():
                        self._cancelled.set()
                except LeaseLost as lost:
                    logger.warning("%s", lost)
                    self._lost.set()
                    return
                except Error as error:
                    logger.warning("The lease of %s could not be renewed: %s", self.job, error)
                    close_old_connections()
        finally:
            connection.close()


@contextmanager
def claimed(job: Any, worker: str) -> Iterator[Claim | None]:
    """Hold a job under a lease while the block runs; None where another has it or it does not wait."""
    if not job.claim(worker):
        yield None
        return
    claim = Claim(job)
    claim.start()
    try:
        yield claim
    finally:
        claim.end()


class Reports:
    """Progress on its way to the row, written every so often: a row is not a log."""

    def __init__(self, job: Any, *, every: float = 0.5) -> None:
        self.job = job
        self.every = every
        self._written = -math.inf

    def __call__(self, done: int, total: int, message: str = "") -> None:
        """Write progress if it says something new and the last is old enough; raises LeaseLost."""
        now = time.monotonic()
        if now - self._written < self.every and done < total:
            return
        self._written = now
        self.job.report(done=done, total=total, message=message)


@dataclass
class ReapSummary:
    """What the reaper did: ids by kind of job, as `training run 3`."""

    requeued: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    resent: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, list[str]]:
        """Return what `--json` prints."""
        return asdict(self)

    def __bool__(self) -> bool:
        return any(self.as_dict().values())


def reap() -> ReapSummary:
    """Take back jobs whose lease has expired, wake workers for those that wait, clear what lost runs left.

    Many may do so at once: each move is conditional on the row as it was seen.
    """
    summary = ReapSummary()
    for kind in KINDS:
        rows: Any = kind._default_manager.all()
        for job in rows.expired(timezone.now()):
            match job.take_back():
                case Job.State.QUEUED:
                    summary.requeued.append(str(job))
                    wake(job)
                case Job.State.CANCELLED:
                    summary.cancelled.append(str(job))
                case Job.State.DEAD:
                    summary.dead.append(str(job))
        summary.resent += [str(job) for job in _waiting(rows) if _resend(rows, job)]
    summary.removed = clear_leavings()
    return summary


def reap_for_ever(*, every: float, say: Callable[[str], None], ended: threading.Event) -> None:
    """Reap every so many seconds; a database that fails for a moment is asked again."""
    while not ended.is_set():
        try:
            for deed, jobs in reap().as_dict().items():
                for job in jobs:
                    say(f"{deed}: {job}")
        except Error as error:
            logger.warning("The reaper could not look: %s", error)
        close_old_connections()
        ended.wait(every)


def _waiting(rows: Any) -> list[Any]:
    """Return jobs of a kind that have waited so long that their message may be lost."""
    now = timezone.now()
    busy = rows.filter(state__in=(Job.State.RUNNING, Job.State.CANCELLING)).exists()
    return list(rows.waiting_since(now - (RESEND_AFTER_BEHIND_OTHERS if busy else RESEND_AFTER)))


def _resend(rows: Any, job: Any) -> bool:
    """Send a job's message again, unless another reaper just has."""
    seen = rows.filter(pk=job.pk, state=Job.State.QUEUED, woken_at=job.woken_at)
    return bool(seen.update(woken_at=timezone.now())) and wake(job)
