"""Names that point at the version in use, and the history of where they pointed."""

from datetime import datetime
from typing import Any, NoReturn, Self

from django.conf import settings
from django.db import models

from datasets.visibility import VisibleQuerySet

CHAMPION = "champion"


class Alias(models.Model):
    """A name, such as `champion`, that points at one version; moved only by `classifier.aliases`."""

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

    def until(self, alias: str, moment: datetime) -> Self:
        """Moves of an alias up to a moment, newest first."""
        return self.filter(alias=alias, created_at__lte=moment).order_by("-id")


class Promotion(models.Model):
    """One move of an alias: who, when, why, from which version to which. Never changed.

    `evaluation` is the one that the move was based on, `gates` what was checked before it, as `Gate.as_dict`
    says; `overridden` names those that failed and were overruled. Where the alias was removed, `version` is
    what it pointed at until then.
    """

    class Kind(models.TextChoices):
        """Forward, back to what stood before, or away."""

        PROMOTE = "promote"
        ROLLBACK = "rollback"
        REMOVE = "remove"

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
    evaluation = models.ForeignKey(
        "classifier.Evaluation", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    gates = models.JSONField(default=list, blank=True)
    overridden = models.JSONField(default=list, blank=True)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = PromotionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (models.CheckConstraint(condition=~models.Q(reason=""), name="promotion_has_a_reason"),)
        permissions = (("override_gates", "Can promote although a gate failed"),)

    def __str__(self) -> str:
        return f"{self.kind} {self.alias} to {self.version}"

    @property
    def deed(self) -> str:
        """What was done, in words that follow a person's name."""
        match self.kind:
            case self.Kind.PROMOTE:
                return f"promoted {self.version} to {self.alias}"
            case self.Kind.ROLLBACK:
                return f"rolled {self.alias} back to {self.version}"
            case _:
                return f"took the alias {self.alias} away from {self.version}"

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: the history says which version answered when."""
        raise TypeError("The history of promotions is never deleted.")
