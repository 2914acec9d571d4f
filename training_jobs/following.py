"""Follow a job to its end from a command: lines for a person, and a worker where none is alive."""

import shutil
import sys
import time
from collections.abc import Callable
from typing import Any

from django.db import Error

from datasets.errors import Refused
from training_jobs.launching import queue_position
from training_jobs.leases import reap
from training_jobs.models import EpochMetric, Job, Sweep, TrainingRun
from training_jobs.progress_line import Pace, progress_line
from training_jobs.queries import best_epochs, best_score
from training_jobs.sweeping import trials_of
from training_jobs.telling_sweeps import told_trial
from training_jobs.workers import alive_workers, log_of, own_worker

_POLL = 0.5
_REAP_EVERY = 5.0
_LINE_EVERY = 10.0

Say = Callable[[str], None]


class JobFailed(Refused):
    """Raised where a job that was waited for ended otherwise than well."""

    code = "job_failed"


class Interrupted(Refused):
    """Raised where a person stopped waiting; the job goes on."""

    code = "interrupted"


def follow(job: Any, *, say: Say) -> None:
    """Wait until a job ends, telling what it does; raises JobFailed, Interrupted."""
    told = _Told(job, say)

    def over() -> bool:
        job.refresh_from_db()
        told.news()
        return not job.is_active

    wait_until(over, queue=job.QUEUE, of=str(job), left=lambda had: _left(job, had_worker=had), say=say)
    told.end_line()
    if job.state != Job.State.SUCCEEDED:
        raise JobFailed(
            f"{_start(str(job))} ended {job.state}: {job.error or 'by request'}", code=job.error_code or None
        )


def follow_sweep(sweep: Sweep, *, say: Say) -> None:
    """Wait until a sweep ends, telling how each trial ended; raises JobFailed, Interrupted."""
    told: set[int] = set()

    def over() -> bool:
        # First the state: what ended before the sweep did is told below.
        sweep.refresh_from_db()
        ended = trials_of(sweep).filter(state__in=Job.ENDED).exclude(pk__in=told)
        runs = list(ended.select_related("candidate__sweep").order_by("finished_at"))
        best = best_epochs(runs)
        for run in runs:
            told.add(run.pk)
            say(told_trial(run, best_score(run, best.get(run.pk))))
        return not sweep.is_running

    goes_on = f"{_start(str(sweep))} is kept: its trials go on with the next worker (./run serve)."
    wait_until(over, queue=TrainingRun.QUEUE, of=str(sweep), left=lambda had: goes_on, say=say)
    if sweep.state != Sweep.State.FINISHED:
        raise JobFailed(f"{_start(str(sweep))} ended {sweep.state}.")


def wait_until(
    over: Callable[[], bool], *, queue: str, of: str, left: Callable[[bool], str], say: Say
) -> None:
    """Ask again and again whether work is over; with no worker of its queue alive one is started meanwhile.

    Lost jobs are taken back, so that waiting needs no reaper. Raises Interrupted with what `left` says of the
    work, given whether the worker was this command's own.
    """
    with own_worker(queue) as worker:
        try:
            # Asked once: a worker that serves others is somebody else's to keep alive.
            needs_worker = not alive_workers(queue)
            if needs_worker:
                worker.keep_alive()
                say(f"No {queue} worker is alive: started one for {of}; its log is {log_of(queue)}")
            reaped = time.monotonic()
            while not over():
                time.sleep(_POLL)
                if time.monotonic() - reaped > _REAP_EVERY:
                    reaped = time.monotonic()
                    if needs_worker and worker.keep_alive():
                        say(f"The {queue} worker had ended: started another")
                    _reap(say)
        except KeyboardInterrupt:
            raise Interrupted(left(worker.process is not None)) from None


def _start(text: str) -> str:
    """Begin a sentence."""
    return text[:1].upper() + text[1:]


def _reap(say: Say) -> None:
    """Take back lost jobs; a database that is busy is asked again the next time."""
    try:
        summary = reap()
    except Error:
        return
    for name in summary.requeued:
        say(f"{_start(name)} lost its worker and is queued again")


def _left(job: Any, *, had_worker: bool) -> str:
    """Say what becomes of a job that nobody waits for any more."""
    job.refresh_from_db()
    if not job.is_active:
        return f"{_start(str(job))} has ended: {job.state}."
    if had_worker:
        return (
            f"{_start(str(job))} is kept, but its worker ends with this command: the next worker takes it "
            "up (./run serve)."
        )
    return f"{_start(str(job))} goes on without this command; the site shows it and can cancel it."


class _Told:
    """What a person has been told of a job already."""

    def __init__(self, job: Any, say: Say) -> None:
        self.job = job
        self.say = say
        self.epochs: set[tuple[int, int]] = set()
        self.message = ""
        self.said_at = 0.0
        self.on_line = False
        self.pace = Pace()

    def news(self) -> None:
        """Tell what is new: an epoch's figures, or how far the job is."""
        if isinstance(self.job, TrainingRun):
            for epoch in self.job.epochs.order_by("attempt", "epoch"):
                if (epoch.attempt, epoch.epoch) not in self.epochs:
                    self.epochs.add((epoch.attempt, epoch.epoch))
                    self.end_line()
                    self.say(epoch_line(epoch, self.job.total_epochs))
        message = self.job.message
        if self.job.state == Job.State.QUEUED:
            message = f"Waiting, number {queue_position(self.job)} in the queue"
        if not message or not self.job.is_active:
            return
        if sys.stderr.isatty():
            self._in_place(message)
        elif message != self.message:
            self._line(message)
        self.message = message

    def _in_place(self, message: str) -> None:
        """Show on the terminal how far the job is, over what stood there."""
        left = self.pace.left(self.job.done, self.job.total, now=time.monotonic())
        # The last column is left free: some terminals go to a new line there.
        width = shutil.get_terminal_size().columns - 1
        plain = "utf" not in (sys.stderr.encoding or "").lower()
        sys.stderr.write(f"\r\033[K{progress_line(self.job, message, left=left, width=width, plain=plain)}")
        sys.stderr.flush()
        self.on_line = True

    def _line(self, message: str) -> None:
        """Say how far the job is when the kind of its work changes, or enough time has passed."""
        same_kind = message.split(" ")[0] == self.message.split(" ")[0]
        if not same_kind or time.monotonic() - self.said_at > _LINE_EVERY:
            self.say(message)
            self.said_at = time.monotonic()

    def end_line(self) -> None:
        """Wipe the progress line of a terminal."""
        if self.on_line:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
            self.on_line = False


def epoch_line(epoch: EpochMetric, epochs: int) -> str:
    """Return an epoch's figures as a line."""
    parts = [
        f"epoch {epoch.epoch:>3} of {epochs}",
        f"loss {epoch.loss:.3f}",
        f"accuracy {epoch.accuracy:.3f}",
    ]
    if epoch.val_accuracy is not None and epoch.val_macro_f1 is not None:
        parts.append(f"val accuracy {epoch.val_accuracy:.3f}")
        parts.append(f"val macro-F1 {epoch.val_macro_f1:.3f}")
    parts.append(f"{epoch.seconds:.1f} s")
    return "  ".join(parts) + ("  best so far" if epoch.is_best else "")
