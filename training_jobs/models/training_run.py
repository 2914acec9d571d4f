"""A training run and the figures it reports after each epoch."""

from typing import ClassVar

from django.db import models

from classifier.models import ModelVersion
from datasets.visibility import VisibleQuerySet
from training_jobs.models.job import Job


class TrainingRun(Job):
    """One training of one architecture on one split, with the labels as they stood when it was queued."""

    QUEUE: ClassVar[str] = "training"
    TASK: ClassVar[str] = "training_jobs.train"

    split = models.ForeignKey("datasets.Split", on_delete=models.PROTECT, related_name="+")
    architecture = models.CharField(max_length=8, choices=ModelVersion.Architecture)
    name = models.SlugField(max_length=64)
    config = models.JSONField()
    label_cutoff = models.DateTimeField()
    version = models.OneToOneField(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="training_run"
    )

    class Meta(Job.Meta):
        abstract = False
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(state="succeeded") | models.Q(version__isnull=False),
                name="succeeded_run_has_a_version",
            ),
        )

    def __str__(self) -> str:
        return f"training run {self.pk} ({self.name})"


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
    is_best = models.BooleanField(default=False)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("run", "attempt", "epoch")
        constraints = (
            models.UniqueConstraint(fields=("run", "attempt", "epoch"), name="epoch_once_per_attempt"),
        )

    def __str__(self) -> str:
        return f"epoch {self.epoch} of {self.run}"
