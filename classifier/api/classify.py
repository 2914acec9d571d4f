"""Classification of files sent along, over REST: parse, call one function, render."""

from collections.abc import Sequence
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
from classifier.classifying import MOST_FILES, File, any_classified, check_file_count, classify_files
from classifier.models import ModelVersion
from classifier.throttling import charge
from datasets.api.documents import check_body_size
from datasets.api.images import FORM_ROOM
from datasets.api.serializers import ErrorSerializer
from datasets.decoding import MAX_BYTES

DESCRIPTION = (
    "Says of each file what the model takes it for, or why it cannot be read. Send files as multipart form "
    "data, or one image as the body itself (`Content-Type: image/png`, `image/jpeg`, `image/tiff` or "
    "`application/octet-stream`) with what else is asked in the query."
)
# As everywhere; by itself it would be listed a second time, for being remembered.
AUTH: list[Any] = [{"tokenAuth": []}, {"cookieAuth": []}]
PARAMETERS = [
    OpenApiParameter("model", str, description="A version's id, name@version or alias."),
    OpenApiParameter("top", int, description="How many probabilities to show."),
    OpenApiParameter("filename", str, description="What `file` says of an image sent as the body."),
    OpenApiParameter(
        "Retry-After", OpenApiTypes.INT, OpenApiParameter.HEADER, response=[429, 503], description="Seconds."
    ),
]
BODIES = dict.fromkeys(
    ("image/png", "image/jpeg", "image/tiff", "application/octet-stream"), OpenApiTypes.BINARY
)
REFUSALS = {
    400: OpenApiResponse(ErrorSerializer, "`no_files`"),
    404: OpenApiResponse(ErrorSerializer, "`unknown_model`"),
    411: OpenApiResponse(ErrorSerializer, "`length_required`: a body in chunks"),
    413: OpenApiResponse(ErrorSerializer, "`too_many_files`, `too_large`"),
    429: OpenApiResponse(ErrorSerializer, "`throttled`: ask again after `Retry-After` seconds."),
    503: OpenApiResponse(
        ErrorSerializer, "`busy`: ask again after `Retry-After` seconds. `no_model`, `artefact_missing`"
    ),
}


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
        auth=AUTH,
        description=DESCRIPTION,
        parameters=PARAMETERS,
        request={"multipart/form-data": ClassifySerializer, **BODIES},
        responses={
            200: OpenApiResponse(ClassifiedSerializer, "At least one file was classified."),
            422: OpenApiResponse(ClassifiedSerializer, "No file could be classified."),
            **REFUSALS,
        },
    )
    def post(self, request: Request) -> Response:
        """Say of each file what the model takes it for, or why it cannot be read."""
        uploads = request.FILES.getlist("images")
        check_file_count(len(uploads))
        asked = ClassifySerializer(data=self.fields() | {"images": uploads})
        asked.is_valid(raise_exception=True)
        charge(request.user, images=len(uploads))
        answer = self.classified(
            [(str(file.name), partial(read_again, file)) for file in uploads],
            model=asked.validated_data.get("model") or None,
            top=asked.validated_data.get("top"),
        )
        return Response(answer, status=200 if any_classified(answer) else 422)

    def fields(self) -> dict[str, Any]:
        """Return what is asked beside the files: in the query string, or in the form, which counts."""
        return self.request.query_params.dict() | cast(QueryDict, self.request.data).dict()

    def classified(self, files: Sequence[File], *, model: str | None, top: int | None) -> dict[str, Any]:
        """Return the answer for files that can be read more than once; the hall keeps them where asked."""
        return classify_files(files, model=model, top=top, user=self.request.user)


def read_again(file: Any) -> bytes:
    """Return an upload's bytes from its start: one more than is taken is enough to be refused."""
    file.seek(0)
    return bytes(file.read(MAX_BYTES + 1))
