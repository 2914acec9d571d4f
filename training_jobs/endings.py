"""Whether this worker is to end: told to the processes it forked, so that they give back what they do.

Celery lets a child finish its task when its worker is asked to end; only the parent hears of it. The word
stands in memory that both share, as long as the parent imports this module before it forks. A cold shutdown,
and whoever ends a whole group of processes, sends SIGTERM to the child itself.
"""

import mmap
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_word = mmap.mmap(-1, 1)
_asked_here = False


def is_ending() -> bool:
    """Whether the worker that this process belongs to is to end, or this process alone."""
    return _asked_here or _word[0] != 0


def tell_all() -> None:
    """Tell this process and all that it forked that they are to end."""
    _word[0] = 1


@contextmanager
def at_work() -> Iterator[None]:
    """While a job is at work here take SIGTERM as the wish that this process may end, not as its end."""
    global _asked_here
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # Not before: the pool sets handlers of its own after a child was told that it begins.
    before = signal.signal(signal.SIGTERM, _asked)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        _asked_here = False


def _asked(signum: int, frame: FrameType | None) -> None:
    """Note the wish."""
    global _asked_here
    _asked_here = True
