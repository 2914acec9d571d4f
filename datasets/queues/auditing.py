"""What a random sample says of the labels it was drawn from: how many are wrong, with an interval."""

from collections import Counter
from dataclasses import dataclass

from django.db.models import Count

from datasets.intervals import count_in_population
from datasets.models import Queue, QueueItem


@dataclass(frozen=True)
class Estimate:
    """Of `judged` labels of a random sample `wrong` were wrong.

    Of the `population` between `low` and `high` are (95 %); `name` is the class that the labels said, None
    for all of them. Given how many of a sample have a class, they are a random sample of that class.
    """

    name: str | None
    wrong: int
    judged: int
    population: int
    low: int
    high: int

    @property
    def share(self) -> float | None:
        """The error rate seen, 0 to 1; None before anything was judged."""
        return self.wrong / self.judged if self.judged else None

    @property
    def low_share(self) -> float:
        """The lower end of the error rate."""
        return self.low / self.population if self.population else 0.0

    @property
    def high_share(self) -> float:
        """The upper end of the error rate."""
        return self.high / self.population if self.population else 1.0


@dataclass(frozen=True)
class Audit:
    """What an audit found. `undecided` counts images that nobody judged yet, `skipped` those laid aside.

    `moves` counts corrections as (label before or None, label after, None being excluded or no label).
    """

    overall: Estimate
    classes: list[Estimate]
    undecided: int
    skipped: int
    moves: list[tuple[str | None, str | None, int]]


def audit_of(queue: Queue) -> Audit:
    """Return what a sample says of its population, by the images judged so far.

    The sample lies in random order, so the judged ones are a random sample too, but for those skipped: what
    is skipped is not counted, and told.
    """
    rows = list(
        queue.items.order_by()
        .values("label_then__name", "outcome", "said__name", "said_excluded")
        .annotate(count=Count("pk"))
    )
    judged: Counter[str | None] = Counter()
    wrong: Counter[str | None] = Counter()
    moves: Counter[tuple[str | None, str | None]] = Counter()
    for row in rows:
        name, count = row["label_then__name"], row["count"]
        if row["outcome"] == QueueItem.Outcome.KEPT:
            judged[name] += count
        elif row["outcome"] == QueueItem.Outcome.CHANGED:
            judged[name] += count
            wrong[name] += count
            moves[name, None if row["said_excluded"] else row["said__name"]] += count
    known = queue.population_by_class
    return Audit(
        overall=_estimate(None, wrong.total(), judged.total(), queue.population),
        classes=[
            _estimate(name, wrong[name], judged[name], max(known[name], judged[name]))
            for name in queue.dataset.classes.values_list("name", flat=True)
            if judged[name] and name in known
        ],
        undecided=queue.items.open().count(),
        skipped=queue.items.open().filter(skipped_by__isnull=False).count(),
        moves=[(*move, count) for move, count in moves.most_common()],
    )


def _estimate(name: str | None, wrong: int, judged: int, population: int) -> Estimate:
    return Estimate(name, wrong, judged, population, *count_in_population(wrong, judged, population))
