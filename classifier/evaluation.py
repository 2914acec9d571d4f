"""How well a version does: its stored predictions of a subset, scored by the labels at a cut-off."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Subquery

from classifier.answers import NOTHING, predicted_by, truths_of
from classifier.metrics import score_matrix
from classifier.models import Evaluation, ModelVersion, Prediction
from classifier.statistics.scores import Scored, intervals
from datasets.errors import Refused
from datasets.label_times import label_cutoff
from datasets.models import Image, Split, Subset


class EvaluationIncomplete(Refused):
    """Raised where a version has not yet said what it makes of every image of the subset."""

    code = "not_evaluated"
    status = 409


def evaluate(
    version: ModelVersion,
    *,
    split: Split,
    subset: str = Subset.TEST,
    cutoff: datetime | None = None,
    author: Any = None,
    unreadable: Collection[int] = (),
) -> Evaluation:
    """Score the stored predictions of a subset against its labels as they stood at the cut-off (now).

    `unreadable` are ids of images known to have no prediction because their file cannot be read; they are
    left out and counted. Raises EvaluationIncomplete, `Refused` (bad_subset, empty_subset, other_classes).
    """
    cutoff = cutoff or label_cutoff()
    check_subset(subset)
    check_classes(version, split)
    truths = truths_of(split, subset, cutoff, classes=version.classes)
    said = predicted_by(version, truths)
    is_missing = said == NOTHING
    if set(truths.images[is_missing].tolist()) - set(unreadable):
        raise EvaluationIncomplete(
            f"{version} has not classified {int(is_missing.sum()):,} of the {len(truths):,} images of "
            f"{split} {subset}. Evaluate it there: evaluate {version} --split {split} --subset {subset}."
        )
    if is_missing.all():
        raise Refused(f"No image of {split} {subset} could be read.", code="no_readable_image")
    scored = truths.only(~is_missing).scored(said[~is_missing])
    return Evaluation.objects.create(
        version=version,
        split=split,
        subset=subset,
        label_cutoff=cutoff,
        unreadable=int(is_missing.sum()),
        created_by=author,
        **scores_as_stored(scored, classes=version.classes),
    )


def scores_as_stored(scored: Scored, *, classes: Sequence[str]) -> dict[str, Any]:
    """Return the columns of an Evaluation that hold its scores and their intervals."""
    names = list(classes)
    scores = score_matrix(scored.matrix(), classes=names)
    told = intervals(scored, classes=names)
    return {
        "classes": names,
        "matrix": scores.matrix,
        "per_class": [asdict(each) for each in scores.per_class],
        "accuracy": scores.accuracy,
        "macro_f1": scores.macro_f1,
        "balanced_accuracy": scores.balanced_accuracy,
        "total": scores.total,
        "papers": told["papers"],
        "intervals": told,
    }


def evaluated_images(
    evaluation: Evaluation,
    *,
    actual: str | None = None,
    predicted: str | None = None,
    wrong: bool = False,
) -> Any:
    """Return the images behind an evaluation, or behind one cell of its matrix, as they were scored.

    With `wrong` only those that were taken for another class. Each has `label_then` (its label at the
    cut-off), `predicted` and `confidence`: an image that was relabelled since stays in the cell it was
    counted in.
    """
    own = Prediction.objects.filter(version=evaluation.version_id, image=OuterRef("pk"))
    images: Any = (
        Image.objects.in_subset(evaluation.split_id, evaluation.subset)
        .usable_as_of(evaluation.label_cutoff)
        .annotate(
            predicted=Subquery(own.values("predicted")[:1]), confidence=Subquery(own.values("confidence")[:1])
        )
        .filter(predicted__isnull=False)
    )
    if actual:
        images = images.filter(label_then=actual)
    if predicted:
        images = images.filter(predicted=predicted)
    return images.exclude(label_then=F("predicted")) if wrong else images


def check_subset(subset: str) -> None:
    """Raise `Refused` (bad_subset) for a word that is no subset."""
    if subset not in Subset.values:
        raise Refused(f"A subset is one of {', '.join(Subset.values)}, not {subset!r}.", code="bad_subset")


def check_classes(version: ModelVersion, split: Split) -> None:
    """Raise `Refused` (other_classes) where the split's dataset has a class unknown to the version."""
    strangers = [
        name for name in split.dataset.classes.values_list("name", flat=True) if name not in version.classes
    ]
    if strangers:
        raise Refused(
            f"{version} knows the classes {', '.join(version.classes)}, but {split.dataset.slug} also has "
            f"{', '.join(strangers)}. Train a model on that dataset.",
            code="other_classes",
        )


def labelled_in(split: Split, subset: str, cutoff: datetime | None = None) -> Any:
    """Return the images of a subset that were labelled and not excluded at the cut-off (now)."""
    return Image.objects.in_subset(split, subset).usable_as_of(cutoff or label_cutoff())


def labels_as_of(split: Split, subset: str, cutoff: datetime) -> dict[int, str]:
    """Return {image id: class name} of a subset's images that were labelled and not excluded then."""
    return dict(labelled_in(split, subset, cutoff).values_list("pk", "label_then"))
