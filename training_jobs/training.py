"""A training run from stored images to a published version: read, fit, export, predict, register."""

import logging
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.db import transaction
from numpy.typing import NDArray

from classifier.evaluation import engine_from, evaluate, predict, store_predictions
from classifier.models import ModelVersion, Prediction
from classifier.networks.config import TrainingConfig
from classifier.networks.errors import FittingCancelled
from classifier.networks.pipeline import LabelledPixels, open_store
from classifier.reading import Unreadable, Wanted, read_fitted, wanted
from classifier.registry import code_version, register
from datasets.errors import Refused
from datasets.models import Image, Subset
from training_jobs.leases import Claim, Reports
from training_jobs.leavings import place_of, scratch_of
from training_jobs.models import EpochMetric, LeaseLost, TrainingRun

if TYPE_CHECKING:
    from classifier.networks.artefacts import Artefacts
    from classifier.networks.fitting import EpochResult, FitResult

logger = logging.getLogger(__name__)

PARITY_IMAGES = 64
_SPARE_BYTES = 200 * 2**20
_NAMED = 5


@dataclass(frozen=True)
class Answers:
    """What the exported model says of val and test, before its version has a row."""

    predictions: list[Prediction]
    unreadable: list[Unreadable]


def run_training(run: TrainingRun, claim: Claim) -> None:
    """Train and publish: files first, then version, predictions, evaluations and the run's end at once.

    Raises LeaseLost, FittingCancelled, NetworkError, `Refused` (no_readable_image, disk_full, ...).
    """
    config = config_of(run)
    classes = list(run.split.dataset.classes.order_by("position").values_list("name", flat=True))
    with _scratch(run) as scratch:
        train = _read_subset(run, claim, Subset.TRAIN, config=config, classes=classes, scratch=scratch)
        if not len(train):
            raise Refused(
                "None of the images of train could be read, so nothing can be learnt. The log says why.",
                code="no_readable_image",
            )
        val = _read_subset(run, claim, Subset.VAL, config=config, classes=classes, scratch=scratch)
        run.report(done=0, total=0, message="Building the network")
        fitted = _fit(run, claim, config=config, classes=classes, train=train, val=val, scratch=scratch)
        run.report(done=0, total=0, message="Exporting the model and comparing both forms")
        artefacts = _publish(
            run, fitted.weights, config=config, classes=classes, train=train, val=val, scratch=scratch
        )
        _stop_if_asked(claim)
        directory = _into_models(run, artefacts.recipe.parent)
    try:
        answers = _answers(run, claim, directory, artefacts, config=config, classes=classes)
        _stop_if_asked(claim)
        with transaction.atomic():
            version = register(
                name=run.name,
                architecture=run.architecture,
                classes=classes,
                config=config.described(),
                input_size=config.image_size,
                geometry=config.geometry,
                directory=str(directory.relative_to(settings.DATA_DIR)),
                keras_sha256=artefacts.keras_sha256,
                onnx_sha256=artefacts.onnx_sha256,
                parity=artefacts.parity,
                label_cutoff=run.label_cutoff,
                split=run.split,
                training_images=len(train),
                best_epoch=fitted.best_epoch,
                best_score=fitted.best_score,
                libraries=artefacts.libraries,
                created_by=run.created_by,
            )
            _judge(run, version, answers)
            run.succeed(version=version, message="")
    except BaseException:
        # Published whole or not at all.
        shutil.rmtree(directory, ignore_errors=True)
        raise


def config_of(run: TrainingRun) -> TrainingConfig:
    """Return a run's configuration, the base weights from where the installation keeps them.

    The row holds only the file's name; `Refused` (weights_changed) where another is set now.
    """
    config = TrainingConfig.from_dict(run.config)
    if config.architecture == "resnet50":
        now = config.with_overrides({"weights": settings.RESNET50_WEIGHTS}, by_installation=True)
        if now.described()["weights"] != config.weights:
            raise Refused(
                f"The run was queued with the base weights {config.weights}, but RESNET50_WEIGHTS is now "
                f"{now.described()['weights']}. Set it back and retry, or queue a new run.",
                code="weights_changed",
            )
        config = now
    config.check_weights()
    return config


@contextmanager
def _scratch(run: TrainingRun) -> Iterator[Path]:
    """Make a folder for this attempt, removed at its end; the reaper removes one that was left."""
    folder = scratch_of(run)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read_subset(
    run: TrainingRun,
    claim: Claim,
    subset: Subset,
    *,
    config: TrainingConfig,
    classes: Sequence[str],
    scratch: Path,
) -> LabelledPixels:
    """Decode a subset's images once, into a file map; those that cannot be read are left out and named."""
    usable: Any = Image.objects.in_subset(run.split, subset).usable_as_of(run.label_cutoff)
    labels = dict(usable.values_list("pk", "label_then"))
    images = wanted(usable)
    _check_room(len(images), config.image_size, scratch)
    store = open_store(scratch / f"{subset}.pixels", count=len(images), size=config.image_size)
    reports, unreadable = Reports(run), []
    numbers: list[int] = []
    for batch in read_fitted(images, size=config.image_size, geometry=config.geometry):
        for image, pixels in batch:
            if isinstance(pixels, Unreadable):
                unreadable.append(pixels)
                continue
            store.write(len(numbers), pixels)
            numbers.append(classes.index(labels[image.pk]))
        done = len(numbers) + len(unreadable)
        reports(done, len(images), f"Reading images of {subset}: {done:,} of {len(images):,}")
        _stop_if_asked(claim)
    if unreadable:
        run.note(_told_of(unreadable, subset))
    return LabelledPixels(store.pixels[: len(numbers)], np.array(numbers, dtype=np.int64))


def _fit(
    run: TrainingRun,
    claim: Claim,
    *,
    config: TrainingConfig,
    classes: Sequence[str],
    train: LabelledPixels,
    val: LabelledPixels,
    scratch: Path,
) -> "FitResult":
    """Train, each epoch's figures written as it ends."""
    # Says nothing of the graphics cards that are not there.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A web process that imported this module must not load TensorFlow with it.
    from classifier.networks.fitting import fit

    _stop_if_asked(claim)
    reports = Reports(run)

    def on_batch(done: int, total: int) -> None:
        per_epoch = max(1, total // config.epochs)
        epoch = min(config.epochs, (done - 1) // per_epoch + 1)
        reports(done, total, f"Epoch {epoch} of {config.epochs}")

    return fit(
        config,
        classes=classes,
        train=train,
        validation=val,
        directory=scratch / "fit",
        on_epoch=lambda result: _record_epoch(run, result),
        on_batch=on_batch,
        should_stop=claim.should_stop,
    )


@transaction.atomic
def _record_epoch(run: TrainingRun, result: "EpochResult") -> None:
    """Write an epoch's figures under this attempt; raises LeaseLost where another has the run."""
    if not run.hold_claim():
        raise LeaseLost(f"{run} was taken over or ended; attempt {run.attempt} stops here.")
    EpochMetric.objects.create(
        run=run,
        attempt=run.attempt,
        epoch=result.epoch,
        loss=result.loss,
        accuracy=result.accuracy,
        val_loss=result.val_loss,
        val_accuracy=result.val_accuracy,
        val_macro_f1=result.val_macro_f1,
        learning_rate=result.learning_rate,
        seconds=result.seconds,
        is_best=result.is_best,
    )


def _publish(
    run: TrainingRun,
    weights: Path,
    *,
    config: TrainingConfig,
    classes: Sequence[str],
    train: LabelledPixels,
    val: LabelledPixels,
    scratch: Path,
) -> "Artefacts":
    """Export into the scratch folder; both forms must agree on images, of val where there are any."""
    from classifier.networks.artefacts import publish

    shown = val if len(val) else train
    # Spread over the subset: its first images are those of its first papers.
    rows = np.unique(np.linspace(0, len(shown) - 1, PARITY_IMAGES).astype(np.int64))
    parity_pixels: NDArray[np.uint8] = shown.pixels[rows]
    return publish(
        weights,
        config=config,
        classes=classes,
        directory=scratch / "published",
        parity_pixels=parity_pixels,
        notes={
            "name": run.name,
            "training_run": run.pk,
            "attempt": run.attempt,
            "split": str(run.split),
            "label_cutoff": run.label_cutoff.isoformat(),
            "training_images": len(train),
            "validation_images": len(val),
            "code_version": code_version(),
        },
    )


def _into_models(run: TrainingRun, published: Path) -> Path:
    """Rename the published folder to its place, which no other attempt can have; return that."""
    place = place_of(run)
    place.parent.mkdir(parents=True, exist_ok=True)
    published.rename(place)
    descriptor = os.open(place.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return place


def _answers(
    run: TrainingRun,
    claim: Claim,
    directory: Path,
    artefacts: "Artefacts",
    *,
    config: TrainingConfig,
    classes: Sequence[str],
) -> Answers:
    """Classify val and test with the engine that will serve, from the very files that were published."""
    engine = engine_from(
        directory / artefacts.onnx.name,
        sha256=artefacts.onnx_sha256,
        classes=classes,
        size=config.image_size,
        geometry=config.geometry,
    )
    images: list[Wanted] = []
    for subset in (Subset.VAL, Subset.TEST):
        usable: Any = Image.objects.in_subset(run.split, subset).usable_as_of(run.label_cutoff)
        images += wanted(usable)
    answers, reports = Answers([], []), Reports(run)
    for predictions, unreadable in predict(engine, images):
        answers.predictions.extend(predictions)
        answers.unreadable.extend(unreadable)
        done = len(answers.predictions) + len(answers.unreadable)
        reports(done, len(images), f"Classifying val and test: {done:,} of {len(images):,} images")
        _stop_if_asked(claim)
    return answers


def _judge(run: TrainingRun, version: ModelVersion, answers: Answers) -> None:
    """Store what the version says of val and test, and score it there; an empty subset has no score."""
    store_predictions(version, answers.predictions)
    unreadable = [each.image for each in answers.unreadable]
    for subset in (Subset.VAL, Subset.TEST):
        try:
            evaluate(
                version,
                split=run.split,
                subset=subset,
                cutoff=run.label_cutoff,
                author=run.created_by,
                unreadable=unreadable,
            )
        except Refused as refusal:
            if refusal.code not in ("empty_subset", "no_readable_image"):
                raise
            run.note(f"No score on {subset}: {refusal}")


def _check_room(count: int, size: int, folder: Path) -> None:
    """Raise `Refused` (disk_full) where the pixels do not fit: a file map on a full disk ends the process."""
    needed = count * size * size * 3 + _SPARE_BYTES
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise Refused(
            f"The run needs {needed / 2**30:.1f} GiB in the data directory while it lasts; "
            f"{free / 2**30:.1f} GiB are free. Make room, or choose a smaller image_size, then retry.",
            code="disk_full",
        )


def _told_of(unreadable: Sequence[Unreadable], subset: str) -> str:
    """Say which images were left out, and why."""
    named = "; ".join(f"{each.file}: {each.code}" for each in unreadable[:_NAMED])
    more = f"; and {len(unreadable) - _NAMED:,} more" if len(unreadable) > _NAMED else ""
    return f"{len(unreadable):,} of the images of {subset} could not be read: {named}{more}"


def _stop_if_asked(claim: Claim) -> None:
    """Raise FittingCancelled where a person asked for an end, LeaseLost where the run was taken away."""
    if claim.should_stop():
        raise FittingCancelled("The training was cancelled.")
