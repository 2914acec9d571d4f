"""Images of a queue go to one person at a time, for a while."""

from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils import timezone

from datasets.chunks import chunks
from datasets.errors import Refused
from datasets.models import Queue, QueueItem


class QueueClosed(Refused):
    """Raised where somebody closed the queue."""

    code = "queue_closed"
    status = 409


def check_open(queue: Queue) -> None:
    """Refuse a closed queue."""
    if queue.closed_at is not None:
        raise QueueClosed(f"“{queue.name}” is closed. Choose another queue, or open it again.")


@transaction.atomic
def take_items(
    queue: Queue, user: Any, *, size: int, held: bool = False, skipped: bool = False
) -> list[QueueItem]:
    """Give a person the next images of a queue, which nobody else gets until they are decided or let go.

    `held` begins with those that the person has already; `skipped` gives what was skipped, not what is new.
    Images that bear another label than when the queue was made are crossed off on the way, where the queue
    asks only whether they still need one; so are those that somebody asked about and whose label was taken
    back. `QueueClosed`.
    """
    check_open(queue)
    at = timezone.now()
    items = queue.items.all()
    # Locked: with its lease over, somebody else may take it in this moment.
    held_items = items.held_by(user).exclude(QueueItem.told_to(user)).order_by("place", "id")
    mine = list(_locked(held_items)) if held else []
    items.filter(pk__in=[item.pk for item in mine]).claim(user, at=at)
    free = items.free_for(user, at=at).exclude(claimed_by=user, claimed_until__gte=at)
    free = free.filter(skipped_by__isnull=not skipped)
    if not queue.looks_at_given_label:
        _cross_off(free.exclude(image__version=F("version_then")).exclude(QueueItem.image_as_then()))
    elif queue.standing and queue.kind == Queue.Kind.SECOND:
        _cross_off(free.filter(image__label=None))
    wanted = free.order_by("place", "id")[: max(0, size - len(mine))]
    found = list(_locked(wanted))
    taken = items.filter(pk__in=[item.pk for item in found])
    taken.claim(user, at=at)
    taken.update(skipped_by=None)
    return [*mine, *found]


def hold_items(queue: Queue, user: Any) -> int:
    """Keep what a person has for another lease."""
    return queue.items.held_by(user).claim(user, at=timezone.now())


def release_items(queue: Queue, user: Any) -> int:
    """Let go of what a person has."""
    return queue.items.held_by(user).release()


def others_at(queue: Queue, user: Any) -> list[str]:
    """Return the names of the other people who have some of a queue's images now."""
    theirs = queue.items.open().filter(claimed_until__gte=timezone.now()).exclude(claimed_by=user)
    return sorted(set(theirs.values_list("claimed_by__username", flat=True)) - {None})


def _locked(items: Any) -> Any:
    """Lock rows for this transaction, past those that somebody else is just taking."""
    if connection.features.has_select_for_update_skip_locked:
        return items.select_for_update(skip_locked=True, of=("self",))
    return items


def _cross_off(items: Any) -> None:
    """Say of items that they were labelled elsewhere."""
    for some in chunks([item.pk for item in _locked(items.order_by("id"))]):
        QueueItem.objects.filter(pk__in=some).update(
            outcome=QueueItem.Outcome.ELSEWHERE, claimed_by=None, claimed_until=None, skipped_by=None
        )
