"""How far a queue is, and how quickly people go."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Q
from django.utils import timezone

from datasets.models import Queue, QueueItem

# Pace is that of the last minutes: what people do now, not what they did yesterday.
RECENT = timedelta(minutes=5)
# A pace measured over less would be a guess.
LEAST = timedelta(seconds=20)


@dataclass(frozen=True)
class Progress:
    """Counts of a queue's images: `total` = `done` + `open`, `done` = `kept` + `changed` + `elsewhere`.

    Of a blind queue `kept` and `changed` are None: after each opinion they would tell the label.

    `free`: open, not skipped, and with nobody else. `pace`: images a minute by everybody, `mine` by the
    person who asks (None: nothing decided lately). `seconds_left` at the pace of everybody.
    """

    total: int
    done: int
    open: int
    free: int
    skipped: int
    kept: int | None
    changed: int | None
    elsewhere: int
    pace: float | None = None
    mine: float | None = None

    @property
    def seconds_left(self) -> float | None:
        """How long the rest takes; None where nobody is at it."""
        return 60 * self.open / self.pace if self.pace else None

    @property
    def share(self) -> float:
        """How much is done, 0 to 1."""
        return self.done / self.total if self.total else 1.0


def progress_of(queues: Sequence[Queue], user: Any) -> dict[int, Progress]:
    """Return how far queues are, by id, as the person sees it."""
    at = timezone.now()
    outcome = QueueItem.Outcome
    is_open = Q(outcome=outcome.OPEN)
    others = Q(claimed_until__gte=at) & ~Q(claimed_by=user) & Q(claimed_by__isnull=False)
    rows = (
        QueueItem.objects.filter(queue__in=queues)
        .order_by()
        .values("queue")
        .annotate(
            total=Count("pk"),
            open=Count("pk", filter=is_open),
            held=Count("pk", filter=is_open & others),
            skipped=Count("pk", filter=is_open & Q(skipped_by__isnull=False)),
            own=Count(
                "pk",
                filter=is_open & Q(queue__blind=True, author_then=user, skipped_by__isnull=True) & ~others,
            ),
            **{name: Count("pk", filter=Q(outcome=name)) for name in ("kept", "changed", "elsewhere")},
        )
    )
    counted: dict[int, dict[str, int]] = {row["queue"]: dict(row) for row in rows}  # type: ignore[arg-type]
    paces = _paces(queues, user, at)
    found = {}
    for queue in queues:
        pace, mine = paces.get(queue.pk, (None, None))
        progress = _progress(counted.get(queue.pk), pace, mine)
        found[queue.pk] = replace(progress, kept=None, changed=None) if queue.blind else progress
    return found


def _progress(row: dict[str, int] | None, pace: float | None, mine: float | None) -> Progress:
    if row is None:
        return Progress(*[0] * 8)
    row = {name: count for name, count in row.items() if name != "queue"}
    held, own = row.pop("held"), row.pop("own")
    free = max(0, row["open"] - held - own - row["skipped"])
    return Progress(**row, done=row["total"] - row["open"], free=free, pace=pace, mine=mine)


def _paces(queues: Sequence[Queue], user: Any, at: datetime) -> dict[int, tuple[float | None, float | None]]:
    """Return the images a minute of everybody and of this person, by queue."""
    recent: dict[int, list[tuple[datetime, bool]]] = {}
    rows = QueueItem.objects.filter(queue__in=queues, decided_at__gte=at - RECENT)
    moment: Any
    for queue, moment, by in rows.order_by("decided_at").values_list("queue", "decided_at", "decided_by"):
        recent.setdefault(queue, []).append((moment, by == user.pk))
    return {
        queue: (_rate([when for when, _ in found], at), _rate([when for when, own in found if own], at))
        for queue, found in recent.items()
    }


def _rate(moments: list[datetime], at: datetime) -> float | None:
    """Return events a minute from the first of them to now."""
    if len(moments) < 2:
        return None
    return len(moments) / (max(at - moments[0], LEAST) / timedelta(minutes=1))
