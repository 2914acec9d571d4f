"""What the REST door says of imports of models, and what it takes to queue one."""

from typing import Any

from rest_framework import serializers

from classifier.models import ModelVersion
from classifier.networks.foreign.stated import STATED, Stated
from training_jobs.api.serializers import JOB_FIELDS, JobSerializer
from training_jobs.models import ModelImport

_USUAL = Stated(architecture="resnet50").as_dict()


def _stated_field(name: str) -> Any:
    """Return the field of a setting that a person may state."""
    field = STATED[name]
    if field.choices:
        return serializers.ChoiceField(choices=field.choices, default=_USUAL[name], help_text=field.help)
    return serializers.IntegerField(
        min_value=int(field.min or 0),
        max_value=int(field.max or 0),
        default=_USUAL[name],
        help_text=field.help,
    )


class ModelImportSerializer(JobSerializer):
    """An import of a model; `model` is the version it became, `warning` doubts the order of the classes."""

    classes = serializers.ListField(child=serializers.CharField(), read_only=True)
    stated = serializers.DictField(read_only=True)
    file = serializers.CharField(source="file_name", read_only=True)
    split_name = serializers.CharField(source="split", read_only=True, default=None, allow_null=True)
    model = serializers.IntegerField(source="version_id", read_only=True, allow_null=True)
    model_name = serializers.CharField(source="version", read_only=True, default=None, allow_null=True)

    class Meta:
        model = ModelImport
        fields = (
            "id",
            "name",
            "architecture",
            "classes",
            "stated",
            "file",
            "file_sha256",
            "split",
            "split_name",
            "model",
            "model_name",
            "evaluation",
            "warning",
            *JOB_FIELDS,
        )
        read_only_fields = fields


class NewModelImportSerializer(serializers.Serializer[Any]):
    """A file of weights, and what it does not say itself."""

    file = serializers.FileField(
        allow_empty_file=True,
        max_length=255,
        help_text="An .h5 or .keras file, the whole model or its weights.",
    )
    architecture = serializers.ChoiceField(
        choices=ModelVersion.Architecture.choices, help_text=STATED["architecture"].help
    )
    classes = serializers.CharField(
        max_length=7000, help_text="Names with commas between, in the order of the network's outputs."
    )
    name = serializers.CharField(
        max_length=200,
        required=False,
        allow_blank=True,
        default="",
        help_text="Of the model; else the file's.",
    )
    split = serializers.CharField(
        max_length=140,
        required=False,
        allow_blank=True,
        default="",
        help_text="A split's id, or dataset/name: the version is evaluated on its test subset.",
    )
    preprocessing = _stated_field("preprocessing")
    geometry = _stated_field("geometry")
    image_size = _stated_field("image_size")
    pooling = _stated_field("pooling")
    activation = _stated_field("activation")
    padding = _stated_field("padding")

    def stated(self) -> dict[str, Any]:
        """Return the settings sent."""
        return {name: self.validated_data[name] for name in STATED if name != "architecture"}
