"""Scores of a classifier from the classes that were and those it said; no Django, no TensorFlow.

scikit-learn and SciPy are imported where they are used: a web process that only shows scores stays small.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class ClassScore:
    """The scores of one class, each 0..1; None where there is nothing to divide by.

    Without support recall and f1 are None, and precision too if the class was never predicted.
    """

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True)
class Scores:
    """The scores of one set of images; `matrix[actual][predicted]` counts images in the order of `classes`.

    `macro_f1` and `balanced_accuracy` average the classes with support; all scores are 0 without images.
    """

    classes: tuple[str, ...]
    matrix: list[list[int]]
    per_class: list[ClassScore]
    accuracy: float
    macro_f1: float
    balanced_accuracy: float
    total: int

    def as_dict(self) -> dict[str, Any]:
        """Return everything as JSON-ready lists, dicts and numbers."""
        return {**asdict(self), "classes": list(self.classes)}


def score(actual: Sequence[str], predicted: Sequence[str], *, classes: Sequence[str]) -> Scores:
    """Score predicted classes against the actual ones, image by image.

    Raises ValueError where the two differ in length or name a class that is not among `classes`.
    """
    if len(actual) != len(predicted):
        raise ValueError(f"{len(actual)} actual classes but {len(predicted)} predicted ones")
    unknown = sorted((set(actual) | set(predicted)) - set(classes))
    if unknown:
        raise ValueError(f"not among the classes {', '.join(classes)}: {', '.join(unknown)}")
    if not actual:
        per_class = [ClassScore(name, None, None, None, 0) for name in classes]
        empty = [[0] * len(classes) for _ in classes]
        return Scores(tuple(classes), empty, per_class, 0.0, 0.0, 0.0, 0)
    from sklearn.metrics import confusion_matrix, precision_recall_fscore_support

    names = list(classes)
    matrix = confusion_matrix(actual, predicted, labels=names).tolist()
    precisions, recalls, f1s, supports = precision_recall_fscore_support(
        actual, predicted, labels=names, zero_division=0
    )
    times_predicted = [sum(column) for column in zip(*matrix, strict=True)]
    per_class = [
        ClassScore(
            name=name,
            precision=float(precisions[index]) if supports[index] or times_predicted[index] else None,
            recall=float(recalls[index]) if supports[index] else None,
            f1=float(f1s[index]) if supports[index] else None,
            support=int(supports[index]),
        )
        for index, name in enumerate(names)
    ]
    return Scores(
        classes=tuple(classes),
        matrix=matrix,
        per_class=per_class,
        accuracy=sum(matrix[index][index] for index in range(len(names))) / len(actual),
        macro_f1=_mean([each.f1 for each in per_class]),
        balanced_accuracy=_mean([each.recall for each in per_class]),
        total=len(actual),
    )


def mcnemar_exact(b: int, c: int) -> float:
    """Return the two-sided exact p that two classifiers err equally often on the same images.

    `b` images only the first has right, `c` only the second: b of b + c is binomial with one half.
    Source: McNemar, Psychometrika 12 (1947) 153-157, in the exact form of Edwards and of Agresti,
    Categorical Data Analysis, section on matched pairs. Raises ValueError for a negative count.
    """
    if b < 0 or c < 0:
        raise ValueError(f"counts can not be negative: {b}, {c}")
    if b + c == 0:
        return 1.0
    from scipy.stats import binomtest

    return float(binomtest(b, b + c, 0.5).pvalue)


def _mean(values: Sequence[float | None]) -> float:
    """Return the mean of the values that are there, 0 without any."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else 0.0
