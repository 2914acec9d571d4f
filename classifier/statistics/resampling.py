"""The bootstrap by paper: how scores would spread had other papers been drawn.

Images of a paper resemble each other, so papers are drawn again, with replacement and whole: the cluster
bootstrap (A. C. Davison and D. V. Hinkley, Bootstrap Methods and their Application, 1997, section 3.8;
C. A. Field and A. H. Welsh, JRSS B 69 (2007) 369-390). Whatever is a sum over images is summed per paper
once; a replicate is then a weighted sum of papers, and thousands are one product of matrices.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

REPLICATES = 2_000
LEVEL = 0.95
SEED = 20_240_229
# With fewer papers than this an interval misses more often than it says.
FEW_PAPERS = 20
METHOD = "expanded percentile bootstrap that draws whole papers"
_AT_ONCE = 1 << 20
# To draw a kind takes as long as to draw so many papers; few kinds are quick anyhow.
_KIND_FOR_PAPERS = 4
_FEW_KINDS = 100

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]


@dataclass(frozen=True)
class Interval:
    """The ends of an interval; both NaN where the score is undefined."""

    low: float
    high: float

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside."""
        return bool(self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Resampled:
    """A statistic of all `papers`, `estimate` (S,), and of each replicate, `replicates` (R, S).

    NaN where a score is undefined.
    """

    estimate: Array
    replicates: Array
    papers: int

    def interval(self, place: int, *, level: float = LEVEL) -> Interval:
        """Return the interval of one score; replicates in which it is undefined are left out.

        Percentiles of the replicates, taken further out as Student's t asks for so many papers: T. C.
        Hesterberg, "What teachers should know about the bootstrap", The American Statistician 69 (2015)
        371-386, section 5.3. Undefined with a single paper: it says nothing of others.
        """
        values = self.replicates[:, place]
        values = values[~np.isnan(values)]
        if np.isnan(self.estimate[place]) or not len(values) or self.papers < 2:
            return Interval(float("nan"), float("nan"))
        degrees = self.papers - 1
        further = sqrt(self.papers / degrees) * student_quantile((1 + level) / 2, degrees)
        tail = NormalDist().cdf(-further)
        low, high = np.quantile(values, [tail, 1 - tail])
        return Interval(float(low), float(high))


def resample(
    sums: Array, statistic: Statistic, *, replicates: int = REPLICATES, seed: int = SEED
) -> Resampled:
    """Return a statistic of papers drawn again and again.

    `sums` (P, F): what is summed over the images of each paper. `statistic` turns sums over papers (R, F)
    into scores (R, S), and may return NaN. Seeded: the same papers give the same replicates.
    ValueError without a paper.
    """
    papers, figures = sums.shape
    if not papers:
        raise ValueError("there is no paper to draw")
    # Papers that are alike are drawn together: the same chances, and little to do where images stand alone.
    kinds, alike = np.unique(sums, axis=0, return_counts=True)
    generator = np.random.default_rng(seed)
    together = np.empty((replicates, figures))
    step = max(1, _AT_ONCE // min(papers, _KIND_FOR_PAPERS * len(kinds)))
    for start in range(0, replicates, step):
        rows = min(step, replicates - start)
        together[start : start + rows] = _drawn(generator, alike, rows) @ kinds
    return Resampled(statistic(sums.sum(axis=0, keepdims=True))[0], statistic(together), papers)


def _drawn(generator: np.random.Generator, alike: NDArray[np.int64], rows: int) -> Array:
    """Return how often each kind of paper is drawn, (rows, kinds), as many papers a row as there are."""
    papers, kinds = int(alike.sum()), len(alike)
    if kinds < _FEW_KINDS or papers > _KIND_FOR_PAPERS * kinds:
        return generator.multinomial(papers, alike / papers, size=rows).astype(np.float64)
    # Paper by paper: the same chances, and quicker where few are alike.
    kind_of = np.repeat(np.arange(kinds), alike)
    drawn = kind_of[generator.integers(papers, size=(rows, papers))]
    drawn += kinds * np.arange(rows)[:, None]
    return np.bincount(drawn.ravel(), minlength=rows * kinds).reshape(rows, kinds).astype(np.float64)


def student_quantile(share: float, degrees: int) -> float:
    """Return a quantile of Student's t; to two digits from 3 degrees of freedom on, to four from 10.

    The expansion of M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions (1964), 26.7.5.
    """
    z = NormalDist().inv_cdf(share)
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / degrees**power for power, term in enumerate(terms, start=1))


def sums_by_paper(values: Array, papers: NDArray[np.int64], *, count: int) -> Array:
    """Return `values` (N, F) of images summed over each paper, (count, F); `papers` (N,): 0 to count - 1."""
    summed = np.zeros((count, values.shape[1]))
    np.add.at(summed, papers, values)
    return summed


def numbered(papers: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return papers by consecutive numbers, (N,), and how many there are.

    A negative number means an image without a paper: each is a paper of its own.
    """
    papers = papers.astype(np.int64)
    alone = papers < 0
    papers = np.where(alone, papers.max(initial=0) + 1 + np.arange(len(papers)), papers)
    names, place = np.unique(papers, return_inverse=True)
    return place.astype(np.int64), len(names)
