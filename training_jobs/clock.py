"""Whether the wall clock was set, or the machine slept: then leases of living workers seem to be over."""

import time

from django.utils import timezone


class Clock:
    """The wall clock beside the steady one, which nobody sets and which stops while a machine sleeps."""

    def __init__(self) -> None:
        self._difference = self._now()

    def was_set(self, *, by: float) -> bool:
        """Whether it was set, either way, by more than so many seconds since it was last trusted."""
        return abs(self._now() - self._difference) > by

    def trust(self) -> None:
        """Take the time it shows for right."""
        self._difference = self._now()

    @staticmethod
    def _now() -> float:
        return timezone.now().timestamp() - time.monotonic()
