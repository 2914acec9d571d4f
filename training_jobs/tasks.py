"""What messages start: thin Celery tasks that take an id; running one twice is harmless."""

import logging
import os
import socket
from typing import Any

from celery import shared_task

from datasets.errors import Refused
from training_jobs.models import ImportJob, InferenceJob, TrainingRun

logger = logging.getLogger(__name__)


@shared_task(name=TrainingRun.TASK)
def train(run_id: int) -> None:
    """Carry out a training run."""
    _carry_out(TrainingRun, run_id)


@shared_task(name=InferenceJob.TASK)
def infer(job_id: int) -> None:
    """Carry out an inference job."""
    _carry_out(InferenceJob, job_id)


@shared_task(name=ImportJob.TASK)
def run_import(job_id: int) -> None:
    """Carry out an import."""
    _carry_out(ImportJob, job_id)


def _carry_out(kind: Any, pk: int) -> None:
    """Fetch the row and carry it out, if it is still there; a refusal is one line in the log."""
    from training_jobs.running import carry_out

    job = kind.objects.filter(pk=pk).first()
    if job is None:
        logger.warning("%s %s is gone", kind._meta.verbose_name, pk)
        return
    try:
        carry_out(job, worker=f"{socket.gethostname()}:{os.getpid()}")
    except Refused as refusal:
        logger.warning("%s failed: %s", job, refusal)
