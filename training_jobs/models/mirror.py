"""How far a training run is mirrored in MLflow."""

from datetime import timedelta
from typing import Any

from django.db import models
from django.utils import timezone

from datasets.visibility import VisibleQuerySet
from training_jobs.models.training_run import TrainingRun

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=2)


class Mirror(models.Model):
    """Where a training run stands in MLflow, and what of its rows was told there.

    `state` and `attempt` are those of the run, `last_epoch` the id of the EpochMetric, that it was last told.
    After a failure, whose reason `error` keeps, it is left alone until `not_before`.
    """

    run = models.OneToOneField(TrainingRun, on_delete=models.CASCADE, related_name="mirror")
    server = models.CharField(max_length=500, blank=True, default="")
    experiment = models.CharField(max_length=64, blank=True, default="")
    mlflow_run = models.CharField(max_length=64, blank=True, default="")
    state = models.CharField(max_length=10, blank=True, default="")
    attempt = models.PositiveSmallIntegerField(default=0)
    last_epoch = models.BigIntegerField(default=0)
    error = models.TextField(blank=True, default="")
    failures = models.PositiveIntegerField(default=0)
    not_before = models.DateTimeField(null=True, blank=True)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("-run",)

    def __str__(self) -> str:
        return f"mirror of {self.run}"

    def move_to(self, server: str) -> None:
        """Begin anew at a server, unless it is there already."""
        if self.server != server:
            self.begin_anew(server)

    def begin_anew(self, server: str) -> None:
        """Forget what was told: it is all told again, and nothing of it twice."""
        self._write(server=server, experiment="", mlflow_run="", state="", attempt=0, last_epoch=0)

    def found_at(self, *, experiment: str, mlflow_run: str) -> None:
        """Keep which run of MLflow it is."""
        self._write(experiment=experiment, mlflow_run=mlflow_run)

    def told(self, epoch: int) -> None:
        """Keep that epochs up to this row were told."""
        self._write(last_epoch=epoch)

    def reached(self, *, state: str, attempt: int) -> None:
        """Keep that it says what a run in this state of this attempt says."""
        self._write(state=state, attempt=attempt, error="", failures=0, not_before=None)

    def failed(self, reason: str) -> None:
        """Keep why it is behind, and leave it alone for longer each time."""
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(self.failures, 10))
        self._write(error=reason, failures=self.failures + 1, not_before=timezone.now() + pause)

    def _write(self, **fields: Any) -> None:
        Mirror.objects.filter(pk=self.pk).update(**fields)
        for name, value in fields.items():
            setattr(self, name, value)
