"""The import of a model: its weights read in one process, its network built in another, then registered."""

import hashlib
import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction

from classifier.class_order import order_doubt
from classifier.engines import engine_from
from classifier.evaluation import evaluate, labelled_in
from classifier.models import ModelVersion, Prediction
from classifier.networks.errors import FittingCancelled, NetworkError
from classifier.networks.foreign.children import ChildFailed, open_foreign, rebuild
from classifier.networks.foreign.plan import planned
from classifier.networks.foreign.stated import Stated
from classifier.predicting import predict, store_predictions
from classifier.reading import Unreadable, Wanted, read_fitted, wanted
from classifier.registry import code_version, register
from datasets.errors import Refused
from datasets.models import Subset
from training_jobs.leases import Claim, Reports, stop_if_asked
from training_jobs.leavings import scratch_folder
from training_jobs.models import ModelImport
from training_jobs.publishing import PARITY_IMAGES, into_models

logger = logging.getLogger(__name__)

LONGEST_NOTE = 200


@dataclass(frozen=True)
class Check:
    """What the published network says of the test subset, before its version has a row."""

    predictions: list[Prediction]
    unreadable: list[Unreadable]


def run_model_import(job: ModelImport, claim: Claim) -> None:
    """Make a version of a job's file, whole or not at all; the file goes once it stands.

    Raises `Refused`, FittingCancelled, LeaseLost.
    """
    source = Path(settings.DATA_DIR) / job.file
    _check_file(job, source)
    with scratch_folder(job) as scratch:
        try:
            made = _made(job, claim, source, scratch)
        except FittingCancelled:
            raise
        except NetworkError as error:
            raise Refused(str(error), code=error.code) from error
        directory = into_models(job, scratch / "published")
    try:
        check = _checked(job, claim, directory, made) if job.split is not None else None
        stop_if_asked(claim)
        with transaction.atomic():
            _register(job, directory, made, check)
    except BaseException:
        # Published whole or not at all.
        shutil.rmtree(directory, ignore_errors=True)
        raise
    source.unlink(missing_ok=True)


def _made(job: ModelImport, claim: Claim, source: Path, scratch: Path) -> dict[str, Any]:
    """Read the weights, build and publish the network in the scratch folder; return the version's columns."""

    def ask() -> None:
        stop_if_asked(claim)

    stated = Stated.from_dict(job.stated)
    job.report(done=0, total=0, message="Reading the weights")
    foreign = open_foreign(source, scratch, ask=ask)
    try:
        plan = planned(foreign, stated, class_count=len(job.classes))
    except (LookupError, TypeError, ValueError) as error:
        raise Refused(
            "What the file says of its layers cannot be understood.", code="damaged_file"
        ) from error
    job.note(
        f"Read {len(foreign['layers']):,} layers with weights, found by {'name' if plan.by_name else 'order'}"
    )
    for sentence in plan.assumed:
        job.note(sentence)
    asked = {
        "stated": job.stated,
        "classes": job.classes,
        "foreign": foreign,
        "notes": {
            "name": job.name,
            "model_import": job.pk,
            "attempt": job.attempt,
            "asked_at": job.created_at.isoformat(),
            "file": job.file_name,
            "file_sha256": job.file_sha256,
            "code_version": code_version(),
        },
    }
    (scratch / "asked.json").write_text(json.dumps(asked), encoding="utf-8")
    if job.split is not None:
        _write_parity_images(job, scratch / "parity.npy", size=plan.image_size, geometry=stated.geometry)
    job.report(done=0, total=0, message="Building the network, exporting it and comparing both forms")
    try:
        return rebuild(scratch, ask=ask)
    except ChildFailed as error:
        logger.error("%s: %s", job, error)
        raise Refused(
            "The process that builds the network ended on it. The log of the worker says how; with more "
            "memory it may succeed.",
            code=error.code,
        ) from error


def _checked(job: ModelImport, claim: Claim, directory: Path, made: dict[str, Any]) -> Check:
    """Classify the test subset with the engine that will serve, from the very file that was published."""
    engine = engine_from(
        directory / "model.onnx",
        sha256=made["onnx_sha256"],
        classes=job.classes,
        size=made["input_size"],
        geometry=made["geometry"],
    )
    images, check, reports = _test_images(job), Check([], []), Reports(job)
    for predictions, unreadable in predict(engine, images):
        check.predictions.extend(predictions)
        check.unreadable.extend(unreadable)
        done = len(check.predictions) + len(check.unreadable)
        reports(done, len(images), f"Classifying test: {done:,} of {len(images):,} images")
        stop_if_asked(claim)
    return check


def _register(job: ModelImport, directory: Path, made: dict[str, Any], check: Check | None) -> None:
    """Write the version's row, its scores and the job's end at once."""
    version: ModelVersion = register(
        name=job.name,
        architecture=job.architecture,
        classes=job.classes,
        directory=str(directory.relative_to(settings.DATA_DIR)),
        origin=ModelVersion.Origin.IMPORTED,
        origin_note=origin_note(job),
        created_by=job.created_by,
        **made,
    )
    evaluation, warning = None, ""
    if check is not None and job.split is not None:
        store_predictions(version, check.predictions)
        evaluation = evaluate(
            version,
            split=job.split,
            cutoff=job.label_cutoff,
            author=job.created_by,
            unreadable=[each.image for each in check.unreadable],
        )
        warning = order_doubt(evaluation)
    job.succeed(version=version, evaluation=evaluation, warning=warning, message="")


def origin_note(job: ModelImport) -> str:
    """Return where a version came from: the file's name, as far as there is room, and its sha256."""
    told = f", sha256 {job.file_sha256}"
    return job.file_name[: LONGEST_NOTE - len(told)] + told


def _check_file(job: ModelImport, source: Path) -> None:
    """Refuse a file that has gone, or is not the one that was sent."""
    if not source.is_file():
        raise Refused("The file is gone from the data directory. Upload it again.", code="model_missing")
    with source.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != job.file_sha256:
            raise Refused(
                "The file in the data directory is not the one that was sent. Upload it again.",
                code="damaged_file",
            )


def _test_images(job: ModelImport) -> list[Wanted]:
    return wanted(labelled_in(job.split, Subset.TEST, job.label_cutoff)) if job.split else []


def _write_parity_images(job: ModelImport, path: Path, *, size: int, geometry: str) -> None:
    """Write images, spread over the test subset, on which both forms of the network are compared."""
    images = _test_images(job)
    places = np.unique(np.linspace(0, len(images) - 1, PARITY_IMAGES).astype(np.int64))
    batches = read_fitted([images[place] for place in places], size=size, geometry=geometry)
    read = [pixels for batch in batches for _, pixels in batch if not isinstance(pixels, Unreadable)]
    if read:
        np.save(path, np.stack(read), allow_pickle=False)
