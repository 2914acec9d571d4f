"""Second opinions over REST: asked for, and how far people agree."""

from typing import Any

from drf_spectacular.helpers import forced_singular_serializer
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.api.queue_serializers import AgreementSerializer, AskedSerializer, AskSecondSerializer
from datasets.api.relabelling import LABELS
from datasets.api.views import VisibleRows
from datasets.errors import Refused
from datasets.models import Dataset, Image, QueueItem
from datasets.queries import find_dataset
from datasets.queues.agreement import agreement_of
from datasets.queues.asking import ask_second_opinion


@extend_schema(tags=["queues"])
class OpinionViewSet(VisibleRows):
    """Second opinions. They are given in a blind queue, by `queues/{id}/decide/`."""

    queryset = QueueItem.objects.all()
    serializer_class = AskSecondSerializer
    filterset_class = None
    pagination_class = None
    required_permissions = {"create": LABELS}

    @extend_schema(
        summary="How far people agree: Cohen's kappa by pair and class",
        parameters=[OpenApiParameter("dataset", description="The dataset's slug.", required=True)],
        responses=forced_singular_serializer(AgreementSerializer),
    )
    def list(self, request: Request) -> Response:
        """Compare opinions with the labels that they did not see."""
        slug = request.query_params.get("dataset")
        if not slug:
            raise ValidationError({"dataset": ["Name the dataset."]})
        pairs = agreement_of(find_dataset(slug, request.user), request.user)
        return Response(AgreementSerializer({"pairs": pairs}).data)

    @extend_schema(summary="Ask a second person about labelled images", responses=AskedSerializer)
    def create(self, request: Request) -> Response:
        """Put images of one dataset into its queue of second opinions."""
        asked = AskSecondSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        ids = asked.validated_data["images"]
        visible = Image.objects.visible_to(request.user).filter(pk__in=ids)
        slugs = list(visible.order_by().values_list("dataset", flat=True).distinct()[:2])
        if len(slugs) != 1:
            raise Refused(
                "Name images of one dataset.", code="several_datasets" if slugs else "unknown_images"
            )
        done = ask_second_opinion(Dataset.objects.get(pk=slugs[0]), ids)
        told: dict[str, Any] = {**vars(done), "queue": done.queue.pk}
        return Response(told)
