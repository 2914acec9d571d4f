"""The one state machine behind every job: claimed under a lease, fenced, counted, never lost."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from training_jobs.models.errors import IllegalMove, LeaseLost
from training_jobs.models.job_rows import JobQuerySet, lease_from_now

MAX_ATTEMPTS = 3


class Job(models.Model):
    """A piece of long work, whose row is the truth; a queue message only wakes a worker.

    ::

        queued --claim--> running --succeed--> succeeded
          |                 |  |---fail------> failed
          |                 |  |---cancel----> cancelling --stopped--> cancelled
          |                 |  |---give back-> queued       (its worker is shut down)
          |                 |  '--lease expired--> queued  (lost < 3 times)
          |                 |                  '-> dead    (lost 3 times)
          '--cancel--> cancelled
        failed, dead, cancelled --retry--> queued

    Leases are written and read by the database's clock: those of two machines may differ.
    `fence` rises with every claim; each write of a worker is conditional on the fence it was given.
    `attempt` counts all claims, because folders are named by it; `retried_at` is how many there had been
    when a person last retried, `given_back` how many since then ended without their worker being lost.
    """

    class State(models.TextChoices):
        """Where a job stands."""

        QUEUED = "queued"
        RUNNING = "running"
        CANCELLING = "cancelling"
        CANCELLED = "cancelled"
        SUCCEEDED = "succeeded"
        FAILED = "failed"
        DEAD = "dead"

    ACTIVE: ClassVar = (State.QUEUED, State.RUNNING, State.CANCELLING)
    AT_WORK: ClassVar = (State.RUNNING, State.CANCELLING)
    ENDED: ClassVar = (State.CANCELLED, State.SUCCEEDED, State.FAILED, State.DEAD)
    QUEUE: ClassVar[str] = "inference"
    TASK: ClassVar[str] = ""

    state = models.CharField(max_length=10, choices=State, default=State.QUEUED, db_index=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    retried_at = models.PositiveSmallIntegerField(default=0)
    given_back = models.PositiveSmallIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0)
    worker = models.CharField(max_length=200, blank=True, default="")
    lease_expires_at = models.DateTimeField(null=True, blank=True)
    queued_at = models.DateTimeField(default=timezone.now)
    woken_at = models.DateTimeField(default=timezone.now)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    message = models.CharField(max_length=300, blank=True, default="")
    error_code = models.CharField(max_length=64, blank=True, default="")
    error = models.TextField(blank=True, default="")
    events = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = JobQuerySet.as_manager()

    class Meta:
        abstract = True
        ordering = ("-id",)

    @property
    def is_active(self) -> bool:
        """Whether the job waits or is at work."""
        return self.state in self.ACTIVE

    def is_over(self, attempt: int) -> bool:
        """Whether an attempt has surely ended: a later one began, or it is not at work any more."""
        return attempt < self.attempt or (attempt == self.attempt and self.state not in self.AT_WORK)

    @property
    def lost_times(self) -> int:
        """How often its worker was lost since it was last queued by a person, the latest attempt counted."""
        return self.attempt - self.retried_at - self.given_back

    @property
    def goes_on(self) -> str:
        """Where the next attempt takes it up, in words."""
        return "goes on"

    @property
    def share_done(self) -> float:
        """Progress from 0 to 1."""
        return min(1.0, self.done / self.total) if self.total else 0.0

    @transaction.atomic
    def claim(self, worker: str) -> bool:
        """Take the job for a worker: True where it was waiting, False where another has it or it ended."""
        return self._take(self._rows(state=self.State.QUEUED), worker)

    def _take(self, waiting: models.QuerySet[Any], worker: str, **fields: Any) -> bool:
        """Claim the row if it is still among those that wait, writing `fields` in the same statement."""
        now = timezone.now()
        taken = waiting.update(
            state=self.State.RUNNING,
            attempt=F("attempt") + 1,
            fence=F("fence") + 1,
            worker=worker,
            lease_expires_at=lease_from_now(),
            started_at=now,
            finished_at=None,
            done=0,
            total=0,
            message="",
            error="",
            error_code="",
            **fields,
        )
        if taken:
            self.refresh_from_db()
            self._record("running", f"attempt {self.attempt}, {worker}")
        return bool(taken)

    def heartbeat(self) -> bool:
        """Renew the lease; True where the job is to be cancelled. `LeaseLost` where another has it."""
        rows = self._claimed().filter(state__in=self.AT_WORK)
        if not rows.update(lease_expires_at=lease_from_now()):
            raise LeaseLost(f"{self} was taken over or ended; attempt {self.attempt} stops here.")
        return rows.filter(state=self.State.CANCELLING).exists()

    def asked_to_stop(self) -> bool:
        """Whether the job is to be cancelled, read without renewing; `LeaseLost` where another has it."""
        state = self._claimed().values_list("state", flat=True).first()
        if state not in self.AT_WORK:
            raise LeaseLost(f"{self} was taken over or ended; attempt {self.attempt} stops here.")
        return state == self.State.CANCELLING

    def report(self, *, done: int, total: int, message: str = "") -> None:
        """Write progress; `LeaseLost` where another has the job."""
        self._write(done=done, total=total, message=message[:300])

    @transaction.atomic
    def note(self, text: str) -> None:
        """Add a line to the log of states; `LeaseLost` where another has the job."""
        self._write(message=text[:300])
        self._record(self.State.RUNNING, text)

    @transaction.atomic
    def succeed(self, **fields: Any) -> None:
        """End well, writing `fields` in the same step; `LeaseLost` where another has the job."""
        # Work that was finished before a cancel was seen is finished: its result stands.
        self._end(self.State.SUCCEEDED, from_states=self.AT_WORK, **fields)

    @transaction.atomic
    def fail(self, *, code: str, reason: str) -> None:
        """End with a reason."""
        self._end(
            self.State.FAILED,
            from_states=self.AT_WORK,
            error_code=code,
            error=reason,
        )

    @transaction.atomic
    def stopped(self) -> None:
        """End a job whose cancellation its worker has carried out."""
        self._end(self.State.CANCELLED, from_states=(self.State.CANCELLING,))

    @transaction.atomic
    def cancel(self) -> None:
        """Ask for an end: at once where it waits, soon where it runs; `IllegalMove` where it ended."""
        now = timezone.now()
        if self._rows(state=self.State.QUEUED).update(state=self.State.CANCELLED, finished_at=now):
            self._record("cancelled", "before it started")
        elif self._rows(state=self.State.RUNNING).update(state=self.State.CANCELLING):
            self._record("cancelling")
        elif not self._rows(state=self.State.CANCELLING).exists():
            self.refresh_from_db()
            raise IllegalMove(f"{self} has ended ({self.state}): there is nothing to cancel.")
        self.refresh_from_db()

    @transaction.atomic
    def retry(self) -> None:
        """Queue an ended job again, with three attempts more; `IllegalMove` elsewhere."""
        now = timezone.now()
        ended = (self.State.FAILED, self.State.DEAD, self.State.CANCELLED)
        if not self._rows(state__in=ended).update(
            state=self.State.QUEUED,
            retried_at=F("attempt"),
            given_back=0,
            queued_at=now,
            woken_at=Now(),
            finished_at=None,
            lease_expires_at=None,
            message="",
            error="",
            error_code="",
        ):
            self.refresh_from_db()
            raise IllegalMove(f"{self} is {self.state}: only a failed, dead or cancelled job can be retried.")
        self._record("queued", "retried")
        self.refresh_from_db()

    @transaction.atomic
    def take_back(self) -> "Job.State":
        """Requeue a job whose lease has expired, or end it: cancelled if asked for, dead after 3 attempts."""
        now = timezone.now()
        lost = self._claimed().filter(lease_expires_at__lt=Now())
        reason = f"Its worker was lost {self.lost_times} times; the last was {self.worker}."
        if lost.filter(state=self.State.CANCELLING).update(state=self.State.CANCELLED, finished_at=now):
            self._record("cancelled", "its worker was lost while cancelling")
        elif self.lost_times >= MAX_ATTEMPTS:
            if lost.update(state=self.State.DEAD, finished_at=now, error_code="worker_lost", error=reason):
                self._record("dead", reason)
        elif lost.update(
            state=self.State.QUEUED, woken_at=Now(), fence=F("fence") + 1, lease_expires_at=None, message=""
        ):
            self._record("queued", f"worker {self.worker} was lost")
        self.refresh_from_db()
        return self.State(self.state)

    @transaction.atomic
    def give_back(self) -> None:
        """Queue a job again whose worker is shut down, first in turn; the attempt counts as no loss.

        One that was to be cancelled is. `LeaseLost` where another has the job.
        """
        if self._claimed().filter(state=self.State.CANCELLING).exists():
            self._end(self.State.CANCELLED, from_states=(self.State.CANCELLING,))
            return
        note = f"its worker was shut down; {self.goes_on}"
        if (
            not self._claimed()
            .filter(state=self.State.RUNNING)
            .update(
                state=self.State.QUEUED,
                given_back=F("given_back") + 1,
                fence=F("fence") + 1,
                woken_at=Now(),
                lease_expires_at=None,
                message="",
            )
        ):
            raise LeaseLost(f"{self} was taken over or ended; attempt {self.attempt} stops here.")
        self._record("queued", note)
        self.refresh_from_db()

    def holds_claim(self) -> bool:
        """Whether this worker's claim still stands; publishing asks inside its transaction."""
        return self._claimed().filter(state__in=self.AT_WORK).exists()

    def hold_claim(self) -> bool:
        """As `holds_claim`, and keep others from taking the job until the transaction ends."""
        return bool(self._claimed().filter(state__in=self.AT_WORK).update(fence=self.fence))

    def _rows(self, **conditions: Any) -> models.QuerySet[Any]:
        return type(self).objects.filter(pk=self.pk, **conditions)

    def _claimed(self) -> models.QuerySet[Any]:
        return self._rows(fence=self.fence)

    def _write(self, **fields: Any) -> None:
        if not self._claimed().filter(state__in=self.AT_WORK).update(**fields):
            raise LeaseLost(f"{self} was taken over or ended; attempt {self.attempt} stops here.")
        for name, value in fields.items():
            setattr(self, name, value)

    def _end(self, state: "Job.State", *, from_states: tuple["Job.State", ...], **fields: Any) -> None:
        ended = self._claimed().filter(state__in=from_states)
        if not ended.update(state=state, finished_at=timezone.now(), lease_expires_at=None, **fields):
            raise LeaseLost(f"{self} was taken over or ended; attempt {self.attempt} stops here.")
        self._record(state, fields.get("error", ""))
        self.refresh_from_db()

    def _record(self, state: str, note: str = "") -> None:
        row = type(self).objects.values_list("events", flat=True).get(pk=self.pk)
        event = {"at": timezone.now().isoformat(), "state": str(state), "note": note}
        self._rows().update(events=[*row, event])
