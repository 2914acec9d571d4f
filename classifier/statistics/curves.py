"""Curves of a class against the rest: receiver operating characteristic, precision and recall."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """Points of a curve, `x` and `y` (M,) 0 to 1, from the strictest threshold on, and its area."""

    x: Array
    y: Array
    area: float

    def thinned(self, most: int) -> "Curve":
        """Return at most so many of the points, the ends among them; the area stays that of all."""
        if len(self.x) <= most:
            return self
        kept = np.unique(np.linspace(0, len(self.x) - 1, most).round().astype(int))
        return Curve(self.x[kept], self.y[kept], self.area)


def roc(is_class: NDArray[np.bool_], probability: Array) -> Curve | None:
    """Return true positives (y) against false positives (x); None where the class or the rest is missing.

    `is_class` (N,), `probability` (N,) of the class. Images of the same probability are one step. The area is
    the chance that an image of the class is ranked above one of the rest (J. A. Hanley and B. J. McNeil,
    Radiology 143 (1982) 29-36).
    """
    hits, false = _steps(is_class, probability)
    if not hits[-1] or not false[-1]:
        return None
    x, y = false / false[-1], hits / hits[-1]
    return Curve(x, y, float(np.trapezoid(y, x)))


def precision_recall(is_class: NDArray[np.bool_], probability: Array) -> Curve | None:
    """Return precision (y) against recall (x); None where the class is missing.

    The area is average precision: the sum of precision over the steps of recall, not interpolated (J. Davis
    and M. Goadrich, ICML 2006, on why not linearly).
    """
    hits, false = _steps(is_class, probability)
    if not hits[-1]:
        return None
    recall = hits / hits[-1]
    said = np.maximum(hits + false, 1)
    precision = np.where(hits + false > 0, hits / said, 1.0)
    area = float((np.diff(recall) * precision[1:]).sum())
    return Curve(recall, precision, area)


def _steps(is_class: NDArray[np.bool_], probability: Array) -> tuple[Array, Array]:
    """Return how many of the class, and of the rest, lie at or above each threshold, from none on."""
    if not len(is_class):
        return np.zeros(1), np.zeros(1)
    order = np.argsort(-probability, kind="stable")
    ranked = is_class[order]
    last = np.append(np.flatnonzero(np.diff(probability[order])), len(ranked) - 1)
    hits = np.cumsum(ranked)[last]
    return np.append(0.0, hits), np.append(0.0, last + 1 - hits)
