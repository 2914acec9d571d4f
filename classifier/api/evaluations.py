"""Evaluations and comparison over REST; `training_jobs` adds the door that makes evaluations."""

from dataclasses import astuple
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from classifier.api.evaluation_serializers import (
    ComparisonSerializer,
    EvaluatedImageSerializer,
    EvaluationSerializer,
)
from classifier.api.filters import EvaluationFilter
from classifier.comparison import MOST_MODELS, compare
from classifier.evaluation import evaluated_images
from classifier.models import Evaluation
from classifier.registry import find_model
from classifier.rescoring import rescore, with_touched
from classifier.verdict import judge
from datasets.api.filter_forms import split_named
from datasets.api.serializers import ErrorSerializer
from datasets.api.views import VisibleRows
from datasets.models import Subset


@extend_schema(tags=["evaluations"])
@extend_schema_view(
    list=extend_schema(summary="Evaluations with their confusion matrices"),
    retrieve=extend_schema(summary="One evaluation"),
)
class EvaluationViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, VisibleRows):
    """Evaluations: confusion matrix, scores per class, and the label cut-off they were scored on."""

    queryset = with_touched(
        Evaluation.objects.select_related("version__split__dataset", "split__dataset", "created_by")
    )
    serializer_class = EvaluationSerializer
    filterset_class = EvaluationFilter
    required_permissions: ClassVar[dict[str, tuple[str, ...]]] = {"rescore": ("classifier.add_evaluation",)}

    def get_serializer_context(self) -> dict[str, Any]:
        """Add a place for counts: a list holds many evaluations on few splits."""
        return {**super().get_serializer_context(), "counted": {}}

    @extend_schema(
        summary="The images behind an evaluation, or behind one cell of its matrix",
        parameters=[
            OpenApiParameter("actual", description="The class of the label as it was scored."),
            OpenApiParameter("predicted", description="The class that the model said."),
            OpenApiParameter("wrong", bool, description="Those that were taken for another class."),
        ],
        responses=EvaluatedImageSerializer(many=True),
    )
    @action(
        detail=True,
        filterset_class=None,
        orderings={
            "id": ("id",),
            "-id": ("-id",),
            "confidence": ("confidence", "id"),
            "-confidence": ("-confidence", "-id"),
        },
    )
    def images(self, request: Request, pk: str) -> Response:
        """List the images as they were scored: one relabelled since stays in the cell it was counted in."""
        evaluation = self.get_object()
        cell = {name: request.query_params.get(name) or None for name in ("actual", "predicted")}
        known = ", ".join(evaluation.classes)
        unknown = {
            name: [f"This evaluation has no class {text!r}. It has: {known}."]
            for name, text in cell.items()
            if text and text not in evaluation.classes
        }
        if unknown:
            raise ValidationError(unknown)
        wrong = request.query_params.get("wrong", "").lower() in ("1", "true")
        images = evaluated_images(evaluation, **cell, wrong=wrong).visible_to(request.user)
        page = self.paginate_queryset(images.select_related("dataset", "paper", "label"))
        shown = EvaluatedImageSerializer(page, many=True, context=self.get_serializer_context())
        return self.get_paginated_response(shown.data)

    @extend_schema(
        summary="Score again by the labels of now",
        request=None,
        responses={
            201: EvaluationSerializer,
            409: OpenApiResponse(ErrorSerializer, "`not_stale`, `not_evaluated`"),
        },
    )
    @action(detail=True, methods=["post"], filterset_class=None)
    def rescore(self, request: Request, pk: str) -> Response:
        """Make an evaluation by the labels of now, from what the model said: at once, no inference."""
        made = rescore(self.get_object(), author=request.user)
        shown = EvaluationSerializer(made, context=self.get_serializer_context())
        return Response(shown.data, status=201)


class CompareView(GenericAPIView[Any]):
    """Models side by side, on the same images."""

    queryset = Evaluation.objects.all()
    pagination_class = None

    @extend_schema(
        tags=["evaluations"],
        summary="Compare models on the same images",
        parameters=[
            OpenApiParameter(
                "models", required=True, description=f"2 to {MOST_MODELS} models, by comma: `3,4`."
            ),
            OpenApiParameter("split", required=True, description="A split's id, or dataset/name."),
            OpenApiParameter("subset", enum=Subset.values, default="test"),
            OpenApiParameter(
                "despite_leaks", bool, description="Compare models that were trained on papers of the subset."
            ),
        ],
        responses={
            200: ComparisonSerializer,
            409: OpenApiResponse(
                ErrorSerializer,
                "`not_evaluated`: a model has not classified the subset. `trained_on_test`: a model was "
                "trained on papers of it.",
            ),
        },
    )
    def get(self, request: Request) -> Response:
        """Matrices, differences with intervals, tests, verdicts, and the ids of images fixed and broken."""
        params = request.query_params
        missing = {name: ["Name it."] for name in ("models", "split") if not params.get(name, "").strip(", ")}
        if missing:
            raise ValidationError(missing)
        names = [name.strip() for name in params["models"].split(",") if name.strip()]
        if len(names) > MOST_MODELS:
            raise ValidationError({"models": [f"At most {MOST_MODELS} models are compared at once."]})
        done = compare(
            [find_model(name, request.user) for name in names],
            split=split_named(params["split"], request.user),
            subset=params.get("subset") or Subset.TEST,
            despite_leaks=params.get("despite_leaks", "").lower() in ("1", "true"),
        )
        verdicts = [" ".join(astuple(judge(done, pair))) for pair in done.paired]
        return Response(ComparisonSerializer({**done.as_dict(), "verdicts": verdicts}).data)
