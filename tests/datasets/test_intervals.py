"""Intervals: known values, the definition by brute force, and what they cover."""

from math import comb

import pytest
from scipy.stats import hypergeom

from datasets.intervals import count_in_population, wilson


@pytest.mark.parametrize(
    ("found", "of", "low", "high"),
    # R. G. Newcombe, "Two-sided confidence intervals for the single proportion" (1998), method 3.
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_published_intervals(found: int, of: int, low: float, high: float) -> None:
    assert wilson(found, of) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


def test_wilson_of_nothing_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def by_definition(found: int, of: int, population: int) -> tuple[int, int]:
    """All counts that neither one-sided test at 2.5 % rejects, by scipy's distribution."""
    kept = [
        having
        for having in range(found, population - (of - found) + 1)
        if hypergeom.sf(found - 1, population, having, of) > 0.025
        and hypergeom.cdf(found, population, having, of) > 0.025
    ]
    return min(kept), max(kept)


@pytest.mark.parametrize("population", [1, 7, 30, 64])
def test_the_interval_of_a_count_is_what_no_test_rejects(population: int) -> None:
    for of in {1, population // 3, population // 2, population} - {0}:
        for found in range(of + 1):
            assert count_in_population(found, of, population) == by_definition(found, of, population)


@pytest.mark.parametrize(("population", "of"), [(40, 10), (60, 25), (100, 30)])
def test_it_covers_the_truth_in_95_of_100_samples_at_least(population: int, of: int) -> None:
    intervals = [count_in_population(found, of, population) for found in range(of + 1)]
    for truth in range(population + 1):
        covered = sum(
            comb(truth, found) * comb(population - truth, of - found)
            for found, (low, high) in enumerate(intervals)
            if low <= truth <= high and of - found <= population - truth
        )
        assert covered / comb(population, of) >= 0.95


def test_who_looks_at_everything_knows_the_count() -> None:
    assert count_in_population(7, 90, 90) == (7, 7)


def test_those_that_have_it_and_those_that_lack_it_are_one_question() -> None:
    low, high = count_in_population(12, 50, 700)
    assert count_in_population(38, 50, 700) == (700 - high, 700 - low)


def test_nothing_judged_leaves_everything_open() -> None:
    assert count_in_population(0, 0, 500) == (0, 500)


def test_a_large_population_is_no_obstacle() -> None:
    low, high = count_in_population(30, 1000, 1_000_000)
    assert 20_000 < low < 30_000 < high < 43_000


@pytest.mark.parametrize("numbers", [(-1, 5, 10), (6, 5, 10), (1, 11, 10)])
def test_numbers_that_do_not_fit_are_refused(numbers: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        count_in_population(*numbers)
