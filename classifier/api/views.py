"""Models over REST: parse, call one function, render."""

from django.db.models import Prefetch
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from classifier.aliases import promote
from classifier.api.calibration import CalibrationActions
from classifier.api.filters import ModelFilter
from classifier.api.registry_serializers import (
    CheckedSerializer,
    DescriptionSerializer,
    PromoteSerializer,
    PromotionSerializer,
)
from classifier.api.serializers import ModelSerializer
from classifier.card import card_of, written
from classifier.describing import describe
from classifier.exports import FORMATS, NotExported, file_of
from classifier.gates import check_gates
from classifier.models import Evaluation, Export, ModelVersion
from classifier.models.registry import CHAMPION
from classifier.quantisation import told_quantised
from classifier.serving.engine import ArtefactMissing
from datasets.api.documents import AnyAccept, send_file
from datasets.api.serializers import ErrorSerializer
from datasets.api.views import VisibleRows


@extend_schema(tags=["models"])
@extend_schema_view(
    list=extend_schema(summary="Model versions"), retrieve=extend_schema(summary="One version")
)
class ModelViewSet(CalibrationActions, mixins.ListModelMixin, mixins.RetrieveModelMixin, VisibleRows):
    """Model versions: complete, each with its recipe."""

    queryset = ModelVersion.objects.in_full().prefetch_related(
        Prefetch("evaluations", Evaluation.objects.only("pk", "version"))
    )
    serializer_class = ModelSerializer
    filterset_class = ModelFilter
    required_permissions = {
        **CalibrationActions.required_permissions,
        "promote": ("classifier.add_promotion",),
        "partial_update": ("classifier.change_modelversion",),
        "gates": ("classifier.view_modelversion", "classifier.view_evaluation"),
    }

    @extend_schema(
        summary="Change its notes and tags", request=DescriptionSerializer, responses={200: ModelSerializer}
    )
    def partial_update(self, request: Request, pk: str) -> Response:
        """Set notes, plain text, or tags, or both; who last wrote notes is kept."""
        version = self.get_object()
        asked = DescriptionSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        describe(version, author=request.user, **asked.validated_data)
        return Response(self.get_serializer(version).data)

    @extend_schema(
        summary="Point an alias at this version",
        request=PromoteSerializer,
        responses={
            200: PromotionSerializer,
            400: OpenApiResponse(ErrorSerializer, "`reason_missing`"),
            403: OpenApiResponse(ErrorSerializer, "`override_not_allowed`: administrators only."),
            409: OpenApiResponse(ErrorSerializer, "`gate_failed`: `fields` says what each gate found."),
        },
    )
    @action(detail=True, methods=["post"], filterset_class=None)
    def promote(self, request: Request, pk: str) -> Response:
        """Point an alias, `champion` if none is named, at this version; say why."""
        version = self.get_object()
        asked = PromoteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        moved = promote(version, author=request.user, **asked.validated_data)
        return Response(PromotionSerializer(moved).data)

    @extend_schema(
        summary="What is checked before it becomes champion",
        parameters=[
            OpenApiParameter("alias", default=CHAMPION, description="No gates stand before other aliases."),
            OpenApiParameter("evaluation", int, description="The newest on a test subset unless named."),
        ],
        responses=CheckedSerializer,
    )
    @action(detail=True, filterset_class=None, pagination_class=None)
    def gates(self, request: Request, pk: str) -> Response:
        """Check the gates without promoting: each passes, fails, or cannot be checked."""
        asked = PromoteSerializer(data={**request.query_params.dict(), "reason": "", "override": False})
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        checked = check_gates(self.get_object(), alias=values["alias"], evaluation=values.get("evaluation"))
        return Response(CheckedSerializer(checked.as_dict()).data)

    @extend_schema(summary="Its model card", responses={(200, "text/markdown"): OpenApiTypes.STR})
    @action(detail=True, filterset_class=None, pagination_class=None, content_negotiation_class=AnyAccept)
    def card(self, request: Request, pk: str) -> HttpResponseBase:
        """Write, in Markdown, what the model is, learnt from, scores and is not for: from its record."""
        version = self.get_object()
        name = f"{version.name}-{version.version}.md"
        return HttpResponse(
            written(card_of(version)),
            content_type="text/markdown; charset=utf-8",
            headers={
                "Content-Disposition": f'inline; filename="{name}"',
                "X-Content-Type-Options": "nosniff",
            },
        )

    @extend_schema(
        summary="The model's file",
        parameters=[OpenApiParameter("format", enum=list(FORMATS), default="keras")],
        responses={
            (200, "application/octet-stream"): OpenApiTypes.BINARY,
            404: OpenApiResponse(ErrorSerializer, "`not_exported`: that form has not been made."),
        },
    )
    @action(detail=True, filterset_class=None, pagination_class=None, content_negotiation_class=AnyAccept)
    def download(self, request: Request, pk: str) -> HttpResponseBase:
        """Send the Keras model, its ONNX export, LiteRT, or INT8 (two files of OpenVINO, as a ZIP)."""
        version = self.get_object()
        wanted = request.query_params.get("format", "keras")
        if wanted not in FORMATS:
            raise ValidationError({"format": [f"{wanted!r} is no format. There are: {', '.join(FORMATS)}."]})
        file = file_of(version, wanted)
        if file is None:
            raise NotExported(
                told_quantised(version.int8)
                if wanted == Export.Format.INT8 and version.int8
                else f"{version} has not been exported as {wanted} yet. Ask for it, then download it."
            )
        try:
            return send_file(
                request,
                file,
                media_type="application/octet-stream",
                name=f"{version.name}-{version.version}.{file.suffix}",
                sha256=file.sha256,
                attachment=True,
            )
        except FileNotFoundError as error:
            raise ArtefactMissing(
                f"The {file.name} file of {version} is missing. Restore the data directory from a backup."
            ) from error
