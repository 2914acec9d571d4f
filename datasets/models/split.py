"""Splits: frozen assignments of images to train, val and test."""

from typing import Any, NoReturn

from django.conf import settings
from django.db import models

from datasets.errors import Refused
from datasets.visibility import VisibleQuerySet


class SplitFrozen(Refused):
    """Raised on an attempt to change a split after it was made."""

    status = 409
    code = "split_frozen"


class Subset(models.TextChoices):
    """The parts of a split."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"


class Split(models.Model):
    """A frozen assignment of a dataset's images to subsets, with the report on what leaks between them.

    Made whole by `datasets.splitting.make_split`; nothing of it changes afterwards. `without_accepted`:
    images whose label was accepted from a model were left out.
    """

    class By(models.TextChoices):
        """What is kept whole in one subset."""

        PAPER = "paper"
        PANEL_GROUP = "panel_group", "panel group"
        IMAGE = "image"

    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.PROTECT, related_name="splits")
    name = models.SlugField(max_length=64)
    ratios = models.JSONField()
    by = models.CharField(max_length=11, choices=By, default=By.PAPER)
    seed = models.PositiveIntegerField(default=0)
    official = models.BooleanField(default=False)
    without_accepted = models.BooleanField(default=False)
    label_cutoff = models.DateTimeField()
    counts = models.JSONField()
    leak_report = models.JSONField()
    warnings = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("dataset", "name"), name="split_name_once_per_dataset"),
        )

    def __str__(self) -> str:
        return f"{self.dataset.slug}/{self.name}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the new split; `SplitFrozen` where it exists already."""
        if self.pk is not None:
            raise SplitFrozen(f"The split {self} is frozen. Make a new one under another name.")
        super().save(*args, **kwargs)

    @property
    def leaks(self) -> bool:
        """Whether the test subset shares a paper, a panel group or exact bytes with train."""
        return any(self.leak_report[key] for key in ("papers", "panel_groups", "exact_bytes"))


class SplitMemberQuerySet(VisibleQuerySet["SplitMember"]):
    """Members are written once, with their split."""

    def update(self, **_fields: Any) -> NoReturn:
        """Refuse: a split is frozen."""
        raise SplitFrozen("A split is frozen. Make a new one under another name.")

    def delete(self) -> NoReturn:
        """Refuse: a split is frozen."""
        raise SplitFrozen("A split is frozen. Make a new one under another name.")


class SplitMember(models.Model):
    """One image's place in a split."""

    split = models.ForeignKey(Split, on_delete=models.CASCADE, related_name="members")
    image = models.ForeignKey("datasets.Image", on_delete=models.PROTECT, related_name="memberships")
    subset = models.CharField(max_length=5, choices=Subset)

    objects = SplitMemberQuerySet.as_manager()

    class Meta:
        ordering = ("split", "id")
        constraints = (
            models.UniqueConstraint(fields=("split", "image"), name="image_once_per_split"),
            models.CheckConstraint(
                condition=models.Q(subset__in=Subset.values), name="split_member_subset_is_known"
            ),
        )
        indexes = (models.Index(fields=("split", "subset"), name="member_by_subset"),)

    def __str__(self) -> str:
        return f"{self.image_id} in {self.subset}"
