"""What is won by not answering where the confidence is low: risk against coverage."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.statistics.calibration import Answered, Numbers
from classifier.statistics.resampling import (
    REPLICATES,
    SEED,
    Array,
    Interval,
    numbered,
    resample,
    sums_by_paper,
)


@dataclass(frozen=True)
class RiskCoverage:
    """A point per distinct confidence, the highest first: images of one confidence are kept or left together.

    `threshold` (C,): whoever answers from this confidence on keeps `kept` (C,) images, of which `wrong` (C,)
    are wrong; the last point keeps all. R. El-Yaniv and Y. Wiener, JMLR 11 (2010) 1605-1641; Y. Geifman and
    R. El-Yaniv, "Selective classification for deep neural networks", NeurIPS 2017.
    """

    threshold: Array
    kept: Numbers
    wrong: Numbers

    @property
    def total(self) -> int:
        """How many images there are."""
        return int(self.kept[-1])

    @property
    def coverage(self) -> Array:
        """The share of images that are answered, (C,)."""
        return np.asarray(self.kept / self.total)

    @property
    def risk(self) -> Array:
        """The share of those answered that are wrong, (C,)."""
        return np.asarray(self.wrong / self.kept)

    @property
    def area(self) -> float:
        """The mean of the risk over all images, each at the point where it is answered first (AURC).

        Y. Geifman, G. Uziel and R. El-Yaniv, "Bias-reduced uncertainty estimation for deep neural
        classifiers", ICLR 2019, section 2; images of equal confidence bear the risk of their point.
        """
        return float((np.diff(self.kept, prepend=0) * self.risk).sum() / self.total)

    def at(self, thresholds: Array) -> tuple[Numbers, Numbers]:
        """Return how many images have at least each confidence (T,), and how many of them are wrong."""
        place = np.searchsorted(-self.threshold, -thresholds, side="right")
        kept, wrong = (np.concatenate([[0], each])[place] for each in (self.kept, self.wrong))
        return kept.astype(np.int64), wrong.astype(np.int64)

    def for_risk(self, wanted: float) -> float | None:
        """Return the threshold that keeps most while at most `wanted` of what is kept is wrong, or None."""
        good = np.flatnonzero(self.risk <= wanted)
        return float(self.threshold[good[-1]]) if len(good) else None


def risk_coverage(confidence: Array, is_right: NDArray[np.bool_]) -> RiskCoverage:
    """Return the curve of images with a confidence (N,) that are right or wrong (N,).

    ValueError without images.
    """
    if not len(confidence):
        raise ValueError("a curve needs images")
    order = np.argsort(-confidence, kind="stable")
    falling = confidence[order]
    last = np.flatnonzero(np.append(falling[1:] != falling[:-1], True))
    wrong = np.cumsum(~is_right[order])
    return RiskCoverage(falling[last], (last + 1).astype(np.int64), wrong[last].astype(np.int64))


def risk_interval(
    answered: Answered, threshold: float, *, replicates: int = REPLICATES, seed: int = SEED
) -> Interval:
    """Return the 95 % interval, by papers drawn whole, of the share wrong among what is kept."""
    place, count = numbered(answered.papers)
    is_kept = answered.confidence >= threshold
    values = np.column_stack([is_kept & ~answered.is_right, is_kept]).astype(np.float64)

    def risk(sums: Array) -> Array:
        with np.errstate(invalid="ignore"):
            return np.asarray(sums[:, :1] / sums[:, 1:])

    drawn = resample(sums_by_paper(values, place, count=count), risk, replicates=replicates, seed=seed)
    return drawn.interval(0)
