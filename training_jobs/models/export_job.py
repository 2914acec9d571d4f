"""The making of a further form of a version, which takes too long for a request."""

from typing import ClassVar

from django.db import models

from classifier.models import Export
from training_jobs.models.job import Job


class ExportJob(Job):
    """One version to be written in a further form; what comes of it is an `Export`."""

    TASK: ClassVar[str] = "training_jobs.export_model"

    version = models.ForeignKey("classifier.ModelVersion", on_delete=models.PROTECT, related_name="+")
    format = models.CharField(max_length=8, choices=Export.Format, default=Export.Format.LITERT)

    class Meta(Job.Meta):
        abstract = False

    def __str__(self) -> str:
        return f"export {self.pk} of {self.version}"
