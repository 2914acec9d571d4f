"""Several tests at once."""

from collections.abc import Sequence


def holm(p_values: Sequence[float]) -> list[float]:
    """Return the p of each of several tests, raised so that one falsely small among all of them is rare.

    S. Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6
    (1979) 65-70: the smallest times their number, the next times one less, and so on; never falling, at most
    1.
    """
    raised = [0.0] * len(p_values)
    so_far = 0.0
    for rank, place in enumerate(sorted(range(len(p_values)), key=lambda each: p_values[each])):
        so_far = max(so_far, min(1.0, (len(p_values) - rank) * p_values[place]))
        raised[place] = so_far
    return raised
