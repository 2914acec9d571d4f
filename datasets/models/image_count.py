"""Counts of images, kept by the database itself, so that no page has to count a million rows."""

from typing import Any, Self

from django.db import models
from django.db.models import Sum

from datasets.visibility import VisibleQuerySet


class ImageCountQuerySet(VisibleQuerySet["ImageCount"]):
    """Sets of counts."""

    def visible_to(self, user: Any) -> Self:
        """Counts are seen by those who see images."""
        return self if user.is_active and user.has_perm("datasets.view_image") else self.none()

    def total(self) -> int:
        """How many images these count."""
        return self.aggregate(total=Sum("count"))["total"] or 0


class ImageCount(models.Model):
    """How many images of a dataset have a label, a state and a source of it in common.

    Triggers on the table of images write these rows, nobody else does. Several rows may count images
    that are alike, and one may be negative: their sum is the truth. The fields are named as the image's are,
    so that the same filters choose from both.
    """

    dataset = models.ForeignKey(
        "datasets.Dataset", on_delete=models.DO_NOTHING, db_constraint=False, related_name="image_counts"
    )
    label = models.ForeignKey(
        "datasets.LabelClass",
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
    )
    excluded = models.BooleanField()
    label_source = models.CharField(max_length=10, blank=True)
    count = models.IntegerField()

    objects = ImageCountQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.count}"
