"""A search for good settings: a group of training runs, judged on validation alone."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from classifier.models import ModelVersion
from datasets.visibility import VisibleQuerySet

MOST_CANDIDATES = 200
MOST_FOLDS = 10


class SweepQuerySet(VisibleQuerySet["Sweep"]):
    """Sets of sweeps."""

    def running(self) -> "SweepQuerySet":
        """Sweeps that have not ended."""
        return self.filter(state=Sweep.State.RUNNING)


class Sweep(models.Model):
    """Candidates for the settings of an architecture, tried on one split with the labels of one moment.

    ::

        running --all runs ended--> finished
           '----cancel------------> cancelled

    Its runs are trials: they learn on train (or on all folds but one of train and val together), are scored
    on val (or on that fold), and make no version. The subset test is not looked at by any of them, so that
    a score on it still means something for the model that is trained with the settings found.

    `rungs` are epochs. By successive halving the better third of a rung goes on to the next, from where it
    paused (Jamieson and Talwalkar, AISTATS 2016); at random all candidates have all epochs.
    """

    class State(models.TextChoices):
        """Where a sweep stands."""

        RUNNING = "running"
        FINISHED = "finished"
        CANCELLED = "cancelled"

    class Method(models.TextChoices):
        """How candidates are chosen."""

        RANDOM = "random", "random search"
        HALVING = "halving", "successive halving"

    # Of the candidates of a rung every third goes on, with three times the epochs.
    FACTOR: ClassVar[int] = 3

    split = models.ForeignKey("datasets.Split", on_delete=models.PROTECT, related_name="+")
    name = models.SlugField(max_length=64)
    architecture = models.CharField(max_length=8, choices=ModelVersion.Architecture)
    config = models.JSONField()
    space = models.JSONField()
    method = models.CharField(max_length=8, choices=Method, default=Method.RANDOM)
    # 0: the val subset of the split judges; else so many folds of train and val together, by paper.
    folds = models.PositiveSmallIntegerField(default=0, validators=(MaxValueValidator(MOST_FOLDS),))
    rungs = models.JSONField()
    seed = models.PositiveIntegerField(default=0)
    priority = models.SmallIntegerField(default=0)
    label_cutoff = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING, db_index=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = SweepQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"sweep {self.pk} ({self.name})"

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.state == self.State.RUNNING

    @property
    def fold_numbers(self) -> list[int]:
        """The folds that each candidate is judged on, from 1; [0] where the split's own val judges."""
        return list(range(1, self.folds + 1)) or [0]

    def end(self, state: "Sweep.State", *, at: Any) -> bool:
        """End it, once; False where it has ended already."""
        ended = Sweep.objects.running().filter(pk=self.pk).update(state=state, finished_at=at)
        self.refresh_from_db()
        return bool(ended)


class Candidate(models.Model):
    """Settings that a sweep tries: `settings` holds what is varied; number 1 is what the sweep began with."""

    sweep = models.ForeignKey(Sweep, on_delete=models.CASCADE, related_name="candidates")
    number = models.PositiveSmallIntegerField(validators=(MinValueValidator(1),))
    settings = models.JSONField()

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("sweep", "number")
        constraints = (models.UniqueConstraint(fields=("sweep", "number"), name="candidate_number_once"),)

    def __str__(self) -> str:
        return f"candidate {self.number} of {self.sweep}"
