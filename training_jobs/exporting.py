"""A version in a further form, made by a program of its own: no worker is to hold TensorFlow."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.db import transaction

from classifier.exports import KERAS, file_of
from classifier.models import Export, ModelVersion
from classifier.networks.errors import ParityFailed
from classifier.networks.storing import into_place
from classifier.reading import Unreadable, read_fitted, wanted
from datasets.errors import Refused
from datasets.models import Image, Subset
from training_jobs.launching import wake_after_commit
from training_jobs.leases import Claim, stop_if_asked
from training_jobs.leavings import scratch_folder
from training_jobs.models import ExportJob

PARITY_IMAGES = 32
_LOOK_EVERY = 0.5


class AlreadyExported(Refused):
    """Raised where a version is there in that form already."""

    code = "already_exported"
    status = 409


class ExportFailed(Refused):
    """Raised where the program that makes a form ended without one."""

    code = "export_failed"
    status = 500


def queue_export(
    version: ModelVersion, *, file_format: str = Export.Format.LITERT, author: Any = None
) -> ExportJob:
    """Queue the making of a form of a version; where that waits already, return what waits.

    Raises AlreadyExported, and `Refused` (unknown_format, artefact_missing).
    """
    if file_format not in Export.Format.values:
        known = ", ".join(Export.Format.values)
        raise Refused(f"{file_format!r:.40} cannot be made: it is {known}.", code="unknown_format")
    there = file_of(version, file_format)
    if there is not None and there.fault is None:
        raise AlreadyExported(f"{version} has been exported as {there.name} already: download it.")
    _check_source(version)
    waiting = ExportJob.objects.active().filter(version=version, format=file_format).first()
    if waiting is not None:
        return waiting  # type: ignore[no-any-return]
    job = ExportJob.objects.create(version=version, format=file_format, created_by=author)
    wake_after_commit(job)
    return job


def run_export(job: ExportJob, claim: Claim) -> None:
    """Make the form, check it against the Keras file on images of val, and record it.

    Raises LeaseLost, FittingCancelled, ParityFailed, ExportFailed, `Refused` (artefact_missing).
    """
    version: ModelVersion = job.version
    _check_source(version)
    job.report(done=0, total=1, message="Reading sample images")
    with scratch_folder(job) as scratch:
        pixels, made = scratch / "pixels.npy", scratch / Export.FILES[Export.Format(job.format)]
        np.save(pixels, _sample(version))
        job.report(done=0, total=1, message="Converting the model and comparing both forms")
        recorded = _converted(version, made, pixels, claim)
        stop_if_asked(claim)
        into_place(made, made_into := version.folder / made.name)
    try:
        with transaction.atomic():
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
    except BaseException:
        # A file without its row is none.
        made_into.unlink(missing_ok=True)
        raise


def _check_source(version: ModelVersion) -> None:
    """Refuse a version whose Keras file is gone or another."""
    source = file_of(version, KERAS)
    if source is None or source.fault:
        raise Refused(
            f"{version} cannot be exported: {source.fault if source else 'it has no Keras file'}. "
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


def _converted(version: ModelVersion, made: Path, pixels: Path, claim: Claim) -> dict[str, Any]:
    """Let a program make the form; return what it recorded. It is ended where the job is to stop."""
    words = (sys.executable, "-m", "classifier.networks.litert", version.keras_path, made, pixels)
    log = made.with_suffix(".log")
    with log.open("wb") as said, log.open("rb") as read:
        program = subprocess.Popen(
            [str(word) for word in words],
            cwd=settings.BASE_DIR,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            while program.poll() is None:
                stop_if_asked(claim)
                _wait(program)
        finally:
            if program.poll() is None:
                program.kill()
                program.wait()
        return _recorded(read.read().decode(errors="replace").splitlines(), status=program.returncode)


def _wait(program: "subprocess.Popen[bytes]") -> None:
    """Wait a moment, or until the program has ended."""
    try:
        program.wait(_LOOK_EVERY)
    except subprocess.TimeoutExpired:
        return


def _recorded(lines: Sequence[str], *, status: int) -> dict[str, Any]:
    """Return what the program's last line says; raises ParityFailed, ExportFailed."""
    recorded = {}
    if lines and lines[-1].startswith("{"):
        recorded = json.loads(lines[-1])
    if "refused" in recorded:
        raise ParityFailed(recorded["refused"])
    if status or "sha256" not in recorded:
        told = lines[-1][:300] if lines else "it said nothing"
        raise ExportFailed(f"The converter ended with status {status}: {told}")
    found: dict[str, Any] = recorded
    return found
