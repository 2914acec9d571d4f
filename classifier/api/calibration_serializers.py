"""What the REST door says of calibration, abstention and other shares of classes, and what it takes."""

from typing import Any

from rest_framework import serializers

from classifier.api.evaluation_serializers import ClassScoreSerializer, MatrixField
from classifier.models import Calibration, Threshold
from datasets.models import Subset


class CalibrateSerializer(serializers.Serializer[Any]):
    """Whose val a temperature is fitted on."""

    split = serializers.CharField(
        max_length=140,
        required=False,
        allow_blank=True,
        help_text="An id or a name; left out: the split it was trained on.",
    )


class CalibrationSerializer(serializers.ModelSerializer[Calibration]):
    """A temperature, and what became of the error on the images it was fitted on."""

    model = serializers.IntegerField(source="version_id", read_only=True)
    split_name = serializers.CharField(source="split", read_only=True)
    by = serializers.CharField(source="created_by.username", read_only=True, default=None, allow_null=True)
    at = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = Calibration
        fields = (
            "id",
            "model",
            "split",
            "split_name",
            "subset",
            "label_cutoff",
            "images",
            "papers",
            "temperature",
            "nll_before",
            "nll_after",
            "ece_before",
            "ece_after",
            "by",
            "at",
        )
        read_only_fields = fields


class SetThresholdSerializer(serializers.Serializer[Any]):
    """Below which confidence a version abstains, and why."""

    abstain_below = serializers.FloatField(
        allow_null=True, help_text="As the network gives it, 0 to 1; null: it never abstains."
    )
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")


class ThresholdSerializer(serializers.ModelSerializer[Threshold]):
    """A choice of threshold: who, when, why."""

    model = serializers.IntegerField(source="version_id", read_only=True)
    by = serializers.CharField(source="author.username", read_only=True, default=None, allow_null=True)
    at = serializers.DateTimeField(source="created_at", read_only=True)

    class Meta:
        model = Threshold
        fields = ("id", "model", "abstain_below", "previous", "reason", "by", "at")
        read_only_fields = fields


class BinSerializer(serializers.Serializer[Any]):
    """Images whose confidence lies above `low` and not above `high`."""

    low = serializers.FloatField()
    high = serializers.FloatField()
    count = serializers.IntegerField()
    confidence = serializers.FloatField(allow_null=True)
    accuracy = serializers.FloatField(allow_null=True)


class JudgedSerializer(serializers.Serializer[Any]):
    """Probabilities at a temperature (1: as they are): expected calibration error with its 95 % interval."""

    temperature = serializers.FloatField()
    ece = serializers.FloatField()
    interval: Any = serializers.ListField(child=serializers.FloatField(), allow_null=True)
    nll = serializers.FloatField()
    brier = serializers.FloatField()
    bins = BinSerializer(many=True)


class AbstentionSerializer(serializers.Serializer[Any]):
    """What a threshold does: the share answered, and the share of it that is wrong."""

    abstain_below = serializers.FloatField(allow_null=True)
    coverage = serializers.FloatField(allow_null=True)
    risk = serializers.FloatField(allow_null=True)
    interval: Any = serializers.ListField(child=serializers.FloatField(), allow_null=True)


class ForRiskSerializer(AbstentionSerializer):
    """The threshold that answers most while no more than this share is wrong; null where none does."""

    risk_at_most = serializers.FloatField()


class NamedSplitSerializer(serializers.Serializer[Any]):
    """A split."""

    id = serializers.IntegerField()
    name = serializers.CharField()


class ConfidenceSerializer(serializers.Serializer[Any]):
    """How far the confidence can be believed on a subset; `after`: at the version's temperature."""

    split = NamedSplitSerializer()
    subset = serializers.CharField()
    label_cutoff = serializers.DateTimeField()
    images = serializers.IntegerField()
    papers = serializers.IntegerField()
    few_papers = serializers.BooleanField()
    left_out = serializers.IntegerField(help_text="Labelled images without a prediction.")
    warnings = serializers.ListField(child=serializers.CharField())
    before = JudgedSerializer()
    after = JudgedSerializer(allow_null=True)
    aurc = serializers.FloatField(help_text="Area under the risk-coverage curve.")
    error_rate = serializers.FloatField()
    abstain_below = serializers.FloatField(allow_null=True)
    at_threshold = AbstentionSerializer(allow_null=True)
    for_risk = ForRiskSerializer(many=True)


class SharesField(serializers.DictField):
    """A share for each class."""

    child = serializers.FloatField()


class PriorsSerializer(serializers.Serializer[Any]):
    """How frequent the classes are where the version is to answer."""

    split = serializers.CharField(max_length=140, required=False, allow_blank=True)
    subset = serializers.ChoiceField(choices=Subset.choices, default=Subset.TEST)
    shares = SharesField(help_text="`{class: share}`; they need not sum to 1, and one left out is 0.")


class PriorScoresSerializer(serializers.Serializer[Any]):
    """Scores of one side."""

    macro_f1 = serializers.FloatField()
    balanced_accuracy = serializers.FloatField()
    accuracy = serializers.FloatField()
    per_class = ClassScoreSerializer(many=True)
    matrix = MatrixField()


class CorrectedSerializer(serializers.Serializer[Any]):
    """The same stored predictions before and after the correction; nothing is kept."""

    split = NamedSplitSerializer()
    subset = serializers.CharField()
    label_cutoff = serializers.DateTimeField()
    total = serializers.IntegerField()
    left_out = serializers.IntegerField()
    learnt_shares = SharesField()
    shares = SharesField()
    temperature = serializers.FloatField(allow_null=True)
    classes = serializers.ListField(child=serializers.CharField())
    changed = serializers.IntegerField(help_text="Images taken for another class than before.")
    before = PriorScoresSerializer()
    after = PriorScoresSerializer()
