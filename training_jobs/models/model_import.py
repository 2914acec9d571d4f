"""An import of a model trained elsewhere."""

from typing import ClassVar

from django.db import models

from classifier.models import ModelVersion
from training_jobs.models.job import Job


class ModelImport(Job):
    """One uploaded file of weights that is to become a version, checked on the test subset of a `split`.

    `classes` are in the order of the network's outputs, `stated` what a person says of it. `warning` tells
    where the check speaks for another order of the classes.
    """

    TASK: ClassVar[str] = "training_jobs.import_model"

    name = models.SlugField(max_length=64)
    architecture = models.CharField(max_length=8, choices=ModelVersion.Architecture)
    classes = models.JSONField()
    stated = models.JSONField()
    file = models.CharField(max_length=255)
    file_name = models.CharField(max_length=255)
    file_sha256 = models.CharField(max_length=64)
    split = models.ForeignKey(
        "datasets.Split", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    label_cutoff = models.DateTimeField(null=True, blank=True)
    version = models.OneToOneField(
        ModelVersion, null=True, blank=True, on_delete=models.PROTECT, related_name="model_import"
    )
    evaluation = models.ForeignKey(
        "classifier.Evaluation", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    warning = models.TextField(blank=True, default="")

    class Meta(Job.Meta):
        abstract = False
        constraints = (
            models.CheckConstraint(
                condition=~models.Q(state="succeeded") | models.Q(version__isnull=False),
                name="succeeded_model_import_has_a_version",
            ),
        )

    def __str__(self) -> str:
        return f"model import {self.pk} of {self.file_name}"
