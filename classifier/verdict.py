"""What a comparison means, in words: which version is better, where, by how much, and how surely."""

from dataclasses import dataclass

from classifier.comparison import Comparison
from classifier.models import ModelVersion
from classifier.pairing import Change, Paired

# Below this p a difference is called more than chance.
SIGNIFICANT = 0.05


@dataclass(frozen=True)
class Verdict:
    """A later version against the first: `headline` by macro-F1, `classes` by F1, `test` by McNemar."""

    headline: str
    classes: str
    test: str


def judge(comparison: Comparison, pair: Paired) -> Verdict:
    """Return the verdict on one pair of a comparison."""
    by_id = {version.pk: version for version in comparison.versions}
    first, second = by_id[pair.a], by_id[pair.b]
    return Verdict(
        headline=_headline(comparison, pair, first, second),
        classes=_told_classes(comparison, pair, first, second),
        test=_told_test(comparison, pair, first, second),
    )


def _headline(comparison: Comparison, pair: Paired, a: ModelVersion, b: ModelVersion) -> str:
    """Say which has the higher macro-F1, by how much, and whether that is more than chance."""
    scores = dict(zip((each.pk for each in comparison.versions), comparison.scores, strict=True))
    of_a, of_b = (f"{scores[each.pk].macro_f1:.3f}" for each in (a, b))
    change = pair.change("macro_f1")
    where = f"on {_many(comparison.total, 'image')} of {_many(comparison.papers, 'paper')}"
    if change.low is None or change.high is None:
        return f"Macro-F1 {of_a} of {a}, {of_b} of {b} {where}: one paper cannot say more."
    if not change.is_shown:
        return (
            f"No difference is shown between {a} and {b}: macro-F1 {of_a} and {of_b}, {b} between "
            f"{_points(change.low)} and {_points(change.high)} points from {a}, {where}."
        )
    better, worse = (b, a) if change.low > 0 else (a, b)
    figures = (of_b, of_a) if better is b else (of_a, of_b)
    return (
        f"{better} is better than {worse} by {_range(change)} points: macro-F1 {figures[0]} against "
        f"{figures[1]} {where}."
    )


def _told_classes(comparison: Comparison, pair: Paired, a: ModelVersion, b: ModelVersion) -> str:
    """Say on which classes one of them is better."""
    changes = [pair.change("f1", name) for name in comparison.classes]
    shown = [change for change in changes if change.is_shown]
    if not shown:
        return "On no single class is a difference shown."
    parts = []
    for better, is_up in ((b, True), (a, False)):
        ones = [change for change in shown if ((change.low or 0) > 0) is is_up]
        if ones:
            classes = _listed([f"{change.of_class} by {_range(change)} points" for change in ones])
            parts.append(f"{better} is better on {classes}")
    rest = "" if len(shown) == len(changes) else "; elsewhere no difference is shown"
    return f"{' and '.join(parts)}{rest}."


def _told_test(comparison: Comparison, pair: Paired, a: ModelVersion, b: ModelVersion) -> str:
    """Say what McNemar's test makes of the images on which one is right and the other is wrong."""
    only_a, only_b = len(pair.broken), len(pair.fixed)
    if not only_a + only_b:
        return "On every image both are right or both are wrong: there is nothing to test."
    raised = len(comparison.paired) > 1
    p_value = pair.holm_p_value if raised else pair.p_value
    made = f"p {told_p(p_value)}{f', raised for {len(comparison.paired)} pairs by Holm' if raised else ''}"
    told = (
        f"Where one is right and the other wrong ({_many(only_a + only_b, 'image')}), {a} is right on "
        f"{only_a:,} and {b} on {only_b:,}. McNemar's exact test, which counts errors: {made}"
    )
    told += ", hardly chance" if p_value < SIGNIFICANT else ", which may be chance"
    if comparison.papers < comparison.total:
        told += "; it takes images for independent, which those of one paper are not: trust the intervals"
    return f"{told}."


def told_p(p_value: float) -> str:
    """Return a p as a text such as `= 0.56` or `< 0.001`."""
    if p_value < 0.001:
        return "< 0.001"
    return f"= {p_value:.2f}" if p_value >= 0.1 else f"= {p_value:.3f}"


def _range(change: Change) -> str:
    """Return an interval that leaves zero out, in points and without its sign."""
    ends = sorted(abs(end) * 100 for end in (change.low, change.high) if end is not None)
    digits = 0 if ends[0] >= 1 else 1
    shown = [f"{end:.{digits}f}" for end in ends]
    return " to ".join(dict.fromkeys(shown))


def _points(share: float) -> str:
    return f"{100 * share:+.0f}".replace("-", "\N{MINUS SIGN}")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _many(count: int, word: str) -> str:
    return f"{count:,} {word}{'' if count == 1 else 's'}"
