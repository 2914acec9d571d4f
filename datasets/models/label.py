"""Labels: an append-only history of what people, files and models said of an image."""

from typing import Any, NoReturn, Self

from django.conf import settings
from django.db import models

from datasets.errors import Refused
from datasets.visibility import VisibleQuerySet


class AppendOnly(Refused):
    """Raised on an attempt to change or delete what has been recorded."""

    status = 409
    code = "append_only"


class AppendOnlyQuerySet(VisibleQuerySet[Any]):
    """Rows that are written once. The database refuses the rest; here it is refused in words."""

    def update(self, **_fields: Any) -> NoReturn:
        """Refuse: a correction is a new row."""
        raise AppendOnly("Labels are never changed: record a correction instead.")

    def delete(self) -> NoReturn:
        """Refuse: history stays."""
        raise AppendOnly("Labels are never deleted: record a correction instead.")


class LabelBatchQuerySet(VisibleQuerySet["LabelBatch"]):
    """Sets of batches."""

    def of_labels(self) -> Self:
        """Those that labelled something; what is said in a queue need not."""
        return self.filter(models.Exists(Label.objects.filter(batch=models.OuterRef("pk"))))


class LabelBatch(models.Model):
    """One deed of one person over one or many images, that can be undone as a whole."""

    class Kind(models.TextChoices):
        """What the deed was."""

        RELABEL = "relabel"
        ACCEPT = "accept"
        UNDO = "undo"
        REDO = "redo"
        IMPORT = "import"
        # What is said in a queue and changes no label.
        CONFIRM = "confirm"
        OPINION = "opinion"
        SKIP = "skip"

    dataset = models.ForeignKey("datasets.Dataset", on_delete=models.CASCADE, related_name="label_batches")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.RELABEL)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    reason = models.CharField(max_length=500, blank=True, default="")
    reverses = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="reversals"
    )
    # The client's own name for the deed (see `datasets.repeating`).
    key = models.UUIDField(null=True, blank=True, unique=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = LabelBatchQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "label batches"

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"


class Label(models.Model):
    """What was said of an image at one moment: a class (or none), and whether it is excluded.

    The row with the highest version is the label in force. Rows are never changed: triggers of the database
    refuse every UPDATE, and every DELETE but a purge's (see `Maintenance`). `origin` is the model version
    ("demo@1") behind a label of source `prediction`.
    """

    class Source(models.TextChoices):
        """Who or what said it."""

        IMPORTED = "imported"
        PERSON = "person"
        PREDICTION = "prediction", "accepted prediction"

    image = models.ForeignKey("datasets.Image", on_delete=models.CASCADE, related_name="labels")
    version = models.PositiveIntegerField()
    label_class = models.ForeignKey(
        "datasets.LabelClass", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    excluded = models.BooleanField(default=False)
    source = models.CharField(max_length=10, choices=Source)
    origin = models.CharField(max_length=120, blank=True, default="")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    batch = models.ForeignKey(LabelBatch, null=True, on_delete=models.PROTECT, related_name="labels")
    reason = models.CharField(max_length=500, blank=True, default="")
    created_at = models.DateTimeField(db_index=True)

    objects = AppendOnlyQuerySet.as_manager()

    class Meta:
        ordering = ("image", "-version")
        constraints = (
            models.UniqueConstraint(fields=("image", "version"), name="label_version_once_per_image"),
        )

    def __str__(self) -> str:
        return f"{self.label_class or 'no label'} (version {self.version})"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new row; `AppendOnly` where it exists already."""
        if self.pk is not None:
            raise AppendOnly("Labels are never changed: record a correction instead.")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: history stays."""
        raise AppendOnly("Labels are never deleted: record a correction instead.")
