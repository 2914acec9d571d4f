"""Sweeps over REST: queue one, watch its table, cancel it."""

from drf_spectacular.utils import OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.api.filter_forms import split_named
from datasets.api.serializers import ErrorSerializer
from training_jobs.api.filters import SweepFilter
from training_jobs.api.sweep_serializers import NewSweepSerializer, SweepDetailSerializer, SweepSerializer
from training_jobs.api.views import LongWorkViewSet
from training_jobs.models import Sweep
from training_jobs.sweeping import cancel_sweep, queue_sweep


@extend_schema(tags=["training"])
@extend_schema_view(
    list=extend_schema(summary="Sweeps, without their candidates", responses=SweepSerializer(many=True)),
    retrieve=extend_schema(summary="One sweep with its candidates, the best first"),
)
class SweepViewSet(LongWorkViewSet):
    """Searches for settings."""

    queryset = Sweep.objects.select_related("split__dataset", "created_by")
    serializer_class = SweepDetailSerializer
    listed_serializer_class = SweepSerializer
    filterset_class = SweepFilter
    required_permissions = {
        "create": ("training_jobs.add_trainingrun",),
        "cancel": ("training_jobs.change_trainingrun",),
    }

    @extend_schema(
        summary="Queue a sweep",
        request=NewSweepSerializer,
        responses={
            202: SweepDetailSerializer,
            400: OpenApiResponse(ErrorSerializer, "`invalid_config`, `bad_sweep`, `too_few_papers`, ..."),
        },
    )
    def create(self, request: Request) -> Response:
        """Queue a sweep; the labels of this moment count for all its trials."""
        asked = NewSweepSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        sweep = queue_sweep(
            split_named(values["split"], request.user),
            architecture=values.get("architecture"),
            recipe=values.get("recipe"),
            name=values["name"] or None,
            config=values["config"],
            vary=values["vary"],
            number=values["candidates"],
            method=values["method"],
            folds=values["folds"],
            seed=values["seed"],
            priority=values["priority"],
            author=request.user,
        )
        return self.queued(sweep, SweepDetailSerializer, "sweep-detail")

    @extend_schema(
        summary="Cancel a sweep",
        request=None,
        responses={
            202: SweepDetailSerializer,
            409: OpenApiResponse(ErrorSerializer, "`illegal_move`: it has ended."),
        },
    )
    @action(detail=True, methods=["post"])
    def cancel(self, request: Request, pk: str) -> Response:
        """End a sweep: trials that wait at once, those at work within a batch."""
        sweep = self.get_object()
        cancel_sweep(sweep)
        return self.queued(sweep, SweepDetailSerializer, "sweep-detail")
