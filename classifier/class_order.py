"""Whether the classes of a version stand in another order than was said, by its confusion matrix."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classifier.models import Evaluation, ModelVersion

# A better order must gain so much, and beat calling every image by the largest class by so much.
LEAST_GAIN = 0.15
LEAST_LEAD = 0.1


@dataclass(frozen=True)
class BetterOrder:
    """An order of the classes with which a version would be right more often."""

    classes: tuple[str, ...]
    accuracy: float
    accuracy_now: float

    def __str__(self) -> str:
        return (
            f"With the order {', '.join(self.classes)} accuracy would be {self.accuracy:.2f} instead of "
            f"{self.accuracy_now:.2f}: are the classes in the right order?"
        )


def better_order(classes: Sequence[str], matrix: Sequence[Sequence[int]]) -> BetterOrder | None:
    """Return the order in which most images would be right, where it is clearly better; None otherwise.

    `matrix[actual][predicted]` counts images, both in the order of `classes`. Each name that the version
    says may stand for another class: the best assignment of the columns to the rows (Kuhn, Naval Research
    Logistics 2 (1955) 83-97).
    """
    from scipy.optimize import linear_sum_assignment

    counts = np.asarray(matrix, dtype=np.int64)
    total = int(counts.sum())
    if not total:
        return None
    # Where it makes no difference, as for a class without images, the order stays.
    weighed = counts * (2 * len(counts)) + np.eye(len(counts), dtype=np.int64)
    actual, predicted = linear_sum_assignment(weighed, maximize=True)
    best, now = counts[actual, predicted].sum() / total, counts.trace() / total
    largest = counts.sum(axis=1).max() / total
    if best - now < LEAST_GAIN or best - largest < LEAST_LEAD:
        return None
    # What the version calls by the name at a place is in truth the class that this order has there.
    named = dict(zip(predicted.tolist(), actual.tolist(), strict=True))
    order = tuple(classes[named[place]] for place in range(len(classes)))
    return BetterOrder(order, float(best), float(now))


def order_doubt(evaluation: Evaluation) -> str:
    """Return what speaks for another order of an imported version's classes; empty where nothing does."""
    if evaluation.version.origin != ModelVersion.Origin.IMPORTED:
        return ""
    return str(better_order(evaluation.classes, evaluation.matrix) or "")
