"""What the REST door says of jobs, and what it takes to queue one."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from classifier.models import ModelVersion
from classifier.networks.recipes import RECIPES
from datasets.models import Subset
from training_jobs.launching import queue_position
from training_jobs.mirroring import told_mirror
from training_jobs.models import EpochMetric, InferenceJob, Job, TrainingRun
from training_jobs.models.training_run import MOST_PRIORITY


class ProgressSerializer(serializers.Serializer[Any]):
    """How far a job is; `share` from 0 to 1."""

    done = serializers.IntegerField()
    total = serializers.IntegerField()
    share = serializers.FloatField()
    message = serializers.CharField()


class JobErrorSerializer(serializers.Serializer[Any]):
    """Why a job failed."""

    code = serializers.CharField()
    detail = serializers.CharField()


class EventSerializer(serializers.Serializer[Any]):
    """One change of a job's state."""

    at = serializers.DateTimeField()
    state = serializers.CharField()
    note = serializers.CharField()


JOB_FIELDS = (
    "state",
    "queue_position",
    "progress",
    "attempt",
    "error",
    "events",
    "created_at",
    "started_at",
    "finished_at",
    "created_by",
)


class JobSerializer(serializers.ModelSerializer[Any]):
    """What every job says of itself."""

    state = serializers.ChoiceField(choices=Job.State.choices, read_only=True)
    queue_position = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()
    error = serializers.SerializerMethodField()
    events = EventSerializer(many=True, read_only=True)
    created_by = serializers.CharField(
        source="created_by.username", read_only=True, default=None, allow_null=True
    )

    def get_queue_position(self, job: Job) -> int:
        """Its place among those that wait, from 1; 0 where it does not wait."""
        positions: dict[int, int] | None = self.context.get("positions")
        return queue_position(job) if positions is None else positions.get(job.pk, 0)

    @extend_schema_field(ProgressSerializer)
    def get_progress(self, job: Job) -> dict[str, Any]:
        """How far it is."""
        return {"done": job.done, "total": job.total, "share": job.share_done, "message": job.message}

    @extend_schema_field(JobErrorSerializer(allow_null=True))
    def get_error(self, job: Job) -> dict[str, str] | None:
        """Why it failed."""
        return {"code": job.error_code, "detail": job.error} if job.error or job.error_code else None


class EpochSerializer(serializers.ModelSerializer[EpochMetric]):
    """What an epoch measured; `val_f1` is that of each class on validation."""

    val_f1 = serializers.DictField(child=serializers.FloatField(allow_null=True), allow_null=True)

    class Meta:
        model = EpochMetric
        fields = (
            "attempt",
            "epoch",
            "loss",
            "accuracy",
            "val_loss",
            "val_accuracy",
            "val_macro_f1",
            "val_f1",
            "learning_rate",
            "seconds",
            "memory_peak_bytes",
            "is_best",
        )
        read_only_fields = fields


class TrainingRunSerializer(JobSerializer):
    """A training run; `model` is the version it became.

    A trial makes none: it tries a `candidate` of a `sweep` on a `rung`, judged by a `fold` (0: subset val).
    """

    split_name = serializers.CharField(source="split", read_only=True)
    config = serializers.DictField(read_only=True)
    model = serializers.IntegerField(source="version_id", read_only=True, allow_null=True)
    model_name = serializers.CharField(source="version", read_only=True, default=None, allow_null=True)
    sweep = serializers.IntegerField(
        source="candidate.sweep_id", read_only=True, default=None, allow_null=True
    )
    candidate = serializers.IntegerField(
        source="candidate.number", read_only=True, default=None, allow_null=True
    )

    class Meta:
        model = TrainingRun
        fields = (
            "id",
            "split",
            "split_name",
            "architecture",
            "name",
            "config",
            "label_cutoff",
            "model",
            "model_name",
            "priority",
            "device",
            "sweep",
            "candidate",
            "fold",
            "rung",
            "learning_rate",
            "memory_bytes",
            "memory_peak_bytes",
            *JOB_FIELDS,
        )
        read_only_fields = fields


class MirrorSerializer(serializers.Serializer[Any]):
    """How a run stands in MLflow: its name and address there, whether it is behind, and why."""

    address = serializers.CharField(help_text='"" where the mirror is no web server.')
    name = serializers.CharField(help_text="The id of MLflow's run.")
    is_behind = serializers.BooleanField()
    reason = serializers.CharField()


class TrainingRunDetailSerializer(TrainingRunSerializer):
    """A training run with its epochs: those of its latest attempt come last.

    `mirror`: how it stands in MLflow; null where runs are not mirrored, or this one has not begun.
    """

    epochs = EpochSerializer(many=True, read_only=True)
    mirror = serializers.SerializerMethodField()

    class Meta(TrainingRunSerializer.Meta):
        fields = (*TrainingRunSerializer.Meta.fields, "epochs", "mirror")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(MirrorSerializer(allow_null=True))
    def get_mirror(self, run: TrainingRun) -> dict[str, Any] | None:
        """Return how it stands in MLflow."""
        return told_mirror(run)


class PrioritySerializer(serializers.Serializer[Any]):
    """The priority of a run that waits."""

    priority = serializers.IntegerField(min_value=-MOST_PRIORITY, max_value=MOST_PRIORITY)


class NewTrainingRunSerializer(serializers.Serializer[Any]):
    """A training run to queue."""

    split = serializers.CharField(
        max_length=140, required=False, help_text="A split's id, or dataset/name; not with `like`."
    )
    architecture = serializers.ChoiceField(choices=ModelVersion.Architecture.choices, required=False)
    recipe = serializers.ChoiceField(
        choices=list(RECIPES), required=False, help_text="Named settings of one architecture."
    )
    like = serializers.CharField(
        max_length=80,
        required=False,
        help_text="A model (id, `name@version` or alias) to train again: split, settings, labels of then.",
    )
    name = serializers.CharField(max_length=64, required=False, allow_blank=True, default="")
    config = serializers.DictField(
        required=False, default=dict, help_text="Settings that differ from the architecture's defaults."
    )
    priority = serializers.IntegerField(
        min_value=-MOST_PRIORITY,
        max_value=MOST_PRIORITY,
        required=False,
        default=0,
        help_text="Of the runs that wait the highest is next.",
    )

    def validate(self, values: dict[str, Any]) -> dict[str, Any]:
        """Either a version to train again, or a split and how to train on it."""
        if "like" in values:
            if wrong := sorted({"split", "architecture", "recipe"} & values.keys()) or values["config"]:
                names = wrong if isinstance(wrong, list) else ["config"]
                told = "Left to the model named by like: leave it out."
                raise serializers.ValidationError({name: [told] for name in names})
            return values
        if "split" not in values:
            raise serializers.ValidationError({"split": ["Name the split."]})
        if not values.keys() & {"architecture", "recipe"}:
            raise serializers.ValidationError({"architecture": ["Name the architecture, or a recipe."]})
        return values


class FailureSerializer(serializers.Serializer[Any]):
    """An image that could not be classified."""

    image = serializers.IntegerField()
    file = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField()


class InferenceJobSerializer(JobSerializer):
    """Predictions over images of a dataset, or an evaluation on a subset; `failed` counts images not read.

    `filter`: what its images were chosen by, null for a whole dataset. `known` had their prediction before;
    `rate` is images a second of late, from which `seconds_left` and `ends_at` follow.
    """

    kind = serializers.ChoiceField(choices=InferenceJob.Kind.choices, read_only=True)
    dataset = serializers.CharField(source="dataset.slug", read_only=True)
    model = serializers.IntegerField(source="version_id", read_only=True)
    model_name = serializers.CharField(source="version", read_only=True)
    subset = serializers.SerializerMethodField()
    filter = serializers.DictField(child=serializers.CharField(), read_only=True, allow_null=True)
    rate = serializers.FloatField(read_only=True, allow_null=True)
    seconds_left = serializers.FloatField(read_only=True, allow_null=True)
    ends_at = serializers.DateTimeField(read_only=True, allow_null=True)

    class Meta:
        model = InferenceJob
        fields = (
            "id",
            "kind",
            "dataset",
            "model",
            "model_name",
            "split",
            "subset",
            "filter",
            "evaluation",
            "known",
            "new_predictions",
            "failed",
            "rate",
            "seconds_left",
            "ends_at",
            *JOB_FIELDS,
        )
        read_only_fields = fields

    @extend_schema_field(serializers.ChoiceField(choices=Subset.choices, allow_null=True))
    def get_subset(self, job: InferenceJob) -> str | None:
        """The subset of an evaluation; null for a whole dataset."""
        return job.subset or None


class InferenceJobDetailSerializer(InferenceJobSerializer):
    """An inference job with who is at work on it, and each image that could not be read."""

    workers = serializers.IntegerField(source="workers_at_work", read_only=True)
    chunks = serializers.DictField(
        source="chunk_states",
        child=serializers.IntegerField(),
        read_only=True,
        help_text="How many of its chunks are in which state.",
    )
    failures = FailureSerializer(source="every_failure", many=True, read_only=True)

    class Meta(InferenceJobSerializer.Meta):
        fields = (*InferenceJobSerializer.Meta.fields, "workers", "chunks", "failures")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]


class NewInferenceJobSerializer(serializers.Serializer[Any]):
    """Bulk inference to queue."""

    dataset = serializers.CharField(max_length=64, help_text="The dataset's slug.")
    model = serializers.CharField(
        max_length=140,
        required=False,
        allow_null=True,
        allow_blank=True,
        help_text="A version's id, name@version or alias; the champion if left out.",
    )
