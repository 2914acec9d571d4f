"""Commands that do their work every so many seconds, until they are ended."""

import signal
import threading

from django.core.management.base import CommandError


def until_ended(every: float) -> threading.Event:
    """Return an event that Ctrl-C and SIGTERM set; CommandError where `every` is no span of time."""
    if not every > 0:
        raise CommandError("--every takes a number of seconds above 0.", returncode=2)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    return ended
