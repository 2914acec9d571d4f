"""Bulk inference: a version over a dataset, or over a subset to be evaluated."""

from typing import ClassVar

from django.db import models

from datasets.models import Subset
from training_jobs.models.job import Job


class InferenceJob(Job):
    """One version's predictions over a dataset, its evaluation on a subset, or what neighbours are found by.

    `failed` counts the images that could not be read, `failures` tells of each.
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
    label_cutoff = models.DateTimeField(null=True, blank=True)
    evaluation = models.ForeignKey(
        "classifier.Evaluation", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    new_predictions = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    failures = models.JSONField(default=list, blank=True)

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
