"""What the REST door says of queues, and what it takes to decide in them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from datasets.api.label_serializers import (
    MOST_DEEDS,
    MOST_IMAGES,
    NewLabelSerializer,
    RelabelledSerializer,
    SeenImageSerializer,
    check_named_once,
)
from datasets.api.serializers import ImageSerializer
from datasets.models import Queue

MOST_TAKEN = 200
USUAL_TAKEN = 40


class QueueProgressSerializer(serializers.Serializer[Any]):
    """How far a queue is; `pace` and `mine` are images a minute, null where nobody decided lately."""

    total = serializers.IntegerField()
    done = serializers.IntegerField()
    open = serializers.IntegerField()
    free = serializers.IntegerField(help_text="Open, not skipped, and with nobody else.")
    skipped = serializers.IntegerField()
    kept = serializers.IntegerField(allow_null=True, help_text="Not told of a blind queue.")
    changed = serializers.IntegerField(allow_null=True, help_text="Not told of a blind queue.")
    elsewhere = serializers.IntegerField()
    pace = serializers.FloatField(allow_null=True)
    mine = serializers.FloatField(allow_null=True)
    seconds_left = serializers.FloatField(allow_null=True)


class QueueSerializer(serializers.ModelSerializer[Queue]):
    """A queue; the context holds `progress`, by queue id."""

    dataset = serializers.CharField(source="dataset.slug", read_only=True)
    created_by = serializers.CharField(
        source="created_by.username", read_only=True, default=None, allow_null=True
    )
    closed = serializers.SerializerMethodField()
    progress = serializers.SerializerMethodField()

    class Meta:
        model = Queue
        fields = (
            "id",
            "dataset",
            "kind",
            "name",
            "query",
            "model",
            "seed",
            "population",
            "population_by_class",
            "blind",
            "standing",
            "created_by",
            "created_at",
            "closed",
            "progress",
        )
        read_only_fields = fields

    def to_representation(self, instance: Queue) -> dict[str, Any]:
        """Tell nothing of a blind queue that says how its images are labelled."""
        told = super().to_representation(instance)
        return {**told, "query": {}, "population_by_class": {}} if instance.blind else told

    def get_closed(self, queue: Queue) -> bool:
        """Whether somebody closed it."""
        return queue.closed_at is not None

    @extend_schema_field(QueueProgressSerializer)
    def get_progress(self, queue: Queue) -> Any:
        """How far it is."""
        return QueueProgressSerializer(self.context["progress"][queue.pk]).data


class QueueChangeSerializer(serializers.Serializer[Any]):
    """What may be changed of a queue."""

    name = serializers.CharField(max_length=120, required=False)
    closed = serializers.BooleanField(required=False)


class TakeSerializer(serializers.Serializer[Any]):
    """How many images to take."""

    size = serializers.IntegerField(min_value=1, max_value=MOST_TAKEN, default=USUAL_TAKEN)
    held = serializers.BooleanField(
        default=False, help_text="Begin with those that you took already and did not decide on."
    )
    skipped = serializers.BooleanField(default=False, help_text="Those that were skipped, not new ones.")


class QueueImageSerializer(ImageSerializer):
    """An image of a queue. In a blind queue its label is not told. `why` says what brought it here."""

    why = serializers.CharField()

    class Meta(ImageSerializer.Meta):
        fields = (*ImageSerializer.Meta.fields, "why")  # type: ignore[assignment]


class TakenSerializer(serializers.Serializer[Any]):
    """Images that nobody else gets meanwhile; `with_others` names who has some of the rest."""

    images = QueueImageSerializer(many=True)
    progress = QueueProgressSerializer()
    with_others = serializers.ListField(child=serializers.CharField())


class HeldSerializer(serializers.Serializer[Any]):
    """How many images that concerned."""

    images = serializers.IntegerField()


class DeedSerializer(NewLabelSerializer):
    """What to say of images of a queue: a label, or that they are right (`keep`), or nothing now (`skip`)."""

    key = serializers.UUIDField(required=False)
    images = SeenImageSerializer(many=True, allow_empty=False, max_length=MOST_IMAGES)  # type: ignore[call-arg]
    keep = serializers.BooleanField(default=False, help_text="The label is right as it is.")
    skip = serializers.BooleanField(default=False, help_text="Lay the images aside.")

    # Ways of deciding of which a deed has exactly one, besides giving a label.
    ways: tuple[str, ...] = ("keep", "skip")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for exactly one thing to do."""
        chosen = [name for name in self.ways if attrs.get(name)]
        if "label" in attrs or "excluded" in attrs:
            chosen.append("label")
        if len(chosen) != 1:
            ways = ", ".join(self.ways)
            raise serializers.ValidationError(f"Say one thing of the images: a label, or one of {ways}.")
        check_named_once(attrs["images"])
        return attrs


class DecideSerializer(serializers.Serializer[Any]):
    """Deeds in a queue, in their order."""

    deeds = DeedSerializer(many=True, allow_empty=False, max_length=MOST_DEEDS)  # type: ignore[call-arg]


class OtherHasSerializer(serializers.Serializer[Any]):
    """An image that somebody else has, or decided on."""

    id = serializers.IntegerField()
    by = serializers.CharField(allow_null=True)


class DecidedSerializer(RelabelledSerializer):
    """What came of a deed; where it was refused there is `error` alone, with code and detail."""

    taken = OtherHasSerializer(many=True)
    error = serializers.DictField(child=serializers.CharField(), required=False)


class ManyDecidedSerializer(serializers.Serializer[Any]):
    """What came of each deed, in the order they were sent, and how far the queue is now."""

    results = DecidedSerializer(many=True)
    progress = QueueProgressSerializer()


class EstimateSerializer(serializers.Serializer[Any]):
    """An error rate by a sample, with its 95 % interval; `name` is a class, null for all."""

    name = serializers.CharField(allow_null=True)
    wrong = serializers.IntegerField()
    judged = serializers.IntegerField()
    population = serializers.IntegerField()
    low = serializers.IntegerField()
    high = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    low_share = serializers.FloatField()
    high_share = serializers.FloatField()


class AuditSerializer(serializers.Serializer[Any]):
    """What an audit found so far."""

    overall = EstimateSerializer()
    classes = EstimateSerializer(many=True)
    undecided = serializers.IntegerField()
    skipped = serializers.IntegerField()


class AskSecondSerializer(serializers.Serializer[Any]):
    """Images that a second person is to look at."""

    images = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=2**63 - 1),
        allow_empty=False,
        max_length=MOST_IMAGES,
    )


class AskedSerializer(serializers.Serializer[Any]):
    """The queue that they went to; `already` were asked for before, `unlabelled` have no label to compare."""

    queue = serializers.IntegerField()
    asked = serializers.IntegerField()
    already = serializers.IntegerField()
    unlabelled = serializers.IntegerField()


class KappaSerializer(serializers.Serializer[Any]):
    """Cohen's kappa with its 95 % interval, null where chance alone agrees on everything."""

    images = serializers.IntegerField()
    observed = serializers.FloatField()
    kappa = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class PairSerializer(serializers.Serializer[Any]):
    """How two people agree: `first` gave the label, `second` did not see it."""

    first = serializers.CharField()
    second = serializers.CharField()
    overall = KappaSerializer()
    classes = serializers.DictField(child=KappaSerializer())


class AgreementSerializer(serializers.Serializer[Any]):
    """The pairs of a dataset, the most images first."""

    pairs = PairSerializer(many=True)
