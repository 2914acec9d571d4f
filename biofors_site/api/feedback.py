"""“Wrong? Tell us” over REST: a file that a model is wrong about becomes a labelled image."""

from functools import partial
from typing import Any

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.generics import GenericAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from biofors_site.api.classifying import KeptImageSerializer
from biofors_site.telling_wrong import Told, tell_wrong
from classifier.api.classify import read_again
from classifier.models import ModelVersion
from datasets.api.documents import check_body_size
from datasets.api.images import FORM_ROOM, class_named
from datasets.api.relabelling import LABELS
from datasets.api.serializers import ErrorSerializer
from datasets.decoding import MAX_BYTES
from datasets.queries import find_dataset


class FeedbackSerializer(serializers.Serializer[Any]):
    """A file, and what it shows."""

    file = serializers.FileField(allow_empty_file=True, help_text="PNG, JPEG or TIFF, at most 20 MB.")
    dataset = serializers.CharField(max_length=64, help_text="The slug of the dataset that keeps it.")
    label: Any = serializers.CharField(max_length=64, help_text="The right class, by name or alias.")
    model = serializers.CharField(
        max_length=140, required=False, allow_blank=True, help_text="Who was wrong: id, name@version, alias."
    )
    paper = serializers.CharField(max_length=200, required=False, allow_blank=True)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class WrongModelSerializer(serializers.Serializer[Any]):
    """The model that was wrong."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.IntegerField()


class ToldSerializer(serializers.Serializer[Any]):
    """What became of it."""

    image = KeptImageSerializer()
    label: Any = serializers.CharField(
        allow_null=True,
        help_text="In force now: another than was sent where it had been labelled before.",
    )
    labelled_by = serializers.CharField(allow_null=True)
    batch = serializers.IntegerField(
        allow_null=True, help_text="Undone by `relabel/{batch}/undo/`; null where its label stood already."
    )
    model = WrongModelSerializer()
    said = serializers.CharField(help_text="What the model takes it for.")
    confidence = serializers.FloatField()
    asked = serializers.BooleanField(help_text="Whether a second person is asked what it shows.")


class FeedbackView(GenericAPIView[Any]):
    """What people say that models are wrong about. The right to label is enough: it comes in labelled."""

    queryset = ModelVersion.objects.all()
    pagination_class = None
    parser_classes = (MultiPartParser,)
    required_permissions = {"post": ("classifier.view_modelversion", *LABELS)}

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse what cannot be an image before it is read."""
        check_body_size(request, most=MAX_BYTES + FORM_ROOM)
        super().initial(request, *args, **kwargs)

    @extend_schema(
        tags=["classify"],
        summary="Say that a model is wrong about a file",
        request={"multipart/form-data": FeedbackSerializer},
        responses={
            200: ToldSerializer,
            400: OpenApiResponse(ErrorSerializer, "`unknown_label`"),
            404: OpenApiResponse(ErrorSerializer, "`unknown_model`, `unknown_dataset`"),
            409: OpenApiResponse(ErrorSerializer, "`name_taken`"),
            422: OpenApiResponse(ErrorSerializer, "The file is refused, by its code."),
        },
        examples=[
            OpenApiExample(
                "It is a blot",
                request_only=True,
                media_type="multipart/form-data",
                value={"file": "panel.png", "dataset": "sample", "label": "BlotGel", "note": "faint bands"},
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Store the file with the label given, beside it what the model says, and ask a second person.

        Where the image stood there with a label, that label stays; both are told.
        """
        asked = FeedbackSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        dataset = find_dataset(values["dataset"], request.user)
        label = class_named(dataset, values["label"])
        assert label is not None
        done = tell_wrong(
            dataset,
            [(str(values["file"].name), partial(read_again, values["file"]))],
            label=label,
            model=values.get("model") or None,
            paper=values.get("paper") or None,
            note=values["note"],
            author=request.user,
        )
        return Response(_told(done))


def _told(done: Told) -> dict[str, Any]:
    image, version = done.image, done.version
    return {
        "image": {"id": image.pk, "created": done.created},
        "label": image.label.name if image.label else None,
        "labelled_by": image.labelled_by.get_username() if image.labelled_by else None,
        "batch": done.batch.pk if done.batch else None,
        "model": {"id": version.pk, "name": version.name, "version": version.version},
        "said": done.said,
        "confidence": done.confidence,
        "asked": done.asked,
    }
