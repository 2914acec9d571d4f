"""Names that point at the version in use, and the history of where they pointed."""

from typing import Any, NoReturn, Self

from django.conf import settings
from django.db import models

from datasets.visibility import VisibleQuerySet

CHAMPION = "champion"


class Alias(models.Model):
    """A name, such as `champion`, that points at one version; moved only by `classifier.registry`."""

    name = models.SlugField(max_length=64, unique=True)
    version = models.ForeignKey("classifier.ModelVersion", on_delete=models.PROTECT, related_name="aliases")
    updated_at = models.DateTimeField(auto_now=True)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "aliases"

    def __str__(self) -> str:
        return f"{self.name} -> {self.version}"


class PromotionQuerySet(VisibleQuerySet["Promotion"]):
    """Sets of moves."""

    def standing(self, alias: str) -> Self:
        """Promotions of an alias that no rollback has taken back, newest first."""
        return self.filter(alias=alias, kind=Promotion.Kind.PROMOTE, reversed_by__isnull=True).order_by("-id")


class Promotion(models.Model):
    """One move of an alias: who, when, why, from which version to which. Never changed."""

    class Kind(models.TextChoices):
        """Forward, or back to what stood before."""

        PROMOTE = "promote"
        ROLLBACK = "rollback"

    alias = models.SlugField(max_length=64)
    kind = models.CharField(max_length=8, choices=Kind)
    version = models.ForeignKey(
        "classifier.ModelVersion", on_delete=models.PROTECT, related_name="promotions"
    )
    previous = models.ForeignKey(
        "classifier.ModelVersion", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reverses = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversed_by"
    )
    reason = models.CharField(max_length=500)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (models.CheckConstraint(condition=~models.Q(reason=""), name="promotion_has_a_reason"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.alias} to {self.version}"

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: the history says which version answered when."""
        raise TypeError("The history of promotions is never deleted.")
