"""What the REST door says of datasets, images, labels and splits, and what it takes."""

from typing import Any

from django.core.validators import MinLengthValidator
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse
from rest_framework.validators import UniqueValidator

from datasets.models import Dataset, Image, Label, Split


class ErrorSerializer(serializers.Serializer[Any]):
    """An error: its code for programs, a sentence for people, and the fields at fault."""

    code = serializers.CharField()
    detail = serializers.CharField()
    fields = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(child=serializers.CharField()), required=False
    )


class ClassSerializer(serializers.Serializer[Any]):
    """A class of a dataset, and how many images that are not excluded have it."""

    name = serializers.CharField()
    short = serializers.CharField()
    aliases = serializers.ListField(child=serializers.CharField())
    colour = serializers.CharField()
    hotkey = serializers.CharField()
    letter = serializers.CharField(allow_blank=True)
    count = serializers.IntegerField()


class StateCountsSerializer(serializers.Serializer[Any]):
    """Images by state."""

    labelled = serializers.IntegerField()
    unlabelled = serializers.IntegerField()
    excluded = serializers.IntegerField()
    total = serializers.IntegerField()


class FacetValueSerializer(serializers.Serializer[Any]):
    """A value that images can be filtered by, and how many have it."""

    value = serializers.CharField()
    count = serializers.IntegerField()
    exact = serializers.BooleanField()


class FacetsSerializer(serializers.Serializer[Any]):
    """How many images there are, by the values of each facet; not exact: at least so many."""

    count = serializers.IntegerField()
    exact = serializers.BooleanField()
    as_of = serializers.DateTimeField(help_text="When they were counted; `relabel/` by a filter takes it.")
    facets = serializers.DictField(
        child=FacetValueSerializer(many=True),
        help_text="label, state, source; subset with a split; predicted with a model.",
    )


class DatasetSerializer(serializers.ModelSerializer[Dataset]):
    """A dataset with its classes and counts; the context holds `counts`, by dataset id."""

    slug = serializers.SlugField(
        max_length=64,
        validators=[
            MinLengthValidator(1),
            UniqueValidator(Dataset.objects.all(), message="There is a dataset of this slug already."),
        ],
    )
    name = serializers.CharField(max_length=200, required=False)
    classes = serializers.SerializerMethodField()
    counts = serializers.SerializerMethodField()
    created_by = serializers.CharField(
        source="created_by.username", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Dataset
        fields = ("slug", "name", "description", "classes", "counts", "created_at", "created_by")
        read_only_fields = ("created_at",)

    @extend_schema_field(ClassSerializer(many=True))
    def get_classes(self, dataset: Dataset) -> Any:
        """The classes in their order."""
        counted = self.context["counts"][dataset.pk]["classes"]
        return [
            {
                "name": each.name,
                "short": each.short,
                "aliases": each.aliases,
                "colour": each.colour,
                "hotkey": each.hotkey,
                "letter": each.letter,
                "count": counted.get(each.pk, 0),
            }
            for each in dataset.classes.all()
        ]

    @extend_schema_field(StateCountsSerializer)
    def get_counts(self, dataset: Dataset) -> Any:
        """Images by state."""
        return self.context["counts"][dataset.pk]["states"]


class ImageSerializer(serializers.ModelSerializer[Image]):
    """An image; `version` counts its labels and goes into `If-Match` to change them."""

    dataset = serializers.CharField(source="dataset.slug", read_only=True)
    paper = serializers.CharField(source="paper.identifier", read_only=True, default=None, allow_null=True)
    file = serializers.CharField(source="file_name", read_only=True)
    label: Any = serializers.CharField(source="label.name", read_only=True, default=None, allow_null=True)
    state = serializers.ChoiceField(choices=Image.State.choices, read_only=True)
    thumbnail = serializers.SerializerMethodField()
    file_url = serializers.SerializerMethodField()

    class Meta:
        model = Image
        fields = (
            "id",
            "dataset",
            "paper",
            "file",
            "figure",
            "panel_group",
            "label",
            "excluded",
            "version",
            "width",
            "height",
            "sha256",
            "format",
            "byte_size",
            "notes",
            "state",
            "thumbnail",
            "file_url",
        )
        read_only_fields = fields
        extra_kwargs = {"notes": {"help_text": "What was done to the pixels when they were read."}}

    @extend_schema_field(OpenApiTypes.URI)
    def get_thumbnail(self, image: Image) -> str:
        """Where its thumbnail is."""
        return reverse("image-thumbnail", args=[image.pk], request=self.context.get("request"))

    @extend_schema_field(OpenApiTypes.URI)
    def get_file_url(self, image: Image) -> str:
        """Where its original is."""
        return reverse("image-file", args=[image.pk], request=self.context.get("request"))


class LabelledImageSerializer(ImageSerializer):
    """An image that was just labelled, with the batch to undo that by (null: nothing changed)."""

    batch = serializers.IntegerField(allow_null=True, read_only=True)

    class Meta(ImageSerializer.Meta):
        fields = (*ImageSerializer.Meta.fields, "batch")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]


class UploadSerializer(serializers.Serializer[Any]):
    """One image to store."""

    dataset = serializers.CharField(max_length=64, help_text="The dataset's slug.")
    file = serializers.FileField(allow_empty_file=True, help_text="PNG, JPEG or TIFF, at most 20 MB.")
    paper = serializers.CharField(max_length=200, required=False, allow_blank=True)
    label: Any = serializers.CharField(max_length=64, required=False, allow_blank=True)


class LabelSerializer(serializers.ModelSerializer[Label]):
    """One entry of an image's history."""

    label: Any = serializers.CharField(
        source="label_class.name", read_only=True, default=None, allow_null=True
    )
    by = serializers.CharField(source="author.username", read_only=True, default=None, allow_null=True)
    at = serializers.DateTimeField(source="created_at", read_only=True)
    kind = serializers.CharField(source="batch.kind", read_only=True, default=None, allow_null=True)
    batch = serializers.IntegerField(source="batch_id", read_only=True, allow_null=True)

    class Meta:
        model = Label
        fields = ("version", "label", "excluded", "source", "origin", "kind", "by", "at", "reason", "batch")
        extra_kwargs = {"origin": {"help_text": "The model version behind an accepted prediction."}}
        read_only_fields = fields


@extend_schema_field(
    {
        "oneOf": [
            {"type": "string", "example": "65:15:20"},
            {"type": "array", "items": {"type": "number"}, "minItems": 3, "maxItems": 3},
        ]
    }
)
class RatiosField(serializers.Field[Any, Any, Any, Any]):
    """train:val:test as a text or three numbers; `datasets.splitting` judges them."""

    def to_internal_value(self, data: Any) -> Any:
        """Pass on a text or a list."""
        if isinstance(data, list) and all(type(part) in {int, float} for part in data):
            return data
        if isinstance(data, str):
            return data
        raise serializers.ValidationError('Give three numbers, such as "65:15:20" or [65, 15, 20].')

    def to_representation(self, value: Any) -> Any:
        """Show the numbers."""
        return value


class NewSplitSerializer(serializers.Serializer[Any]):
    """A split to make."""

    dataset = serializers.CharField(max_length=64, help_text="The dataset's slug.")
    name = serializers.CharField(max_length=64)
    ratios = RatiosField(required=False, default="65:15:20", help_text="train:val:test.")
    by = serializers.ChoiceField(choices=Split.By.choices, default=Split.By.PAPER)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=0)
    official = serializers.DictField(
        child=serializers.ListField(child=serializers.CharField(max_length=200)),
        required=False,
        allow_null=True,
        help_text='Published paper lists: {"train": [...], "test": [...]}, and "val" if there is one.',
    )
    without_accepted = serializers.BooleanField(
        default=False, help_text="Leave out images whose label was accepted from a model."
    )


class SplitSerializer(serializers.ModelSerializer[Split]):
    """A frozen split with its counts and what leaks."""

    dataset = serializers.CharField(source="dataset.slug", read_only=True)
    full_name = serializers.CharField(source="__str__", read_only=True, help_text="dataset/name")
    ratios = serializers.ListField(child=serializers.FloatField(), read_only=True)
    counts = serializers.SerializerMethodField()
    leak_report = serializers.DictField(child=serializers.IntegerField(), read_only=True)
    leaks = serializers.BooleanField(read_only=True)
    warnings = serializers.ListField(child=serializers.CharField(), read_only=True)
    created_by = serializers.CharField(
        source="created_by.username", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Split
        fields = (
            "id",
            "dataset",
            "name",
            "full_name",
            "ratios",
            "by",
            "seed",
            "official",
            "without_accepted",
            "label_cutoff",
            "counts",
            "leak_report",
            "leaks",
            "warnings",
            "created_at",
            "created_by",
        )
        read_only_fields = fields

    @extend_schema_field(
        {
            "type": "object",
            "properties": {
                "classes": {
                    "type": "object",
                    "description": "By subset and class.",
                    "additionalProperties": {
                        "type": "object",
                        "additionalProperties": {"type": "integer"},
                    },
                },
                "papers": {"type": "object", "additionalProperties": {"type": "integer"}},
                "images": {"type": "object", "additionalProperties": {"type": "integer"}},
            },
        }
    )
    def get_counts(self, split: Split) -> Any:
        """Images per subset and class, papers and images per subset."""
        return split.counts
