"""What the REST door says of evaluations and comparisons, and what it takes."""

from typing import Any

from rest_framework import serializers

from classifier.cautions import cautions
from classifier.models import Evaluation
from classifier.rescoring import changed_since
from datasets.api.serializers import ImageSerializer
from datasets.models import Subset


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
    """Scores of a version on a subset, by the labels as they stood at the cut-off.

    `leaks`: test shares something with train; `warnings` say why the scores may be too good. `stale`: of how
    many images the label is another one now. `intervals`: 95 % of each score, `[low, high]`, over papers.
    """

    model = serializers.IntegerField(source="version_id", read_only=True)
    model_name = serializers.CharField(source="version", read_only=True)
    split_name = serializers.CharField(source="split", read_only=True)
    classes = serializers.ListField(child=serializers.CharField(), read_only=True)
    matrix = MatrixField(read_only=True)
    per_class = ClassScoreSerializer(many=True, read_only=True)
    leaks = serializers.BooleanField(source="split.leaks", read_only=True)
    warnings = serializers.SerializerMethodField()
    stale = serializers.SerializerMethodField()
    intervals = serializers.JSONField(read_only=True)
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
            "intervals",
            "papers",
            "total",
            "unreadable",
            "leaks",
            "warnings",
            "stale",
            "created_at",
            "created_by",
        )
        read_only_fields = fields

    def get_stale(self, evaluation: Evaluation) -> int:
        """How many images of the subset bear another label now, or none, or their first."""
        return changed_since(evaluation)

    def get_warnings(self, evaluation: Evaluation) -> list[str]:
        """Why the scores may be too good, as sentences."""
        counted = self.context.get("counted")
        return cautions(evaluation.version, evaluation.split, evaluation.subset, counted=counted)


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
    intervals = serializers.JSONField()


class ChangeSerializer(serializers.Serializer[Any]):
    """How much higher a score of `b` is than that of `a`, with an interval that draws whole papers.

    `level`: all intervals of headlines, and all of classes, hold together in 95 of 100 cases.
    """

    score = serializers.CharField()
    of_class = serializers.CharField(allow_blank=True)
    difference = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    level = serializers.FloatField()
    is_shown = serializers.BooleanField(help_text="The interval leaves zero out.")


class PairedSerializer(serializers.Serializer[Any]):
    """Model `b` against `a`: McNemar's exact p, and the ids that only one of them has right.

    `holm_p_value`: raised for the other pairs. `agreement`: of how many images both say the same.
    """

    a = serializers.IntegerField()
    b = serializers.IntegerField()
    p_value = serializers.FloatField()
    holm_p_value = serializers.FloatField()
    agreement = serializers.FloatField()
    kappa = serializers.FloatField(allow_null=True)
    changes = ChangeSerializer(many=True)
    both_wrong = serializers.ListField(child=serializers.IntegerField())
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
    papers = serializers.IntegerField()
    left_out = serializers.IntegerField()
    leaks = serializers.BooleanField(help_text="Test shares papers, panel groups or bytes with train.")
    warnings = serializers.ListField(
        child=serializers.CharField(), help_text="Why the scores may be too good."
    )
    models = ComparedModelSerializer(many=True)
    difference = MatrixField(read_only=True)
    paired = PairedSerializer(many=True)
    fixed = serializers.ListField(child=serializers.IntegerField())
    broken = serializers.ListField(child=serializers.IntegerField())
    verdicts = serializers.ListField(child=serializers.CharField(), help_text="A sentence or more a pair.")


class NewEvaluationSerializer(serializers.Serializer[Any]):
    """An evaluation to make."""

    model = serializers.CharField(max_length=140, help_text="A version's id, name@version or alias.")
    split = serializers.CharField(max_length=140, help_text="A split's id, or dataset/name.")
    subset = serializers.ChoiceField(choices=Subset.choices, default=Subset.TEST)
