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
from django.db import Error, InterfaceError, OperationalError, close_old_connections, connection
from django.db.models.functions import Now

from classifier.networks.errors import FittingCancelled
from training_jobs.clock import Clock
from training_jobs.devices import device_name
from training_jobs.endings import at_work, is_ending
from training_jobs.launching import wake
from training_jobs.leavings import clear_leavings
from training_jobs.models import (
    ExportJob,
    ImportJob,
    InferenceChunk,
    InferenceJob,
    Job,
    LeaseLost,
    ModelImport,
    TrainingRun,
    WorkerEnding,
)
from training_jobs.sweeping import advance_sweeps

logger = logging.getLogger(__name__)

KINDS: tuple[type[Job], ...] = (
    TrainingRun,
    InferenceJob,
    InferenceChunk,
    ImportJob,
    ExportJob,
    ModelImport,
)
BEATS_PER_LEASE = 6
ASK_EVERY = 1.0
LOOK_EVERY = 0.5
# So long a job that is to stop may take to its next batch; then its row is moved over its head.
STOPS_WITHIN = 5.0
RESEND_AFTER = timedelta(seconds=15)
# While a worker of that queue is at work its messages wait their turn: they are not lost yet.
RESEND_AFTER_BEHIND_OTHERS = timedelta(minutes=5)
_clock = Clock()


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
        """Whether the job is to be cancelled.

        Raises LeaseLost where it was taken away, WorkerEnding where it is to be given back.
        The heartbeat knows within a few seconds; the row itself is asked once a second at most.
        """
        if self._lost.is_set():
            raise LeaseLost(f"{self.job} was taken over or ended; this attempt stops.")
        now = time.monotonic()
        if not self._cancelled.is_set() and now - self._asked >= ASK_EVERY:
            self._asked = now
            if self._row_asks_to_stop():
                self._cancelled.set()
        if is_ending() and not self._cancelled.is_set():
            raise WorkerEnding(f"{self.job} is given back: its worker is to end.")
        return self._cancelled.is_set()

    def start(self) -> None:
        """Begin to renew the lease."""
        self._thread.start()

    def end(self) -> None:
        """Stop renewing, and wait until the thread has let go of its connection."""
        self._ended.set()
        self._thread.join()

    def _row_asks_to_stop(self) -> bool:
        """Ask the row; a database that fails for a moment is asked again the next time."""
        try:
            return bool(self.job.asked_to_stop())
        except (OperationalError, InterfaceError) as error:
            logger.warning("%s could not be asked for: %s", self.job, error)
            close_old_connections()
            return False

    def _beat(self) -> None:
        """Renew the lease until told to end; a database that fails for a moment is asked again."""
        every = settings.JOB_LEASE_SECONDS / BEATS_PER_LEASE
        renew_at, stopping_since = time.monotonic() + every, math.inf
        try:
            while not self._ended.wait(min(every, LOOK_EVERY)):
                now = time.monotonic()
                if self._cancelled.is_set() or is_ending():
                    stopping_since = min(stopping_since, now)
                try:
                    if now - stopping_since > STOPS_WITHIN:
                        self._move_over_its_head()
                        return
                    if now >= renew_at:
                        renew_at = now + every
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

    def _move_over_its_head(self) -> None:
        """Cancel the job, or give it back, while its work goes on: what that still writes is refused."""
        if self._cancelled.is_set():
            self._own.stopped()
        else:
            self._own.give_back()
            wake(self._own)
        logger.warning("%s did not come to a place to stop in time", self.job)
        self._lost.set()


def stop_if_asked(claim: Claim) -> None:
    """Raise FittingCancelled where a person asked for an end, LeaseLost where the job was taken away."""
    if claim.should_stop():
        raise FittingCancelled("The job was cancelled.")


@contextmanager
def claimed(job: Any, worker: str) -> Iterator[Claim | None]:
    """Hold a job under a lease while the block runs; None where another has it or it does not wait."""
    with at_work():
        if is_ending():
            wake(job)
            yield None
            return
        if not job.claim(worker):
            yield None
            return
        claim = Claim(job)
        claim.start()
        try:
            yield claim
        finally:
            claim.end()


def next_run() -> TrainingRun | None:
    """Return the run that is next in turn, None where none waits or this process' device is busy.

    A run whose worker is lost does not hold the device.
    """
    holders: Any = TrainingRun.objects.on_device(device_name())
    for lost in holders.expired():
        lost.take_back()
    first: TrainingRun | None = TrainingRun.objects.in_turn().first()
    if first is not None and holders.exists():
        # Its message is used up here: let the reaper send another soon, for a worker with a free device.
        soon = Now() - (RESEND_AFTER_BEHIND_OTHERS - RESEND_AFTER)
        TrainingRun.objects.waiting().filter(pk=first.pk).update(woken_at=soon)
        return None
    return first


def wake_for_next() -> None:
    """Wake a worker for the run that is next in turn; where it cannot be asked for, the reaper does."""
    try:
        first = TrainingRun.objects.in_turn().first()
    except Error as error:
        logger.warning("Who is next could not be asked: %s", error)
        return
    if first is not None:
        wake(first)


class Reports:
    """Progress on its way to the row, written every so often: a row is not a log."""

    def __init__(self, job: Any, *, every: float = 0.5) -> None:
        self.job = job
        self.every = every
        self._written = -math.inf

    def __call__(self, done: int, total: int, message: str = "", **figures: float) -> None:
        """Write progress if it says something new and the last is old enough; raises LeaseLost.

        `figures`: what this kind of job tells besides.

        A database that fails for a moment is told the next time: progress is not worth a job.
        """
        now = time.monotonic()
        if now - self._written < self.every and done < total:
            return
        self._written = now
        try:
            self.job.report(done=done, total=total, message=message, **figures)
        except (OperationalError, InterfaceError) as error:
            logger.warning("How far %s is could not be written: %s", self.job, error)
            close_old_connections()


@dataclass
class ReapSummary:
    """What the reaper did: ids by kind of job, as `training run 3`."""

    requeued: list[str] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    dead: list[str] = field(default_factory=list)
    resent: list[str] = field(default_factory=list)
    advanced: list[str] = field(default_factory=list)
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
    _mind_the_clock()
    for kind in KINDS:
        rows: Any = kind._default_manager.all()
        for job in rows.expired():
            match job.take_back():
                case Job.State.QUEUED:
                    summary.requeued.append(str(job))
                    wake(job)
                case Job.State.CANCELLED:
                    summary.cancelled.append(str(job))
                case Job.State.DEAD:
                    summary.dead.append(str(job))
        summary.resent += [str(job) for job in _waiting(rows) if _resend(rows, job)]
    if summary.cancelled or summary.dead:
        wake_for_next()
    summary.advanced = [*advance_sweeps(), *InferenceJob.objects.conclude()]
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


def _mind_the_clock() -> None:
    """Let no job be lost, or held, because the clock was set or the machine slept: its lease begins anew."""
    was_set = _clock.was_set(by=settings.JOB_LEASE_SECONDS / 2)
    for kind in KINDS:
        rows: Any = kind._default_manager.all()
        rows = rows.at_work() if was_set else rows.leased_too_far()
        # Looked for first: a reaper that has nothing to do waits for no lock.
        if rows.exists() and (count := rows.lease_anew()):
            name = kind._meta.verbose_name_plural
            logger.warning("The clock was set: %d of %s have a new lease", count, name)
    _clock.trust()


def _waiting(rows: Any) -> list[Any]:
    """Return jobs of a kind that have waited so long that their message may be lost."""
    busy = rows.at_work().exists()
    return list(rows.waiting_for(RESEND_AFTER_BEHIND_OTHERS if busy else RESEND_AFTER))


def _resend(rows: Any, job: Any) -> bool:
    """Send a job's message again, unless another reaper just has."""
    seen = rows.waiting().filter(pk=job.pk, woken_at=job.woken_at)
    return bool(seen.update(woken_at=Now())) and wake(job)
