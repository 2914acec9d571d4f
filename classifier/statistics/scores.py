"""Scores of many confusion matrices at once, and their intervals by paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.statistics.resampling import (
    FEW_PAPERS,
    LEVEL,
    METHOD,
    REPLICATES,
    SEED,
    Array,
    Interval,
    Resampled,
    numbered,
    resample,
    sums_by_paper,
)

HEADLINES = ("macro_f1", "balanced_accuracy", "accuracy")
OF_CLASS = ("precision", "recall", "f1")
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Scored:
    """Images as numbers: `actual` (N,) and `predicted` (N,) of 0 to `class_count` - 1, `papers` (N,).

    A negative paper is no paper: such an image is one of its own.
    """

    actual: Numbers
    predicted: Numbers
    papers: Numbers
    class_count: int

    def matrix(self) -> list[list[int]]:
        """Return how many images there are of each class and answer, rows actual."""
        cells = np.bincount(self.actual * self.class_count + self.predicted, minlength=self.class_count**2)
        counts: list[list[int]] = cells.reshape(self.class_count, self.class_count).tolist()
        return counts

    def by_paper(self) -> tuple[Array, int]:
        """Return the confusion counts of each paper, (P, K * K) with rows actual, and P."""
        place, count = numbered(self.papers)
        cells = self.class_count**2
        cell = self.actual * self.class_count + self.predicted
        counts = np.bincount(place * cells + cell, minlength=count * cells).reshape(count, cells)
        return counts.astype(np.float64), count


def scores_of(matrices: Array) -> Array:
    """Return the scores of confusion matrices (R, K * K): (R, 3 + 3 K).

    Macro-F1, balanced accuracy, accuracy; then precision of each class, recall of each, F1 of each. As
    `metrics.score` defines them: means are over classes with support, NaN where a score is undefined.
    """
    rows, cells = matrices.shape
    classes = round(cells**0.5)
    cube = matrices.reshape(rows, classes, classes)
    hits = np.diagonal(cube, axis1=1, axis2=2)
    support, said = cube.sum(axis=2), cube.sum(axis=1)
    has_support = support > 0
    with np.errstate(invalid="ignore", divide="ignore"):
        recall = np.where(has_support, hits / support, np.nan)
        f1 = np.where(has_support, 2 * hits / (support + said), np.nan)
        precision = np.where(said > 0, hits / said, np.where(has_support, 0.0, np.nan))
        number = has_support.sum(axis=1)
        mean_f1 = np.where(has_support, f1, 0).sum(axis=1) / number
        mean_recall = np.where(has_support, recall, 0).sum(axis=1) / number
        accuracy = hits.sum(axis=1) / support.sum(axis=1)
    return np.column_stack([mean_f1, mean_recall, accuracy, precision, recall, f1])


def score_names(classes: list[str]) -> list[tuple[str, str]]:
    """Return what each column of `scores_of` is: (score, class), the class empty for a headline."""
    headlines = [(name, "") for name in HEADLINES]
    return headlines + [(score, name) for score in OF_CLASS for name in classes]


def resampled(scored: Sequence[Scored], *, replicates: int = REPLICATES, seed: int = SEED) -> list[Resampled]:
    """Return the scores of several versions on the same images, each replicate of the same papers for all.

    Columns as in `scores_of`; by `less` of two the replicates of their difference are paired. ValueError
    where they are not of the same images, or of none.
    """
    first = scored[0]
    if not all(np.array_equal(each.papers, first.papers) for each in scored):
        raise ValueError("paired scores need the same images in the same order")
    counts = [each.by_paper()[0] for each in scored]
    edges = np.cumsum([each.shape[1] for each in counts])[:-1]

    def all_scores(sums: Array) -> Array:
        return np.hstack([scores_of(own) for own in np.split(sums, edges, axis=1)])

    drawn = resample(np.hstack(counts), all_scores, replicates=replicates, seed=seed)
    return [
        Resampled(estimate, values, drawn.papers)
        for estimate, values in zip(
            np.split(drawn.estimate, len(scored)),
            np.split(drawn.replicates, len(scored), axis=1),
            strict=True,
        )
    ]


def less(b: Resampled, a: Resampled) -> Resampled:
    """Return the scores of `b` less those of `a`, which were resampled together."""
    return Resampled(b.estimate - a.estimate, b.replicates - a.replicates, a.papers)


def intervals(
    scored: Scored, *, classes: list[str], replicates: int = REPLICATES, seed: int = SEED
) -> dict[str, Any]:
    """Return the 95 % interval of every score as `told_intervals` does; an empty dict without images."""
    if not len(scored.actual):
        return {}
    return told_intervals(
        resampled([scored], replicates=replicates, seed=seed)[0], classes=classes, seed=seed
    )


def told_intervals(drawn: Resampled, *, classes: list[str], seed: int = SEED) -> dict[str, Any]:
    """Return the 95 % interval of every score, JSON-ready: [low, high], None where it is undefined.

    `{level, method, replicates, seed, papers, few_papers, macro_f1, balanced_accuracy, accuracy,
    per_class: {class: {precision, recall, f1}}}`.
    """
    told: dict[str, Any] = {
        "level": LEVEL,
        "method": METHOD,
        "replicates": len(drawn.replicates),
        "seed": seed,
        "papers": drawn.papers,
        "few_papers": drawn.papers < FEW_PAPERS,
        "per_class": {name: {} for name in classes},
    }
    for place, (score, name) in enumerate(score_names(classes)):
        (told["per_class"][name] if name else told)[score] = _ends(drawn.interval(place))
    return told


def accuracy_interval(is_right: NDArray[np.bool_], papers: Numbers, *, seed: int = SEED) -> Interval:
    """Return the interval of a share of images, (N,), by paper."""
    place, count = numbered(papers)
    values = np.column_stack([is_right, np.ones(len(is_right))]).astype(np.float64)
    drawn = resample(
        sums_by_paper(values, place, count=count), lambda sums: sums[:, :1] / sums[:, 1:], seed=seed
    )
    return drawn.interval(0)


def _ends(interval: Interval) -> list[float] | None:
    return None if np.isnan(interval.low) else [interval.low, interval.high]
