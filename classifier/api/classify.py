"""Classification of files sent along, over REST: parse, call one function, render."""

from functools import partial
from io import BytesIO
from typing import Any, cast

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.http import QueryDict
from django.utils.datastructures import MultiValueDict
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.authentication import SessionAuthentication
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import BaseParser, DataAndFiles, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from classifier.admission import get_admission
from classifier.api.authentication import RememberedTokenAuthentication
from classifier.api.serializers import ClassifiedSerializer, ClassifySerializer
from classifier.classifying import MOST_FILES, any_classified, check_file_count, classify_files
from classifier.models import ModelVersion
from classifier.throttling import charge
from datasets.api.documents import check_body_size
from datasets.api.images import FORM_ROOM
from datasets.api.serializers import ErrorSerializer
from datasets.decoding import MAX_BYTES

RETRY_AFTER = OpenApiParameter(
    "Retry-After", OpenApiTypes.INT, OpenApiParameter.HEADER, response=[429, 503], description="Seconds."
)


class ImageBodyParser(BaseParser):
    """A body that is the image itself; what else is asked stands in the query string."""

    # What it is, its content says.
    media_type = "image/*"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> DataAndFiles:
        """Return the body as the one file of `images`."""
        asked = parser_context["request"].query_params
        # One byte more than is taken is enough to be refused as too large.
        data = stream.read(MAX_BYTES + 1)
        name = asked.get("filename") or "image"
        file = InMemoryUploadedFile(BytesIO(data), "images", name, media_type, len(data), None)
        return DataAndFiles(asked, MultiValueDict({"images": [file]}))


class BinaryBodyParser(ImageBodyParser):
    """The same for who does not say what it is."""

    media_type = "application/octet-stream"


class ClassifyView(GenericAPIView[Any]):
    """Classification of files sent along; nothing of them is kept."""

    queryset = ModelVersion.objects.all()
    pagination_class = None
    authentication_classes = (RememberedTokenAuthentication, SessionAuthentication)
    parser_classes = (MultiPartParser, ImageBodyParser, BinaryBodyParser)
    required_permissions = {"post": ("classifier.view_modelversion",)}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what is too large, and what finds no place, before anything is read or looked up."""
        check_body_size(request, most=MOST_FILES * MAX_BYTES + FORM_ROOM)
        get_admission().check_room()
        super().initial(request, *args, **kwargs)

    @extend_schema(
        tags=["classify"],
        summary="Classify 1 to 32 files",
        # As everywhere; by itself it would be listed a second time, for being remembered.
        auth=[{"tokenAuth": []}, {"cookieAuth": []}],
        description=(
            "Says of each file what the model takes it for, or why it cannot be read. Send files as "
            "multipart form data, or one image as the body itself (`Content-Type: image/png`, `image/jpeg`, "
            "`image/tiff` or `application/octet-stream`) with `model`, `top` and `filename` in the query."
        ),
        parameters=[
            OpenApiParameter("model", str, description="A version's id, name@version or alias."),
            OpenApiParameter("top", int, description="How many probabilities to show."),
            OpenApiParameter("filename", str, description="What `file` says of an image sent as the body."),
            RETRY_AFTER,
        ],
        request={
            "multipart/form-data": ClassifySerializer,
            "image/png": OpenApiTypes.BINARY,
            "image/jpeg": OpenApiTypes.BINARY,
            "image/tiff": OpenApiTypes.BINARY,
            "application/octet-stream": OpenApiTypes.BINARY,
        },
        responses={
            200: OpenApiResponse(ClassifiedSerializer, "At least one file was classified."),
            422: OpenApiResponse(ClassifiedSerializer, "No file could be classified."),
            400: OpenApiResponse(ErrorSerializer, "`no_files`"),
            404: OpenApiResponse(ErrorSerializer, "`unknown_model`"),
            411: OpenApiResponse(ErrorSerializer, "`length_required`: a body in chunks"),
            413: OpenApiResponse(ErrorSerializer, "`too_many_files`, `too_large`"),
            429: OpenApiResponse(ErrorSerializer, "`throttled`: ask again after `Retry-After` seconds."),
            503: OpenApiResponse(
                ErrorSerializer,
                "`busy`: ask again after `Retry-After` seconds. `no_model`, `artefact_missing`",
            ),
        },
    )
    def post(self, request: Request) -> Response:
        """Say of each file what the model takes it for, or why it cannot be read."""
        uploads = request.FILES.getlist("images")
        check_file_count(len(uploads))
        fields = request.query_params.dict() | cast(QueryDict, request.data).dict()
        asked = ClassifySerializer(data=fields | {"images": uploads})
        asked.is_valid(raise_exception=True)
        charge(request.user, images=len(uploads))
        answer = classify_files(
            # One byte more than is taken is enough to be refused as too large.
            [(str(file.name), partial(file.read, MAX_BYTES + 1)) for file in uploads],
            model=asked.validated_data.get("model") or None,
            top=asked.validated_data.get("top"),
            user=request.user,
        )
        return Response(answer, status=200 if any_classified(answer) else 422)
