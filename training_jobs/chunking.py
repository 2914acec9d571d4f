"""Inference in chunks: a job is cut into lists of images, which workers take one after the other."""

import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.db.models.functions import Now

from classifier.models import Prediction
from classifier.predicting import PredictingStopped, predict_wanted, store_predictions
from classifier.reading import wanted_among
from datasets.models import Image
from training_jobs.launching import wake
from training_jobs.leases import Claim, Reports
from training_jobs.models import InferenceChunk, InferenceJob
from training_jobs.planning import lists_of, write_chunks

MEASURED_EVERY = timedelta(seconds=1)


def share_out(job: InferenceJob, claim: Claim) -> None:
    """Leave a claimed job to its chunks, planned now if they were not; those that ended badly begin again.

    Without an image to classify it succeeds at once. Raises PredictingStopped, LeaseLost.
    """
    chunks: Any = job.chunks.all()
    known, lists = job.known, list[list[int]]()
    if not chunks.exists():
        images = Image.objects.filter(dataset=job.dataset)
        said = Prediction.objects.of(job.version)
        # Read before the transaction: it is short then, however many images there are.
        known = said.filter(image__in=images).count()
        lists = lists_of(images.exclude(Exists(said.filter(image=OuterRef("pk")))))
    if claim.should_stop():
        raise PredictingStopped("Stopped as it was planned.")
    with transaction.atomic():
        write_chunks(job, lists)
        chunks.do_again()
        planned = sum(chunks.values_list("size", flat=True))
        if not planned:
            job.succeed(done=known, total=known, known=known, message="There was nothing left to classify.")
        elif not job.share(total=known + planned, known=known):
            raise PredictingStopped("Stopped before its chunks began.")


def next_chunk(job: InferenceJob) -> InferenceChunk | None:
    """Return the chunk of a job that is next in turn; None where none waits."""
    chunk: InferenceChunk | None = InferenceChunk.objects.in_turn().filter(job=job).first()
    return chunk


def wake_for_next_chunk(job: InferenceJob) -> None:
    """Wake another worker for the chunk that is next, where one waits.

    Each who begins one does so: as many workers take part as there are, and one message of a job waits
    at a time, so that other jobs get their turn.
    """
    chunk = next_chunk(job)
    if chunk is not None:
        InferenceChunk.objects.waiting().filter(pk=chunk.pk).update(woken_at=Now())
        wake(chunk)


def run_chunk(chunk: InferenceChunk, claim: Claim) -> None:
    """Predict what the version has not said anything of yet, of a chunk's images."""
    job = chunk.job
    wake_for_next_chunk(job)
    images = wanted_among(chunk.images)
    gone = chunk.size - len(images)
    reports = ChunkReports(chunk)

    @transaction.atomic
    def store(predictions: list[Prediction]) -> int:
        stored = store_predictions(job.version, predictions)
        # In the same step, and under the claim: what a worker writes that lost it is taken back.
        chunk.count_new(stored)
        return stored

    outcome = predict_wanted(
        job.version,
        images,
        store=store,
        progress=lambda done, _: reports(done + gone, chunk.size),
        should_stop=claim.should_stop,
    )
    chunk.succeed(done=chunk.size, total=chunk.size, failures=outcome.failures, failed=len(outcome.failures))


class ChunkReports(Reports):
    """Progress of a chunk, and with it of its job."""

    def __init__(self, chunk: InferenceChunk) -> None:
        super().__init__(chunk)
        self._measured = time.monotonic()

    def __call__(self, done: int, total: int, message: str = "", **figures: float) -> None:
        """Write progress, and now and then that of the whole job; raises LeaseLost."""
        super().__call__(done, total, message, **figures)
        if time.monotonic() - self._measured >= MEASURED_EVERY.total_seconds():
            self._measured = time.monotonic()
            self.job.job.measure(every=MEASURED_EVERY)
