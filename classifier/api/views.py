"""Models, their aliases and classification over REST: parse, call one function, render."""

from functools import partial
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from classifier.api.calibration import CalibrationActions
from classifier.api.filters import ModelFilter
from classifier.api.serializers import (
    ClassifiedSerializer,
    ClassifySerializer,
    ModelSerializer,
    PromoteSerializer,
    PromotionSerializer,
    RollbackSerializer,
)
from classifier.classifying import MOST_FILES, any_classified, check_file_count, classify_files
from classifier.models import Alias, ModelVersion
from classifier.registry import find_model, promote, roll_back
from classifier.serving.engine import ArtefactMissing
from datasets.api.documents import AnyAccept, check_body_size, send_file
from datasets.api.images import FORM_ROOM
from datasets.api.serializers import ErrorSerializer
from datasets.api.views import VisibleRows
from datasets.decoding import MAX_BYTES


@extend_schema(tags=["models"])
@extend_schema_view(
    list=extend_schema(summary="Model versions"), retrieve=extend_schema(summary="One version")
)
class ModelViewSet(CalibrationActions, mixins.ListModelMixin, mixins.RetrieveModelMixin, VisibleRows):
    """Model versions: complete, each with its recipe."""

    queryset = ModelVersion.objects.select_related("split__dataset", "created_by").prefetch_related("aliases")
    serializer_class = ModelSerializer
    filterset_class = ModelFilter
    required_permissions = {
        **CalibrationActions.required_permissions,
        "promote": ("classifier.add_promotion",),
    }

    @extend_schema(
        summary="Point an alias at this version",
        request=PromoteSerializer,
        responses={200: PromotionSerializer, 400: OpenApiResponse(ErrorSerializer, "`reason_missing`")},
    )
    @action(detail=True, methods=["post"], filterset_class=None)
    def promote(self, request: Request, pk: str) -> Response:
        """Point an alias, `champion` if none is named, at this version; say why."""
        version = self.get_object()
        asked = PromoteSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        moved = promote(version, alias=values["alias"], reason=values["reason"], author=request.user)
        return Response(PromotionSerializer(moved).data)

    @extend_schema(
        summary="The model's file",
        parameters=[OpenApiParameter("format", enum=["keras", "onnx"], default="keras")],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    @action(detail=True, filterset_class=None, pagination_class=None, content_negotiation_class=AnyAccept)
    def download(self, request: Request, pk: str) -> HttpResponseBase:
        """Send the Keras model, or the ONNX export that serving uses."""
        version = self.get_object()
        files = {
            "keras": (version.keras_path, version.keras_sha256),
            "onnx": (version.onnx_path, version.onnx_sha256),
        }
        wanted = request.query_params.get("format", "keras")
        if wanted not in files:
            raise ValidationError({"format": [f"{wanted!r} is no format. There are: {', '.join(files)}."]})
        path, sha256 = files[wanted]
        try:
            return send_file(
                request,
                path,
                media_type="application/octet-stream",
                name=f"{version.name}-{version.version}.{wanted}",
                sha256=sha256,
                attachment=True,
            )
        except FileNotFoundError as error:
            raise ArtefactMissing(
                f"The {wanted} file of {version} is missing. Restore the data directory from a backup."
            ) from error


class RollbackView(GenericAPIView[Any]):
    """Back to where an alias pointed before."""

    queryset = Alias.objects.all()
    required_permissions = {"post": ("classifier.add_promotion",)}

    @extend_schema(
        tags=["models"],
        summary="Take an alias back to the version before",
        request=RollbackSerializer,
        responses={
            200: PromotionSerializer,
            409: OpenApiResponse(ErrorSerializer, "`nothing_to_roll_back`, `alias_moved`"),
        },
    )
    def post(self, request: Request, alias: str) -> Response:
        """Take the last promotion of an alias back; say why."""
        asked = RollbackSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        expected = asked.validated_data.get("expected")
        moved = roll_back(
            alias,
            reason=asked.validated_data["reason"],
            author=request.user,
            expected=find_model(expected, request.user) if expected else None,
        )
        return Response(PromotionSerializer(moved).data)


class ClassifyView(GenericAPIView[Any]):
    """Classification of files sent along; nothing of them is kept."""

    queryset = ModelVersion.objects.all()
    pagination_class = None
    parser_classes = (MultiPartParser,)
    required_permissions = {"post": ("classifier.view_modelversion",)}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what is larger than 32 images can be before it is read."""
        check_body_size(request, most=MOST_FILES * MAX_BYTES + FORM_ROOM)
        super().initial(request, *args, **kwargs)

    @extend_schema(
        tags=["classify"],
        summary="Classify 1 to 32 files",
        request={"multipart/form-data": ClassifySerializer},
        responses={
            200: OpenApiResponse(ClassifiedSerializer, "At least one file was classified."),
            422: OpenApiResponse(ClassifiedSerializer, "No file could be classified."),
            400: OpenApiResponse(ErrorSerializer, "`no_files`"),
            404: OpenApiResponse(ErrorSerializer, "`unknown_model`"),
            413: OpenApiResponse(ErrorSerializer, "`too_many_files`"),
            503: OpenApiResponse(ErrorSerializer, "`no_model`"),
        },
    )
    def post(self, request: Request) -> Response:
        """Say of each file what the model takes it for, or why it cannot be read."""
        uploads = request.FILES.getlist("images")
        check_file_count(len(uploads))
        asked = ClassifySerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        answer = classify_files(
            # One byte more than is taken is enough to be refused as too large.
            [(str(file.name), partial(file.read, MAX_BYTES + 1)) for file in uploads],
            model=asked.validated_data.get("model") or None,
            top=asked.validated_data.get("top"),
            user=request.user,
        )
        return Response(answer, status=200 if any_classified(answer) else 422)
