"""What the REST door says of models and classified files, and what it takes."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from classifier.exports import FORMATS, files_of
from classifier.models import Export, ModelVersion
from classifier.networks.config import TrainingConfig
from classifier.networks.errors import InvalidConfig


class ChecksumsSerializer(serializers.Serializer[Any]):
    """sha256 of a version's files."""

    keras = serializers.CharField()
    onnx = serializers.CharField()


class ExportSerializer(serializers.Serializer[Any]):
    """One form of a model: `bytes` is null where the file is gone, `parity` where it is Keras itself."""

    format = serializers.ChoiceField(choices=FORMATS)
    bytes = serializers.IntegerField(source="byte_size", allow_null=True)
    sha256 = serializers.CharField()
    parity = serializers.FloatField(allow_null=True)


class Int8Serializer(serializers.ModelSerializer[Export]):
    """What came of quantising a model: where `offered` is false float32 answers, and `reason` says why."""

    class Meta:
        model = Export
        fields = (
            "offered",
            "reason",
            "full_range",
            "images",
            "agreement",
            "macro_f1",
            "macro_f1_float32",
            "created_at",
        )
        read_only_fields = fields


class ModelSerializer(serializers.ModelSerializer[ModelVersion]):
    """A version with its whole recipe."""

    full_name = serializers.CharField(source="__str__", read_only=True, help_text="name@version")
    classes = serializers.ListField(child=serializers.CharField(), read_only=True)
    config = serializers.SerializerMethodField()
    split_name = serializers.CharField(source="split", read_only=True, default=None, allow_null=True)
    sha256 = serializers.SerializerMethodField()
    aliases: Any = serializers.SlugRelatedField("name", many=True, read_only=True)
    tags = serializers.ListField(source="tag_names", child=serializers.CharField(), read_only=True)
    noted_by = serializers.CharField(
        source="noted_by.username", read_only=True, default=None, allow_null=True
    )
    evaluations: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)
    exports = serializers.SerializerMethodField()
    int8 = Int8Serializer(read_only=True, allow_null=True)
    card = serializers.SerializerMethodField()
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
            "abstain_below",
            "code_version",
            "libraries",
            "notes",
            "noted_at",
            "noted_by",
            "tags",
            "evaluations",
            "exports",
            "int8",
            "card",
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

    @extend_schema_field(ExportSerializer(many=True))
    def get_exports(self, version: ModelVersion) -> list[dict[str, Any]]:
        """The forms it can be downloaded in."""
        return [ExportSerializer(file).data for file in files_of(version)]

    @extend_schema_field(serializers.URLField())
    def get_card(self, version: ModelVersion) -> str:
        """Where its model card is."""
        return str(reverse("model-card", args=[version.pk], request=self.context.get("request")))


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
    calibrated_confidence = serializers.FloatField(
        required=False, allow_null=True, help_text="At the version's temperature; null without one."
    )
    abstained = serializers.BooleanField(
        required=False, help_text="`confidence` lies below the version's threshold; `label` stays."
    )
    probabilities = serializers.DictField(child=serializers.FloatField(), required=False)
    calibrated_probabilities = serializers.DictField(
        child=serializers.FloatField(),
        required=False,
        allow_null=True,
        help_text="At the version's temperature; null without one.",
    )
    error = FileErrorSerializer(required=False)


class UsedEngineSerializer(serializers.Serializer[Any]):
    """What computed the answer, and in which numbers."""

    runtime = serializers.ChoiceField(choices=("openvino", "onnxruntime"))
    precision = serializers.ChoiceField(choices=("int8", "float32"))


class TimingSerializer(serializers.Serializer[Any]):
    """Where the time went, in milliseconds: in line, opening the files, in the network, and in all."""

    waiting = serializers.FloatField()
    decoding = serializers.FloatField()
    inference = serializers.FloatField()
    total = serializers.FloatField()


class ClassifiedSerializer(serializers.Serializer[Any]):
    """The answer for up to 32 files, in their order."""

    model = UsedModelSerializer()
    engine = UsedEngineSerializer()
    abstain_below = serializers.FloatField(allow_null=True, help_text="Below it `abstained` is true.")
    temperature = serializers.FloatField(allow_null=True)
    results = ClassifiedFileSerializer(many=True)
    timing = TimingSerializer()


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
