"""What a version says of stored images: only what is missing, and of the same bytes only once."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from operator import attrgetter
from typing import Any

from django.db import transaction

from classifier.engines import engine_of
from classifier.models import ModelVersion, Prediction
from classifier.reading import Unreadable, Wanted, read_fitted, wanted
from classifier.serving.engine import Engine
from datasets.chunks import chunks
from datasets.models import Image

# Few enough that whoever labels meanwhile waits for no moment that one would notice.
STORED_AT_ONCE = 128

Progress = Callable[[int, int], None]
ShouldStop = Callable[[], bool]
Store = Callable[[list[Prediction]], int]


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

    As `predict_wanted`.
    """
    return predict_wanted(version, wanted(images), progress=progress, should_stop=should_stop)


def predict_wanted(
    version: ModelVersion,
    images: Sequence[Wanted],
    *,
    progress: Progress | None = None,
    should_stop: ShouldStop = lambda: False,
    store: Store | None = None,
) -> PredictionOutcome:
    """Predict those of some images that the version has said nothing of yet, and store that.

    What it said of an image counts for all that have the same bytes, wherever they are. An image that cannot
    be read is listed and stops nothing. `progress` gets (images dealt with, images in all); `store` is
    `store_predictions` with the version, or what a caller has in its place.
    Raises PredictingStopped, ModelUnusable.
    """
    store = store or (lambda predictions: store_predictions(version, predictions))
    there = _predicted(version, [image.pk for image in images])
    outcome = PredictionOutcome(known=len(there))
    done = len(there)
    waiting: list[Prediction] = []

    def keep() -> None:
        nonlocal done
        for start in range(0, len(waiting), STORED_AT_ONCE):
            outcome.new += store(waiting[start : start + STORED_AT_ONCE])
        done += len(waiting)
        waiting.clear()
        if progress is not None:
            progress(done, len(images))

    keep()
    for predictions, unreadable in _answers(version, [each for each in images if each.pk not in there]):
        waiting += predictions
        outcome.failures += [each.as_dict() for each in unreadable]
        done += len(unreadable)
        stop = should_stop()
        if stop or len(waiting) >= STORED_AT_ONCE:
            keep()
        if stop:
            raise PredictingStopped(f"Stopped after {done} of {len(images)} images.")
    keep()
    return outcome


def _answers(
    version: ModelVersion, images: Iterable[Wanted]
) -> Iterator[tuple[list[Prediction], list[Unreadable]]]:
    """Yield predictions of images, and why others could not be read; each different bytes are read once."""
    alike: dict[str, list[Wanted]] = {}
    for image in images:
        alike.setdefault(image.sha256, []).append(image)
    for piece in chunks(list(alike)):
        said = Prediction.objects.of(version).filter(image__sha256__in=piece)
        told = {each.image.sha256: each for each in said.select_related("image")}
        if told:
            yield [_same(each, image) for sha256, each in told.items() for image in alike.pop(sha256)], []
    if not alike:
        return
    same = {first.pk: (first, *others) for first, *others in alike.values()}
    for predictions, unreadable in predict(engine_of(version), [first for first, *_ in alike.values()]):
        failed = [
            replace(each, image=image.pk, file=image.name)
            for each in unreadable
            for image in same[each.image]
        ]
        yield [_same(each, image) for each in predictions for image in same[each.image_id]], failed


def _same(said: Prediction, image: Wanted) -> Prediction:
    """Return a prediction as one of another image of the same bytes; it names no version yet."""
    return Prediction(
        image_id=image.pk,
        predicted=said.predicted,
        confidence=said.confidence,
        probabilities=said.probabilities,
    )


def _predicted(version: ModelVersion, ids: Sequence[int]) -> set[int]:
    """Return which of these images the version has spoken of."""
    said = Prediction.objects.of(version)
    return {
        pk for piece in chunks(ids) for pk in said.filter(image__in=piece).values_list("image_id", flat=True)
    }


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
