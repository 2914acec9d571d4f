"""How far two people agree beyond chance: Cohen's kappa, by pair and by class."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

from django.db.models import Count

from datasets.intervals import Z95
from datasets.models import Dataset, QueueItem
from datasets.models.queue import SETTLES

EXCLUDED = "excluded"
NO_LABEL = "no label"
IMPORT = "import"

Pairs = Mapping[tuple[str, str], int]


@dataclass(frozen=True)
class Kappa:
    """Cohen's kappa of two people over `images`; -1 to 1, None where chance alone agrees on everything.

    `low`, `high`: its 95 % interval by the large-sample error; None with it, and where they agree on all
    images: the error is 0 then and says nothing. `observed`: the share on which they agree, 0 to 1.
    """

    images: int
    observed: float
    kappa: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class PairAgreement:
    """How two people agree: `first` gave the label in force, `second` did not see it.

    classes: for each class used, that class against the rest. table: {(first said, second said): images}.
    """

    first: str
    second: str
    overall: Kappa
    classes: dict[str, Kappa]
    table: Pairs


def cohens_kappa(table: Pairs) -> Kappa:
    """Return kappa of a table {(one said, other said): images}.

    J. Cohen, "A coefficient of agreement for nominal scales", Educational and Psychological Measurement 20
    (1960); the error by J. L. Fleiss, J. Cohen and B. S. Everitt, Psychological Bulletin 72 (1969). It takes
    images for independent; those of one paper are not quite, so the interval is rather too narrow.
    """
    total = sum(table.values())
    if not total:
        return Kappa(0, 0.0, None)
    rows: Counter[str] = Counter()
    columns: Counter[str] = Counter()
    for (one, other), count in table.items():
        rows[one] += count
        columns[other] += count
    share = {pair: count / total for pair, count in table.items()}
    one_said = {name: count / total for name, count in rows.items()}
    other_said = {name: columns[name] / total for name in {*rows, *columns}}
    observed = sum(value for (one, other), value in share.items() if one == other)
    chance = sum(value * other_said[name] for name, value in one_said.items())
    if chance >= 1:
        return Kappa(total, observed, None)
    kappa = (observed - chance) / (1 - chance)
    if all(one == other for one, other in table):
        return Kappa(total, observed, kappa)
    both = {name: one_said.get(name, 0) + value for name, value in other_said.items()}
    agreeing = sum(share.get((name, name), 0) * (1 - both[name] * (1 - kappa)) ** 2 for name in both)
    differing = (1 - kappa) ** 2 * sum(
        value * (other_said.get(one, 0) + one_said.get(other, 0)) ** 2
        for (one, other), value in share.items()
        if one != other
    )
    variance = agreeing + differing - (kappa - chance * (1 - kappa)) ** 2
    half = Z95 * sqrt(max(0.0, variance) / total) / (1 - chance)
    return Kappa(total, observed, kappa, max(-1.0, kappa - half), min(1.0, kappa + half))


def agreement_of(dataset: Dataset, user: Any) -> list[PairAgreement]:
    """Return the agreement of each pair of people in the dataset's blind queues, the most images first.

    Of open queues for those alone who settle: the table moves with each opinion, and would tell its author
    of the label.
    """
    opinions = QueueItem.objects.visible_to(user).decided().filter(queue__dataset=dataset, queue__blind=True)
    if not user.has_perm(SETTLES):
        opinions = opinions.filter(queue__closed_at__isnull=False)
    rows = (
        opinions.order_by()
        .values_list(
            "author_then__username",
            "decided_by__username",
            "label_then__name",
            "excluded_then",
            "said__name",
            "said_excluded",
        )
        .annotate(count=Count("pk"))
    )
    tables: defaultdict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    for first, second, then, out_then, said, out, count in rows:
        pair = (first or IMPORT, second)
        tables[pair][_category(then, excluded=out_then), _category(said, excluded=out)] += count
    order = [*dataset.classes.values_list("name", flat=True), NO_LABEL, EXCLUDED]
    found = [_pair(*pair, table, order) for pair, table in tables.items()]
    return sorted(found, key=lambda each: (-each.overall.images, each.first, each.second))


def _pair(first: str, second: str, table: Counter[tuple[str, str]], order: list[str]) -> PairAgreement:
    used = {name for pair in table for name in pair}
    classes = {name: cohens_kappa(_against_rest(table, name)) for name in order if name in used}
    return PairAgreement(first, second, cohens_kappa(table), classes, dict(table))


def _against_rest(table: Pairs, name: str) -> Pairs:
    counted: Counter[tuple[str, str]] = Counter()
    for (one, other), count in table.items():
        counted["it" if one == name else "rest", "it" if other == name else "rest"] += count
    return counted


def _category(name: str | None, *, excluded: bool) -> str:
    return EXCLUDED if excluded else name or NO_LABEL
