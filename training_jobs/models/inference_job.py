"""Bulk inference: a version over chosen images, or over a subset to be evaluated."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models, transaction
from django.db.models import Count, F, QuerySet, Sum
from django.utils import timezone

from datasets.models import Subset
from training_jobs.models.errors import LeaseLost
from training_jobs.models.job import Job
from training_jobs.models.job_rows import JobQuerySet

# Of what could not be read so many are kept on the job's own row; its chunks tell of all.
KEPT_FAILURES = 200
# A rate is that of about so many seconds.
_RATE_OVER = 15.0


class InferenceJobQuerySet(JobQuerySet):
    """Sets of inference jobs."""

    def shared(self) -> Self:
        """Jobs that are at work by their chunks, held by no worker themselves."""
        return self.at_work().filter(kind=self.model.Kind.DATASET, lease_expires_at=None)

    def conclude(self) -> list[str]:
        """End those whose last chunk has ended, though no worker lived to say so; return which."""
        return [str(job) for job in self.shared() if job.conclude()]


class InferenceJob(Job):
    """One version's predictions over images, its evaluation on a subset, or what neighbours are found by.

    Predictions are made in chunks that many workers share. A worker claims the job to plan them, then leaves
    it to them: it is at work and no worker holds it (no lease) until its last chunk has ended, and ends as
    they did. `known` counts the images that had their prediction before it was planned, `failed` those
    that could not be read; `failures` tells of the first of them.
    `filter` holds what its images were chosen by; None for a whole dataset. `rate`: images a second of late.
    """

    class Kind(models.TextChoices):
        """What is wanted of it."""

        DATASET = "dataset", "predictions over a dataset"
        EVALUATION = "evaluation"
        VECTORS = "vectors", "vectors of its training images"

    TASK: ClassVar[str] = "training_jobs.infer"

    kind = models.CharField(max_length=10, choices=Kind, default=Kind.DATASET)
    version = models.ForeignKey("classifier.ModelVersion", on_delete=models.PROTECT, related_name="+")
    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.CASCADE, related_name="+")
    split = models.ForeignKey(
        "datasets.Split", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    subset = models.CharField(max_length=5, choices=Subset, blank=True, default="")
    filter = models.JSONField(null=True, blank=True)
    label_cutoff = models.DateTimeField(null=True, blank=True)
    evaluation = models.ForeignKey(
        "classifier.Evaluation", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    known = models.PositiveIntegerField(default=0)
    new_predictions = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    failures = models.JSONField(default=list, blank=True)
    rate = models.FloatField(null=True, blank=True)
    measured_at = models.DateTimeField(null=True, blank=True)

    objects = InferenceJobQuerySet.as_manager()  # type: ignore[misc]

    class Meta(Job.Meta):
        abstract = False
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(kind="evaluation")
                | (models.Q(split__isnull=False, label_cutoff__isnull=False) & ~models.Q(subset="")),
                name="evaluation_job_names_a_subset",
            ),
        )

    def __str__(self) -> str:
        return f"inference job {self.pk}"

    @property
    def is_shared(self) -> bool:
        """Whether the job is at work by its chunks, held by no worker itself."""
        return self.state in self.AT_WORK and self.lease_expires_at is None

    @property
    def workers_at_work(self) -> int:
        """How many workers have a chunk of it, or the job itself."""
        if self.state not in self.AT_WORK:
            return 0
        return self._chunks().at_work().count() if self.is_shared else 1

    @property
    def seconds_left(self) -> float | None:
        """How long it will take at its rate of late; None where that is not known."""
        if self.state != self.State.RUNNING or not self.rate:
            return None
        return max(0, self.total - self.done) / self.rate

    @property
    def ends_at(self) -> datetime | None:
        """When it will have ended at its rate of late."""
        left = self.seconds_left
        return None if left is None else timezone.now() + timedelta(seconds=left)

    def chunk_states(self) -> dict[str, int]:
        """Return how many of its chunks are in which state."""
        counted = self._chunks().order_by("state").values_list("state").annotate(count=Count("pk"))
        return dict(counted)

    def every_failure(self) -> Iterator[dict[str, Any]]:
        """Yield each image that could not be read: image, file, code, detail."""
        told = self._chunks().filter(failed__gt=0).order_by("place")
        if not told.exists():
            yield from self.failures
        for failures in told.values_list("failures", flat=True).iterator(chunk_size=10):
            yield from failures

    def share(self, *, total: int, known: int) -> bool:
        """Leave the job to its chunks; False where it is to be cancelled.

        `LeaseLost` where another has it.
        """
        now = timezone.now()
        # The fence rises: the worker that planned renews no lease any more.
        if (
            not self._claimed()
            .filter(state=self.State.RUNNING)
            .update(
                fence=F("fence") + 1,
                lease_expires_at=None,
                worker="",
                total=total,
                known=known,
                done=known + self._counted()["done"],
                rate=None,
                measured_at=now,
            )
        ):
            if self.asked_to_stop():
                return False
            raise LeaseLost(f"{self} was taken over or ended; attempt {self.attempt} stops here.")
        self.refresh_from_db()
        return True

    def measure(self, *, every: timedelta) -> None:
        """Write how far its chunks are and at which rate, if nobody did within `every`."""
        now = timezone.now()
        seen = self._rows(state__in=self.AT_WORK, lease_expires_at=None).first()
        if seen is None or (since := now - (seen.measured_at or now)) < every:
            return
        counted = self._counted()
        done = seen.known + counted["done"]
        rate = _smoothed(seen.rate, done - seen.done, since.total_seconds())
        message = f"Classified {done:,} of {seen.total:,} images"
        # Of several that measured at once one writes.
        self._rows(state__in=self.AT_WORK, measured_at=seen.measured_at).update(
            **{**counted, "done": done}, rate=rate, measured_at=now, message=message
        )

    @transaction.atomic
    def cancel(self) -> None:
        """As every job; chunks that wait are cancelled at once, those at work within a batch."""
        super().cancel()
        self._chunks().waiting().update(state=self.State.CANCELLED, finished_at=timezone.now())
        self._chunks().filter(state=self.State.RUNNING).update(state=self.State.CANCELLING)
        self.conclude()

    @transaction.atomic
    def conclude(self) -> bool:
        """End a job whose chunks have all ended, as they did; False where it is not so far, or over."""
        chunks = self._chunks()
        mine = self._rows(state__in=self.AT_WORK, lease_expires_at=None)
        state = mine.values_list("state", flat=True).first()
        if state is None or not chunks.exists():
            return False
        broken = chunks.filter(state__in=(self.State.FAILED, self.State.DEAD))
        if state == self.State.CANCELLING or broken.filter(state=self.State.FAILED).exists():
            # What failed for one, such as a missing file or a full disk, would fail for all.
            chunks.waiting().update(state=self.State.CANCELLED, finished_at=timezone.now())
        if chunks.active().exists():
            return False
        undone = chunks.exclude(state=self.State.SUCCEEDED)
        if not undone.exists():
            return self._concluded(mine, self.State.SUCCEEDED)
        if state == self.State.CANCELLING:
            return self._concluded(mine, self.State.CANCELLED)
        first, images = broken.order_by("place").first(), undone.aggregate(images=Sum("size"))["images"]
        reason = f"{images:,} images were left undone: {first.error} Retry goes on with what is missing."
        return self._concluded(mine, self.State.FAILED, error_code=first.error_code, error=reason)

    def _concluded(self, mine: "QuerySet[Any]", state: Job.State, **fields: Any) -> bool:
        """End the job in a state with what its chunks counted; False where another has."""
        counted = self._counted()
        counted["done"] += self._rows().values_list("known", flat=True).get()
        new, failed = counted["new_predictions"], counted["failed"]
        told = f"{new:,} new predictions, {failed:,} images could not be read"
        if not mine.update(
            state=state,
            finished_at=timezone.now(),
            failures=self._first_failures(),
            message=told,
            **{**counted, **fields},
        ):
            return False
        self._record(state, fields.get("error", ""))
        self.refresh_from_db()
        return True

    def _first_failures(self) -> list[dict[str, Any]]:
        return [failure for failure, _ in zip(self.every_failure(), range(KEPT_FAILURES), strict=False)]

    def _counted(self) -> dict[str, int]:
        """Return what its chunks counted: done, new_predictions, failed."""
        names = ("done", "new_predictions", "failed")
        sums = self._chunks().aggregate(**{name: Sum(name, default=0) for name in names})
        return {name: int(sums[name]) for name in names}

    def _chunks(self) -> Any:
        """Return its chunks, read anew each time."""
        return self.chunks.all()  # type: ignore[attr-defined]


def _smoothed(rate: float | None, images: int, seconds: float) -> float | None:
    """Return the rate after so many images more."""
    if seconds <= 0:
        return rate
    now = max(0.0, images / seconds)
    weight = 1.0 if not rate else min(1.0, seconds / _RATE_OVER)
    return (1 - weight) * (rate or 0.0) + weight * now
