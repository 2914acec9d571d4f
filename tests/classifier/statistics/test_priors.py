"""Other shares of classes than those learnt: against Bayes' rule where the truth is known."""

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import f1_score

from classifier.statistics.priors import estimated_priors, with_priors

MEANS = np.array([-1.5, 0.0, 1.5])
LEARNT = np.array([0.6, 0.3, 0.1])
# The third class is 2.6 times as frequent.
NEW = np.array([0.5, 0.24, 0.26])


def posterior(seen: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """What Bayes' rule says of values (N,) of three normal distributions."""
    joint = norm.pdf(seen[:, None], MEANS) * shares
    return joint / joint.sum(axis=1, keepdims=True)


def drawn(seed: int, shares: np.ndarray, count: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Classes drawn by their shares, and a value of each."""
    generator = np.random.default_rng(seed)
    actual = generator.choice(3, size=count, p=shares)
    return actual, generator.normal(MEANS[actual])


def test_a_corrected_answer_is_what_bayes_rule_says() -> None:
    _, seen = drawn(1, NEW)
    corrected = with_priors(posterior(seen, LEARNT), learnt=LEARNT, new=NEW)
    assert corrected == pytest.approx(posterior(seen, NEW))
    assert corrected.sum(axis=1) == pytest.approx(np.ones(len(seen)))


def test_the_correction_finds_more_of_what_has_become_frequent() -> None:
    actual, seen = drawn(2, NEW)
    before = posterior(seen, LEARNT)
    after = with_priors(before, learnt=LEARNT, new=NEW)
    right_before, right_after = ((each.argmax(axis=1) == actual).mean() for each in (before, after))
    assert right_after > right_before + 0.01
    assert f1_score(actual, after.argmax(axis=1), average="macro") > f1_score(
        actual, before.argmax(axis=1), average="macro"
    )


def test_unknown_shares_are_found_from_the_answers_alone() -> None:
    _, seen = drawn(3, NEW)
    assert estimated_priors(posterior(seen, LEARNT), learnt=LEARNT) == pytest.approx(NEW, abs=0.02)


def test_the_shares_that_were_learnt_change_nothing_and_need_no_sum_of_one() -> None:
    _, seen = drawn(4, NEW, count=50)
    answers = posterior(seen, LEARNT)
    assert with_priors(answers, learnt=LEARNT, new=100 * LEARNT) == pytest.approx(answers)


def test_a_class_without_a_share_is_never_said() -> None:
    answers = np.array([[1.0, 0.0, 0.0], [0.4, 0.3, 0.3]])
    corrected = with_priors(answers, learnt=np.ones(3), new=np.array([0.0, 3.0, 1.0]))
    assert corrected == pytest.approx(np.array([[0, 0.75, 0.25], [0, 0.75, 0.25]]))


@pytest.mark.parametrize("shares", [[0, 0, 0], [1, -1, 1]])
def test_shares_that_are_none_are_refused(shares: list[float]) -> None:
    with pytest.raises(ValueError, match="shares"):
        with_priors(np.ones((1, 3)) / 3, learnt=np.ones(3), new=np.array(shares))
    with pytest.raises(ValueError, match="no image"):
        estimated_priors(np.zeros((0, 3)), learnt=np.ones(3))
    with pytest.raises(ValueError, match="no class"):
        with_priors(np.ones((1, 2)) / 2, learnt=np.array([1, 0]), new=np.array([0, 1]))
