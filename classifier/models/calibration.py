"""What makes a version's confidence mean something: its temperature, and below what it abstains."""

from typing import Any, NoReturn, Self

from django.conf import settings
from django.db import models

from datasets.models import Subset
from datasets.visibility import VisibleQuerySet


class CalibrationQuerySet(VisibleQuerySet["Calibration"]):
    """Sets of calibrations."""

    def of(self, version: object) -> Self:
        """Those of one version, the one that counts first."""
        return self.filter(version=version).order_by("-id")


class Calibration(models.Model):
    """A temperature fitted on what a version said of a subset; the newest of a version counts.

    Stored predictions stay as the network gave them: a temperature is applied where they are shown.
    `nll` is the mean negative log-likelihood in nats, `ece` the expected calibration error, 0 to 1: both on
    the images it was fitted on, before (raw) and after.
    """

    version = models.ForeignKey(
        "classifier.ModelVersion", on_delete=models.CASCADE, related_name="calibrations"
    )
    split = models.ForeignKey("datasets.Split", on_delete=models.PROTECT, related_name="+")
    subset = models.CharField(max_length=5, choices=Subset, default=Subset.VAL)
    label_cutoff = models.DateTimeField()
    images = models.PositiveIntegerField()
    papers = models.PositiveIntegerField()
    temperature = models.FloatField()
    nll_before = models.FloatField()
    nll_after = models.FloatField()
    ece_before = models.FloatField()
    ece_after = models.FloatField()
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = CalibrationQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(
                condition=models.Q(temperature__gt=0), name="calibration_temperature_above_zero"
            ),
        )

    def __str__(self) -> str:
        return f"T {self.temperature:.3f} of {self.version}"


class Threshold(models.Model):
    """A choice of the confidence below which a version abstains (None: it never does). Never changed.

    `ModelVersion.abstain_below` repeats what counts; only `classifier.abstaining` writes both.
    """

    version = models.ForeignKey(
        "classifier.ModelVersion", on_delete=models.CASCADE, related_name="thresholds"
    )
    abstain_below = models.FloatField(null=True)
    previous = models.FloatField(null=True)
    reason = models.CharField(max_length=500)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.CheckConstraint(condition=~models.Q(reason=""), name="threshold_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(abstain_below__isnull=True)
                | models.Q(abstain_below__gt=0, abstain_below__lte=1),
                name="threshold_is_a_share",
            ),
        )

    def __str__(self) -> str:
        chosen = "never abstains" if self.abstain_below is None else f"abstains below {self.abstain_below:g}"
        return f"{self.version} {chosen}"

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: the history says what was answered when."""
        raise TypeError("The history of thresholds is never deleted.")
