"""What was looked up a moment ago, so that a hundred requests a second do not ask the database the same."""

import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from django.conf import settings

Value = TypeVar("Value")
_MOST = 1024


class Remembered(Generic[Value]):
    """Values by key, each for `CLASSIFY_REMEMBER_SECONDS` of the settings; a failure is not remembered."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: dict[Hashable, tuple[float, Value]] = {}

    def get(self, key: Hashable, find: Callable[[], Value]) -> Value:
        """Return what `find` gives, or gave a moment ago; what it raises goes on to the caller."""
        seconds = settings.CLASSIFY_REMEMBER_SECONDS
        if not seconds:
            return find()
        now = self._clock()
        known = self._found.get(key)
        if known is not None and now - known[0] < seconds:
            return known[1]
        value = find()
        if len(self._found) >= _MOST:
            self._found = {}
        self._found[key] = (now, value)
        return value

    def forget(self) -> None:
        """Remember nothing."""
        self._found = {}
