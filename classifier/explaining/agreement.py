"""Whether two heat maps of one answer tell the same."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

AGREE = 0.6
IN_PART = 0.3
# A probability that no hidden part moves by more says nothing of where the class is.
LEAST_DROP = 0.01


@dataclass(frozen=True)
class Agreement:
    """How far two maps agree: Spearman's rank correlation over cells (None: not to be told), in words."""

    correlation: float | None
    verdict: str
    text: str


def agreement_of(grad_cam: NDArray[np.float64], drops: NDArray[np.float64], *, class_name: str) -> Agreement:
    """Compare a Grad-CAM in cells with the drops of the class's probability where each cell is hidden."""
    largest = float(drops.max())
    if largest < LEAST_DROP:
        return Agreement(
            None,
            "not to be told",
            f"Hiding any one part lowers the probability of {class_name} by less than a point: the answer "
            "does not hang on one place, so neither map shows where it comes from.",
        )
    correlation = rank_correlation(grad_cam, np.maximum(drops, 0))
    if correlation is None:
        return Agreement(
            None,
            "not to be told",
            f"Grad-CAM finds no place that speaks for {class_name} more than another.",
        )
    told = f"rank correlation {correlation:.2f} over {drops.size} cells"
    if correlation >= AGREE:
        return Agreement(correlation, "agree", f"Both methods point to the same places ({told}).")
    if correlation >= IN_PART:
        text = f"Both methods agree in part ({told}): trust the places that both show."
        return Agreement(correlation, "agree in part", text)
    text = f"The methods disagree ({told}): be careful, neither map may show why."
    return Agreement(correlation, "disagree", text)


def rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    """Return Spearman's rank correlation of two arrays of one shape, ties at their mean rank, -1 to 1.

    None where one of them is the same everywhere. C. Spearman, Am. J. Psychol. 15 (1904).
    """
    ranks = np.stack([_ranks(first.ravel()), _ranks(second.ravel())])
    if (np.ptp(ranks, axis=1) == 0).any():
        return None
    return float(np.asarray(np.corrcoef(ranks))[0, 1])


def _ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the rank of each value, from 0, equal values at the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ends = np.cumsum(counts)
    return np.asarray((ends - (counts + 1) / 2)[place], dtype=np.float64)
