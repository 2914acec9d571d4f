"""Workers: which are alive, and one started for a command that waits."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from celery import current_app
from django.conf import settings

from training_jobs.models import TrainingRun

logger = logging.getLogger(__name__)

# Long enough for a job at work to be given back.
_GRACE = 10.0
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def alive_workers(queue: str, *, timeout: float = 1.0) -> list[str]:
    """Return the names of the workers that take jobs of a queue and answer within the timeout."""
    try:
        answers: dict[str, Any] = current_app.control.inspect(timeout=timeout).active_queues() or {}
    except Exception as error:  # each broker has errors of its own
        logger.warning("The workers could not be asked: %s", error)
        return []
    return sorted(
        name for name, queues in answers.items() if any(each.get("name") == queue for each in queues or ())
    )


def start_worker(queue: str) -> subprocess.Popen[bytes]:
    """Start a worker of a queue, in a process group of its own, that ends with this process."""
    words = f"-m celery --quiet --app biofors_site worker --queues {queue} --concurrency 1"
    words += f" --hostname {queue}-{os.getpid()}@%h --prefetch-multiplier 1"
    if queue == TrainingRun.QUEUE:
        # What TensorFlow took is given back only by the end of its process.
        words += " --max-tasks-per-child 1"
    words += " --without-gossip --without-mingle --without-heartbeat --loglevel WARNING"
    log = log_of(queue)
    log.parent.mkdir(exist_ok=True)
    with log.open("ab") as errors:
        return subprocess.Popen(
            (sys.executable, "-W", "ignore:You're running the worker with superuser", *words.split()),
            cwd=settings.BASE_DIR,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"},
            stdin=subprocess.DEVNULL,
            # What a person is told comes from the row; the console belongs to the command.
            stdout=errors,
            stderr=errors,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )


def log_of(queue: str) -> Path:
    """Return where a worker that a command started writes its log."""
    return Path(settings.DATA_DIR) / "logs" / f"worker-{queue}.log"


def end_worker(worker: subprocess.Popen[bytes]) -> None:
    """End a worker and its children: those that do not go when asked are killed."""
    with_children = worker.pid
    if worker.poll() is None:
        worker.terminate()
        try:
            worker.wait(_GRACE)
        except subprocess.TimeoutExpired:
            logger.debug("The worker is busy and is killed")
    try:
        os.killpg(with_children, signal.SIGKILL)
    except ProcessLookupError:
        return
    worker.wait()


class OwnWorker:
    """A worker for a command that waits: started where none is alive, started again where it died."""

    def __init__(self, queue: str) -> None:
        self.queue = queue
        self.process: subprocess.Popen[bytes] | None = None

    def keep_alive(self) -> bool:
        """Start the worker if it does not run; True where it was started."""
        if self.process is not None and self.process.poll() is None:
            return False
        if self.process is not None:
            end_worker(self.process)
        self.process = start_worker(self.queue)
        return True

    def end(self) -> None:
        """End the worker, if there is one."""
        if self.process is not None:
            end_worker(self.process)
            self.process = None


@contextmanager
def own_worker(queue: str) -> Iterator[OwnWorker]:
    """Hold a worker that is ended when the block is left."""
    worker = OwnWorker(queue)
    try:
        yield worker
    finally:
        worker.end()


def _end_with_parent() -> None:
    """Let the kernel end this process when its parent ends, even by kill -9 (Linux)."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
