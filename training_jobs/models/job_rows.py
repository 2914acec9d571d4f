"""Sets of jobs of one kind."""

from datetime import timedelta
from typing import Any, Self

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from datasets.visibility import VisibleQuerySet


def lease_from_now() -> Any:
    """Until when a worker that is heard of now may be silent, by the one clock of all: the database's."""
    return Now() + timedelta(seconds=settings.JOB_LEASE_SECONDS)


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

    def expired(self) -> Self:
        """Jobs at work whose worker has not been heard of within its lease."""
        return self.at_work().filter(lease_expires_at__lt=Now())

    def leased_too_far(self) -> Self:
        """Jobs at work whose lease lies further ahead than one is long: the clock was set back since."""
        return self.at_work().filter(lease_expires_at__gt=lease_from_now())

    def lease_anew(self) -> int:
        """Let jobs at work have a whole lease from now: the workers that live renew it before it ends."""
        return self.at_work().exclude(lease_expires_at=None).update(lease_expires_at=lease_from_now())

    def waiting_for(self, age: timedelta) -> Self:
        """Jobs queued so long ago that no worker has claimed, or in a future that the clock has left."""
        now = Now()
        return self.waiting().filter(Q(woken_at__lt=now - age) | Q(woken_at__gt=now + timedelta(minutes=1)))
