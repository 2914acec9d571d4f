"""Evaluations whose labels changed since: how many did, and the scores by the labels of now."""

from typing import Any

from django.db.models import Exists, OuterRef, QuerySet

from classifier.calibrating import calibrate_after
from classifier.evaluation import evaluate
from classifier.models import Evaluation
from datasets.errors import Refused
from datasets.models import Image, SplitMember


class NotStale(Refused):
    """Raised where no label has changed since an evaluation: it would come to the same."""

    code = "not_stale"
    status = 409


def with_touched(evaluations: QuerySet[Evaluation]) -> QuerySet[Evaluation]:
    """Add `touched`: whether any image of the subset was labelled after the cut-off."""
    later = SplitMember.objects.filter(
        split=OuterRef("split"), subset=OuterRef("subset"), image__labelled_at__gt=OuterRef("label_cutoff")
    )
    return evaluations.annotate(touched=Exists(later))


def changed_since(evaluation: Evaluation) -> int:
    """Return how many images of the subset bear another label now than at the cut-off, or none, or a first.

    A label that was changed and changed back counts as unchanged: the scores are the same.
    """
    if not getattr(evaluation, "touched", True):
        return 0
    touched: Any = Image.objects.in_subset(evaluation.split_id, evaluation.subset).filter(
        labelled_at__gt=evaluation.label_cutoff
    )
    rows = touched.with_label_as_of(evaluation.label_cutoff).values_list(
        "label_then", "excluded_then", "label__name", "excluded"
    )
    return sum(
        _counted(label_then, excluded_then) != _counted(label, excluded)
        for label_then, excluded_then, label, excluded in rows
    )


def rescore(evaluation: Evaluation, *, author: Any = None) -> Evaluation:
    """Score the same version on the same subset by the labels of now, from what it said: no inference.

    Raises NotStale; EvaluationIncomplete where an image has been labelled that it has not classified yet.
    """
    if not changed_since(evaluation):
        raise NotStale(
            f"No label of {evaluation.split} {evaluation.subset} has changed since this evaluation: "
            "the scores would be the same."
        )
    unreadable = _without_prediction(evaluation)
    version, split, subset = evaluation.version, evaluation.split, evaluation.subset
    made = evaluate(version, split=split, subset=subset, author=author, unreadable=unreadable)
    calibrate_after(version, split=split, subset=subset, cutoff=made.label_cutoff, author=author)
    return made


def timeline(evaluation: Evaluation) -> QuerySet[Evaluation]:
    """Return the evaluations of the same version on the same subset, by their cut-offs."""
    return Evaluation.objects.filter(
        version=evaluation.version_id, split=evaluation.split_id, subset=evaluation.subset
    ).order_by("label_cutoff", "pk")


def _without_prediction(evaluation: Evaluation) -> list[int]:
    """Return the images that were left out then because their file could not be read."""
    if not evaluation.unreadable:
        return []
    images = Image.objects.in_subset(evaluation.split_id, evaluation.subset)
    labelled = images.usable_as_of(evaluation.label_cutoff)
    said = evaluation.version.predictions.values("image")
    return list(labelled.exclude(pk__in=said).values_list("pk", flat=True))


def _counted(label: str | None, excluded: bool | None) -> str | None:
    """Return the class that an image is scored by; None where it is left out."""
    return None if excluded else label
