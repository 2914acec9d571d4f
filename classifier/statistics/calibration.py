"""Whether a confidence means what it says: reliability, calibration error, a temperature that mends it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.statistics.resampling import (
    REPLICATES,
    SEED,
    Array,
    Interval,
    numbered,
    resample,
    sums_by_paper,
)

BINS = 15
# Probabilities are stored with seven digits: one that was rounded to nothing is less than this.
SMALLEST = 1e-7
COLDEST, HOTTEST = 0.05, 20.0
_HALVINGS = 60
Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Answered:
    """What a version said of N images and what they are: `probabilities` (N, K), each row summing to 1.

    `actual` (N,) holds the place of the class of each, 0 to K - 1; `papers` (N,): a negative number is no
    paper, such an image is one of its own.
    """

    probabilities: Array
    actual: Numbers
    papers: Numbers

    @property
    def predicted(self) -> Numbers:
        """The place of the most probable class of each image, (N,); of equals the first."""
        return self.probabilities.argmax(axis=1).astype(np.int64)

    @property
    def confidence(self) -> Array:
        """The largest probability of each image, (N,)."""
        return np.asarray(self.probabilities.max(axis=1), dtype=np.float64)

    @property
    def is_right(self) -> NDArray[np.bool_]:
        """Whether the most probable class is the actual one, (N,)."""
        return np.asarray(self.predicted == self.actual)

    def at(self, temperature: float) -> "Answered":
        """Return the same images with probabilities at a temperature."""
        return Answered(tempered(self.probabilities, temperature), self.actual, self.papers)


@dataclass(frozen=True)
class Bin:
    """Images whose confidence lies above `low` and not above `high`; the first bin holds `low` too.

    `confidence` and `accuracy` are means over its images, None where it has none.
    """

    low: float
    high: float
    count: int
    confidence: float | None
    accuracy: float | None


def tempered(probabilities: Array, temperature: float) -> Array:
    """Return softmax(log p / T) of each row of (N, K): flatter above 1, sharper below.

    The most probable class stays. C. Guo, G. Pleiss, Y. Sun and K. Q. Weinberger, "On calibration of modern
    neural networks", ICML 2017, section 4.2; the logarithms are the network's logits but for a constant.
    ValueError for a temperature that is not above 0.
    """
    if not temperature > 0:
        raise ValueError("a temperature lies above 0")
    scaled = _logarithms(probabilities) / temperature
    shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def fit_temperature(probabilities: Array, actual: Numbers) -> float:
    """Return the temperature with the least negative log-likelihood, within 0.05 to 20.

    The likelihood is convex in 1 / T: its slope there, the mean of E[log p] under the tempered shares less
    log p of the actual class, rises, and where it crosses zero is found by halving. Without a wrong image
    there is no least but the coldest; ValueError without images.
    """
    if not len(actual):
        raise ValueError("a temperature needs images")
    logs = _logarithms(probabilities)
    of_actual = logs[np.arange(len(actual)), actual]

    def slope(sharpness: float) -> float:
        scaled = logs * sharpness
        shares = np.exp(scaled - scaled.max(axis=1, keepdims=True))
        expected = (shares * logs).sum(axis=1) / shares.sum(axis=1)
        return float((expected - of_actual).mean())

    low, high = 1 / HOTTEST, 1 / COLDEST
    if slope(low) >= 0:
        return HOTTEST
    if slope(high) <= 0:
        return COLDEST
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if slope(middle) < 0 else (low, middle)
    return 2 / (low + high)


def negative_log_likelihood(probabilities: Array, actual: Numbers) -> float:
    """Return the mean of -log p of the actual class, in nats; at least 0."""
    return float(-_logarithms(probabilities)[np.arange(len(actual)), actual].mean())


def brier(probabilities: Array, actual: Numbers) -> float:
    """Return the mean squared distance from the truth over all classes, 0 to 2.

    G. W. Brier, "Verification of forecasts expressed in terms of probability", Monthly Weather Review 78
    (1950) 1-3.
    """
    truth = np.zeros_like(probabilities)
    truth[np.arange(len(actual)), actual] = 1
    return float(((probabilities - truth) ** 2).sum(axis=1).mean())


def bin_places(confidence: Array, *, bins: int = BINS) -> Numbers:
    """Return the bin of each confidence (N,), 0 to `bins` - 1: of equal width, each open below."""
    return np.clip(np.ceil(confidence * bins) - 1, 0, bins - 1).astype(np.int64)


def reliability(answered: Answered, *, bins: int = BINS) -> list[Bin]:
    """Return the bins of a reliability diagram, by the confidence in the predicted class."""
    sums = _sums(answered, bins=bins).reshape(3, bins)
    return [
        Bin(
            low=place / bins,
            high=(place + 1) / bins,
            count=int(count),
            confidence=float(confidence / count) if count else None,
            accuracy=float(hits / count) if count else None,
        )
        for place, (count, confidence, hits) in enumerate(sums.T)
    ]


def expected_calibration_error(answered: Answered, *, bins: int = BINS) -> float:
    """Return the mean over images of |accuracy - confidence| of their bin, 0 to 1.

    M. P. Naeini, G. F. Cooper and M. Hauskrecht, AAAI 2015; Guo et al. 2017, equation 3.
    """
    return float(np.abs(_gaps(_sums(answered, bins=bins), bins)).sum())


@dataclass(frozen=True)
class ErrorInterval:
    """A calibration error with its 95 % interval by paper."""

    error: float
    interval: Interval

    def as_dict(self) -> dict[str, Any]:
        """Return it JSON-ready; the interval is None where there is none."""
        ends = (self.interval.low, self.interval.high)
        return {"ece": self.error, "interval": None if np.isnan(ends[0]) else list(ends)}


def calibration_error(
    answered: Answered, *, bins: int = BINS, replicates: int = REPLICATES, seed: int = SEED
) -> ErrorInterval:
    """Return the calibration error and its interval by a bootstrap that draws whole papers.

    Chance alone parts accuracy from confidence in a bin, so the error of a sample is too large, and that of
    a replicate again by as much: plain percentiles lie too high, and near 0 miss nearly always. Here the
    upper end is the percentile less what replicates are too large on the average. The lower end is the
    error less a quantile of how far the gaps of all bins together part from those of a replicate: by the
    triangle inequality no error can lie further below. Held against simulation it holds at least as often
    as it says.
    """
    place, count = numbered(answered.papers)
    sums = sums_by_paper(_features(answered, bins), place, count=count)
    gaps = _gaps(sums.sum(axis=0, keepdims=True), bins)

    def statistic(rows: Array) -> Array:
        drawn = _gaps(rows, bins)
        return np.column_stack([np.abs(drawn).sum(axis=1), np.abs(drawn - gaps).sum(axis=1)])

    drawn = resample(sums, statistic, replicates=replicates, seed=seed)
    error, parted = float(drawn.estimate[0]), drawn.interval(1)
    if np.isnan(parted.high):
        return ErrorInterval(error, parted)
    too_large = float(drawn.replicates[:, 0].mean()) - error
    high = max(error, drawn.interval(0).high - too_large)
    return ErrorInterval(error, Interval(max(0.0, error - parted.high), min(1.0, high)))


def _features(answered: Answered, bins: int) -> Array:
    """Return what is summed of each image, (N, 3 bins): in its bin 1, its confidence, whether it is right."""
    rows, place = np.arange(len(answered.actual)), bin_places(answered.confidence, bins=bins)
    features = np.zeros((len(rows), 3 * bins))
    features[rows, place] = 1
    features[rows, bins + place] = answered.confidence
    features[rows, 2 * bins + place] = answered.is_right
    return features


def _sums(answered: Answered, *, bins: int) -> Array:
    """Return the features of all images summed, (1, 3 bins)."""
    return _features(answered, bins).sum(axis=0, keepdims=True)


def _gaps(sums: Array, bins: int) -> Array:
    """Return hits less confidence of each bin over all images, of each row of sums (R, 3 bins): (R, bins)."""
    count, confidence, hits = sums[:, :bins], sums[:, bins : 2 * bins], sums[:, 2 * bins :]
    return np.asarray((hits - confidence) / count.sum(axis=1, keepdims=True))


def _logarithms(probabilities: Array) -> Array:
    return np.log(np.maximum(probabilities, SMALLEST))
