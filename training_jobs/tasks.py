"""What messages start: thin Celery tasks that take an id; running one twice is harmless."""

import logging
import os
import socket
from typing import Any

from celery import shared_task

from datasets.errors import Refused
from training_jobs.models import (
    ExportJob,
    ImportJob,
    InferenceChunk,
    InferenceJob,
    ModelImport,
    TrainingRun,
)

logger = logging.getLogger(__name__)


@shared_task(name=TrainingRun.TASK)
def train(run_id: int) -> None:
    """Carry out the training run that is next in turn: the one in the message may have waited less."""
    from training_jobs.running import carry_out_next

    if not TrainingRun.objects.filter(pk=run_id).exists():
        logger.warning("%s %s is gone", TrainingRun._meta.verbose_name, run_id)
    try:
        carry_out_next(worker=_this_process())
    except Refused as refusal:
        logger.warning("A training run failed: %s", refusal)


@shared_task(name=InferenceJob.TASK)
def infer(job_id: int) -> None:
    """Carry out an inference job; of one in chunks, share it out and begin."""
    _carry_out(InferenceJob, job_id)
    _carry_out_chunk_of(InferenceJob.objects.filter(pk=job_id, kind=InferenceJob.Kind.DATASET))


@shared_task(name=InferenceChunk.TASK)
def infer_chunk(chunk_id: int) -> None:
    """Carry out the chunk that is next of its job: the one in the message may have been done since."""
    _carry_out_chunk_of(InferenceJob.objects.filter(chunks=chunk_id))


@shared_task(name=ImportJob.TASK)
def run_import(job_id: int) -> None:
    """Carry out an import."""
    _carry_out(ImportJob, job_id)


@shared_task(name=ExportJob.TASK)
def export_model(job_id: int) -> None:
    """Carry out the export of a version."""
    _carry_out(ExportJob, job_id)


@shared_task(name=ModelImport.TASK)
def import_model(job_id: int) -> None:
    """Carry out the import of a model."""
    _carry_out(ModelImport, job_id)


def _carry_out(kind: Any, pk: int) -> None:
    """Fetch the row and carry it out, if it is still there; a refusal is one line in the log."""
    from training_jobs.running import carry_out

    job = kind.objects.filter(pk=pk).first()
    if job is None:
        logger.warning("%s %s is gone", kind._meta.verbose_name, pk)
        return
    try:
        carry_out(job, worker=_this_process())
    except Refused as refusal:
        logger.warning("%s failed: %s", job, refusal)


def _carry_out_chunk_of(jobs: Any) -> None:
    """Carry out the next chunk of a job, if it is still there; a refusal is one line in the log."""
    from training_jobs.running import carry_out_chunk

    for job in jobs:
        try:
            carry_out_chunk(job, worker=_this_process())
        except Refused as refusal:
            logger.warning("A chunk of %s failed: %s", job, refusal)


def _this_process() -> str:
    """Return the name under which this process claims jobs."""
    return f"{socket.gethostname()}:{os.getpid()}"
