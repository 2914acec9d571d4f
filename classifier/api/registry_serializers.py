"""What the REST door says of aliases, their moves and gates, and what moves them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.describing import LONGEST_NOTES, LONGEST_TAG, MOST_TAGS
from classifier.gates import OUTCOMES
from classifier.models import Alias, Promotion
from classifier.models.registry import CHAMPION

_LARGEST_ID = 2**63 - 1


class DescriptionSerializer(serializers.Serializer[Any]):
    """Notes and tags of a model; what is left out stays."""

    notes = serializers.CharField(
        max_length=LONGEST_NOTES, allow_blank=True, required=False, trim_whitespace=False
    )
    tags = serializers.ListField(
        child=serializers.SlugField(max_length=LONGEST_TAG), max_length=MOST_TAGS, required=False
    )


class PromoteSerializer(serializers.Serializer[Any]):
    """Where an alias is to point, why, and by which evaluation."""

    alias = serializers.SlugField(max_length=64, default=CHAMPION)
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    evaluation = serializers.IntegerField(
        min_value=1,
        max_value=_LARGEST_ID,
        required=False,
        allow_null=True,
        help_text="The evaluation it is based on: the newest on a test subset unless named.",
    )
    override = serializers.BooleanField(
        default=False, help_text="Promote although a gate failed: administrators only, and it is recorded."
    )


class RollbackSerializer(serializers.Serializer[Any]):
    """Why an alias goes back."""

    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    expected = serializers.IntegerField(
        min_value=1,
        max_value=_LARGEST_ID,
        required=False,
        allow_null=True,
        help_text="The id of the model you saw it point at: `alias_moved` where it is another by now.",
    )


class GateSerializer(serializers.Serializer[Any]):
    """One gate; `told` says in a sentence what `numbers` show."""

    name = serializers.CharField()
    title = serializers.CharField()
    outcome = serializers.ChoiceField(choices=list(OUTCOMES.items()))
    told = serializers.CharField()
    numbers = serializers.ListField(child=serializers.DictField())


class CheckedSerializer(serializers.Serializer[Any]):
    """All gates before an alias; `passes` is false where one fails, `against` is the champion of now."""

    alias = serializers.CharField()
    model = serializers.IntegerField()
    against = serializers.IntegerField(allow_null=True)
    evaluation = serializers.IntegerField(allow_null=True)
    passes = serializers.BooleanField()
    gates = GateSerializer(many=True)


class PromotionSerializer(serializers.ModelSerializer[Promotion]):
    """One move of an alias; `overridden` names the gates that failed and were overruled."""

    model = serializers.IntegerField(source="version_id", read_only=True)
    model_name = serializers.CharField(source="version", read_only=True)
    previous = serializers.IntegerField(source="previous_id", read_only=True, allow_null=True)
    evaluation = serializers.IntegerField(source="evaluation_id", read_only=True, allow_null=True)
    gates = GateSerializer(many=True, read_only=True)
    overridden = serializers.ListField(child=serializers.CharField(), read_only=True)
    by = serializers.CharField(source="author.username", read_only=True, default=None, allow_null=True)
    at = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = Promotion
        fields = (
            "id",
            "alias",
            "kind",
            "model",
            "model_name",
            "previous",
            "reason",
            "evaluation",
            "gates",
            "overridden",
            "by",
            "at",
        )
        read_only_fields = fields


class AliasSerializer(serializers.ModelSerializer[Alias]):
    """An alias, and the model it points at."""

    alias = serializers.CharField(source="name", read_only=True)
    model = serializers.IntegerField(source="version_id", read_only=True)
    model_name = serializers.CharField(source="version", read_only=True)
    at = serializers.DateTimeField(source="updated_at", read_only=True)

    class Meta:
        model = Alias
        fields = ("alias", "model", "model_name", "at")
        read_only_fields = fields


class AnsweringSerializer(serializers.Serializer[Any]):
    """Which model an alias pointed at; `move` is how it came to, null where it pointed at none."""

    alias = serializers.CharField()
    when = serializers.DateTimeField()
    model = serializers.SerializerMethodField()
    model_name = serializers.SerializerMethodField()
    move = PromotionSerializer(allow_null=True)

    @extend_schema_field(serializers.IntegerField(allow_null=True))
    def get_model(self, found: dict[str, Any]) -> int | None:
        """The id of the model."""
        return found["move"].version_id if found["move"] else None

    @extend_schema_field(serializers.CharField(allow_null=True))
    def get_model_name(self, found: dict[str, Any]) -> str | None:
        """The model as name@version."""
        return str(found["move"].version) if found["move"] else None
