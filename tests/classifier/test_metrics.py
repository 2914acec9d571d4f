"""Scores against values worked out by hand, and against scikit-learn and SciPy."""

import json

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

from classifier.metrics import mcnemar_exact, score

CLASSES = ("blot", "facs", "macro", "micro")
ACTUAL = ["blot"] * 4 + ["facs"] * 2 + ["macro"] * 2
PREDICTED = ["blot", "blot", "blot", "facs", "facs", "macro", "macro", "macro"]


def test_the_matrix_counts_actual_in_rows_and_predicted_in_columns() -> None:
    scores = score(ACTUAL, PREDICTED, classes=CLASSES)
    assert scores.matrix == [[3, 1, 0, 0], [0, 1, 1, 0], [0, 0, 2, 0], [0, 0, 0, 0]]
    assert scores.total == 8


def test_scores_of_each_class_are_those_worked_out_by_hand() -> None:
    blot, facs, macro, _ = score(ACTUAL, PREDICTED, classes=CLASSES).per_class
    assert (blot.precision, blot.recall, blot.f1, blot.support) == pytest.approx((1, 3 / 4, 6 / 7, 4))
    assert (facs.precision, facs.recall, facs.f1, facs.support) == pytest.approx((1 / 2, 1 / 2, 1 / 2, 2))
    assert (macro.precision, macro.recall, macro.f1, macro.support) == pytest.approx((2 / 3, 1, 4 / 5, 2))


def test_averages_leave_out_a_class_without_support() -> None:
    scores = score(ACTUAL, PREDICTED, classes=CLASSES)
    assert scores.accuracy == pytest.approx(6 / 8)
    assert scores.macro_f1 == pytest.approx((6 / 7 + 1 / 2 + 4 / 5) / 3)
    assert scores.balanced_accuracy == pytest.approx((3 / 4 + 1 / 2 + 1) / 3)


def test_a_class_without_support_has_an_empty_row_and_no_recall() -> None:
    scores = score(ACTUAL, PREDICTED, classes=CLASSES)
    micro = scores.per_class[3]
    assert scores.matrix[3] == [0, 0, 0, 0]
    assert (micro.precision, micro.recall, micro.f1, micro.support) == (None, None, None, 0)


def test_a_class_that_was_only_predicted_is_imprecise_and_does_not_lower_the_macro_f1() -> None:
    scores = score(["blot", "blot", "facs"], ["blot", "micro", "facs"], classes=CLASSES)
    micro = scores.per_class[3]
    assert (micro.precision, micro.recall, micro.f1) == (0.0, None, None)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 1) / 2)


def test_a_class_with_support_that_was_never_predicted_scores_zero() -> None:
    scores = score(["blot", "facs"], ["blot", "blot"], classes=CLASSES)
    facs = scores.per_class[1]
    assert (facs.precision, facs.recall, facs.f1, facs.support) == (0.0, 0.0, 0.0, 1)
    assert scores.macro_f1 == pytest.approx((2 / 3 + 0) / 2)


def test_the_order_of_the_classes_is_kept() -> None:
    scores = score(["facs", "blot"], ["blot", "blot"], classes=("facs", "blot"))
    assert scores.classes == ("facs", "blot")
    assert scores.matrix == [[0, 1], [0, 1]]


def test_no_images_give_an_empty_matrix_and_no_scores() -> None:
    scores = score([], [], classes=CLASSES)
    assert scores.matrix == [[0] * 4] * 4
    assert (scores.total, scores.accuracy, scores.macro_f1) == (0, 0.0, 0.0)
    assert [each.recall for each in scores.per_class] == [None] * 4


def test_scores_can_be_stored_as_json() -> None:
    stored = score(ACTUAL, PREDICTED, classes=CLASSES).as_dict()
    again = json.loads(json.dumps(stored))
    assert again == stored
    assert again["classes"] == list(CLASSES)
    assert again["per_class"][3] == {
        "name": "micro",
        "precision": None,
        "recall": None,
        "f1": None,
        "support": 0,
    }


def test_unequal_lengths_and_unknown_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="2 actual"):
        score(["blot", "blot"], ["blot"], classes=CLASSES)
    with pytest.raises(ValueError, match="tables"):
        score(["blot"], ["tables"], classes=CLASSES)


@pytest.mark.parametrize(
    ("b", "c", "expected"),
    # Sums of binomial coefficients over powers of two, by hand.
    [(0, 0, 1.0), (5, 5, 1.0), (0, 5, 2 / 32), (1, 8, 2 * 10 / 512), (8, 1, 2 * 10 / 512), (1, 0, 1.0)],
)
def test_the_paired_test_is_the_exact_binomial_one(b: int, c: int, expected: float) -> None:
    assert mcnemar_exact(b, c) == pytest.approx(expected)


def test_the_paired_test_refuses_negative_counts() -> None:
    with pytest.raises(ValueError, match="negative"):
        mcnemar_exact(-1, 3)


@pytest.mark.parametrize("seed", range(20))
def test_scores_are_those_of_scikit_learn(seed: int) -> None:
    generator = np.random.default_rng(seed)
    actual, predicted = generator.choice(CLASSES[: generator.integers(2, 5)], (2, generator.integers(1, 60)))
    scores = score(actual.tolist(), predicted.tolist(), classes=CLASSES)
    assert scores.matrix == confusion_matrix(actual, predicted, labels=CLASSES).tolist()
    theirs = precision_recall_fscore_support(actual, predicted, labels=CLASSES, zero_division=0)
    for index, each in enumerate(scores.per_class):
        precision, recall, f1, support = (values[index] for values in theirs)
        assert each.support == support
        assert (each.precision or 0.0) == pytest.approx(precision)
        assert (each.recall or 0.0) == pytest.approx(recall)
        assert (each.f1 or 0.0) == pytest.approx(f1)


@pytest.mark.parametrize(("b", "c"), [(3, 9), (57, 50), (400, 463), (9000, 9300), (20000, 20000)])
def test_the_paired_test_is_that_of_scipy(b: int, c: int) -> None:
    assert mcnemar_exact(b, c) == pytest.approx(binomtest(b, b + c, 0.5).pvalue, rel=1e-9)
