"""What the REST door says of sweeps, and what it takes to queue one."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.models import ModelVersion
from classifier.networks.recipes import RECIPES
from training_jobs.models import Sweep
from training_jobs.models.sweep import MOST_CANDIDATES, MOST_FOLDS
from training_jobs.models.training_run import MOST_PRIORITY
from training_jobs.sweeping import DEFAULT_CANDIDATES, DEFAULT_PRIORITY
from training_jobs.telling_sweeps import sweep_as_json


class SpreadSerializer(serializers.Serializer[Any]):
    """A score over folds, 0 to 1: its mean, and its standard deviation (null where one fold judged)."""

    mean = serializers.FloatField()
    deviation = serializers.FloatField(allow_null=True)


class CandidateSerializer(serializers.Serializer[Any]):
    """Settings that were tried; `rung` is the last they reached, counted from 0, `runs` those on it."""

    number = serializers.IntegerField()
    settings = serializers.DictField()
    state = serializers.CharField()
    rung = serializers.IntegerField()
    runs = serializers.ListField(child=serializers.IntegerField())
    score = SpreadSerializer(allow_null=True)
    f1 = serializers.DictField(child=SpreadSerializer(allow_null=True))


class SweepSerializer(serializers.ModelSerializer[Sweep]):
    """A sweep; `rungs` are epochs, `folds` 0 where the subset val judges, `score` is what ranks."""

    split_name = serializers.CharField(source="split", read_only=True)
    score = serializers.CharField(source="config.best_by", read_only=True)
    config = serializers.DictField(read_only=True)
    space = serializers.DictField(child=serializers.CharField(), read_only=True)
    rungs = serializers.ListField(child=serializers.IntegerField(), read_only=True)
    created_by = serializers.CharField(
        source="created_by.username", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = Sweep
        fields: tuple[str, ...] = (
            "id",
            "split",
            "split_name",
            "architecture",
            "name",
            "config",
            "space",
            "method",
            "folds",
            "rungs",
            "seed",
            "score",
            "priority",
            "label_cutoff",
            "state",
            "created_at",
            "finished_at",
            "created_by",
        )
        read_only_fields = fields


class SweepDetailSerializer(SweepSerializer):
    """A sweep with its candidates, the best first; `best` is the number of the best, null before a score."""

    best = serializers.SerializerMethodField()
    candidates = serializers.SerializerMethodField()

    class Meta(SweepSerializer.Meta):
        fields = (*SweepSerializer.Meta.fields, "best", "candidates")
        read_only_fields = fields

    def to_representation(self, instance: Sweep) -> dict[str, Any]:
        """Rank its candidates once."""
        self._told = sweep_as_json(instance)
        return super().to_representation(instance)

    def get_best(self, sweep: Sweep) -> int | None:
        """The number of the best candidate so far."""
        return self._told["best"]  # type: ignore[no-any-return]

    @extend_schema_field(CandidateSerializer(many=True))
    def get_candidates(self, sweep: Sweep) -> list[dict[str, Any]]:
        """All candidates, the best first."""
        return self._told["candidates"]  # type: ignore[no-any-return]


class NewSweepSerializer(serializers.Serializer[Any]):
    """A sweep to queue."""

    split = serializers.CharField(max_length=140, help_text="A split's id, or dataset/name.")
    architecture = serializers.ChoiceField(choices=ModelVersion.Architecture.choices, required=False)
    recipe = serializers.ChoiceField(
        choices=list(RECIPES),
        required=False,
        help_text="Named settings of one architecture to search around.",
    )
    name = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    config = serializers.DictField(
        required=False, default=dict, help_text="Settings of all trials that differ from the defaults."
    )
    vary = serializers.DictField(
        required=False,
        default=dict,
        help_text='What is varied: {"dropout": "0..0.5", "batch_size": [16, 32]}; the proposed if left out.',
    )
    candidates = serializers.IntegerField(
        min_value=2, max_value=MOST_CANDIDATES, required=False, default=DEFAULT_CANDIDATES
    )
    method = serializers.ChoiceField(
        choices=Sweep.Method.choices, required=False, default=Sweep.Method.RANDOM
    )
    folds = serializers.IntegerField(
        min_value=0,
        max_value=MOST_FOLDS,
        required=False,
        default=0,
        help_text="Folds of train and val, by paper, that judge each candidate; 0: the subset val.",
    )
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, required=False, default=0)
    priority = serializers.IntegerField(
        min_value=-MOST_PRIORITY, max_value=MOST_PRIORITY, required=False, default=DEFAULT_PRIORITY
    )

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Ask for an architecture or a recipe."""
        if not values.keys() & {"architecture", "recipe"}:
            raise serializers.ValidationError({"architecture": ["Name the architecture, or a recipe."]})
        return values
