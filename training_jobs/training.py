"""A training run from stored images to a published version: read, fit, export, predict, register."""

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from django.conf import settings
from django.db import transaction

from classifier.drawn import drawn_panels
from classifier.features import frozen_features
from classifier.networks.config import TrainingConfig
from classifier.networks.pipeline import LabelledPixels
from classifier.pixels import FittedImages, fitted_images, pixel_cache
from classifier.reading import Unreadable, wanted
from classifier.registry import register
from datasets.errors import Refused
from datasets.models import Image, Subset
from training_jobs.leases import Claim, Reports, stop_if_asked
from training_jobs.leavings import checkpoints_of, clear_checkpoints, scratch_of
from training_jobs.models import EpochMetric, LeaseLost, TrainingRun
from training_jobs.publishing import answers_of, into_models, judge, publish_files
from training_jobs.training_set import check_the_same, told_repetition, training_set_sha256

if TYPE_CHECKING:
    from classifier.networks.fitting import EpochResult, FitResult
    from classifier.networks.stages import Features

_NAMED = 5


def run_training(run: TrainingRun, claim: Claim) -> None:
    """Train and publish: files first, then version, predictions, evaluations and the run's end at once.

    Raises LeaseLost, FittingCancelled, NetworkError, `Refused` (no_readable_image, disk_full, ...).
    """
    config = config_of(run)
    digest = training_set_sha256(run.split, run.label_cutoff)
    if run.like is not None:
        check_the_same(run.like, digest)
    classes = list(run.split.dataset.classes.order_by("position").values_list("name", flat=True))
    with _scratch(run) as scratch:
        read = {subset: _read_subset(run, claim, subset, config) for subset in (Subset.TRAIN, Subset.VAL)}
        train, val = (_labelled(run, subset, images, classes) for subset, images in read.items())
        if not len(train):
            raise Refused(
                "None of the images of train could be read, so nothing can be learnt. The log says why.",
                code="no_readable_image",
            )
        taught = _with_drawn(run, claim, train, config, classes) if config.drawn_papers else train
        run.report(done=0, total=0, message="Building the network")
        fitted = _fit(run, claim, config=config, classes=classes, read=read, train=taught, val=val)
        run.report(done=0, total=0, message="Exporting the model and comparing both forms")
        artefacts = publish_files(
            run,
            fitted.weights,
            config=config,
            classes=classes,
            training_set=digest,
            train=train,
            val=val,
            scratch=scratch,
        )
        stop_if_asked(claim)
        directory = into_models(run, artefacts.recipe.parent)
    try:
        answers = answers_of(run, claim, directory, artefacts, config=config, classes=classes)
        stop_if_asked(claim)
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
                training_set_sha256=digest,
                training_images=len(train),
                best_epoch=fitted.best_epoch,
                best_score=fitted.best_score,
                libraries=artefacts.libraries,
                created_by=run.created_by,
            )
            judge(run, version, answers)
            if run.like is not None:
                run.note(told_repetition(run, version))
            run.succeed(version=version, message="")
    except BaseException:
        # Published whole or not at all.
        shutil.rmtree(directory, ignore_errors=True)
        raise
    clear_checkpoints(run)


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


def _read_subset(run: TrainingRun, claim: Claim, subset: Subset, config: TrainingConfig) -> FittedImages:
    """Return a subset's images from the cache that runs share; those that cannot be read are named."""
    usable: Any = Image.objects.in_subset(run.split, subset).usable_as_of(run.label_cutoff)
    reports = Reports(run)

    def progress(done: int, total: int) -> None:
        reports(done, total, f"Reading images of {subset}: {done:,} of {total:,}")
        stop_if_asked(claim)

    read = fitted_images(wanted(usable), size=config.image_size, geometry=config.geometry, progress=progress)
    if read.unreadable:
        run.note(_told_of(read.unreadable, subset))
    return read


def _labelled(run: TrainingRun, subset: Subset, read: FittedImages, classes: Sequence[str]) -> LabelledPixels:
    """Return a subset's images with the labels of the run's cut-off, as numbers of its classes."""
    usable: Any = Image.objects.in_subset(run.split, subset).usable_as_of(run.label_cutoff)
    told = {pk: (label, paper) for pk, label, paper in usable.values_list("pk", "label_then", "paper_key")}
    labels, papers = zip(*[told[image.pk] for image in read.images], strict=True) if read.images else ((), ())
    numbers = np.array([classes.index(label) for label in labels], dtype=np.int64)
    of_papers = np.unique(np.array(papers), return_inverse=True)[1].astype(np.int64)
    return LabelledPixels(read.cache.rows, numbers, read.rows, of_papers)


def _with_drawn(
    run: TrainingRun, claim: Claim, train: LabelledPixels, config: TrainingConfig, classes: Sequence[str]
) -> LabelledPixels:
    """Return training images and the drawn panels that join them."""
    reports = Reports(run)

    def progress(done: int, total: int) -> None:
        reports(done, total, f"Drawing panels: {done:,} of {total:,}")
        stop_if_asked(claim)

    known = {
        name: classes.index(each.name) for each in run.split.dataset.classes.all() for name in each.names
    }
    size, geometry = config.image_size, config.geometry
    drawn = drawn_panels(config.drawn_papers, numbers=known, size=size, geometry=geometry, progress=progress)
    run.note(f"{len(drawn.rows):,} drawn panels join the {len(train):,} training images")
    # Opened anew: it holds what was drawn.
    pixels = pixel_cache(size=size, geometry=geometry).rows
    return train.joined(pixels, rows=drawn.rows, labels=drawn.labels, papers=drawn.papers)


def _fit(
    run: TrainingRun,
    claim: Claim,
    *,
    config: TrainingConfig,
    classes: Sequence[str],
    read: dict[Subset, FittedImages],
    train: LabelledPixels,
    val: LabelledPixels,
) -> "FitResult":
    """Train, each epoch's figures written as it ends; an earlier attempt is gone on from."""
    # Says nothing of the graphics cards that are not there.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A web process that imported this module must not load TensorFlow with it.
    from classifier.networks.fitting import fit

    stop_if_asked(claim)
    reports = Reports(run)

    def on_batch(done: int, total: int) -> None:
        per_epoch = max(1, total // config.total_epochs)
        epoch = min(config.total_epochs, (done - 1) // per_epoch + 1)
        reports(done, total, f"Epoch {epoch} of {config.total_epochs}")

    def on_features(done: int, total: int) -> None:
        reports(done, total, f"The frozen base looks at the images: {done:,} of {total:,}")
        stop_if_asked(claim)

    def featured(network: Any) -> "Features":
        train_images, val_images = read[Subset.TRAIN], read[Subset.VAL]
        return frozen_features(
            network, config, train=train_images, validation=val_images, progress=on_features
        )

    return fit(
        config,
        classes=classes,
        train=train,
        validation=val,
        directory=checkpoints_of(run, run.attempt),
        on_epoch=lambda result: _record_epochs(run, [result]),
        on_batch=on_batch,
        should_stop=claim.should_stop,
        featured=None if config.base_learns else featured,
        go_on_from=[checkpoints_of(run, attempt) for attempt in range(run.attempt - 1, 0, -1)],
        on_going_on=lambda epochs, steps: _go_on(run, epochs, steps),
    )


@transaction.atomic
def _go_on(run: TrainingRun, epochs: Sequence["EpochResult"], steps: int) -> None:
    """Say where this attempt goes on, and give it the epochs of those before it."""
    into = f", {steps:,} steps into epoch {len(epochs) + 1}" if steps else ""
    run.note(f"Goes on after epoch {len(epochs)}{into}" if epochs else f"Goes on{into[1:]}")
    _record_epochs(run, epochs)


@transaction.atomic
def _record_epochs(run: TrainingRun, results: Sequence["EpochResult"]) -> None:
    """Write epochs' figures under this attempt; raises LeaseLost where another has the run."""
    if not run.hold_claim():
        raise LeaseLost(f"{run} was taken over or ended; attempt {run.attempt} stops here.")
    EpochMetric.objects.bulk_create(
        EpochMetric(run=run, attempt=run.attempt, **vars(result)) for result in results
    )


def _told_of(unreadable: Sequence[Unreadable], subset: str) -> str:
    """Say which images were left out, and why."""
    named = "; ".join(f"{each.file}: {each.code}" for each in unreadable[:_NAMED])
    more = f"; and {len(unreadable) - _NAMED:,} more" if len(unreadable) > _NAMED else ""
    return f"{len(unreadable):,} of the images of {subset} could not be read: {named}{more}"
