"""Carry a job out under a claim: what fails is recorded on its row with its reason, then raised."""

import errno
import logging
from typing import Any

from django.db import Error, InterfaceError, OperationalError, transaction

from classifier.calibrating import calibrate_after
from classifier.evaluation import evaluate
from classifier.networks.errors import FittingCancelled
from classifier.predicting import PredictingStopped, predict_missing
from datasets.importing import import_archive
from datasets.models import Dataset, Image
from training_jobs import endings
from training_jobs.archives import ArchiveMissing, archive_is_there, archive_path
from training_jobs.chunking import next_chunk, run_chunk, share_out
from training_jobs.exporting import run_export
from training_jobs.launching import queue_inference, wake
from training_jobs.leases import Claim, Reports, claimed, next_run, wake_for_next
from training_jobs.leavings import scratch_of
from training_jobs.model_importing import run_model_import
from training_jobs.models import (
    ExportJob,
    ImportJob,
    InferenceChunk,
    InferenceJob,
    LeaseLost,
    ModelImport,
    TrainingRun,
    WorkerEnding,
)
from training_jobs.sweeping import advance
from training_jobs.training import run_training
from training_jobs.vectors import prepare_vectors

__all__ = ["carry_out", "carry_out_chunk", "carry_out_next", "run_import", "run_inference", "run_training"]

logger = logging.getLogger(__name__)


class Cancelled(Exception):
    """Raised where a job stops because a person asked for it."""


def carry_out(job: Any, *, worker: str) -> bool:
    """Claim a job and do it; False where another has it, or it has ended: a late message does no harm.

    A cancelled job ends cancelled, a lost one is left to who has it, that of a worker which is to end is
    given back, and one whose database failed is left until its lease runs out; every other exception is
    recorded as the job's failure and raised.
    """
    with claimed(job, worker) as claim:
        if claim is None:
            return False
        try:
            _run(job, claim)
        except (Cancelled, PredictingStopped, FittingCancelled):
            _stop(job)
        except WorkerEnding as ending:
            logger.warning("%s", ending)
            _give_back(job)
        except LeaseLost as lost:
            logger.warning("%s", lost)
        except (OperationalError, InterfaceError):
            # No fault of the job: its lease runs out, and the reaper gives it to another.
            logger.warning("%s is left to the reaper: the database failed under it", job)
            raise
        except Exception as error:
            _record_failure(job, error)
            raise
    return True


def carry_out_next(*, worker: str) -> bool:
    """Carry out the run that is next in turn; False where none waits, or the device is busy.

    As it ends, a worker is woken for the one after it.
    """
    while (run := next_run()) is not None:
        try:
            if carry_out(run, worker=worker):
                _after(run)
                return True
        except Exception:
            _after(run)
            raise
        if endings.is_ending():
            return False
    return False


def carry_out_chunk(job: InferenceJob, *, worker: str) -> bool:
    """Carry out the chunk of a job that is next in turn; False where none waits.

    As its last chunk ends, the job ends.
    """
    while not endings.is_ending() and (chunk := next_chunk(job)) is not None:
        try:
            if carry_out(chunk, worker=worker):
                return True
        finally:
            _conclude(job)
    return False


def _conclude(job: InferenceJob) -> None:
    """End a job whose chunks have ended; what fails here the reaper does."""
    try:
        job.conclude()
    except Error as error:
        logger.warning("%s could not be ended: %s", job, error)


def _after(run: TrainingRun) -> None:
    """Let the sweep of a trial go on, and wake a worker for who is next; what fails here the reaper does."""
    if run.candidate is not None:
        try:
            advance(run.candidate.sweep)
        except Error as error:
            logger.warning("%s could not go on: %s", run.candidate.sweep, error)
    wake_for_next()


def run_inference(job: InferenceJob, claim: Claim) -> None:
    """Do what was asked for: cut predictions into chunks for all workers, evaluate, or prepare."""
    match job.kind:
        case InferenceJob.Kind.VECTORS:
            prepare_vectors(job, claim)
        case InferenceJob.Kind.EVALUATION:
            _run_evaluation(job, claim)
        case _:
            share_out(job, claim)


def _run_evaluation(job: InferenceJob, claim: Claim) -> None:
    """Predict what the version has not said anything of yet, of a subset, and score it."""
    assert job.split is not None
    assert job.label_cutoff is not None
    reports = Reports(job)
    # The labels of when it was asked for; only labelled images count.
    images = Image.objects.in_subset(job.split, job.subset).usable_as_of(job.label_cutoff)
    outcome = predict_missing(
        job.version,
        images,
        progress=lambda done, total: reports(done, total, f"Classified {done:,} of {total:,} images"),
        should_stop=claim.should_stop,
    )
    with transaction.atomic():
        evaluation = evaluate(
            job.version,
            split=job.split,
            subset=job.subset,
            cutoff=job.label_cutoff,
            author=job.created_by,
            unreadable=outcome.unreadable,
        )
        calibrate_after(
            job.version, split=job.split, subset=job.subset, cutoff=job.label_cutoff, author=job.created_by
        )
        job.succeed(
            new_predictions=outcome.new,
            failures=outcome.failures,
            failed=len(outcome.failures),
            evaluation=evaluation,
            message=f"{outcome.new:,} new predictions, {len(outcome.failures):,} images could not be read",
        )


def run_import(job: ImportJob, claim: Claim) -> None:
    """Check or import the job's archive; the archive goes once it is imported."""
    if not archive_is_there(job):
        raise ArchiveMissing("The archive is gone from the data directory. Upload it again.")
    reports = Reports(job)

    def progress(done: int, total: int) -> None:
        if claim.should_stop():
            raise Cancelled
        deed = "Checked" if job.dry_run else "Imported"
        reports(done, total, f"{deed} {done:,} of {total:,} images" if done else "Unpacking the archive")

    summary = import_archive(
        archive_path(job),
        dataset=job.dataset_slug,
        dry_run=job.dry_run,
        author=job.created_by,
        progress=progress,
        scratch=scratch_of(job),
    ).as_dict()
    with transaction.atomic():
        inference = None if job.dry_run else _queue_classifying(job)
        job.succeed(entries=summary.pop("entries"), result=summary, message="", inference=inference)
    if not job.dry_run:
        archive_path(job).unlink(missing_ok=True)


def _queue_classifying(job: ImportJob) -> InferenceJob | None:
    """Queue the job that classifies what came in; None where nobody asked for it, or nothing is there."""
    dataset = Dataset.objects.filter(slug=job.dataset_slug).first()
    if job.classify_with is None or dataset is None or not dataset.images.exists():
        return None
    return queue_inference(dataset, version=job.classify_with, author=job.created_by)


def _run(job: Any, claim: Claim) -> None:
    """Do what this kind of job is."""
    match job:
        case TrainingRun():
            run_training(job, claim)
        case InferenceJob():
            run_inference(job, claim)
        case InferenceChunk():
            run_chunk(job, claim)
        case ImportJob():
            run_import(job, claim)
        case ExportJob():
            run_export(job, claim)
        case ModelImport():
            run_model_import(job, claim)


def _stop(job: Any) -> None:
    """End a job that was cancelled, unless it has been taken away meanwhile."""
    try:
        job.stopped()
    except LeaseLost as lost:
        logger.warning("%s", lost)


def _give_back(job: Any) -> None:
    """Queue a job again whose worker is to end, and wake another, unless it has been taken away meanwhile."""
    try:
        job.give_back()
    except LeaseLost as lost:
        logger.warning("%s", lost)
    except Error:
        # The lease runs out, and the reaper gives the job to another.
        logger.exception("%s could not be given back", job)
    else:
        wake(job)


def _record_failure(job: Any, error: Exception) -> None:
    """Write why a job failed on its row; a lost claim, or a database that is gone, is only logged."""
    code, reason = _told(error)
    try:
        job.fail(code=code, reason=reason)
    except LeaseLost as lost:
        logger.warning("%s", lost)
    except Error:
        # The lease runs out, and the reaper gives the job to another.
        logger.exception("%s failed, and its row could not be written", job)


def _told(error: Exception) -> tuple[str, str]:
    """Return code and sentence of a failure."""
    code = getattr(error, "code", None)
    if isinstance(code, str) and str(error):
        return code, str(error)
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return "disk_full", "The disk of the data directory is full. Make room, then retry."
    if isinstance(error, MemoryError):
        return "out_of_memory", "The worker ran out of memory. Use smaller images or batches, then retry."
    if isinstance(error, OSError):
        # A path of the server is nothing for the row.
        return "unexpected", f"{type(error).__name__}: {error.strerror or 'an input or output error'}"
    return "unexpected", f"{type(error).__name__}: {error}"[:1000]
