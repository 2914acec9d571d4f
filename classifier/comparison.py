"""Several versions on the same images: matrices, differences, paired tests, images fixed and broken."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from classifier.cautions import Counted, cautions
from classifier.evaluation import (
    EvaluationIncomplete,
    check_classes,
    check_subset,
    labels_as_of,
    predictions_in,
)
from classifier.metrics import Scores, mcnemar_exact, score
from classifier.models import ModelVersion
from datasets.errors import Refused
from datasets.label_times import label_cutoff
from datasets.models import Split, Subset

MOST_MODELS = 8


@dataclass(frozen=True)
class Paired:
    """Version `b` against `a`, image by image; `difference` is b's matrix less a's.

    `fixed` are the ids that only b has right, `broken` those that only a has right; `p_value` is McNemar's.
    """

    a: int
    b: int
    p_value: float
    fixed: list[int]
    broken: list[int]
    difference: list[list[int]]

    def as_dict(self) -> dict[str, Any]:
        """Return it in the shape of REST."""
        return {**asdict(self), "only_a_right": len(self.broken), "only_b_right": len(self.fixed)}


@dataclass(frozen=True)
class Comparison:
    """Versions scored on the same `total` images; each later one is `paired` with the first.

    `cautions` say why the scores may be too good.
    """

    versions: list[ModelVersion]
    split: Split
    subset: str
    label_cutoff: datetime
    classes: list[str]
    scores: list[Scores]
    paired: list[Paired]
    total: int
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
                }
                for version, scores in zip(self.versions, self.scores, strict=True)
            ],
            "difference": first.difference,
            "paired": [pair.as_dict() for pair in self.paired],
            "fixed": first.fixed,
            "broken": first.broken,
        }


def compare(versions: Sequence[ModelVersion], *, split: Split, subset: str = Subset.TEST) -> Comparison:
    """Compare versions on the images of a subset that all have classified, by the labels of now.

    Raises EvaluationIncomplete (not_evaluated) naming the version that has not classified what another has,
    and `Refused` (too_few_models, too_many_models, other_classes, bad_subset, empty_subset).
    """
    check_subset(subset)
    _check_versions(versions, split)
    cutoff = label_cutoff()
    labels = labels_as_of(split, subset, cutoff)
    if not labels:
        raise Refused(
            f"The subset {subset} of {split} holds no labelled image. Choose another subset or split.",
            code="empty_subset",
        )
    said = [
        {pk: name for pk, name in predictions_in(version, split, subset).items() if pk in labels}
        for version in versions
    ]
    _check_coverage(versions, said, labels, split=split, subset=subset)
    images = sorted(said[0])
    actual = [labels[pk] for pk in images]
    classes = list(versions[0].classes)
    scores = [score(actual, [own[pk] for pk in images], classes=classes) for own in said]
    return Comparison(
        versions=list(versions),
        split=split,
        subset=subset,
        label_cutoff=cutoff,
        classes=classes,
        scores=scores,
        paired=[
            _pair(versions[0], version, labels, said[0], own, difference=_less(scored, scores[0]))
            for version, own, scored in zip(versions[1:], said[1:], scores[1:], strict=True)
        ],
        total=len(images),
        left_out=len(labels) - len(images),
        cautions=_cautions(versions, split, subset),
    )


def _cautions(versions: Sequence[ModelVersion], split: Split, subset: str) -> list[str]:
    """Return why the scores of any of them may be too good, each sentence once."""
    counted: Counted = {}
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
    versions: Sequence[ModelVersion],
    said: Sequence[dict[int, str]],
    labels: dict[int, str],
    *,
    split: Split,
    subset: str,
) -> None:
    """Raise EvaluationIncomplete where the versions have not classified the same images."""
    any_of_them = set().union(*said)
    behind = [
        (version, len(any_of_them or labels) - len(own))
        for version, own in zip(versions, said, strict=True)
        if not own or len(own) < len(any_of_them)
    ]
    if behind:
        told = ", ".join(f"{version} lacks {number:,}" for version, number in behind)
        names = " and ".join(str(version) for version, _ in behind)
        raise EvaluationIncomplete(
            f"Not all have classified the images of {split} {subset}: {told}. "
            f"Evaluate {names} there first (evaluate MODEL --split {split} --subset {subset}), then compare."
        )


def _pair(
    a: ModelVersion,
    b: ModelVersion,
    labels: dict[int, str],
    said_a: dict[int, str],
    said_b: dict[int, str],
    *,
    difference: list[list[int]],
) -> Paired:
    """Set two versions' answers side by side."""
    right_a = {pk for pk, name in said_a.items() if name == labels[pk]}
    right_b = {pk for pk, name in said_b.items() if name == labels[pk]}
    return Paired(
        a=a.pk,
        b=b.pk,
        p_value=mcnemar_exact(len(right_a - right_b), len(right_b - right_a)),
        fixed=sorted(right_b - right_a),
        broken=sorted(right_a - right_b),
        difference=difference,
    )


def _less(b: Scores, a: Scores) -> list[list[int]]:
    """Return matrix b less matrix a."""
    return [
        [more - less for more, less in zip(row_b, row_a, strict=True)]
        for row_b, row_a in zip(b.matrix, a.matrix, strict=True)
    ]
