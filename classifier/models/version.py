"""A trained model, as published: whole or not at all; what people say of it, and its further files."""

from pathlib import Path
from typing import Self

from django.conf import settings
from django.db import models

from datasets.visibility import VisibleQuerySet


class ModelVersionQuerySet(VisibleQuerySet["ModelVersion"]):
    """Sets of model versions."""

    def in_full(self) -> Self:
        """With what a list or a page says of each, fetched at once."""
        return self.select_related("split__dataset", "created_by", "noted_by").prefetch_related(
            "aliases", "tags", "exports"
        )


class ModelVersion(models.Model):
    """One trained network with its whole recipe: what it was trained on, how, and the files it became.

    `directory` is relative to the data directory and holds `model.keras`, `model.onnx` and `recipe.json`;
    the row is written after the files, so a row means that its files are complete.
    """

    class Architecture(models.TextChoices):
        """The networks that can be built."""

        CNN = "cnn", "CNN"
        RESNET50 = "resnet50", "ResNet50"

    class Origin(models.TextChoices):
        """Where a version came from."""

        TRAINED = "trained"
        IMPORTED = "imported"

    name = models.SlugField(max_length=64)
    version = models.PositiveIntegerField()
    architecture = models.CharField(max_length=8, choices=Architecture)
    origin = models.CharField(max_length=8, choices=Origin, default=Origin.TRAINED)
    origin_note = models.CharField(max_length=200, blank=True, default="")
    classes = models.JSONField()
    config = models.JSONField()
    input_size = models.PositiveIntegerField()
    geometry = models.CharField(max_length=9)
    split = models.ForeignKey(
        "datasets.Split", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    label_cutoff = models.DateTimeField(null=True, blank=True)
    # Of what it learnt from and chose its epoch by: subset, bytes and class of every image.
    training_set_sha256 = models.CharField(max_length=64, blank=True, default="")
    training_images = models.PositiveIntegerField(default=0)
    best_epoch = models.PositiveIntegerField(null=True, blank=True)
    best_score = models.FloatField(null=True, blank=True)
    directory = models.CharField(max_length=255, unique=True)
    keras_sha256 = models.CharField(max_length=64)
    onnx_sha256 = models.CharField(max_length=64)
    parity = models.FloatField()
    # Below this confidence it abstains; the history of it is in `thresholds`.
    abstain_below = models.FloatField(null=True, blank=True, editable=False)
    code_version = models.CharField(max_length=64, blank=True, default="")
    libraries = models.JSONField(default=dict, blank=True)
    # Plain text of people, changed by `classifier.describing` alone.
    notes = models.TextField(blank=True, default="")
    noted_at = models.DateTimeField(null=True, blank=True)
    noted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = ModelVersionQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("name", "version"), name="model_version_once_per_name"),
        )

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"

    def abstains_at(self, confidence: float) -> bool:
        """Whether it does not stand by an answer of this confidence, which is as the network gave it."""
        return self.abstain_below is not None and confidence < self.abstain_below

    @property
    def can_be_repeated(self) -> bool:
        """Whether enough of its training was recorded to train it again."""
        return bool(self.split_id and self.label_cutoff and self.training_set_sha256)

    @property
    def keras_path(self) -> Path:
        """Where the Keras model lies."""
        return Path(settings.DATA_DIR) / self.directory / "model.keras"

    @property
    def onnx_path(self) -> Path:
        """Where the exported model lies, which serving loads."""
        return Path(settings.DATA_DIR) / self.directory / "model.onnx"

    @property
    def folder(self) -> Path:
        """Where its files lie."""
        return Path(settings.DATA_DIR) / self.directory

    @property
    def int8(self) -> "Export | None":
        """What came of quantising it: offered or not; None where nobody has tried."""
        return next((each for each in self.exports.all() if each.format == Export.Format.INT8), None)

    @property
    def tag_names(self) -> list[str]:
        """Its tags, in order."""
        return sorted(tag.name for tag in self.tags.all())


class VersionTag(models.Model):
    """A short word that people give to versions, to find them by."""

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="tags")
    name = models.SlugField(max_length=64)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("version", "name"), name="tag_once_per_version"),)

    def __str__(self) -> str:
        return self.name


class Export(models.Model):
    """A version in a further form, made from its Keras file; the row is written after the file.

    `parity` is the largest difference of a probability from the Keras model's. The forms that are there from
    the beginning, Keras and ONNX, are columns of the version.

    INT8 has no parity: it answers in place of float32 where both nearly always name the same class
    (`agreement`) and it scores no worse, on `images` of val; else it is not `offered`, has no file, and
    `reason` says why. Weights of `full_range` answer only on processors that do not cut their sums off.
    """

    class Format(models.TextChoices):
        """The forms that are made on request."""

        LITERT = "litert", "LiteRT"
        INT8 = "int8", "INT8"

    FILES = {Format.LITERT: "model.tflite", Format.INT8: "model-int8.xml"}
    WEIGHTS = "model-int8.bin"
    LONGEST_REASON = 500

    version = models.ForeignKey(ModelVersion, on_delete=models.CASCADE, related_name="exports")
    format = models.CharField(max_length=8, choices=Format)
    byte_size = models.PositiveBigIntegerField()
    # Of INT8 over both its files, the network and then its weights.
    sha256 = models.CharField(max_length=64, blank=True)
    parity = models.FloatField(null=True, blank=True)
    offered = models.BooleanField(default=True)
    reason = models.CharField(max_length=LONGEST_REASON, blank=True, default="")
    images = models.PositiveIntegerField(null=True, blank=True)
    agreement = models.FloatField(null=True, blank=True)
    macro_f1 = models.FloatField(null=True, blank=True)
    macro_f1_float32 = models.FloatField(null=True, blank=True)
    full_range = models.BooleanField(default=False)
    libraries = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("format",)
        constraints = (
            models.UniqueConstraint(fields=("version", "format"), name="export_once_per_version_and_format"),
            models.CheckConstraint(
                condition=models.Q(offered=True, reason="") & ~models.Q(sha256="")
                | models.Q(offered=False, sha256="") & ~models.Q(reason=""),
                name="export_has_a_file_or_a_reason",
            ),
        )

    def __str__(self) -> str:
        return f"{self.version} as {self.get_format_display()}"

    @property
    def file_name(self) -> str:
        """What the file is called in the version's folder."""
        return self.FILES[self.Format(self.format)]

    @property
    def names_beside(self) -> tuple[str, ...]:
        """What the files are called that belong to it."""
        return (self.WEIGHTS,) if self.format == self.Format.INT8 else ()


class RemovedVersion(models.Model):
    """What is left of a version that was deleted: its number is never given again, and who deleted it."""

    name = models.SlugField(max_length=64)
    version = models.PositiveIntegerField()
    onnx_sha256 = models.CharField(max_length=64)
    contents = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True, default="")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = VisibleQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(fields=("name", "version"), name="removed_version_once_per_name"),
        )

    def __str__(self) -> str:
        return f"{self.name}@{self.version}"
