"""A paper: the source that images come from, the unit that a safe split keeps whole."""

from django.db import models

from datasets.visibility import VisibleQuerySet


class Paper(models.Model):
    """One publication of a dataset."""

    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.CASCADE, related_name="papers")
    identifier = models.CharField(max_length=200)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("dataset", "identifier")
        constraints = (
            models.UniqueConstraint(fields=("dataset", "identifier"), name="paper_once_per_dataset"),
        )

    def __str__(self) -> str:
        return self.identifier
