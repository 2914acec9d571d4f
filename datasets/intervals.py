"""Intervals of counts and shares: what a sample says of everything it was drawn from."""

from collections.abc import Callable
from math import exp, lgamma, sqrt

# The 0.975 quantile of the normal distribution: 95 % of it lie within.
Z95 = 1.959963984540054


def wilson(found: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share, both 0 to 1, for independent trials; (0, 1) of none.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927).
    """
    if not of:
        return 0.0, 1.0
    share, z = found / of, Z95
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * sqrt(share * (1 - share) / of + z * z / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)


def count_in_population(found: int, of: int, population: int) -> tuple[int, int]:
    """Return the 95 % interval of how many of a population have what `found` of a sample of `of` have.

    For a simple random sample without replacement; exact, by inverting the two one-sided tests of the
    hypergeometric distribution at 2.5 % each, so that it covers at least 95 %, and is a point where all were
    looked at. L. Katz, "Confidence intervals for the number showing a certain characteristic in a
    population when sampling is without replacement", JASA 48 (1953). How images cluster by paper does not
    matter: the sample was drawn image by image, and the question is about these images alone.
    ValueError where the numbers do not fit together.
    """
    if not 0 <= found <= of <= population:
        raise ValueError(f"{found} of {of} of {population} cannot be")
    least, most = found, population - (of - found)
    tail = 0.025
    low = _first(least, most, lambda count: _at_least(found, of, count, population) > tail)
    # The other side is the same question about those that do not have it.
    lacking = _first(
        of - found, population - found, lambda n: _at_least(of - found, of, n, population) > tail
    )
    return low, population - lacking


def _first(low: int, high: int, holds: Callable[[int], bool]) -> int:
    """Return the first number at which a condition holds that goes on to hold to the end."""
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _at_least(found: int, of: int, having: int, population: int) -> float:
    """Return the probability that a sample holds at least so many of those `having` it."""
    top = min(of, having)
    rest = population - having
    whole = _log_choose(population, of)
    return sum(
        exp(_log_choose(having, k) + _log_choose(rest, of - k) - whole)
        for k in range(max(found, of - rest), top + 1)
    )


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
