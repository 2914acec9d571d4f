"""A piece of an inference job: a fixed list of images that one worker takes at a time."""

from datetime import timedelta
from typing import ClassVar, Self

from django.db import models
from django.db.models import F, Min
from django.db.models.functions import Now
from django.utils import timezone

from training_jobs.models.errors import LeaseLost
from training_jobs.models.inference_job import InferenceJob
from training_jobs.models.job import Job
from training_jobs.models.job_rows import JobQuerySet


class InferenceChunkQuerySet(JobQuerySet):
    """Sets of chunks."""

    def in_turn(self) -> Self:
        """Chunks that wait, of jobs that are at work, who is next first."""
        at_work = self.waiting().filter(job__state=Job.State.RUNNING, job__lease_expires_at=None)
        return at_work.order_by("job", "place")

    def waiting_for(self, age: timedelta) -> Self:
        """Of each job the chunk that is next, if nobody was woken for it within this age.

        One message a job is enough: who takes a chunk wakes another for the one after it.
        """
        next_of_each = self.in_turn().order_by().values("job").annotate(first=Min("pk")).values("first")
        return super().waiting_for(age).filter(pk__in=next_of_each)

    def do_again(self) -> int:
        """Queue those again that did not come to a good end, each with three attempts more."""
        return self.exclude(state=Job.State.SUCCEEDED).update(
            state=Job.State.QUEUED,
            retried_at=F("attempt"),
            given_back=0,
            queued_at=timezone.now(),
            woken_at=Now(),
            finished_at=None,
            lease_expires_at=None,
            done=0,
            message="",
            error="",
            error_code="",
        )


class InferenceChunk(Job):
    """Some of an inference job's images, claimed, fenced and counted as every job is.

    `images` are ids in ascending order, `size` is how many. `new_predictions` counts over all attempts,
    in the transaction that stores them.
    """

    TASK: ClassVar[str] = "training_jobs.infer_chunk"

    job = models.ForeignKey(InferenceJob, on_delete=models.CASCADE, related_name="chunks")
    place = models.PositiveIntegerField()
    images = models.JSONField()
    size = models.PositiveIntegerField()
    new_predictions = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    failures = models.JSONField(default=list, blank=True)

    objects = InferenceChunkQuerySet.as_manager()  # type: ignore[misc]

    class Meta(Job.Meta):
        abstract = False
        constraints = (
            models.UniqueConstraint(fields=("job", "place"), name="one_chunk_at_each_place_of_a_job"),
        )

    def __str__(self) -> str:
        return f"chunk {self.place} of inference job {self.job_id}"

    def count_new(self, stored: int) -> None:
        """Count predictions that were stored; `LeaseLost` where another has the chunk: store none then."""
        mine = self._claimed().filter(state__in=self.AT_WORK)
        if not mine.update(new_predictions=F("new_predictions") + stored):
            raise LeaseLost(f"{self} was taken over or ended; attempt {self.attempt} stops here.")
