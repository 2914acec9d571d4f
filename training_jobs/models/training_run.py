"""A training run and the figures it reports after each epoch."""

from typing import Any, ClassVar, Self

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import IntegrityError, models, transaction
from django.db.models import Exists, Max

from classifier.models import ModelVersion
from classifier.networks.config import TrainingConfig
from datasets.errors import Refused
from datasets.visibility import VisibleQuerySet
from training_jobs.devices import MOST_LETTERS, device_name
from training_jobs.memory import memory_held
from training_jobs.models.errors import IllegalMove
from training_jobs.models.job import Job
from training_jobs.models.job_rows import JobQuerySet
from training_jobs.models.sweep import Candidate

MOST_PRIORITY = 1000


class BadPriority(Refused):
    """Raised where a priority is none."""

    code = "bad_priority"


def check_priority(priority: int) -> None:
    """Raise BadPriority where a number is out of range."""
    if abs(priority) > MOST_PRIORITY:
        raise BadPriority(
            f"A priority is a whole number from -{MOST_PRIORITY} to {MOST_PRIORITY}; 0 is usual."
        )


class TrainingRunQuerySet(JobQuerySet):
    """Sets of training runs."""

    def in_turn(self) -> Self:
        """Runs that wait, who is next first: the higher priority, then who was queued earlier."""
        return self.waiting().order_by("-priority", "queued_at", "pk")

    def without_trials(self) -> Self:
        """Runs that make a model, those of sweeps left out."""
        return self.filter(candidate=None)

    def of_sweep(self, sweep: int) -> Self:
        """The trials of a sweep."""
        return self.filter(candidate__sweep=sweep)

    def on_device(self, device: str) -> Self:
        """The run at work on a device, if there is one."""
        return self.at_work().filter(device=device)


class TrainingRun(Job):
    """One training of one architecture on one split, with the labels as they stood when it was queued.

    One run at a time is at work on a `device`: its lease is the device's, and the database refuses another.
    """

    QUEUE: ClassVar[str] = "training"
    TASK: ClassVar[str] = "training_jobs.train"

    split = models.ForeignKey("datasets.Split", on_delete=models.PROTECT, related_name="+")
    architecture = models.CharField(max_length=8, choices=ModelVersion.Architecture)
    name = models.SlugField(max_length=64)
    config = models.JSONField()
    label_cutoff = models.DateTimeField()
    # The version whose training this one repeats.
    like = models.ForeignKey(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="repetitions"
    )
    priority = models.SmallIntegerField(
        default=0, validators=(MinValueValidator(-MOST_PRIORITY), MaxValueValidator(MOST_PRIORITY))
    )
    device = models.CharField(max_length=MOST_LETTERS, blank=True, default="")
    # A trial of a sweep: settings on trial, the fold that judges (0: the subset val), and how long it learns.
    candidate = models.ForeignKey(
        Candidate, null=True, blank=True, on_delete=models.PROTECT, related_name="trials"
    )
    fold = models.PositiveSmallIntegerField(default=0)
    rung = models.PositiveSmallIntegerField(default=0)
    version = models.OneToOneField(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="training_run"
    )
    # What its version was, where that was deleted since.
    version_removed = models.CharField(max_length=80, blank=True, default="")

    # Of the latest step; only while the network learns, and only then `done` and `total` count batches.
    learning_rate = models.FloatField(null=True, blank=True)
    # What its worker holds, as of the latest report, and the most it held.
    memory_bytes = models.BigIntegerField(null=True, blank=True)
    memory_peak_bytes = models.BigIntegerField(null=True, blank=True)

    objects = TrainingRunQuerySet.as_manager()  # type: ignore[misc]

    class Meta(Job.Meta):
        abstract = False
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(state="succeeded")
                | models.Q(version__isnull=False)
                | ~models.Q(version_removed="")
                | models.Q(candidate__isnull=False),
                name="succeeded_run_has_a_version",
            ),
            models.CheckConstraint(
                condition=models.Q(version__isnull=True) | models.Q(candidate__isnull=True),
                name="trial_makes_no_version",
            ),
            models.UniqueConstraint(fields=("candidate", "rung", "fold"), name="trial_once_per_rung"),
            models.UniqueConstraint(
                fields=("device",),
                condition=models.Q(state__in=("running", "cancelling")) & ~models.Q(device=""),
                name="one_run_per_device",
            ),
        )

    def __str__(self) -> str:
        return f"training run {self.pk} ({self.name})"

    @property
    def total_epochs(self) -> int:
        """How many epochs it has, those of its fine-tuning among them; of a trial those up to its rung."""
        if self.candidate is not None:
            return int(self.candidate.sweep.rungs[self.rung])
        return TrainingConfig.from_dict(self.config).total_epochs

    @property
    def earlier_trials(self) -> models.QuerySet["TrainingRun"]:
        """The run of each rung below a trial's, the latest first: it goes on where they paused."""
        same = TrainingRun.objects.filter(candidate=self.candidate_id, fold=self.fold)
        return same.filter(rung__lt=self.rung).order_by("-rung")

    @property
    def may_go_on(self) -> bool:
        """Whether a trial of a later rung may go on from where this one pauses."""
        if self.candidate is None:
            return False
        sweep = self.candidate.sweep
        return sweep.is_running and self.rung + 1 < len(sweep.rungs)

    @property
    def goes_on(self) -> str:
        """Where the next attempt takes it up: after the last epoch since a person queued it."""
        done = self.epochs.filter(attempt__gt=self.retried_at).aggregate(last=Max("epoch"))["last"]
        return f"goes on from epoch {done + 1}" if done else "starts again"

    def claim(self, worker: str) -> bool:
        """Take the run for a worker, if this process' device is free; False elsewhere.

        Two that claim for one device at the same moment both see it free: the unique index lets one pass.
        """
        device = device_name()
        busy = TrainingRun.objects.on_device(device)
        try:
            with transaction.atomic():
                return self._take(
                    self._rows(state=self.State.QUEUED).filter(~Exists(busy)),
                    worker,
                    device=device,
                    learning_rate=None,
                    memory_bytes=None,
                    memory_peak_bytes=None,
                )
        except IntegrityError:
            self.refresh_from_db()
            return False

    def report(self, *, done: int, total: int, message: str = "", learning_rate: float | None = None) -> None:
        """As `Job.report`, with the learning rate while the network learns, and the memory held."""
        memory = memory_held()
        self._write(
            done=done,
            total=total,
            message=message[:300],
            learning_rate=learning_rate,
            memory_bytes=memory.now,
            memory_peak_bytes=memory.peak,
        )

    @property
    def is_learning(self) -> bool:
        """Whether its network learns just now, so that its progress counts batches."""
        return self.state in self.AT_WORK and self.learning_rate is not None

    @transaction.atomic
    def set_priority(self, priority: int) -> None:
        """Let a run that waits come before or after others; raises BadPriority, IllegalMove."""
        check_priority(priority)
        if not self._rows(state=self.State.QUEUED).update(priority=priority):
            self.refresh_from_db()
            raise IllegalMove(f"{self} is {self.state}: only a run that waits has a place in the queue.")
        if priority != self.priority:
            self._record("queued", f"priority {priority}")
        self.refresh_from_db()

    def put_first(self) -> None:
        """Let a run that waits be the next; raises IllegalMove."""
        others = TrainingRun.objects.waiting().exclude(pk=self.pk)
        highest: Any = others.aggregate(highest=Max("priority"))["highest"]
        first = self.priority if highest is None else max(self.priority, highest + 1)
        self.set_priority(min(first, MOST_PRIORITY))


class EpochMetric(models.Model):
    """What one epoch of one attempt measured; scores in 0 to 1."""

    run = models.ForeignKey(TrainingRun, on_delete=models.CASCADE, related_name="epochs")
    attempt = models.PositiveSmallIntegerField()
    epoch = models.PositiveIntegerField()
    loss = models.FloatField()
    accuracy = models.FloatField()
    val_loss = models.FloatField(null=True)
    val_accuracy = models.FloatField(null=True)
    val_macro_f1 = models.FloatField(null=True)
    learning_rate = models.FloatField()
    seconds = models.FloatField()
    # The most that the worker had held by its end; not known of one that an earlier attempt trained.
    memory_peak_bytes = models.BigIntegerField(null=True)
    is_best = models.BooleanField(default=False)
    # {class: F1 on validation, null for a class without images there}.
    val_f1 = models.JSONField(null=True)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("run", "attempt", "epoch")
        constraints = (
            models.UniqueConstraint(fields=("run", "attempt", "epoch"), name="epoch_once_per_attempt"),
        )

    def __str__(self) -> str:
        return f"epoch {self.epoch} of {self.run}"
