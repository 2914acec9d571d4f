"""A version in a further form, made by a program of its own: no worker is to hold TensorFlow."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from django.db import transaction

from classifier.engines import float32_of, int8_wanted
from classifier.exports import KERAS, ONNX, file_of
from classifier.models import Export, ModelVersion
from classifier.networks.storing import into_place
from classifier.quantisation import files_of_int8, record_quantised, remove_int8, told_quantised
from classifier.reading import Unreadable, read_fitted, wanted
from datasets.errors import Refused
from datasets.models import Image, Subset
from training_jobs.launching import wake_after_commit
from training_jobs.leases import Claim, stop_if_asked
from training_jobs.leavings import scratch_folder
from training_jobs.models import ExportJob
from training_jobs.programs import run_program
from training_jobs.quantising import Origin, quantise

PARITY_IMAGES = 32
_LONGEST_MESSAGE = ExportJob._meta.get_field("message").max_length


class AlreadyExported(Refused):
    """Raised where a version is there in that form already."""

    code = "already_exported"
    status = 409


def queue_export(
    version: ModelVersion, *, file_format: str = Export.Format.LITERT, author: Any = None
) -> ExportJob:
    """Queue the making of a form of a version; where that waits already, return what waits.

    Raises AlreadyExported, and `Refused` (unknown_format, int8_off, artefact_missing).
    """
    if file_format not in Export.Format.values:
        known = ", ".join(Export.Format.values)
        raise Refused(f"{file_format!r:.40} cannot be made: it is {known}.", code="unknown_format")
    if file_format == Export.Format.INT8 and not int8_wanted():
        raise Refused(
            "INT8 is not made here: it takes OpenVINO, and is turned off by BIOFORS_INT8 or BIOFORS_ENGINE.",
            code="int8_off",
        )
    there = file_of(version, file_format)
    if there is not None and there.fault is None:
        raise AlreadyExported(f"{version} has been exported as {there.name} already: download it.")
    _check_source(version, file_format)
    waiting = ExportJob.objects.active().filter(version=version, format=file_format).first()
    if waiting is not None:
        return waiting  # type: ignore[no-any-return]
    job = ExportJob.objects.create(version=version, format=file_format, created_by=author)
    wake_after_commit(job)
    return job


def run_export(job: ExportJob, claim: Claim) -> None:
    """Make the form, hold it against the others on images of val, and record it.

    Raises LeaseLost, FittingCancelled, ParityFailed, ExportFailed, `Refused` (artefact_missing).
    """
    _check_source(job.version, job.format)
    with scratch_folder(job) as scratch:
        if job.format == Export.Format.INT8:
            _make_int8(job, claim, scratch)
        else:
            _make_litert(job, claim, scratch)


def _make_litert(job: ExportJob, claim: Claim, scratch: Path) -> None:
    version: ModelVersion = job.version
    job.report(done=0, total=1, message="Reading sample images")
    pixels, made = scratch / "pixels.npy", scratch / Export.FILES[Export.Format.LITERT]
    np.save(pixels, _sample(version))
    job.report(done=0, total=1, message="Converting the model and comparing both forms")
    words = (version.keras_path, made, pixels)
    recorded = run_program("classifier.networks.litert", words, log=scratch / "litert.log", claim=claim)
    stop_if_asked(claim)
    into_place(made, made_into := version.folder / made.name)
    with _without_files_unless_recorded(made_into), transaction.atomic():
        Export.objects.update_or_create(
            version=version,
            format=job.format,
            defaults={
                "byte_size": recorded["bytes"],
                "sha256": recorded["sha256"],
                "parity": recorded["parity"],
                "libraries": recorded["libraries"],
                "created_by": job.created_by,
            },
        )
        job.succeed(done=1, total=1, message="")


def _make_int8(job: ExportJob, claim: Claim, scratch: Path) -> None:
    version: ModelVersion = job.version
    origin = Origin(version.split, version.label_cutoff) if version.split and version.label_cutoff else None
    spec = float32_of(version)
    with _without_files_unless_recorded(*files_of_int8(version.folder)):
        quantised = quantise(spec, origin, folder=version.folder, scratch=scratch, job=job, claim=claim)
        stop_if_asked(claim)
        with transaction.atomic():
            export = record_quantised(version, quantised, author=job.created_by)
            job.succeed(done=1, total=1, message=told_quantised(export)[:_LONGEST_MESSAGE])
        if not export.offered:
            # Those of an earlier making.
            remove_int8(version.folder)


@contextmanager
def _without_files_unless_recorded(*paths: Path) -> Iterator[None]:
    """Remove files where the block that records them fails: a file without its row is none."""
    try:
        yield
    except BaseException:
        for path in paths:
            path.unlink(missing_ok=True)
        raise


def _check_source(version: ModelVersion, file_format: str) -> None:
    """Refuse a version whose file, that the form is made from, is gone or another."""
    source = file_of(version, ONNX if file_format == Export.Format.INT8 else KERAS)
    if source is None or source.fault:
        raise Refused(
            f"{version} cannot be exported: {source.fault if source else 'it has no such file'}. "
            "Restore the data directory from a backup.",
            code="artefact_missing",
        )


def _sample(version: ModelVersion) -> Any:
    """Return some images of val (else train) as the network sees them, (N, S, S, 3) uint8; N may be 0."""
    empty = np.empty((0, version.input_size, version.input_size, 3), dtype=np.uint8)
    if version.split is None:
        return empty
    for subset in (Subset.VAL, Subset.TRAIN):
        images = wanted(Image.objects.in_subset(version.split, subset))
        # Spread over the subset: its first images are those of its first papers.
        rows = np.unique(np.linspace(0, len(images) - 1, PARITY_IMAGES).astype(np.int64))
        chosen = [images[row] for row in rows] if images else []
        read = read_fitted(chosen, size=version.input_size, geometry=version.geometry)
        found = [pixels for batch in read for _, pixels in batch if not isinstance(pixels, Unreadable)]
        if found:
            return np.stack(found)
    return empty
