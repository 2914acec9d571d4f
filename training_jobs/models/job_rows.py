"""Sets of jobs of one kind."""

from datetime import datetime
from typing import Any, Self

from datasets.visibility import VisibleQuerySet


class JobQuerySet(VisibleQuerySet[Any]):
    """Sets of jobs."""

    def active(self) -> Self:
        """Jobs that are waiting or at work."""
        return self.filter(state__in=self.model.ACTIVE)

    def at_work(self) -> Self:
        """Jobs that a worker has."""
        return self.filter(state__in=self.model.AT_WORK)

    def waiting(self) -> Self:
        """Jobs that wait for a worker."""
        return self.filter(state=self.model.State.QUEUED)

    def in_turn(self) -> Self:
        """Jobs that wait, who is next first."""
        return self.waiting().order_by("queued_at", "pk")

    def expired(self, now: datetime) -> Self:
        """Jobs at work whose worker has not been heard of within its lease."""
        return self.at_work().filter(lease_expires_at__lt=now)

    def waiting_since(self, moment: datetime) -> Self:
        """Jobs queued before that moment that no worker has claimed."""
        return self.waiting().filter(woken_at__lt=moment)
