"""Images over REST: the list, the upload, the files, the label in force and its history."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.http.response import HttpResponseBase
from django.utils import timezone
from django_filters.utils import translate_validation
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework import mixins, status
from rest_framework.decorators import action
from rest_framework.parsers import FormParser, JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.api.documents import MEDIA_TYPES, AnyAccept, check_body_size, send_file
from datasets.api.errors import error_response
from datasets.api.facets import count_facets
from datasets.api.filters import ImageFilter
from datasets.api.label_serializers import NewLabelSerializer
from datasets.api.serializers import (
    ErrorSerializer,
    FacetsSerializer,
    ImageSerializer,
    LabelledImageSerializer,
    LabelSerializer,
    UploadSerializer,
)
from datasets.api.views import VisibleRows
from datasets.decoding import MAX_BYTES, ImageRefused, check_byte_size
from datasets.errors import Refused
from datasets.importing import store_image
from datasets.labelling import correct_label
from datasets.models import Dataset, Image, Label, LabelClass
from datasets.queries import find_dataset
from datasets.staleness import StaleLabel
from datasets.store import BytesMissing, path_of, picture_path, thumbnail_path
from datasets.taking_back import take_back

FORM_ROOM = 1024 * 1024
IMAGE_FILE = OpenApiResponse(OpenApiTypes.BINARY, "The file.")
VERSION_TAG = re.compile(r'"(\d{1,9})"')


class PreconditionRequired(Refused):
    """Raised where a change does not say which version it was decided on."""

    code = "precondition_required"
    status = 428


@extend_schema(tags=["images"])
@extend_schema_view(list=extend_schema(summary="Images, filtered"))
class ImageViewSet(mixins.ListModelMixin, VisibleRows):
    """Images with the label in force. The hall registers this viewset with more to filter by."""

    queryset = Image.objects.select_related("dataset", "paper", "label")
    serializer_class = ImageSerializer
    filterset_class = ImageFilter
    parser_classes = (MultiPartParser, FormParser, JSONParser)
    orderings = {
        "id": ("id",),
        "-id": ("-id",),
        "file": ("file_name", "id"),
        "-file": ("-file_name", "-id"),
        "changed": ("labelled_at", "id"),
        "-changed": ("-labelled_at", "-id"),
        "paper": ("paper_key", "file_name", "id"),
        "panel": ("paper_key", "file_name", "id"),
    }
    required_permissions = {
        "create": ("datasets.add_image",),
        "destroy": ("datasets.add_image",),
        "label": ("datasets.add_label",),
    }

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse an upload that cannot be an image before it is read."""
        check_body_size(request, most=MAX_BYTES + FORM_ROOM)
        super().initial(request, *args, **kwargs)

    @extend_schema(
        summary="Store an image",
        request={"multipart/form-data": UploadSerializer},
        responses={
            201: ImageSerializer,
            200: OpenApiResponse(ImageSerializer, "The same bytes stood under this name already."),
            409: OpenApiResponse(ErrorSerializer, "`name_taken`: the name stands for other bytes."),
            413: OpenApiResponse(ErrorSerializer, "`too_large`"),
        },
    )
    def create(self, request: Request) -> Response:
        """Store one image; 400 with the refusal's code for a file that is no acceptable image."""
        asked = UploadSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        dataset = find_dataset(values["dataset"], request.user)
        try:
            check_byte_size(values["file"].size)
            image, created = store_image(
                dataset,
                data=values["file"].read(),
                file_name=values["file"].name,
                paper=values.get("paper") or None,
                label=values.get("label") or None,
                author=request.user,
            )
        except ImageRefused as refusal:
            refusal.status = 413 if refusal.code == "too_large" else 400
            raise
        code = status.HTTP_201_CREATED if created else status.HTTP_200_OK
        return _image_response(self.get_serializer(image).data, code)

    @extend_schema(summary="One image", description="`ETag` is the label version.")
    def retrieve(self, request: Request, pk: str) -> Response:
        """One image; its `ETag` is the label version, for `If-Match`."""
        return _image_response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="Take back an image that nobody has worked on",
        responses={
            204: None,
            409: OpenApiResponse(ErrorSerializer, "`image_in_use`: it was labelled, split or queued."),
        },
    )
    def destroy(self, request: Request, pk: str) -> Response:
        """Remove an image that was stored by mistake, with what models said of it."""
        take_back(self.get_object())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @extend_schema(
        summary="How many images the same filters choose, and how many by each value",
        description="Each facet is counted under all filters but its own. Where `exact` is false, there are "
        "at least so many: of a choice that no count is kept of, 10,000 images are counted.",
        filters=True,
        responses=FacetsSerializer,
    )
    @action(detail=False, pagination_class=None)
    def facets(self, request: Request) -> Response:
        """Count the images of a list, and the values of its facets."""
        asked = self.filterset_class(request.query_params, queryset=self.get_queryset(), request=request)
        if not asked.is_valid():
            raise translate_validation(asked.errors)
        as_of = timezone.now()
        counted, facets = count_facets(asked)
        return Response({"count": counted.count, "exact": counted.exact, "as_of": as_of, "facets": facets})

    @extend_schema(summary="The original, byte for byte", responses={(200, "image/*"): IMAGE_FILE})
    @action(detail=True, filterset_class=None, pagination_class=None, content_negotiation_class=AnyAccept)
    def file(self, request: Request, pk: str) -> HttpResponseBase:
        """The original, byte for byte."""
        image = self.get_object()
        media_type = MEDIA_TYPES.get(image.format, "application/octet-stream")
        return _send(request, image, lambda: path_of(image.sha256), media_type=media_type)

    @extend_schema(summary="Its pixels as every browser shows them", responses={(200, "image/*"): IMAGE_FILE})
    @action(detail=True, filterset_class=None, pagination_class=None, content_negotiation_class=AnyAccept)
    def picture(self, request: Request, pk: str) -> HttpResponseBase:
        """The image upright in 8-bit RGB; the original itself where a browser shows it so."""
        image = self.get_object()
        if image.format in ("PNG", "JPEG") and not image.notes:
            return self.file(request, pk)
        return _send(
            request, image, lambda: picture_path(image.sha256), media_type="image/png", suffix=".png"
        )

    @extend_schema(summary="A small JPEG of it", responses={(200, "image/jpeg"): IMAGE_FILE})
    @action(detail=True, filterset_class=None, pagination_class=None, content_negotiation_class=AnyAccept)
    def thumbnail(self, request: Request, pk: str) -> HttpResponseBase:
        """A JPEG of at most 320 pixels a side."""
        image = self.get_object()
        return _send(
            request, image, lambda: thumbnail_path(image.sha256), media_type="image/jpeg", suffix=".jpg"
        )

    @extend_schema(summary="The history of its labels, newest first", responses=LabelSerializer(many=True))
    @action(detail=True, filterset_class=None, orderings={"-version": ("-version",), "version": ("version",)})
    def labels(self, request: Request, pk: str) -> Response:
        """What was said of the image, by whom and why, newest first."""
        image = self.get_object()
        history = Label.objects.visible_to(request.user).filter(image=image)
        page = self.paginate_queryset(history.select_related("label_class", "author", "batch"))
        return self.get_paginated_response(LabelSerializer(page, many=True).data)

    @extend_schema(
        summary="Label an image",
        request=NewLabelSerializer,
        parameters=[
            OpenApiParameter(
                "If-Match", location="header", required=True, description='The version seen, as `"7"`.'
            )
        ],
        responses={
            200: LabelledImageSerializer,
            412: OpenApiResponse(ErrorSerializer, "`stale_label`: somebody was quicker; says who and what."),
            428: OpenApiResponse(ErrorSerializer, "`precondition_required`: there is no `If-Match`."),
        },
    )
    @action(detail=True, methods=["put"], parser_classes=(JSONParser,))
    def label(self, request: Request, pk: str) -> Response:
        """Label the image, exclude it, or take either back, if it still stands in the version named."""
        image = self.get_object()
        version = version_seen(request)
        asked = NewLabelSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        label = image.label if "label" not in values else class_named(image.dataset, values["label"])
        try:
            batch = correct_label(
                image,
                label=label,
                excluded=values.get("excluded", image.excluded),
                author=request.user,
                reason=values["reason"],
                expected_version=version,
            )
        except StaleLabel as stale:
            response = error_response(stale.code, str(stale), status=stale.status)
            response["ETag"] = f'"{stale.current_version}"'
            return response
        body = self.get_serializer(image).data
        return _image_response({**body, "batch": batch.pk if batch else None})


def version_seen(request: Request) -> int:
    """Return the version that `If-Match` names; 428 without it, 400 where it is none."""
    text = request.headers.get("If-Match", "").strip()
    if not text:
        raise PreconditionRequired(
            'Say which version you saw: send its ETag in If-Match, such as If-Match: "7".'
        )
    found = VERSION_TAG.fullmatch(text)
    if found is None:
        raise Refused(
            f'If-Match is one version in quotes, such as "7", not {text[:40]}.', code="bad_if_match"
        )
    return int(found[1])


def class_named(dataset: Dataset, text: str | None) -> LabelClass | None:
    """Return the class of that name or alias (None: none); `Refused` (unknown_label) otherwise."""
    if text is None:
        return None
    try:
        return dataset.class_named(text)
    except LabelClass.DoesNotExist as error:
        known = ", ".join(each.name for each in dataset.classes.all())
        sentence = f"{text!r} is no class of {dataset.slug}. There are: {known}."
        raise Refused(sentence, code="unknown_label", fields={"label": [sentence]}) from error


def _image_response(body: dict[str, Any], code: int = status.HTTP_200_OK) -> Response:
    """Answer with one image, its label version as `ETag`."""
    return Response(body, status=code, headers={"ETag": f'"{body["version"]}"'})


def _send(
    request: Request, image: Image, find: Callable[[], Path], *, media_type: str, suffix: str = ""
) -> HttpResponseBase:
    """Send one of an image's files; 404 where the store has lost it."""
    try:
        return send_file(
            request, find(), media_type=media_type, name=image.file_name + suffix, sha256=image.sha256
        )
    except FileNotFoundError as error:
        raise BytesMissing(
            "The file of this image is gone from the store. Import the image again."
        ) from error
