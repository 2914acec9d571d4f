"""What a version said of an image. Predictions stand beside labels and never become labels unasked."""

from typing import Self

from django.db import models

from datasets.visibility import VisibleQuerySet


class PredictionQuerySet(VisibleQuerySet["Prediction"]):
    """Sets of predictions."""

    def of(self, version: object) -> Self:
        """Those of one version."""
        return self.filter(version=version)


class Prediction(models.Model):
    """One version's probabilities for one image, in the order of the version's classes; sum 1."""

    version = models.ForeignKey(
        "classifier.ModelVersion", on_delete=models.CASCADE, related_name="predictions"
    )
    image = models.ForeignKey("datasets.Image", on_delete=models.CASCADE, related_name="+")
    predicted = models.CharField(max_length=64)
    confidence = models.FloatField()
    probabilities = models.JSONField()
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
        indexes = (models.Index(fields=("version", "predicted", "confidence"), name="prediction_by_class"),)

    def __str__(self) -> str:
        return f"{self.predicted} ({self.confidence:.2f})"
