"""What a comparison means, in words: which version is better, and whether that may be chance."""

from dataclasses import dataclass

from classifier.comparison import Comparison, Paired
from classifier.metrics import Scores
from classifier.models import ModelVersion

# Below this p a difference is called more than chance.
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Verdict:
    """A later version against the first: `headline` by macro-F1, `test` by McNemar."""

    headline: str
    test: str


def judge(comparison: Comparison, pair: Paired) -> Verdict:
    """Return the verdict on one pair of a comparison."""
    by_id = {
        version.pk: (version, scores)
        for version, scores in zip(comparison.versions, comparison.scores, strict=True)
    }
    first, second = by_id[pair.a], by_id[pair.b]
    ahead, behind = sorted((first, second), key=lambda each: -each[1].macro_f1)
    where = f"{comparison.total:,} {comparison.subset} image{'' if comparison.total == 1 else 's'}"
    is_equal = _shown(ahead[1]) == _shown(behind[1])
    if is_equal:
        headline = (
            f"{first[0]} and {second[0]} are equally good: macro-F1 {_shown(ahead[1])} for both on {where}."
        )
    else:
        headline = (
            f"{ahead[0]} {'is better' if _supports(pair, ahead[0]) else 'scores higher'}: "
            f"macro-F1 {_shown(ahead[1])} against {_shown(behind[1])} of {behind[0]} on {where}."
        )
    return Verdict(
        headline=headline,
        test=_told_test(pair, first[0], second[0], ahead=None if is_equal else ahead[0]),
    )


def _supports(pair: Paired, version: ModelVersion) -> bool:
    """Whether the test says that this version of the two makes fewer errors, and not by chance."""
    righter = pair.a if len(pair.broken) > len(pair.fixed) else pair.b
    return pair.p_value < SIGNIFICANT and righter == version.pk


def _told_test(pair: Paired, a: ModelVersion, b: ModelVersion, *, ahead: ModelVersion | None) -> str:
    """Say what McNemar's test makes of the images on which one is right and the other is wrong."""
    only_a, only_b = len(pair.broken), len(pair.fixed)
    if not only_a + only_b:
        return "On every image both are right or both are wrong: there is nothing to test."
    told = (
        f"Where one is right and the other wrong ({_images(only_a + only_b)}), {a} is right on {only_a:,} "
        f"and {b} on {only_b:,}. "
    )
    test = (
        "McNemar's exact test, which counts errors (accuracy) and not macro-F1, "
        f"gives p {told_p(pair.p_value)}."
    )
    if pair.p_value >= SIGNIFICANT:
        return f"{told}The difference may be chance: {test}"
    righter = a if only_a > only_b else b
    told += f"That {righter} makes fewer errors is hardly chance: {test}"
    if ahead is not None and ahead != righter:
        told += f" By macro-F1, which weighs all classes alike, {ahead} is ahead all the same."
    return told


def told_p(p_value: float) -> str:
    """Return a p as a text such as `= 0.56` or `< 0.001`."""
    if p_value < 0.001:
        return "< 0.001"
    return f"= {p_value:.2f}" if p_value >= 0.1 else f"= {p_value:.3f}"


def _images(count: int) -> str:
    return f"{count:,} image{'' if count == 1 else 's'}"


def _shown(scores: Scores) -> str:
    return f"{scores.macro_f1:.3f}"
