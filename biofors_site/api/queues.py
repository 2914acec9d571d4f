"""Queues over REST where rooms meet: made by a model's predictions, which may be accepted in them."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from biofors_site.api.filters import with_predictions
from biofors_site.api.views import ImageWithPredictionSerializer
from biofors_site.queueing import MOST_SEED, Wanted, open_queue
from classifier.accepting import accept_predictions
from classifier.models import Prediction
from classifier.registry import find_model
from datasets.api.label_serializers import MOST_DEEDS, ParameterField
from datasets.api.queue_serializers import (
    DecideSerializer,
    DeedSerializer,
    QueueSerializer,
)
from datasets.api.queues import QueueViewSet
from datasets.api.serializers import ErrorSerializer
from datasets.errors import Refused
from datasets.labelling import Relabelled
from datasets.models import Image, Queue
from datasets.queries import find_dataset
from datasets.queues.deciding import Decided, Record
from datasets.queues.making import MOST_ITEMS


class NewQueueSerializer(serializers.Serializer[Any]):
    """What a queue is to hold."""

    dataset = serializers.CharField(max_length=64, help_text="The dataset's slug.")
    kind = serializers.ChoiceField(
        choices=[each for each in Queue.Kind.choices if each[0] != Queue.Kind.SETTLE]
    )
    name = serializers.CharField(max_length=120, required=False, allow_blank=True, default="")
    filter = serializers.DictField(
        child=ParameterField(), default=dict, help_text="Parameters of the list of images, to narrow it."
    )
    model = serializers.CharField(
        max_length=80,
        required=False,
        allow_blank=True,
        default="",
        help_text="Whose predictions rank the images: id, `name@version` or alias; else the champion.",
    )
    size = serializers.IntegerField(
        min_value=1, max_value=MOST_ITEMS, required=False, help_text="At most so many; of samples, 200."
    )
    seed = serializers.IntegerField(
        min_value=0, max_value=MOST_SEED - 1, required=False, help_text="Of a sample: gives the same again."
    )


class WideDeedSerializer(DeedSerializer):
    """A deed that may also accept what the queue's model predicts."""

    accept = serializers.BooleanField(default=False, help_text="Label as the queue's model predicts.")
    ways = (*DeedSerializer.ways, "accept")


class WideDecideSerializer(DecideSerializer):
    """Deeds in a queue, in their order."""

    deeds = WideDeedSerializer(many=True, allow_empty=False, max_length=MOST_DEEDS)  # type: ignore[call-arg]


@extend_schema(tags=["queues"])
@extend_schema_view(decide=extend_schema(request=WideDecideSerializer))
class WideQueueViewSet(QueueViewSet):
    """Queues, with what their model predicts."""

    required_permissions = {**QueueViewSet.required_permissions, "create": ("datasets.add_queue",)}
    deeds_serializer = WideDecideSerializer

    @extend_schema(
        summary="Make a queue",
        request=NewQueueSerializer,
        responses={
            201: QueueSerializer,
            409: OpenApiResponse(ErrorSerializer, "`nothing_to_do`, `no_predictions`: it would be empty."),
        },
    )
    def create(self, request: Request) -> Response:
        """Make a queue of up to 10,000 images; they are fixed, and as labelled now."""
        asked = NewQueueSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = dict(asked.validated_data)
        dataset = find_dataset(values.pop("dataset"), request.user)
        kind = Queue.Kind(values.pop("kind"))
        queue = open_queue(dataset, kind, Wanted(**values), request=request)
        return Response(self.get_serializer(queue).data, status=status.HTTP_201_CREATED)

    def images_of(self, queue: Queue) -> "QuerySet[Image]":
        """Return images with what the queue's model said of them."""
        images = super().images_of(queue)
        if not queue.model or queue.blind:
            return images
        try:
            return with_predictions(images, find_model(queue.model, self.request.user))
        except Refused:
            return images

    def told(self, images: "QuerySet[Image]") -> list[dict[str, Any]]:
        """Return what is told of images, in any order."""
        context = self.get_serializer_context()
        return list(ImageWithPredictionSerializer(images, many=True, context=context).data)

    def decide_on(self, queue: Queue, seen: dict[int, int], values: dict[str, Any]) -> Decided:
        """Decide as a validated deed says; nothing on images whose prediction cannot be accepted."""
        if values["accept"]:
            if not queue.model or queue.blind:
                raise Refused("This queue shows no model's predictions.", code="no_prediction")
            said = Prediction.objects.filter(
                version=find_model(queue.model, self.request.user), image__in=seen, image__excluded=False
            ).filter(predicted__in=[name for each in queue.dataset.classes.all() for name in each.names])
            seen = {pk: seen[pk] for pk in said.values_list("image", flat=True)}
            if not seen:
                raise Refused(f"{queue.model} has said nothing of these images.", code="no_prediction")
        return super().decide_on(queue, seen, values)

    def record(self, queue: Queue, values: dict[str, Any]) -> Record:
        """Return what labels the images of a deed."""
        if not values["accept"]:
            return super().record(queue, values)
        version = find_model(queue.model, self.request.user)

        def accept(pairs: Sequence[tuple[int, int]]) -> Relabelled:
            return accept_predictions(
                pairs,
                dataset=queue.dataset,
                version=version,
                author=self.request.user,
                reason=values["reason"],
                key=values.get("key"),
            )

        return accept
