"""An image: a figure panel, known by dataset, paper and file name."""

import re
from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, FilteredRelation, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from datasets.models.label import Label
from datasets.visibility import VisibleQuerySet

FIGURE_NAME = re.compile(r"^(\d{2})(\d{2})\d{2}\.[A-Za-z]+$")


def panel_position(file_name: str) -> tuple[str, str]:
    """Return (figure, panel group) of a name: ("03", "0302") of `030201.png`; else two empty texts."""
    match = FIGURE_NAME.match(file_name)
    return (match[1], match[1] + match[2]) if match else ("", "")


def in_state(state: str) -> Q:
    """Return the condition of being `labelled`, `unlabelled` or `excluded`, for images and counts of them."""
    match state:
        case Image.State.LABELLED:
            return Q(label__isnull=False, excluded=False)
        case Image.State.UNLABELLED:
            return Q(label__isnull=True, excluded=False)
        case Image.State.EXCLUDED:
            return Q(excluded=True)
    raise ValueError(f"{state!r} is no state of an image")


class ImageQuerySet(VisibleQuerySet["Image"]):
    """Sets of images."""

    def labelled(self) -> Self:
        """Images with a label that are not excluded."""
        return self.in_state(Image.State.LABELLED)

    def unlabelled(self) -> Self:
        """Images without a label that are not excluded."""
        return self.in_state(Image.State.UNLABELLED)

    def in_state(self, state: str) -> Self:
        """Images that are `labelled`, `unlabelled` or `excluded`."""
        return self.filter(in_state(state))

    def with_label_as_of(self, cutoff: datetime) -> Self:
        """Add `label_then` (class name or None) and `excluded_then`, as they stood at the cut-off.

        An image that nobody touched since says itself; only the others are looked up in the history.
        """
        rows = Label.objects.filter(image=OuterRef("pk"), created_at__lte=cutoff).order_by("-version")
        untouched = Q(labelled_at__lte=cutoff)
        return self.annotate(
            label_then=Case(
                When(untouched, then=F("label__name")),
                default=Subquery(rows.values("label_class__name")[:1]),
            ),
            excluded_then=Case(
                When(untouched, then=F("excluded")), default=Subquery(rows.values("excluded")[:1])
            ),
        )

    def accepted_as_of(self, cutoff: datetime) -> Self:
        """Images whose label at the cut-off was accepted from a model."""
        rows = Label.objects.filter(image=OuterRef("pk"), created_at__lte=cutoff).order_by("-version")
        return self.annotate(source_then=Subquery(rows.values("source")[:1])).filter(
            source_then=Label.Source.PREDICTION
        )

    def usable_as_of(self, cutoff: datetime) -> Self:
        """Images that had a label and were not excluded at the cut-off, with `label_then`."""
        return self.with_label_as_of(cutoff).filter(label_then__isnull=False, excluded_then=False)

    def in_subset(self, split: Any, subset: str = "") -> Self:
        """Images of a split, or of one of its subsets."""
        return self.filter(
            Q(memberships__split=split, memberships__subset=subset) if subset else Q(memberships__split=split)
        )

    def with_subset_of(self, split: Any) -> Self:
        """Add `member_subset`, the subset of the split that each image is in (None: in none)."""
        member = FilteredRelation("memberships", condition=Q(memberships__split=split))
        return self.annotate(member=member, member_subset=F("member__subset"))


class Image(models.Model):
    """A figure panel; its bytes lie in the store under their sha256, its label history in `Label`.

    `label`, `excluded`, `version`, `label_source`, `labelled_by` and `labelled_at` repeat the newest row
    of that history so that a grid can filter by them; an image never labelled has no source, author or
    time. `mixed` says that the panel group holds several classes. Only `datasets.labelling` and
    `datasets.importing` write them, together with the row.
    """

    class State(models.TextChoices):
        """What the labels say of an image."""

        LABELLED = "labelled"
        UNLABELLED = "unlabelled"
        EXCLUDED = "excluded"

    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.CASCADE, related_name="images")
    paper = models.ForeignKey(
        "datasets.Paper", null=True, blank=True, on_delete=models.PROTECT, related_name="images"
    )
    file_name = models.CharField(max_length=255)
    figure = models.CharField(max_length=2, blank=True, default="", editable=False)
    panel_group = models.CharField(max_length=4, blank=True, default="", editable=False)
    sha256 = models.CharField(max_length=64, db_index=True)
    byte_size = models.PositiveIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    format = models.CharField(max_length=8)
    notes = models.JSONField(default=list, blank=True)
    label = models.ForeignKey(
        "datasets.LabelClass", null=True, blank=True, on_delete=models.PROTECT, related_name="images"
    )
    excluded = models.BooleanField(default=False)
    version = models.PositiveIntegerField(default=0)
    label_source = models.CharField(max_length=10, choices=Label.Source, blank=True, default="")
    labelled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    labelled_at = models.DateTimeField(null=True, blank=True)
    mixed = models.BooleanField(default=False, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    # What images are grouped by: the paper, or 0; never null, as an ordering by key needs.
    paper_key = models.GeneratedField(
        expression=Coalesce(F("paper"), Value(0), output_field=models.BigIntegerField()),
        output_field=models.BigIntegerField(),
        db_persist=True,
    )

    objects = ImageQuerySet.as_manager()

    class Meta:
        ordering = ("id",)
        constraints = (
            models.UniqueConstraint(fields=("paper", "file_name"), name="image_name_once_per_paper"),
            models.UniqueConstraint(
                fields=("dataset", "file_name"),
                condition=Q(paper__isnull=True),
                name="image_name_once_without_paper",
            ),
            models.CheckConstraint(condition=Q(width__gt=0, height__gt=0), name="image_has_a_size"),
        )
        indexes = (
            models.Index(F("dataset"), F("label"), F("id"), name="image_by_label"),
            models.Index(F("dataset"), F("id"), name="image_by_dataset"),
            models.Index(
                F("dataset"), F("paper_key"), F("file_name"), F("id"), name="image_by_paper_and_file"
            ),
            models.Index(F("paper"), F("panel_group"), F("file_name"), name="image_by_panel_group"),
            models.Index(F("dataset"), F("file_name"), F("id"), name="image_by_file_name"),
            models.Index(F("dataset"), F("figure"), F("id"), name="image_by_figure"),
            models.Index(F("dataset"), F("label_source"), F("id"), name="image_by_label_source"),
            models.Index(F("dataset"), F("labelled_by"), F("id"), name="image_by_labeller"),
            models.Index(F("dataset"), F("labelled_at"), F("id"), name="image_by_label_time"),
            models.Index(
                F("dataset"),
                F("id"),
                condition=Q(label__isnull=False, excluded=False),
                name="image_labelled",
            ),
            models.Index(F("dataset"), F("id"), condition=Q(excluded=True), name="image_excluded"),
            models.Index(F("dataset"), F("id"), condition=Q(mixed=True), name="image_mixed"),
        )

    def __str__(self) -> str:
        return f"{self.paper}/{self.file_name}" if self.paper_id else self.file_name

    @property
    def state(self) -> "Image.State":
        """What the labels say of this image."""
        if self.excluded:
            return self.State.EXCLUDED
        return self.State.LABELLED if self.label_id else self.State.UNLABELLED
