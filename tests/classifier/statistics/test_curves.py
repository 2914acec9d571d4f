"""Curves against scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, precision_recall_curve, roc_auc_score, roc_curve

from classifier.statistics.curves import precision_recall, roc


@pytest.fixture(params=[0, 1, 2])
def ranked(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    """Images with probabilities, many of them equal."""
    generator = np.random.default_rng(request.param)
    is_class = generator.random(300) < 0.2
    return is_class, np.round(np.clip(generator.normal(0.4 + 0.2 * is_class, 0.2), 0, 1), 1 + request.param)


def test_the_roc_curve_is_that_of_scikit_learn(ranked: tuple[np.ndarray, np.ndarray]) -> None:
    ours = roc(*ranked)
    x, y, _ = roc_curve(*ranked, drop_intermediate=False)
    assert ours is not None
    assert ours.x == pytest.approx(x)
    assert ours.y == pytest.approx(y)
    assert ours.area == pytest.approx(roc_auc_score(*ranked))


def test_precision_and_recall_are_those_of_scikit_learn(ranked: tuple[np.ndarray, np.ndarray]) -> None:
    ours = precision_recall(*ranked)
    precision, recall, _ = precision_recall_curve(*ranked)
    assert ours is not None
    assert ours.x == pytest.approx(recall[::-1])
    assert ours.y == pytest.approx(precision[::-1])
    assert ours.area == pytest.approx(average_precision_score(*ranked))


def test_a_class_that_is_missing_or_alone_has_no_curve() -> None:
    none, some = np.zeros(4, bool), np.array([0.1, 0.2, 0.3, 0.4])
    assert roc(none, some) is None
    assert precision_recall(none, some) is None
    assert roc(~none, some) is None
    alone = precision_recall(~none, some)
    assert alone is not None
    assert alone.area == 1.0
    assert roc(np.zeros(0, bool), np.zeros(0)) is None


def test_a_thinned_curve_keeps_its_ends_and_its_area(ranked: tuple[np.ndarray, np.ndarray]) -> None:
    whole = roc(*ranked)
    assert whole is not None
    thin = whole.thinned(5)
    assert len(thin.x) <= 5
    assert (thin.x[0], thin.y[0], thin.x[-1], thin.y[-1]) == (0, 0, 1, 1)
    assert thin.area == whole.area
    assert whole.thinned(10_000) is whole
