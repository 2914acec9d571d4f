"""An import that a worker carries out: first a dry run that is shown, then the import itself."""

from typing import Any, ClassVar

from django.db import models

from training_jobs.models.job import Job


class ImportJob(Job):
    """One uploaded archive, checked (`dry_run`) or imported into a dataset.

    The archive holds a `classification.json` beside an image folder, or class folders.
    `classify_with`: the version that is to classify what came in; `inference` is the job that does so,
    queued as the import succeeds. `result` is the summary that `import_biofors` prints, `entries` the many
    lines behind its counts.
    """

    TASK: ClassVar[str] = "training_jobs.run_import"

    dataset_slug = models.SlugField(max_length=64)
    archive = models.CharField(max_length=255)
    archive_name = models.CharField(max_length=255)
    dry_run = models.BooleanField(default=True)
    checked_by = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.SET_NULL, related_name="imports"
    )
    classify_with = models.ForeignKey(
        "classifier.ModelVersion", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    inference = models.OneToOneField(
        "training_jobs.InferenceJob",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="import_job",
    )
    result = models.JSONField(null=True, blank=True)
    entries = models.JSONField(default=dict, blank=True)

    class Meta(Job.Meta):
        abstract = False

    @property
    def summary(self) -> dict[str, Any] | None:
        """What came of it, with the entries; None before it is done."""
        return None if self.result is None else {**self.result, "entries": self.entries}

    def __str__(self) -> str:
        return f"import {self.pk} of {self.archive_name}"
