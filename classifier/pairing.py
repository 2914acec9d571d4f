"""Two versions on the same images: what differs, how surely, and which images one of them has right."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from math import ceil, prod
from typing import Any

import numpy as np

from classifier.answers import Numbers, Truths
from classifier.metrics import Scores, mcnemar_exact
from classifier.statistics.resampling import LEVEL, REPLICATES, Resampled
from classifier.statistics.scores import HEADLINES, Scored, less, resampled, score_names
from classifier.statistics.testing import holm
from datasets.queues.agreement import cohens_kappa

# So many replicates lie beyond the end of an interval, but no more are drawn than MOST_REPLICATES.
BEYOND = 20
MOST_REPLICATES = 10_000


@dataclass(frozen=True)
class Change:
    """How much higher a score of `b` is than that of `a`, with its interval; `of_class` empty for a headline.

    The interval is of `level`, so that all of its kind in one comparison hold together in 95 of 100 cases
    (Bonferroni): headlines over the pairs, classes over pairs and classes. None where it is undefined.
    """

    score: str
    of_class: str
    difference: float | None
    low: float | None
    high: float | None
    level: float

    @property
    def is_shown(self) -> bool:
        """Whether more than chance is shown: the interval leaves zero out."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)

    def as_dict(self) -> dict[str, Any]:
        """Return it in the shape of REST."""
        return {**asdict(self), "is_shown": self.is_shown}


@dataclass(frozen=True)
class Paired:
    """Version `b` against `a`, image by image; `difference` is b's matrix less a's.

    `fixed` are the ids that only b has right, `broken` those that only a has right, `both_wrong` neither.
    `p_value` is McNemar's, `holm_p_value` the same raised for the other pairs of the comparison. `agreement`
    is the share of images of which both say the same, `kappa` Cohen's (None where it is undefined).
    """

    a: int
    b: int
    p_value: float
    holm_p_value: float
    fixed: list[int]
    broken: list[int]
    both_wrong: list[int]
    agreement: float
    kappa: float | None
    difference: list[list[int]]
    changes: list[Change]

    def change(self, score: str, of_class: str = "") -> Change:
        """Return how one score changes."""
        return next(each for each in self.changes if (each.score, each.of_class) == (score, of_class))

    def as_dict(self) -> dict[str, Any]:
        """Return it in the shape of REST."""
        return {
            **asdict(self),
            "changes": [each.as_dict() for each in self.changes],
            "only_a_right": len(self.broken),
            "only_b_right": len(self.fixed),
        }


@dataclass(frozen=True)
class Side:
    """A version by its id, what it said of each image, (N,), its scores, and these resampled."""

    pk: int
    said: Numbers
    scores: Scores
    drawn: Resampled


def draw(truths: Truths, said: Sequence[Numbers]) -> list[Resampled]:
    """Return the scores of what each version said, (N,), resampled by paper together."""
    level = _level(len(said) - 1, len(truths.classes))
    wanted = min(max(REPLICATES, ceil(2 * BEYOND / (1 - level))), MOST_REPLICATES)
    return resampled([truths.scored(own) for own in said], replicates=wanted)


def pair_all(truths: Truths, sides: Sequence[Side]) -> list[Paired]:
    """Return each later side against the first."""
    pairs = [_pair(truths, sides[0], side, pairs=len(sides) - 1) for side in sides[1:]]
    raised = holm([pair.p_value for pair in pairs])
    return [replace(pair, holm_p_value=p) for pair, p in zip(pairs, raised, strict=True)]


def _level(*numbers: int) -> float:
    """Return the level of each interval of which so many times so many hold together (Bonferroni)."""
    return 1 - (1 - LEVEL) / prod(numbers)


def _pair(truths: Truths, a: Side, b: Side, *, pairs: int) -> Paired:
    """Set two versions' answers side by side."""
    right_a, right_b = a.said == truths.actual, b.said == truths.actual
    fixed, broken = right_b & ~right_a, right_a & ~right_b
    p_value = mcnemar_exact(int(broken.sum()), int(fixed.sum()))
    agreed = cohens_kappa(_said_by_both(truths, a, b))
    return Paired(
        a=a.pk,
        b=b.pk,
        p_value=p_value,
        holm_p_value=p_value,
        fixed=truths.images[fixed].tolist(),
        broken=truths.images[broken].tolist(),
        both_wrong=truths.images[~right_a & ~right_b].tolist(),
        agreement=agreed.observed,
        kappa=agreed.kappa,
        difference=_less(b.scores, a.scores),
        changes=_changes(truths, a, b, pairs=pairs),
    )


def _changes(truths: Truths, a: Side, b: Side, *, pairs: int) -> list[Change]:
    """Return how the headlines and the F1 of each class change."""
    classes = list(truths.classes)
    drawn = less(b.drawn, a.drawn)
    changes = []
    for place, (score, of_class) in enumerate(score_names(classes)):
        if score not in (*HEADLINES, "f1"):
            continue
        level = _level(pairs, len(classes)) if of_class else _level(pairs)
        interval = drawn.interval(place, level=level)
        difference, low, high = (
            None if np.isnan(value) else float(value)
            for value in (drawn.estimate[place], interval.low, interval.high)
        )
        changes.append(Change(score, of_class, difference, low, high, level))
    return changes


def _said_by_both(truths: Truths, a: Side, b: Side) -> dict[tuple[str, str], int]:
    """Count images by what the one and the other said."""
    counts = Scored(a.said, b.said, truths.papers, len(truths.classes)).matrix()
    return {
        (one, other): count
        for one, row in zip(truths.classes, counts, strict=True)
        for other, count in zip(truths.classes, row, strict=True)
        if count
    }


def _less(b: Scores, a: Scores) -> list[list[int]]:
    """Return matrix b less matrix a."""
    return [
        [more - less for more, less in zip(row_b, row_a, strict=True)]
        for row_b, row_a in zip(b.matrix, a.matrix, strict=True)
    ]
