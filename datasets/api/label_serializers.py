"""What the REST door takes to label images, and what came of it."""

from collections.abc import Iterable
from typing import Any

from rest_framework import serializers

MOST_IMAGES = 10_000
MOST_DEEDS = 50


class NewLabelSerializer(serializers.Serializer[Any]):
    """What to say of an image: what is left out stays as it is."""

    label: Any = serializers.CharField(
        max_length=64, required=False, allow_null=True, help_text="A class by name or alias; null: none."
    )
    excluded = serializers.BooleanField(required=False)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for something to change."""
        if "label" not in attrs and "excluded" not in attrs:
            raise serializers.ValidationError("Say what to change: label, excluded, or both.")
        return attrs


class SeenImageSerializer(serializers.Serializer[Any]):
    """An image in the version that the person saw."""

    id = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    version = serializers.IntegerField(min_value=0, max_value=2**31 - 1)


def check_named_once(images: Iterable[dict[str, int]]) -> None:
    """Refuse an image that is named twice."""
    ids = [seen["id"] for seen in images]
    if len(set(ids)) != len(ids):
        raise serializers.ValidationError({"images": ["An image is named twice."]})


class ParameterField(serializers.CharField):
    """A value as it would stand in an address; true and numbers are taken too."""

    def to_internal_value(self, data: Any) -> str:
        """Write a truth as an address does."""
        return str(data).lower() if isinstance(data, bool) else super().to_internal_value(data)


class ChosenImagesSerializer(serializers.Serializer[Any]):
    """Images to label: named one by one with their versions, or by a filter as of a moment."""

    key = serializers.UUIDField(
        required=False,
        help_text="Made by the client for this deed: sent again with it, the deed is not done twice.",
    )
    images = SeenImageSerializer(many=True, required=False, allow_empty=False, max_length=MOST_IMAGES)  # type: ignore[call-arg]
    filter = serializers.DictField(
        child=ParameterField(),
        required=False,
        help_text="The parameters of the list of images; `dataset` is needed.",
    )
    as_of = serializers.DateTimeField(
        required=False, help_text="With `filter`: when it was seen. Images labelled since are left alone."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for exactly one way of naming images."""
        attrs = super().validate(attrs)
        if ("images" in attrs) == ("filter" in attrs):
            raise serializers.ValidationError("Name either images or a filter.")
        if "filter" in attrs and "as_of" not in attrs:
            raise serializers.ValidationError({"as_of": ["Say when the filtered images were seen."]})
        check_named_once(attrs.get("images", ()))
        return attrs


class RelabelSerializer(ChosenImagesSerializer, NewLabelSerializer):
    """What to say of which images."""


class StaleSerializer(serializers.Serializer[Any]):
    """An image left alone because somebody changed it; `version` is null where it is gone."""

    id = serializers.IntegerField()
    expected = serializers.IntegerField()
    version = serializers.IntegerField(allow_null=True)
    label: Any = serializers.CharField(allow_null=True)
    excluded = serializers.BooleanField()
    by = serializers.CharField(allow_null=True)
    at = serializers.DateTimeField(allow_null=True)


class RelabelledSerializer(serializers.Serializer[Any]):
    """What came of a batch, which is null where nothing changed."""

    batch = serializers.IntegerField(allow_null=True)
    changed = serializers.IntegerField()
    unchanged = serializers.IntegerField()
    stale = StaleSerializer(many=True)


class ManyRelabelsSerializer(serializers.Serializer[Any]):
    """Deeds, each as it would be sent by itself, with its own `key` and its own batch."""

    deeds = RelabelSerializer(many=True, allow_empty=False, max_length=MOST_DEEDS)  # type: ignore[call-arg]


class OneOfManySerializer(RelabelledSerializer):
    """What came of one deed; where it was refused there is `error` alone, with code and detail."""

    error = serializers.DictField(child=serializers.CharField(), required=False)


class ManyRelabelledSerializer(serializers.Serializer[Any]):
    """What came of each deed, in the order they were sent."""

    results = OneOfManySerializer(many=True)
