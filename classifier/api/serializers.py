"""What the REST door says of models, evaluations, comparisons and classified files, and what it takes."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.models import Evaluation, ModelVersion, Promotion
from classifier.models.registry import CHAMPION
from classifier.networks.config import TrainingConfig
from classifier.networks.errors import InvalidConfig
from datasets.api.serializers import ImageSerializer
from datasets.models import Subset


class ChecksumsSerializer(serializers.Serializer[Any]):
    """sha256 of a version's files."""

    keras = serializers.CharField()
    onnx = serializers.CharField()


class ModelSerializer(serializers.ModelSerializer[ModelVersion]):
    """A version with its whole recipe."""

    full_name = serializers.CharField(source="__str__", read_only=True, help_text="name@version")
    classes = serializers.ListField(child=serializers.CharField(), read_only=True)
    config = serializers.SerializerMethodField()
    split_name = serializers.CharField(source="split", read_only=True, default=None, allow_null=True)
    sha256 = serializers.SerializerMethodField()
    aliases: Any = serializers.SlugRelatedField("name", many=True, read_only=True)
    created_by = serializers.CharField(
        source="created_by.username", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = ModelVersion
        fields = (
            "id",
            "name",
            "version",
            "full_name",
            "architecture",
            "origin",
            "origin_note",
            "aliases",
            "classes",
            "config",
            "input_size",
            "geometry",
            "split",
            "split_name",
            "label_cutoff",
            "training_images",
            "best_epoch",
            "best_score",
            "sha256",
            "parity",
            "code_version",
            "libraries",
            "notes",
            "created_at",
            "created_by",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": {}})
    def get_config(self, version: ModelVersion) -> dict[str, Any]:
        """The settings it was trained with; of a weights file only the name."""
        return described(version.config)

    @extend_schema_field(ChecksumsSerializer)
    def get_sha256(self, version: ModelVersion) -> dict[str, str]:
        """Checksums of its files."""
        return {"keras": version.keras_sha256, "onnx": version.onnx_sha256}


class PromoteSerializer(serializers.Serializer[Any]):
    """Where an alias is to point, and why."""

    alias = serializers.SlugField(max_length=64, default=CHAMPION)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class RollbackSerializer(serializers.Serializer[Any]):
    """Why an alias goes back."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class PromotionSerializer(serializers.ModelSerializer[Promotion]):
    """One move of an alias."""

    model = serializers.IntegerField(source="version_id", read_only=True)
    model_name = serializers.CharField(source="version", read_only=True)
    previous = serializers.IntegerField(source="previous_id", read_only=True, allow_null=True)
    by = serializers.CharField(source="author.username", read_only=True, default=None, allow_null=True)
    at = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = Promotion
        fields = ("id", "alias", "kind", "model", "model_name", "previous", "reason", "by", "at")
        read_only_fields = fields


class ClassScoreSerializer(serializers.Serializer[Any]):
    """Scores of one class, 0 to 1; null where there is nothing to divide by."""

    name = serializers.CharField()
    precision = serializers.FloatField(allow_null=True)
    recall = serializers.FloatField(allow_null=True)
    f1 = serializers.FloatField(allow_null=True)
    support = serializers.IntegerField()


class MatrixField(serializers.ListField):
    """`matrix[actual][predicted]`: counts in the order of `classes`."""

    child = serializers.ListField(child=serializers.IntegerField())


class EvaluationSerializer(serializers.ModelSerializer[Evaluation]):
    """Scores of a version on a subset, by the labels as they stood at the cut-off."""

    model = serializers.IntegerField(source="version_id", read_only=True)
    model_name = serializers.CharField(source="version", read_only=True)
    split_name = serializers.CharField(source="split", read_only=True)
    classes = serializers.ListField(child=serializers.CharField(), read_only=True)
    matrix = MatrixField(read_only=True)
    per_class = ClassScoreSerializer(many=True, read_only=True)
    created_by = serializers.CharField(
        source="created_by.username", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Evaluation
        fields = (
            "id",
            "model",
            "model_name",
            "split",
            "split_name",
            "subset",
            "label_cutoff",
            "classes",
            "matrix",
            "per_class",
            "accuracy",
            "macro_f1",
            "balanced_accuracy",
            "total",
            "unreadable",
            "created_at",
            "created_by",
        )
        read_only_fields = fields


class EvaluatedImageSerializer(ImageSerializer):
    """An image behind an evaluation: its label then, what the model said, and the label in force now."""

    label_then = serializers.CharField(read_only=True)
    predicted = serializers.CharField(read_only=True)
    confidence = serializers.FloatField(read_only=True)

    class Meta(ImageSerializer.Meta):
        fields = (*ImageSerializer.Meta.fields, "label_then", "predicted", "confidence")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]


class NamedRowSerializer(serializers.Serializer[Any]):
    """A row by id and name."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class ComparedModelSerializer(serializers.Serializer[Any]):
    """One of the models compared, with its scores on the images that all have classified."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    matrix = MatrixField(read_only=True)
    macro_f1 = serializers.FloatField()
    accuracy = serializers.FloatField()
    balanced_accuracy = serializers.FloatField()
    per_class = ClassScoreSerializer(many=True)


class PairedSerializer(serializers.Serializer[Any]):
    """Model `b` against `a`: McNemar's exact p, and the ids that only one of them has right."""

    a = serializers.IntegerField()
    b = serializers.IntegerField()
    p_value = serializers.FloatField()
    only_a_right = serializers.IntegerField()
    only_b_right = serializers.IntegerField()
    fixed = serializers.ListField(child=serializers.IntegerField())
    broken = serializers.ListField(child=serializers.IntegerField())
    difference = MatrixField(read_only=True)


class ComparisonSerializer(serializers.Serializer[Any]):
    """Models on the same images; `difference`, `fixed` and `broken` set the second against the first."""

    classes = serializers.ListField(child=serializers.CharField())
    split = NamedRowSerializer()
    subset = serializers.ChoiceField(choices=Subset.choices)
    label_cutoff = serializers.DateTimeField()
    total = serializers.IntegerField()
    left_out = serializers.IntegerField()
    models = ComparedModelSerializer(many=True)
    difference = MatrixField(read_only=True)
    paired = PairedSerializer(many=True)
    fixed = serializers.ListField(child=serializers.IntegerField())
    broken = serializers.ListField(child=serializers.IntegerField())


class NewEvaluationSerializer(serializers.Serializer[Any]):
    """An evaluation to make."""

    model = serializers.CharField(max_length=140, help_text="A version's id, name@version or alias.")
    split = serializers.CharField(max_length=140, help_text="A split's id, or dataset/name.")
    subset = serializers.ChoiceField(choices=Subset.choices, default=Subset.TEST)


class UsedModelSerializer(serializers.Serializer[Any]):
    """The model that answered."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    sha256 = serializers.CharField()


class FileErrorSerializer(serializers.Serializer[Any]):
    """Why a file was not classified."""

    code = serializers.CharField()
    detail = serializers.CharField()


class ClassifiedFileSerializer(serializers.Serializer[Any]):
    """What the model said of a file, or why it said nothing."""

    file = serializers.CharField()
    label: Any = serializers.CharField(required=False)
    confidence = serializers.FloatField(required=False)
    abstained = serializers.BooleanField(required=False)
    probabilities = serializers.DictField(child=serializers.FloatField(), required=False)
    error = FileErrorSerializer(required=False)


class ClassifiedSerializer(serializers.Serializer[Any]):
    """The answer for up to 32 files, in their order."""

    model = UsedModelSerializer()
    results = ClassifiedFileSerializer(many=True)


class ClassifySerializer(serializers.Serializer[Any]):
    """Files to classify."""

    images = serializers.ListField(
        child=serializers.FileField(allow_empty_file=True), help_text="1 to 32 PNG, JPEG or TIFF files."
    )
    model = serializers.CharField(
        max_length=140, required=False, allow_blank=True, help_text="A version's id, name@version or alias."
    )
    top = serializers.IntegerField(
        min_value=1, max_value=1000, required=False, help_text="How many probabilities to show."
    )


def described(config: dict[str, Any]) -> dict[str, Any]:
    """Return a stored configuration as it may be shown: without the place of a weights file."""
    try:
        return TrainingConfig.from_dict(config).described()
    except InvalidConfig:
        # Written by another version of the code: what is known to be harmless is shown.
        return {name: value for name, value in config.items() if name != "weights"}
