"""Several versions on the same images: matrices, differences, paired tests, images fixed and broken."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np

from classifier.answers import NOTHING, Numbers, Truths, predicted_by, truths_of
from classifier.cautions import Counted, cautions, check_unseen
from classifier.evaluation import EvaluationIncomplete, check_classes, check_subset
from classifier.metrics import Scores, score_matrix
from classifier.models import ModelVersion
from classifier.pairing import Paired, Side, draw, pair_all
from classifier.statistics.resampling import Resampled
from classifier.statistics.scores import told_intervals
from datasets.errors import Refused
from datasets.label_times import label_cutoff
from datasets.models import Split, Subset

MOST_MODELS = 8


@dataclass(frozen=True)
class Comparison:
    """Versions scored on the same `total` images of `papers`; each later one is `paired` with the first.

    `intervals` are those of each version's scores, in their order, as `statistics.scores.intervals` tells
    them. `cautions` say why the scores may be too good.
    """

    versions: list[ModelVersion]
    split: Split
    subset: str
    label_cutoff: datetime
    classes: list[str]
    scores: list[Scores]
    intervals: list[dict[str, Any]]
    paired: list[Paired]
    total: int
    papers: int
    left_out: int
    cautions: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the shape of REST; `difference`, `fixed`, `broken` set the second against the first."""
        first = self.paired[0]
        return {
            "classes": self.classes,
            "split": {"id": self.split.pk, "name": str(self.split)},
            "subset": self.subset,
            "label_cutoff": self.label_cutoff,
            "total": self.total,
            "papers": self.papers,
            "left_out": self.left_out,
            "leaks": self.split.leaks,
            "warnings": self.cautions,
            "models": [
                {
                    "id": version.pk,
                    "name": version.name,
                    "version": version.version,
                    "matrix": scores.matrix,
                    "macro_f1": scores.macro_f1,
                    "accuracy": scores.accuracy,
                    "balanced_accuracy": scores.balanced_accuracy,
                    "per_class": [asdict(each) for each in scores.per_class],
                    "intervals": told,
                }
                for version, scores, told in zip(self.versions, self.scores, self.intervals, strict=True)
            ],
            "difference": first.difference,
            "paired": [pair.as_dict() for pair in self.paired],
            "fixed": first.fixed,
            "broken": first.broken,
        }


def compare(
    versions: Sequence[ModelVersion],
    *,
    split: Split,
    subset: str = Subset.TEST,
    despite_leaks: bool = False,
) -> Comparison:
    """Compare versions on the images of a subset that all have classified, by the labels of now.

    Raises TrainedOnTest where one was trained on papers of the subset, unless `despite_leaks`;
    EvaluationIncomplete (not_evaluated) naming the version that has not classified what another has; and
    `Refused` (too_few_models, too_many_models, other_classes, bad_subset, empty_subset).
    """
    check_subset(subset)
    _check_versions(versions, split)
    counted: Counted = {}
    if not despite_leaks:
        check_unseen(versions, split, subset, counted=counted)
    cutoff = label_cutoff()
    classes = list(versions[0].classes)
    truths = truths_of(split, subset, cutoff, classes=classes)
    said = [predicted_by(version, truths) for version in versions]
    _check_coverage(versions, said, split=split, subset=subset)
    is_there = said[0] != NOTHING
    left_out = int((~is_there).sum())
    truths = truths.only(is_there)
    said = [own[is_there] for own in said]
    sides = [
        _side(version, truths, own, drawn)
        for version, own, drawn in zip(versions, said, draw(truths, said), strict=True)
    ]
    return Comparison(
        versions=list(versions),
        split=split,
        subset=subset,
        label_cutoff=cutoff,
        classes=classes,
        scores=[side.scores for side in sides],
        intervals=[told_intervals(side.drawn, classes=classes) for side in sides],
        paired=pair_all(truths, sides),
        total=len(truths),
        papers=sides[0].drawn.papers,
        left_out=left_out,
        cautions=_cautions(versions, split, subset, counted=counted),
    )


def behind(versions: Sequence[ModelVersion], said: Sequence[Numbers]) -> list[tuple[ModelVersion, int]]:
    """Return the versions that have not classified what another has, or nothing, with how many they lack."""
    any_of_them = np.logical_or.reduce([own != NOTHING for own in said])
    wanted = int(any_of_them.sum()) or len(any_of_them)
    lacking = [wanted - int((own != NOTHING).sum()) for own in said]
    return [(version, number) for version, number in zip(versions, lacking, strict=True) if number]


def _side(version: ModelVersion, truths: Truths, said: Numbers, drawn: Resampled) -> Side:
    matrix = truths.scored(said).matrix()
    return Side(version.pk, said, score_matrix(matrix, classes=truths.classes), drawn)


def _cautions(versions: Sequence[ModelVersion], split: Split, subset: str, *, counted: Counted) -> list[str]:
    """Return why the scores of any of them may be too good, each sentence once."""
    told = (sentence for each in versions for sentence in cautions(each, split, subset, counted=counted))
    return list(dict.fromkeys(told))


def _check_versions(versions: Sequence[ModelVersion], split: Split) -> None:
    """Refuse what cannot be compared."""
    if len({version.pk for version in versions}) < 2:
        raise Refused("Name at least two different models to compare.", code="too_few_models")
    if len({version.pk for version in versions}) < len(versions):
        raise Refused("A model is named twice. Name each once.", code="same_model_twice")
    if len(versions) > MOST_MODELS:
        raise Refused(f"At most {MOST_MODELS} models are compared at once.", code="too_many_models")
    for version in versions:
        check_classes(version, split)
        if set(version.classes) != set(versions[0].classes):
            raise Refused(
                f"{versions[0]} and {version} know different classes, so their matrices cannot be compared.",
                code="other_classes",
            )


def _check_coverage(
    versions: Sequence[ModelVersion], said: Sequence[Numbers], *, split: Split, subset: str
) -> None:
    """Raise EvaluationIncomplete where the versions have not classified the same images."""
    late = behind(versions, said)
    if late:
        told = ", ".join(f"{version} lacks {number:,}" for version, number in late)
        names = " and ".join(str(version) for version, _ in late)
        raise EvaluationIncomplete(
            f"Not all have classified the images of {split} {subset}: {told}. "
            f"Evaluate {names} there first (evaluate MODEL --split {split} --subset {subset}), then compare."
        )
