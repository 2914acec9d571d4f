"""A training run from stored images to a published version: read, fit, export, predict, register."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import transaction

from classifier.engines import engine_spec, int8_wanted
from classifier.features import frozen_features
from classifier.networks.config import TrainingConfig
from classifier.quantisation import record_quantised, told_quantised
from classifier.registry import register
from datasets.errors import Refused
from datasets.models import Subset
from training_jobs.leases import Claim, Reports, stop_if_asked
from training_jobs.leavings import checkpoints_of, clear_checkpoints, scratch_folder
from training_jobs.lessons import Lesson, lesson_of
from training_jobs.memory import memory_held
from training_jobs.models import EpochMetric, LeaseLost, TrainingRun
from training_jobs.publishing import answering, answers_of, into_models, judge, publish_files
from training_jobs.quantising import Origin, try_to_quantise
from training_jobs.training_set import check_the_same, told_repetition, training_set_sha256

if TYPE_CHECKING:
    from classifier.networks.fitting import EpochResult, FitResult
    from classifier.networks.stages import Features


def run_training(run: TrainingRun, claim: Claim) -> None:
    """Train, and publish what came of it; a trial of a sweep only leaves its scores.

    Raises LeaseLost, FittingCancelled, NetworkError, `Refused` (no_readable_image, disk_full, ...).
    """
    config = config_of(run)
    if run.candidate is not None:
        _fit(run, claim, config=config, lesson=lesson_of(run, claim, config))
        run.succeed(message="")
        if not run.may_go_on:
            clear_checkpoints(run)
        return
    digest = training_set_sha256(run.split, run.label_cutoff)
    if run.like is not None:
        check_the_same(run.like, digest)
    lesson = lesson_of(run, claim, config)
    fitted = _fit(run, claim, config=config, lesson=lesson)
    _publish(run, claim, fitted, config=config, lesson=lesson, digest=digest)
    clear_checkpoints(run)


def _publish(
    run: TrainingRun,
    claim: Claim,
    fitted: "FitResult",
    *,
    config: TrainingConfig,
    lesson: Lesson,
    digest: str,
) -> None:
    """Publish a model: files first, then version, predictions, evaluations and the run's end at once."""
    run.report(done=0, total=0, message="Exporting the model and comparing both forms")
    with scratch_folder(run) as scratch:
        artefacts = publish_files(
            run, fitted.weights, config=config, lesson=lesson, training_set=digest, scratch=scratch
        )
        stop_if_asked(claim)
        published = artefacts.recipe.parent
        spec = engine_spec(
            published / artefacts.onnx.name,
            sha256=artefacts.onnx_sha256,
            classes=lesson.classes,
            size=config.image_size,
            geometry=config.geometry,
        )
        quantised = None
        if int8_wanted():
            origin = Origin(run.split, run.label_cutoff)
            quantised = try_to_quantise(spec, origin, folder=published, scratch=scratch, job=run, claim=claim)
        directory = into_models(run, published)
    try:
        answers = answers_of(run, claim, answering(spec, directory, quantised))
        stop_if_asked(claim)
        with transaction.atomic():
            version = register(
                name=run.name,
                architecture=run.architecture,
                classes=lesson.classes,
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
                training_images=len(lesson.train),
                best_epoch=fitted.best_epoch,
                best_score=fitted.best_score,
                libraries=artefacts.libraries,
                created_by=run.created_by,
            )
            if quantised is not None:
                run.note(told_quantised(record_quantised(version, quantised, author=run.created_by)))
            judge(run, version, answers)
            if run.like is not None:
                run.note(told_repetition(run, version))
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


def _fit(run: TrainingRun, claim: Claim, *, config: TrainingConfig, lesson: Lesson) -> "FitResult":
    """Train, each epoch's figures written as it ends; an earlier attempt, or rung, is gone on from."""
    # Says nothing of the graphics cards that are not there.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # A web process that imported this module must not load TensorFlow with it.
    from classifier.networks.fitting import fit

    stop_if_asked(claim)
    run.report(done=0, total=0, message="Building the network")
    reports, epochs = Reports(run), run.total_epochs

    def on_batch(done: int, total: int, learning_rate: float) -> None:
        per_epoch = max(1, total // epochs)
        epoch = min(epochs, (done - 1) // per_epoch + 1)
        reports(done, total, f"Epoch {epoch} of {epochs}", learning_rate=learning_rate)

    def on_features(done: int, total: int) -> None:
        reports(done, total, f"The frozen base looks at the images: {done:,} of {total:,}")
        stop_if_asked(claim)

    def featured(network: Any) -> "Features":
        train, val = lesson.read[Subset.TRAIN], lesson.read[Subset.VAL]
        return frozen_features(network, config, train=train, validation=val, progress=on_features)

    return fit(
        config,
        classes=lesson.classes,
        train=lesson.taught,
        validation=lesson.val,
        directory=checkpoints_of(run, run.attempt),
        on_epoch=lambda result: _record_epochs(run, [result], peak=memory_held().peak),
        on_batch=on_batch,
        should_stop=claim.should_stop,
        featured=None if config.base_learns else featured,
        go_on_from=_earlier(run),
        stop_after=epochs,
        on_going_on=lambda epochs, steps: _go_on(run, epochs, steps),
    )


def _earlier(run: TrainingRun) -> list[Path]:
    """Return where this run may go on: its own attempts, the latest first, then the trials before it."""
    own = [checkpoints_of(run, attempt) for attempt in range(run.attempt - 1, 0, -1)]
    return own + [
        checkpoints_of(trial, attempt)
        for trial in run.earlier_trials
        for attempt in range(trial.attempt, 0, -1)
    ]


@transaction.atomic
def _go_on(run: TrainingRun, epochs: Sequence["EpochResult"], steps: int) -> None:
    """Say where this attempt goes on, and give it the epochs of those before it."""
    into = f", {steps:,} steps into epoch {len(epochs) + 1}" if steps else ""
    run.note(f"Goes on after epoch {len(epochs)}{into}" if epochs else f"Goes on{into[1:]}")
    _record_epochs(run, epochs)


@transaction.atomic
def _record_epochs(run: TrainingRun, results: Sequence["EpochResult"], *, peak: int | None = None) -> None:
    """Write epochs' figures under this attempt, and the most memory held; raises LeaseLost."""
    if not run.hold_claim():
        raise LeaseLost(f"{run} was taken over or ended; attempt {run.attempt} stops here.")
    EpochMetric.objects.bulk_create(
        EpochMetric(run=run, attempt=run.attempt, memory_peak_bytes=peak, **vars(result))
        for result in results
    )
