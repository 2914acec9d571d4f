"""What a version says of stored images, and how well: predictions, then scores at a label cut-off."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any

from django.db import transaction
from django.db.models import F, OuterRef, Subquery

from classifier.answers import NOTHING, predicted_by, truths_of
from classifier.engines import engine_of
from classifier.metrics import score_matrix
from classifier.models import Evaluation, ModelVersion, Prediction
from classifier.reading import Unreadable, Wanted, read_fitted, wanted
from classifier.serving.engine import Engine
from classifier.statistics.scores import Scored, intervals
from datasets.errors import Refused
from datasets.label_times import label_cutoff
from datasets.models import Image, Split, Subset

Progress = Callable[[int, int], None]
ShouldStop = Callable[[], bool]


class EvaluationIncomplete(Refused):
    """Raised where a version has not yet said what it makes of every image of the subset."""

    code = "not_evaluated"
    status = 409


class PredictingStopped(Exception):
    """Raised where predicting was asked to stop; what was stored stays."""


@dataclass
class PredictionOutcome:
    """What came of predicting: stored now, there before, and images that could not be read."""

    new: int = 0
    known: int = 0
    failures: list[dict[str, Any]] = field(default_factory=list)

    @property
    def unreadable(self) -> list[int]:
        """Ids of the images that could not be read."""
        return [failure["image"] for failure in self.failures]


def predict(engine: Engine, images: Iterable[Wanted]) -> Iterator[tuple[list[Prediction], list[Unreadable]]]:
    """Yield, batch by batch, predictions that name no version yet, and images that could not be read."""
    for batch in read_fitted(images, size=engine.size, geometry=engine.geometry):
        readable = [(image, pixels) for image, pixels in batch if not isinstance(pixels, Unreadable)]
        rows = engine.probabilities([pixels for _, pixels in readable])
        predictions = [
            Prediction(
                image_id=image.pk,
                predicted=engine.classes[int(row.argmax())],
                confidence=float(row.max()),
                probabilities=[round(float(value), 7) for value in row],
            )
            for (image, _), row in zip(readable, rows, strict=True)
        ]
        yield predictions, [result for _, result in batch if isinstance(result, Unreadable)]


def predict_missing(
    version: ModelVersion,
    images: Any,
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop = lambda: False,
) -> PredictionOutcome:
    """Predict the images of a queryset that the version has said nothing of yet, and store that.

    `progress` gets (images dealt with, images in all). An image that cannot be read is listed and stops
    nothing. Raises PredictingStopped, ModelUnusable.
    """
    everything = wanted(images)
    there = set(Prediction.objects.of(version).values_list("image_id", flat=True))
    missing = [image for image in everything if image.pk not in there]
    outcome = PredictionOutcome(known=len(everything) - len(missing))
    done = outcome.known
    if progress is not None:
        progress(done, len(everything))
    for predictions, unreadable in predict(engine_of(version), missing) if missing else ():
        outcome.new += store_predictions(version, predictions)
        outcome.failures += [each.as_dict() for each in unreadable]
        done += len(predictions) + len(unreadable)
        if progress is not None:
            progress(done, len(everything))
        if should_stop():
            raise PredictingStopped(f"Stopped after {done} of {len(everything)} images.")
    return outcome


@transaction.atomic
def store_predictions(version: ModelVersion, predictions: list[Prediction]) -> int:
    """Store what a version said, but for images it has spoken of already; return how many were stored."""
    ids = [prediction.image_id for prediction in predictions]
    there = set(Prediction.objects.of(version).filter(image__in=ids).values_list("image_id", flat=True))
    # An image may have been deleted since it was read.
    alive = set(Image.objects.filter(pk__in=ids).values_list("pk", flat=True)) - there
    new = [prediction for prediction in predictions if prediction.image_id in alive]
    # Each waits for whoever labels its image: in the order in which they lock images.
    new.sort(key=attrgetter("image_id"))
    for prediction in new:
        prediction.version = version
        prediction.measure_uncertainty()
    Prediction.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


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
