"""A trained model, as published: whole or not at all."""

from pathlib import Path

from django.conf import settings
from django.db import models

from datasets.visibility import VisibleQuerySet


class ModelVersionQuerySet(VisibleQuerySet["ModelVersion"]):
    """Sets of model versions."""


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
    notes = models.TextField(blank=True, default="")
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
