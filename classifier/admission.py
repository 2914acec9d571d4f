"""How many requests are classified at once in a process, how many wait, and what is said to the rest."""

import math
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from django.conf import settings

from datasets.errors import Refused

_LONGEST_WAIT_TOLD = 60
# How much the newest request counts for how long one takes.
_NEWEST = 0.2


class Busy(Refused):
    """Raised where as many requests wait as may; `retry_after` says in how many seconds to ask again."""

    code = "busy"
    status = 503

    def __init__(self, retry_after: int) -> None:
        super().__init__(
            f"The site classifies as much as it can. Try again in {retry_after} s, as Retry-After says."
        )
        self.retry_after = retry_after


class Admission:
    """`at_work` requests at once, `waiting` more in line, each for `patience` seconds at most."""

    def __init__(self, *, at_work: int, waiting: int, patience: float) -> None:
        self._at_work = at_work
        self._waiting = waiting
        self._patience = patience
        self._working = 0
        # First come, first served: a semaphore would let whoever asks just then go before those who wait.
        self._line: deque[threading.Event] = deque()
        self._lock = threading.Lock()
        self._seconds_each = 0.0

    def check_room(self) -> None:
        """Raise Busy where the line is full; whoever is let on may still find it so a moment later."""
        if self._working >= self._at_work and len(self._line) >= self._waiting:
            raise Busy(self._retry_after())

    @contextmanager
    def place(self) -> Iterator[float]:
        """Hold a place; gives the seconds waited for it. Raises Busy, at once where the line is full."""
        asked = time.monotonic()
        self._enter()
        begun = time.monotonic()
        try:
            yield begun - asked
        finally:
            self._leave(time.monotonic() - begun)

    def _enter(self) -> None:
        with self._lock:
            self.check_room()
            if self._working < self._at_work:
                self._working += 1
                return
            turn = threading.Event()
            self._line.append(turn)
        if turn.wait(self._patience):
            return
        with self._lock:
            # The place may have come in the last moment.
            if not turn.is_set():
                self._line.remove(turn)
                raise Busy(self._retry_after())

    def _leave(self, taken: float) -> None:
        with self._lock:
            self._seconds_each += _NEWEST * (taken - self._seconds_each)
            if self._line:
                self._line.popleft().set()
            else:
                self._working -= 1

    def _retry_after(self) -> int:
        """Return the whole seconds after which those who are here now will be about done."""
        seconds = self._seconds_each * (self._working + len(self._line)) / self._at_work
        return min(max(1, math.ceil(seconds)), _LONGEST_WAIT_TOLD)


@cache
def get_admission() -> Admission:
    """Return the line of this process, as the settings say."""
    return Admission(
        at_work=settings.CLASSIFY_AT_WORK,
        waiting=settings.CLASSIFY_WAITING,
        patience=settings.CLASSIFY_PATIENCE_SECONDS,
    )
