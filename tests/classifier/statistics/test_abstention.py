"""Risk against coverage: by a loop over images, by a worked example, and by how often intervals hold."""

import numpy as np
import pytest

from classifier.statistics.abstention import risk_coverage, risk_interval
from tests.classifier.statistics.test_calibration import one_by_one, world


def test_the_curve_is_what_a_loop_over_thresholds_counts() -> None:
    answered = world(1)
    confidence = answered.confidence.round(2)
    curve = risk_coverage(confidence, answered.is_right)
    assert len(curve.threshold) == len(set(confidence))
    for threshold, coverage, risk in zip(curve.threshold, curve.coverage, curve.risk, strict=True):
        kept = [hit for share, hit in zip(confidence, answered.is_right, strict=True) if share >= threshold]
        assert coverage == pytest.approx(len(kept) / len(confidence))
        assert risk == pytest.approx(1 - sum(kept) / len(kept))


def test_the_area_is_the_mean_of_the_risks_of_all_prefixes() -> None:
    answered = world(2)
    order = np.argsort(-answered.confidence)
    wrong = (~answered.is_right[order]).tolist()
    prefixes = [sum(wrong[:number]) / number for number in range(1, len(wrong) + 1)]
    curve = risk_coverage(answered.confidence, answered.is_right)
    assert curve.area == pytest.approx(sum(prefixes) / len(prefixes))


def test_a_curve_worked_out_by_hand() -> None:
    # From the surest: right; then two of one confidence, one wrong; then a wrong one.
    curve = risk_coverage(np.array([0.5, 0.9, 0.7, 0.7]), np.array([False, True, True, False]))
    assert list(curve.threshold) == [0.9, 0.7, 0.5]
    assert list(curve.coverage) == [0.25, 0.75, 1.0]
    assert list(curve.risk) == pytest.approx([0, 1 / 3, 1 / 2])
    assert curve.area == pytest.approx((0 + 1 / 3 + 1 / 3 + 1 / 2) / 4)
    assert [list(each) for each in curve.at(np.array([0.0, 0.5, 0.7, 0.71, 0.95]))] == [
        [4, 4, 3, 1, 0],
        [2, 2, 1, 0, 0],
    ]


def test_the_order_of_equal_confidences_does_not_matter() -> None:
    shares, hits = np.array([0.8, 0.8, 0.8]), np.array([True, False, True])
    assert risk_coverage(shares, hits).area == risk_coverage(shares, hits[::-1]).area == pytest.approx(1 / 3)


def test_a_threshold_for_a_risk_keeps_as_much_as_it_may() -> None:
    # Risks from the surest on: 0, 1/2, 1/3, 1/4, 2/5.
    curve = risk_coverage(np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, False, True, True, False]))
    assert curve.for_risk(0.25) == 0.6
    assert curve.for_risk(0.1) == 0.9
    assert curve.for_risk(1.0) == 0.5
    assert risk_coverage(np.array([0.9]), np.array([False])).for_risk(0.5) is None
    with pytest.raises(ValueError, match="needs images"):
        risk_coverage(np.zeros(0), np.zeros(0, np.bool_))


def test_what_is_wrong_among_the_kept_has_an_interval_that_holds() -> None:
    large = world(0, papers=40_000)
    true = 1 - large.is_right[large.confidence >= 0.9].mean()
    held = 0
    for seed in range(1, 201):
        interval = risk_interval(world(seed, papers=120), 0.9, replicates=500)
        held += interval.low <= true <= interval.high
    assert 0.92 <= held / 200 <= 0.98


def test_where_nothing_is_kept_there_is_no_interval() -> None:
    assert np.isnan(risk_interval(one_by_one([0.6, 0.7], [1, 0]), 0.9).low)
