"""Calibration: against scikit-learn, SciPy, worked examples, and by how often its intervals hold."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV, calibration_curve
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import brier_score_loss, log_loss

from classifier.statistics import calibration
from classifier.statistics.calibration import (
    COLDEST,
    HOTTEST,
    Answered,
    brier,
    calibration_error,
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    reliability,
    tempered,
)
from classifier.statistics.resampling import numbered, resample, sums_by_paper


def world(seed: int, *, papers: int = 60, sharpness: float = 2.0, spread: float = 1.0) -> Answered:
    """Images of three classes; those of a paper are hard or easy together. Above 1 it is too sure."""
    generator = np.random.default_rng(seed)
    place = np.repeat(np.arange(papers), generator.integers(4, 24, size=papers))
    actual = generator.integers(3, size=len(place))
    logits = generator.normal(size=(len(place), 3))
    logits[np.arange(len(place)), actual] += 1.5 + generator.normal(0, spread, size=papers)[place]
    return Answered(softmax(sharpness * logits, axis=1), actual, place)


def one_by_one(confidences: list[float], hits: list[int]) -> Answered:
    """Images of two classes, each a paper, with these confidences in the first class."""
    shares = np.array([[share, 1 - share] for share in confidences])
    return Answered(shares, np.array([1 - hit for hit in hits]), np.arange(len(hits)))


class Said(ClassifierMixin, BaseEstimator):
    """What scikit-learn takes for a classifier: its features are the logits already."""

    def fit(self, logits: np.ndarray, actual: np.ndarray) -> "Said":
        self.classes_ = np.unique(actual)
        return self

    def predict(self, logits: np.ndarray) -> np.ndarray:
        return self.classes_[logits.argmax(axis=1)]

    def decision_function(self, logits: np.ndarray) -> np.ndarray:
        return logits


def test_the_temperature_is_that_of_scikit_learn() -> None:
    answered = world(1)
    logits = np.log(answered.probabilities)
    theirs = CalibratedClassifierCV(
        FrozenEstimator(Said().fit(logits, answered.actual)), method="temperature", ensemble=False
    ).fit(logits, answered.actual)
    (calibrated,) = theirs.calibrated_classifiers_
    temperature = fit_temperature(answered.probabilities, answered.actual)
    assert 1 / calibrated.calibrators[0].beta_ == pytest.approx(temperature, rel=1e-3)
    assert tempered(answered.probabilities, temperature) == pytest.approx(
        theirs.predict_proba(logits), abs=1e-3
    )


@pytest.mark.parametrize("sharpness", [0.3, 1.0, 2.0])
def test_the_temperature_is_what_scipy_finds_to_be_the_least(sharpness: float) -> None:
    answered = world(2, sharpness=sharpness)

    def loss(temperature: float) -> float:
        return log_loss(answered.actual, softmax(np.log(answered.probabilities) / temperature, axis=1))

    found = minimize_scalar(loss, bounds=(COLDEST, HOTTEST), method="bounded", options={"xatol": 1e-9})
    assert fit_temperature(answered.probabilities, answered.actual) == pytest.approx(found.x, rel=1e-5)


def test_a_temperature_undoes_what_was_sharpened_and_leaves_the_most_probable_class() -> None:
    answered = world(3, papers=2_000, sharpness=1.0, spread=0.0)
    fitted = fit_temperature(answered.probabilities, answered.actual)
    sharper = answered.at(1 / 2.5)
    assert fit_temperature(sharper.probabilities, answered.actual) == pytest.approx(2.5 * fitted, rel=0.01)
    assert (sharper.predicted == answered.predicted).all()
    assert tempered(answered.probabilities, 1.0) == pytest.approx(answered.probabilities)


def test_where_there_is_no_least_the_temperature_stays_within_its_bounds() -> None:
    sure = np.array([[0.8, 0.2], [0.7, 0.3]])
    assert fit_temperature(sure, np.array([0, 0])) == COLDEST
    assert fit_temperature(sure, np.array([1, 1])) == HOTTEST
    with pytest.raises(ValueError, match="needs images"):
        fit_temperature(np.zeros((0, 2)), np.zeros(0, np.int64))
    with pytest.raises(ValueError, match="above 0"):
        tempered(sure, 0.0)


def test_a_probability_that_was_rounded_to_nothing_can_be_wrong() -> None:
    answered = Answered(np.array([[1.0, 0.0]] * 9 + [[0.0, 1.0]]), np.zeros(10, np.int64), np.arange(10))
    assert np.isfinite(fit_temperature(answered.probabilities, answered.actual))
    assert negative_log_likelihood(answered.probabilities, answered.actual) == pytest.approx(np.log(1e7) / 10)


def test_scores_are_those_of_scikit_learn() -> None:
    answered = world(4)
    assert negative_log_likelihood(answered.probabilities, answered.actual) == pytest.approx(
        log_loss(answered.actual, answered.probabilities)
    )
    assert brier(answered.probabilities, answered.actual) == pytest.approx(
        brier_score_loss(answered.actual, answered.probabilities, scale_by_half=False)
    )


def test_the_bins_of_the_diagram_are_those_of_scikit_learn() -> None:
    answered = world(5)
    right, mean = calibration_curve(answered.is_right, answered.confidence, n_bins=15)
    filled = [each for each in reliability(answered) if each.count]
    assert [each.accuracy for each in filled] == pytest.approx(list(right))
    assert [each.confidence for each in filled] == pytest.approx(list(mean))
    assert sum(each.count for each in filled) == len(answered.actual)


def test_an_error_worked_out_by_hand() -> None:
    # Five bins: (0.6, 0.8] holds 0.7, 0.75, 0.8 with 2 right; (0.8, 1] holds 0.9 and 1.0 with 1 right.
    answered = one_by_one([0.7, 0.75, 0.8, 0.9, 1.0], [1, 1, 0, 0, 1])
    by_hand = 3 / 5 * abs(2 / 3 - 2.25 / 3) + 2 / 5 * abs(1 / 2 - 1.9 / 2)
    assert expected_calibration_error(answered, bins=5) == pytest.approx(by_hand)
    assert by_hand == pytest.approx(0.23)


def test_the_error_follows_its_definition_image_by_image() -> None:
    answered = world(6)
    error, total = 0.0, len(answered.actual)
    for place in range(15):
        members = [
            (share, hit)
            for share, hit in zip(answered.confidence, answered.is_right, strict=True)
            if place / 15 < share <= (place + 1) / 15
        ]
        if members:
            shares, hits = zip(*members, strict=True)
            error += len(members) / total * abs(sum(hits) / len(hits) - sum(shares) / len(shares))
    assert expected_calibration_error(answered) == pytest.approx(error)
    assert calibration_error(answered, replicates=50).error == pytest.approx(error)


def test_a_share_on_the_edge_of_two_bins_lies_in_the_lower_one() -> None:
    counts = [each.count for each in reliability(one_by_one([0.6, 0.8, 1.0], [1, 1, 1]), bins=5)]
    assert counts == [0, 0, 1, 1, 1]


def test_one_paper_gives_no_interval() -> None:
    alone = Answered(np.array([[0.9, 0.1]] * 3), np.array([0, 0, 1]), np.array([4, 4, 4]))
    assert calibration_error(alone).as_dict()["interval"] is None


@pytest.mark.parametrize(("papers", "sharpness"), [(30, 1.0), (60, 1.0), (60, 2.0)])
def test_intervals_of_the_error_hold_as_often_as_they_say_and_plain_ones_do_not(
    papers: int, sharpness: float
) -> None:
    true = expected_calibration_error(world(0, papers=40_000, sharpness=sharpness))
    held = plain = 0
    for seed in range(1, 201):
        answered = world(seed, papers=papers, sharpness=sharpness)
        interval = calibration_error(answered, replicates=500).interval
        held += interval.low <= true <= interval.high
        percentiles = plain_interval(answered)
        plain += percentiles[0] <= true <= percentiles[1]
    assert held / 200 >= 0.93
    if sharpness == 1.0:
        # As good as calibrated: percentiles of the replicates nearly always lie too high.
        assert plain / 200 < 0.5


def plain_interval(answered: Answered) -> tuple[float, float]:
    """Percentiles of the error over papers drawn whole."""
    place, count = numbered(answered.papers)
    sums = sums_by_paper(calibration._features(answered, 15), place, count=count)
    drawn = resample(
        sums, lambda rows: np.abs(calibration._gaps(rows, 15)).sum(axis=1)[:, None], replicates=300
    )
    interval = drawn.interval(0)
    return interval.low, interval.high
