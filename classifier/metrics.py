"""Scores of a classifier from the classes that were and those it said; no Django, no TensorFlow.

Plain counting: a web process compares models, and scikit-learn, which the tests hold this against, is large.
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
    place = {name: index for index, name in enumerate(classes)}
    matrix = [[0] * len(classes) for _ in classes]
    for was, said in zip(actual, predicted, strict=True):
        matrix[place[was]][place[said]] += 1
    return score_matrix(matrix, classes=classes)


def score_matrix(matrix: list[list[int]], *, classes: Sequence[str]) -> Scores:
    """Return the scores of counted images, `matrix[actual][predicted]` in the order of `classes`."""
    total = sum(map(sum, matrix))
    supports = [sum(row) for row in matrix]
    times_predicted = [sum(column) for column in zip(*matrix, strict=True)]
    per_class = [
        _class_score(name, hits=matrix[index][index], support=supports[index], said=times_predicted[index])
        for index, name in enumerate(classes)
    ]
    hits = sum(matrix[index][index] for index in range(len(classes)))
    return Scores(
        classes=tuple(classes),
        matrix=matrix,
        per_class=per_class,
        accuracy=hits / total if total else 0.0,
        macro_f1=_mean([each.f1 for each in per_class]),
        balanced_accuracy=_mean([each.recall for each in per_class]),
        total=total,
    )


def mcnemar_exact(b: int, c: int) -> float:
    """Return the two-sided exact p that two classifiers err equally often on the same images.

    `b` images only the first has right, `c` only the second: b of b + c is binomial with one half.
    Source: McNemar, Psychometrika 12 (1947) 153-157, in the exact form of Edwards and of Agresti,
    Categorical Data Analysis, section on matched pairs. Raises ValueError for a negative count.
    """
    if b < 0 or c < 0:
        raise ValueError(f"counts can not be negative: {b}, {c}")
    pairs = b + c
    if not pairs:
        return 1.0
    # Whole numbers, divided once at the end: exact however many pairs there are.
    coefficient = at_most = 1
    for chosen in range(min(b, c)):
        coefficient = coefficient * (pairs - chosen) // (chosen + 1)
        at_most += coefficient
    return min(1.0, at_most / 2 ** (pairs - 1))


def _class_score(name: str, *, hits: int, support: int, said: int) -> ClassScore:
    """Return a class's scores from how often it was right, was the actual class, and was predicted."""
    return ClassScore(
        name=name,
        precision=hits / said if said else 0.0 if support else None,
        recall=hits / support if support else None,
        f1=2 * hits / (support + said) if support else None,
        support=support,
    )


def _mean(values: Sequence[float | None]) -> float:
    """Return the mean of the values that are there, 0 without any."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else 0.0
