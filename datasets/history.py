"""What was done to the labels of a dataset: day by day, by whom, and the deeds themselves."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Max
from django.db.models.functions import TruncDate
from django.utils import timezone

from datasets.models import Dataset, Label, LabelBatch

BY_HAND = "by_hand"
ACCEPTED = "accepted"
REVERSED = "reversed"
IMPORTED = "imported"
WAYS = (BY_HAND, ACCEPTED, REVERSED, IMPORTED)
_WAY_OF: dict[str | None, str] = {
    LabelBatch.Kind.RELABEL: BY_HAND,
    LabelBatch.Kind.ACCEPT: ACCEPTED,
    LabelBatch.Kind.UNDO: REVERSED,
    LabelBatch.Kind.REDO: REVERSED,
    LabelBatch.Kind.IMPORT: IMPORTED,
    None: BY_HAND,
}


@dataclass
class Changes:
    """How many labels were written in each of the `WAYS`, and when the last."""

    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WAYS, 0))
    last: datetime | None = None

    @property
    def total(self) -> int:
        """How many in all."""
        return sum(self.counts.values())

    def add(self, kind: str | None, count: int, last: datetime | None = None) -> None:
        """Count more of them."""
        self.counts[_WAY_OF[kind]] += count
        self.last = max(filter(None, (self.last, last)), default=None)


@dataclass(frozen=True)
class Deed:
    """A batch that undoes nothing, and its newest undoing or redoing.

    `labels`: what it said as (class or None, excluded, how many images), the most frequent first.
    """

    batch: LabelBatch
    labels: list[tuple[str | None, bool, int]]
    newest: LabelBatch | None

    @property
    def images(self) -> int:
        """How many images it was about."""
        return sum(count for _, _, count in self.labels)

    @property
    def is_undone(self) -> bool:
        """Whether it is undone now."""
        return self.newest is not None and self.newest.kind == LabelBatch.Kind.UNDO

    @property
    def is_reversible(self) -> bool:
        """Whether it can be undone, or redone, at all."""
        return self.batch.kind != LabelBatch.Kind.IMPORT


def changes_by_day(dataset: Dataset, user: Any, *, days: int) -> dict[date, Changes]:
    """Count the labels written on each of the last days (of UTC), oldest first, today included."""
    today = timezone.now().date()
    counted = {today - timedelta(days=back): Changes() for back in reversed(range(days))}
    begin = datetime.combine(min(counted), time.min, tzinfo=UTC)
    rows = (
        Label.objects.visible_to(user)
        .filter(image__dataset=dataset, created_at__gte=begin)
        .order_by()
        .values_list(TruncDate("created_at", tzinfo=UTC), "batch__kind")
        .annotate(count=Count("pk"))
    )
    for day, kind, count in rows:
        counted.setdefault(day, Changes()).add(kind, count)
    return counted


def changes_by_person(dataset: Dataset, user: Any) -> list[tuple[str | None, Changes]]:
    """Count the labels that each person wrote (None: a command), the busiest first."""
    people: dict[str | None, Changes] = {}
    rows = (
        Label.objects.visible_to(user)
        .filter(image__dataset=dataset)
        .order_by()
        .values_list("author__username", "batch__kind")
        .annotate(count=Count("pk"), last=Max("created_at"))
    )
    for name, kind, count, last in rows:
        people.setdefault(name, Changes()).add(kind, count, last)
    return sorted(people.items(), key=lambda each: -each[1].total)


def deeds(dataset: Dataset, user: Any, *, most: int, before: int | None = None) -> list[Deed]:
    """Return the newest batches that undo or redo nothing, or those older than a batch's id."""
    seen = LabelBatch.objects.visible_to(user).filter(dataset=dataset)
    first = seen.of_labels().filter(reverses__isnull=True)
    if before is not None:
        first = first.filter(pk__lt=before)
    found = list(first.select_related("author")[:most])
    newest = _newest_reversals(seen, found)
    labels: defaultdict[int, list[tuple[str | None, bool, int]]] = defaultdict(list)
    rows = Label.objects.visible_to(user).filter(batch__in=[batch.pk for batch in found])
    for pk, *told in (
        rows.order_by()
        .values_list("batch", "label_class__name", "excluded")
        .annotate(count=Count("pk"))
        .order_by("-count", "label_class__name")
    ):
        labels[pk].append((told[0], told[1], told[2]))
    return [Deed(batch, labels[batch.pk], newest.get(batch.pk)) for batch in found]


def _newest_reversals(seen: Any, batches: Iterable[LabelBatch]) -> dict[int, LabelBatch]:
    """Return the last undoing or redoing of each batch that has one."""
    root = {batch.pk: batch.pk for batch in batches}
    if not root:
        return {}
    newest = {}
    later = seen.filter(reverses__isnull=False, pk__gt=min(root)).select_related("author").order_by("pk")
    for reversal in later:
        if reversal.reverses_id in root:
            root[reversal.pk] = root[reversal.reverses_id]
            newest[root[reversal.pk]] = reversal
    return newest
