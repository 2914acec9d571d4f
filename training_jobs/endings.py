"""Whether this worker is to end: told to the processes it forked, so that they give back what they do.

Celery lets a child finish its task when its worker is asked to end; only the parent hears of it. The word
stands in memory that both share, as long as the parent imports this module before it forks.
"""

import mmap
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_word = mmap.mmap(-1, 1)
_at_work = False
_asked_here = False


def is_ending() -> bool:
    """Whether the worker that this process belongs to is to end, or this process alone."""
    return _asked_here or _word[0] != 0


def tell_all() -> None:
    """Tell this process and all that it forked that they are to end."""
    _word[0] = 1


def listen_in_child() -> None:
    """Let a child that is at work take SIGTERM as the wish that it may end, not as its end.

    A cold shutdown sends it to each child, and so does who ends a whole group of processes.
    """
    signal.signal(signal.SIGTERM, _asked)


@contextmanager
def at_work() -> Iterator[None]:
    """Mark that a job is at work in this process, which gives it back where it is asked to end."""
    global _at_work, _asked_here
    _at_work = True
    try:
        yield
    finally:
        _at_work = _asked_here = False


def _asked(signum: int, frame: FrameType | None) -> None:
    """Note the wish; without a job there is nothing to wait for."""
    global _asked_here
    if _at_work:
        _asked_here = True
        return
    signal.signal(signum, signal.SIG_DFL)
    os.kill(os.getpid(), signum)
