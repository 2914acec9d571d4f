"""A watch over a worker that stops consuming without saying so, as can happen when a Redis was restarted.

While it is idle and a job of its queues waits, it sends itself a message; where none comes within half a
minute although the broker took it, the worker ends, so that whoever keeps it running starts it anew.
"""

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from django.db import Error, connection

from training_jobs.devices import device_name
from training_jobs.launching import wake
from training_jobs.leases import KINDS
from training_jobs.models import TrainingRun

logger = logging.getLogger(__name__)

LOOK_EVERY = 5.0
# A message takes a moment to come.
WAITED_FOR = timedelta(seconds=5)
SILENT_FOR = 20.0
# A worker that does not even end when it is asked to is past waiting for.
ENDS_WITHIN = 10.0
# A process that were forked while the watch looks would inherit locks that nobody in it releases.
_looking = threading.Lock()
_started = threading.Event()


class Watch:
    """What a worker of these queues was seen to do; `received` counts its messages, `busy`: it works."""

    def __init__(
        self, queues: Collection[str], *, received: Callable[[], int], busy: Callable[[], bool]
    ) -> None:
        self.kinds = [kind for kind in KINDS if kind.QUEUE in queues]
        self.received = received
        self.busy = busy
        self._asked_at: float | None = None
        self._received_then = 0

    def is_deaf(self) -> bool:
        """Look once: whether a message that was sent long enough ago has not come, nor any other."""
        # Once it has been sent a message, others that the reaper sends meanwhile change nothing.
        waited = WAITED_FOR if self._asked_at is None else timedelta()
        if self.received() != self._received_then or self.busy() or (job := self._waiting(waited)) is None:
            self._asked_at, self._received_then = None, self.received()
            return False
        if self._asked_at is None:
            # Where the broker is down nothing can come: that is no fault of the worker.
            self._asked_at = time.monotonic() if wake(job) else None
            return False
        return time.monotonic() - self._asked_at > SILENT_FOR

    def _waiting(self, waited: timedelta) -> Any:
        """Return a job that this worker could take and that has waited a while; None where there is none."""
        for kind in self.kinds:
            rows: Any = kind._default_manager.all()
            if kind is TrainingRun and TrainingRun.objects.on_device(device_name()).exists():
                continue
            if (job := rows.waiting_for(waited).first()) is not None:
                return job
        return None


def watch_for_ever(watch: Watch) -> None:
    """Look every few seconds, and end this process where it is deaf."""
    while True:
        time.sleep(LOOK_EVERY)
        with _looking:
            try:
                deaf = watch.is_deaf()
            except Error as error:
                logger.warning("The watch could not look: %s", error)
                deaf = False
            finally:
                # Nothing is kept open that a child could be forked with.
                connection.close()
        if deaf:
            logger.error("Messages do not reach this worker any more: it ends, to be started again")
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(ENDS_WITHIN)
            os._exit(1)


def start_watch(queues: Collection[str]) -> None:
    """Watch this worker, from a thread of its own; asked again, as after each connection, does nothing."""
    from celery.worker import state

    if _started.is_set():
        return
    _started.set()
    os.register_at_fork(
        before=_looking.acquire, after_in_parent=_looking.release, after_in_child=_looking.release
    )
    watch = Watch(
        queues,
        received=lambda: sum(state.total_count.values()),
        busy=lambda: bool(state.active_requests or state.reserved_requests),
    )
    threading.Thread(target=watch_for_ever, args=(watch,), name="watch", daemon=True).start()
