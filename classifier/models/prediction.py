"""What a version said of an image. Predictions stand beside labels and never become labels unasked."""

from collections.abc import Sequence
from math import log2
from typing import Any, Self

from django.db import models

from datasets.visibility import VisibleQuerySet

DISAGREEING = models.Q(disagrees=True)


class PredictionQuerySet(VisibleQuerySet["Prediction"]):
    """Sets of predictions."""

    def of(self, version: object) -> Self:
        """Those of one version."""
        return self.filter(version=version)


class Prediction(models.Model):
    """One version's probabilities for one image, in the order of the version's classes; sum 1.

    `confidence` is the largest of them. `margin` is its lead on the second, 0 to 1; `entropy` is Shannon's,
    in bits, 0 to log2 of the number of classes: both say how unsure the version was, and follow from it all.
    `disagrees` says whether the image's label in force is another class than `predicted` (None: it has no
    label). The database keeps it, whoever predicts, labels or renames a class; nothing else writes it.
    """

    version = models.ForeignKey(
        "classifier.ModelVersion", on_delete=models.CASCADE, related_name="predictions"
    )
    # Queries go from an image to what was said of it; the image itself has no name for it.
    image = models.ForeignKey(
        "datasets.Image", on_delete=models.CASCADE, related_name="+", related_query_name="prediction"
    )
    predicted = models.CharField(max_length=64)
    confidence = models.FloatField()
    probabilities = models.JSONField()
    margin = models.FloatField(editable=False)
    entropy = models.FloatField(editable=False)
    disagrees = models.BooleanField(null=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PredictionQuerySet.as_manager()

    class Meta:
        ordering = ("version", "image")
        constraints = (
            models.UniqueConstraint(
                fields=("version", "image"), name="prediction_once_per_version_and_image"
            ),
            models.CheckConstraint(
                condition=models.Q(confidence__gte=0, confidence__lte=1.0001),
                name="prediction_confidence_is_a_share",
            ),
        )
        # Each ends with the image: one range of it is a page, in order, without a sort.
        indexes = (
            models.Index(fields=("version", "predicted", "image"), name="prediction_by_class"),
            models.Index(
                fields=("version", "predicted", "confidence", "image"), name="prediction_by_sure_class"
            ),
            models.Index(fields=("version", "confidence", "image"), name="prediction_by_confidence"),
            models.Index(fields=("version", "margin", "image"), name="prediction_by_margin"),
            models.Index(fields=("version", "entropy", "image"), name="prediction_by_entropy"),
            # Few disagree, so these are small.
            models.Index(
                fields=("version", "confidence", "image"),
                condition=DISAGREEING,
                name="prediction_disagreeing_sure",
            ),
            models.Index(
                fields=("version", "margin", "image"),
                condition=DISAGREEING,
                name="prediction_disagreeing_margin",
            ),
            models.Index(
                fields=("version", "entropy", "image"),
                condition=DISAGREEING,
                name="prediction_disagreeing_entropy",
            ),
            # Last: of indexes that look alike to it SQLite takes the newest; this one has images in order.
            models.Index(fields=("version", "image"), condition=DISAGREEING, name="prediction_disagreeing"),
        )

    def __str__(self) -> str:
        return f"{self.predicted} ({self.confidence:.2f})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row with its margin and entropy."""
        self.measure_uncertainty()
        super().save(*args, **kwargs)

    def measure_uncertainty(self) -> None:
        """Set `margin` and `entropy`; whoever writes many rows at once calls it for each."""
        self.margin, self.entropy = margin(self.probabilities), entropy(self.probabilities)


def margin(probabilities: Sequence[float]) -> float:
    """Return the lead of the most probable class on the second, 0 to 1; of a single class, its share."""
    first, second = sorted([*probabilities, 0.0, 0.0], reverse=True)[:2]
    return first - second


def entropy(probabilities: Sequence[float]) -> float:
    """Return Shannon's entropy in bits, from 0 (sure) to log2 of the number of classes (no idea)."""
    return max(0.0, -sum(share * log2(share) for share in probabilities if share > 0))
