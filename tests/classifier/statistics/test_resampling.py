"""Intervals by paper: against scikit-learn, against a loop, and by how often they hold."""

import numpy as np
import pytest
from scipy.stats import t as student
from sklearn.metrics import balanced_accuracy_score, f1_score, precision_score, recall_score

from classifier.statistics.resampling import (
    Interval,
    Resampled,
    numbered,
    resample,
    student_quantile,
    sums_by_paper,
)
from classifier.statistics.scores import (
    Scored,
    accuracy_interval,
    intervals,
    less,
    resampled,
    score_names,
    scores_of,
)
from tests.classifier.statistics.worlds import CLASSES, COUNT, data_sets, drawn, truth, without_papers


@pytest.fixture
def scored() -> Scored:
    """Forty papers."""
    return drawn(np.random.default_rng(7), papers=40)


def test_scores_of_many_matrices_are_those_of_scikit_learn(scored: Scored) -> None:
    counts, _ = scored.by_paper()
    own = dict(zip(score_names(CLASSES), scores_of(counts.sum(axis=0, keepdims=True))[0], strict=True))
    actual, predicted = scored.actual, scored.predicted
    assert own["macro_f1", ""] == pytest.approx(f1_score(actual, predicted, average="macro"))
    assert own["balanced_accuracy", ""] == pytest.approx(balanced_accuracy_score(actual, predicted))
    assert own["accuracy", ""] == pytest.approx((actual == predicted).mean())
    for kind, of in (("precision", precision_score), ("recall", recall_score), ("f1", f1_score)):
        theirs = of(actual, predicted, average=None, labels=range(COUNT))
        assert [own[kind, name] for name in CLASSES] == pytest.approx(list(theirs))


def test_a_class_without_images_is_left_out_of_the_means_and_has_no_score() -> None:
    few = Scored(np.array([0, 1, 1]), np.array([0, 1, 0]), np.array([0, 1, 2]), 3)
    own = scores_of(few.by_paper()[0].sum(axis=0, keepdims=True))[0]
    assert own[0] == pytest.approx((2 / 3 + 2 / 3) / 2)
    told = intervals(few, classes=["x", "y", "z"])
    assert told["per_class"]["z"] == {"precision": None, "recall": None, "f1": None}
    assert told["few_papers"] is True


@pytest.mark.parametrize("drawn_papers", [40, 300])
def test_replicates_spread_as_papers_drawn_one_by_one_do(drawn_papers: int) -> None:
    counts, papers = drawn(np.random.default_rng(7), papers=drawn_papers).by_paper()
    generator = np.random.default_rng(1)
    one_by_one = np.stack([counts[generator.integers(papers, size=papers)].sum(axis=0) for _ in range(4_000)])
    by_hand = scores_of(one_by_one)
    ours = resample(counts, scores_of, replicates=4_000).replicates
    assert ours.mean(axis=0) == pytest.approx(by_hand.mean(axis=0), abs=0.004)
    assert ours.std(axis=0) == pytest.approx(by_hand.std(axis=0), rel=0.08)


@pytest.mark.parametrize("kinds", [20, 150])
@pytest.mark.parametrize("alike", [1, 10])
def test_each_replicate_draws_as_many_papers_as_there_are(kinds: int, alike: int) -> None:
    sums = np.repeat(np.column_stack([np.ones(kinds), np.arange(kinds)]), alike, axis=0)
    replicates = resample(sums, lambda summed: summed, replicates=3_000).replicates
    assert (replicates[:, 0] == kinds * alike).all()
    assert replicates[:, 1].mean() == pytest.approx(sums[:, 1].sum(), rel=0.01)
    assert replicates[:, 1].std() == pytest.approx(sums[:, 1].std() * len(sums) ** 0.5, rel=0.06)


def test_images_without_a_paper_are_papers_of_their_own() -> None:
    place, count = numbered(np.array([7, -1, 7, -1, 3]))
    assert count == 4
    assert place[0] == place[2]
    assert len({int(place[1]), int(place[3]), int(place[0]), int(place[4])}) == 4


def test_the_same_seed_gives_the_same_interval_and_another_one_another(scored: Scored) -> None:
    first, again = (intervals(scored, classes=CLASSES, seed=3) for _ in range(2))
    assert first == again
    assert intervals(scored, classes=CLASSES, seed=4)["macro_f1"] != first["macro_f1"]


def test_one_paper_says_nothing_of_others() -> None:
    told = intervals(Scored(np.array([0, 1]), np.array([0, 0]), np.array([5, 5]), 2), classes=["x", "y"])
    assert told["papers"] == 1
    assert told["macro_f1"] is None


def test_no_images_have_no_intervals() -> None:
    nothing = np.zeros(0, np.int64)
    assert intervals(Scored(nothing, nothing, nothing, 2), classes=["x", "y"]) == {}
    with pytest.raises(ValueError, match="no paper"):
        resample(np.zeros((0, 4)), scores_of)


def test_quantiles_of_student_are_those_of_scipy() -> None:
    for degrees, close in ((3, 5e-3), (5, 5e-4), (10, 1e-4), (100, 1e-6)):
        assert student_quantile(0.975, degrees) == pytest.approx(student.ppf(0.975, degrees), abs=close)


@pytest.mark.slow
@pytest.mark.parametrize("papers", [60, 100])
def test_intervals_by_paper_hold_as_often_as_they_say_and_plain_ones_do_not(papers: int) -> None:
    true = truth()[:3]
    held, plain = np.zeros(3), np.zeros(3)
    for scored in data_sets(200, papers=papers, seed=2):
        by_paper = resample(scored.by_paper()[0], scores_of, replicates=1_000)
        as_if_alone = resample(without_papers(scored).by_paper()[0], scores_of, replicates=400)
        held += [_holds(by_paper, place, true[place]) for place in range(3)]
        plain += [_holds(as_if_alone, place, true[place]) for place in range(3)]
    assert (held / 200 >= 0.92).all(), held / 200
    assert (held / 200 <= 0.98).all(), held / 200
    assert (plain / 200 < 0.8).all(), plain / 200


def test_the_difference_of_a_version_from_itself_is_zero(scored: Scored) -> None:
    first, second = resampled([scored, scored])
    assert less(second, first).interval(0) == Interval(0.0, 0.0)


def test_a_paired_interval_is_narrower_than_two_single_ones(scored: Scored) -> None:
    better = scored.predicted.copy()
    better[::9] = scored.actual[::9]
    b = Scored(scored.actual, better, scored.papers, COUNT)
    before, after = resampled([scored, b])
    paired = less(after, before).interval(0)
    assert paired.excludes_zero
    alone = [intervals(each, classes=CLASSES)["macro_f1"] for each in (scored, b)]
    assert paired.high - paired.low < min(high - low for low, high in alone)


def test_scores_of_other_images_are_not_paired(scored: Scored) -> None:
    fewer = Scored(scored.actual[1:], scored.predicted[1:], scored.papers[1:], COUNT)
    with pytest.raises(ValueError, match="same images"):
        resampled([scored, fewer])


def test_a_share_by_paper_is_wider_than_wilson_where_papers_differ(scored: Scored) -> None:
    from datasets.intervals import wilson

    is_right = scored.actual == scored.predicted
    by_paper = accuracy_interval(is_right, scored.papers)
    low, high = wilson(int(is_right.sum()), len(is_right))
    assert by_paper.high - by_paper.low > 1.2 * (high - low)


def test_sums_by_paper_add_up_the_images_of_each() -> None:
    summed = sums_by_paper(np.array([[1.0, 2], [3, 4], [5, 6]]), np.array([1, 0, 1]), count=2)
    assert summed.tolist() == [[3, 4], [6, 8]]


def _holds(drawn_again: Resampled, place: int, true: float) -> bool:
    interval = drawn_again.interval(place)
    return interval.low <= true <= interval.high
