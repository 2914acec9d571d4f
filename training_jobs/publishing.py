"""What a training leaves is checked, put in its place, and judged before its version has a row."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from classifier.calibrating import calibrate_after
from classifier.engines import in_int8
from classifier.evaluation import evaluate
from classifier.models import ModelVersion, Prediction
from classifier.networks.config import TrainingConfig
from classifier.networks.storing import sync_folder
from classifier.predicting import predict, store_predictions
from classifier.quantisation import Quantised
from classifier.reading import Unreadable, Wanted, wanted
from classifier.registry import code_version
from classifier.serving.cache import EngineSpec, get_engine
from datasets.errors import Refused
from datasets.models import Image, Subset
from training_jobs.leases import Claim, Reports, stop_if_asked
from training_jobs.leavings import place_of
from training_jobs.lessons import Lesson
from training_jobs.models import ModelImport, TrainingRun

if TYPE_CHECKING:
    from classifier.networks.artefacts import Artefacts

PARITY_IMAGES = 64


@dataclass(frozen=True)
class Answers:
    """What the exported model says of val and test, before its version has a row."""

    predictions: list[Prediction]
    unreadable: list[Unreadable]


def publish_files(
    run: TrainingRun,
    weights: Path,
    *,
    config: TrainingConfig,
    lesson: Lesson,
    training_set: str,
    scratch: Path,
) -> "Artefacts":
    """Export into the scratch folder; both forms must agree on images, of val where there are any.

    `training_set`: the sha256 of what was learnt from, for the recipe.
    """
    from classifier.networks.artefacts import publish

    train, val = lesson.train, lesson.val
    shown = val if len(val) else train
    # Spread over the subset: its first images are those of its first papers.
    rows = np.unique(np.linspace(0, len(shown) - 1, PARITY_IMAGES).astype(np.int64))
    parity_pixels: NDArray[np.uint8] = shown.take(rows)
    return publish(
        weights,
        config=config,
        classes=lesson.classes,
        directory=scratch / "published",
        parity_pixels=parity_pixels,
        notes={
            "name": run.name,
            "training_run": run.pk,
            "attempt": run.attempt,
            "split": str(run.split),
            "label_cutoff": run.label_cutoff.isoformat(),
            "training_set_sha256": training_set,
            "training_images": len(train),
            "validation_images": len(val),
            "code_version": code_version(),
        },
    )


def into_models(job: TrainingRun | ModelImport, published: Path) -> Path:
    """Rename the published folder to its place, which no other attempt can have; return that."""
    place = place_of(job)
    place.parent.mkdir(parents=True, exist_ok=True)
    published.rename(place)
    sync_folder(place.parent)
    return place


def answering(spec: EngineSpec, directory: Path, quantised: Quantised | None) -> EngineSpec:
    """Return what answers for the version in a directory: INT8 where it is offered, else its ONNX file."""
    if quantised is None or not quantised.is_offered:
        return replace(spec, path=directory / spec.path.name)
    return in_int8(spec, directory, sha256=quantised.sha256)


def answers_of(run: TrainingRun, claim: Claim, spec: EngineSpec) -> Answers:
    """Classify val and test with the engine that will answer, from the very files that were published."""
    engine = get_engine(spec)
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
        stop_if_asked(claim)
    return answers


def judge(run: TrainingRun, version: ModelVersion, answers: Answers) -> None:
    """Store what the version says of val and test, and score it there; calibrate it on val.

    An empty subset has no score.
    """
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
            continue
        told = calibrate_after(
            version, split=run.split, subset=subset, cutoff=run.label_cutoff, author=run.created_by
        )
        if isinstance(told, Refused):
            run.note(f"Not calibrated: {told}")
