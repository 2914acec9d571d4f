"""A version in INT8: quantised by training images, measured on all of val, offered only where it passes."""

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from django.db import Error

from classifier.networks.errors import FittingCancelled
from classifier.networks.storing import into_place
from classifier.quantisation import Measured, Quantised, files_of_int8, measured, remove_int8
from classifier.reading import Unreadable, Wanted, read_fitted
from classifier.serving.cache import EngineSpec, get_engine
from classifier.serving.engine import INT8, Engine
from datasets.models import Split, Subset
from training_jobs.folds import Known, usable_of
from training_jobs.leases import Claim, Reports, stop_if_asked
from training_jobs.models import LeaseLost, WorkerEnding
from training_jobs.programs import run_program

logger = logging.getLogger(__name__)

CALIBRATION_IMAGES = 300


@dataclass(frozen=True)
class Origin:
    """What a version learnt from: the split and the moment whose labels counted."""

    split: Split
    cutoff: datetime


def quantise(
    spec: EngineSpec, origin: Origin | None, *, folder: Path, scratch: Path, job: Any, claim: Claim
) -> Quantised:
    """Make the INT8 files of an ONNX file in `folder`, measure them; they stay only where they are offered.

    Raises LeaseLost, FittingCancelled, ParityFailed, ExportFailed, ArtefactUnreadable.
    """
    if origin is None:
        return Quantised("it was trained elsewhere: there are no images to quantise it by and to judge it on")
    train, val = (usable_of(origin.split, subset, origin.cutoff) for subset in (Subset.TRAIN, Subset.VAL))
    if not train or not val:
        return Quantised(f"its split has no labelled image in {'val' if train else 'train'}")
    job.report(done=0, total=0, message="Reading images to quantise by")
    pixels = _read(calibration_images(train), spec, claim)
    if not len(pixels):
        return Quantised("none of the images of train that it is quantised by could be read")
    shown, made = scratch / "calibration.npy", scratch / files_of_int8(folder)[0].name
    np.save(shown, pixels)
    del pixels
    job.report(done=0, total=0, message="Quantising to INT8")
    words = (spec.path, made, shown)
    recorded = run_program("classifier.serving.quantising", words, log=scratch / "int8.log", claim=claim)
    found = _measured(val, get_engine(spec), _loaded(made, spec), job=job, claim=claim)
    if found is None:
        return Quantised("none of the images of val could be read")
    if found.objection:
        return Quantised(found.objection, found)
    # The network last: it names the weights beside it.
    for path in reversed(files_of_int8(folder)):
        into_place(scratch / path.name, path)
    return Quantised(
        "",
        found,
        sha256=recorded["sha256"],
        byte_size=recorded["bytes"],
        libraries=recorded["libraries"],
        full_range=recorded["full_range"],
    )


def try_to_quantise(spec: EngineSpec, origin: Origin, **where: Any) -> Quantised:
    """As `quantise`, but what fails in it is why INT8 is not offered: no run is to fail by it."""
    try:
        return quantise(spec, origin, **where)
    except (LeaseLost, FittingCancelled, WorkerEnding, Error):
        raise
    except Exception as error:
        logger.exception("Quantising failed")
        remove_int8(where["folder"])
        told = str(error) if isinstance(getattr(error, "code", None), str) else type(error).__name__
        return Quantised(f"it could not be made ({told.rstrip('.')})")


def calibration_images(known: list[Known]) -> list[Wanted]:
    """Return some images by chance, the same at each call, as many of each paper as can be."""
    drawn = [known[place] for place in np.random.default_rng(0).permutation(len(known))]
    taken: Counter[int] = Counter()
    in_turn = []
    for each in drawn:
        in_turn.append((taken[each.paper], each.image))
        taken[each.paper] += 1
    in_turn.sort(key=itemgetter(0))
    return [image for _, image in in_turn[:CALIBRATION_IMAGES]]


def _read(images: list[Wanted], spec: EngineSpec, claim: Claim) -> Any:
    """Return images as the network sees them, (N, S, S, 3) uint8; what cannot be read is left out."""
    found = []
    for batch in read_fitted(images, size=spec.size, geometry=spec.geometry):
        found += [pixels for _, pixels in batch if not isinstance(pixels, Unreadable)]
        stop_if_asked(claim)
    return np.stack(found) if found else np.empty((0, spec.size, spec.size, 3), dtype=np.uint8)


def _loaded(made: Path, spec: EngineSpec) -> Engine:
    return Engine.load(
        made,
        classes=spec.classes,
        size=spec.size,
        geometry=spec.geometry,
        precision=INT8,
        runtime=spec.runtime,
        threads=spec.threads,
        streams=spec.streams,
    )


def _measured(val: list[Known], float32: Engine, int8: Engine, *, job: Any, claim: Claim) -> Measured | None:
    """Let both classify all of val; None where no image could be read."""
    labels = {each.image.pk: each.label for each in val}
    reports, done = Reports(job), 0
    said: list[tuple[int, int, int]] = []
    for batch in read_fitted([each.image for each in val], size=int8.size, geometry=int8.geometry):
        read = [(image, pixels) for image, pixels in batch if not isinstance(pixels, Unreadable)]
        rows = [engine.probabilities([pixels for _, pixels in read]) for engine in (float32, int8)]
        for (image, _), ours, theirs in zip(read, *rows, strict=True):
            said.append((int8.classes.index(labels[image.pk]), int(ours.argmax()), int(theirs.argmax())))
        done += len(batch)
        reports(done, len(val), f"Comparing INT8 with float32 on val: {done:,} of {len(val):,} images")
        stop_if_asked(claim)
    if not said:
        return None
    actual, ours, theirs = np.array(said, dtype=np.int64).T
    return measured(actual, ours, theirs, classes=int8.classes)
