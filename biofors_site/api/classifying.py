"""Classification over REST where rooms meet: files that are classified may be kept in a dataset."""

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
    extend_schema_view,
)
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from biofors_site.keeping import keep_classified
from classifier.api.classify import AUTH, BODIES, DESCRIPTION, PARAMETERS, REFUSALS, ClassifyView
from classifier.api.serializers import (
    ClassifiedFileSerializer,
    ClassifiedSerializer,
    ClassifySerializer,
    FileErrorSerializer,
)
from classifier.classifying import File
from datasets.api.permissions import RolePermission
from datasets.api.serializers import ErrorSerializer
from datasets.queries import find_dataset

KEEPS = ("datasets.add_image",)


class KeepSerializer(serializers.Serializer[Any]):
    """Whether, and where, to keep what is classified."""

    store = serializers.BooleanField(
        default=False, help_text="Keep each classified file as an image, with the prediction."
    )
    dataset = serializers.CharField(
        max_length=64, required=False, allow_blank=True, help_text="With `store`: the dataset's slug."
    )
    paper = serializers.CharField(
        max_length=200, required=False, allow_blank=True, help_text="With `store`: the paper of all files."
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """A dataset goes with `store`, and `store` with a dataset."""
        if attrs["store"] and not attrs.get("dataset"):
            raise ValidationError({"dataset": ["Name the dataset that is to keep the images."]})
        return attrs


class KeepingClassifySerializer(ClassifySerializer, KeepSerializer):
    """Files to classify, and whether to keep them."""


class KeptImageSerializer(serializers.Serializer[Any]):
    """The image that a file became."""

    id = serializers.IntegerField()
    created = serializers.BooleanField(help_text="false: the same bytes stood there under this name already.")


class KeptFileSerializer(ClassifiedFileSerializer):
    """What the model said of a file; with `store` also what became of it."""

    image = KeptImageSerializer(required=False)
    not_stored = FileErrorSerializer(required=False, help_text="With `store`: why it was not kept.")


class KeptSerializer(ClassifiedSerializer):
    """The answer for up to 32 files, in their order."""

    results = KeptFileSerializer(many=True)


def _example(title: str, **kept: Any) -> OpenApiExample:
    """Return the example of an answer for one file, with what became of it."""
    said = {"BlotGel": 0.94, "FAC": 0.03, "Macroscopy": 0.01, "Microscopy": 0.01, "Noneoftheabove": 0.01}
    result = {
        "file": "panel.png",
        "label": "BlotGel",
        "confidence": 0.94,
        "calibrated_confidence": 0.91,
        "abstained": False,
        "probabilities": said,
        "calibrated_probabilities": {**said, "BlotGel": 0.91, "FAC": 0.06},
    }
    refused = {
        "file": "notes.txt",
        "error": {"code": "format_not_allowed", "detail": "PNG, JPEG and TIFF are taken."},
    }
    return OpenApiExample(
        title,
        response_only=True,
        status_codes=["200"],
        value={
            "model": {"id": 3, "name": "panels", "version": 2, "sha256": "9f2c…"},
            "abstain_below": 0.72,
            "temperature": 1.4,
            "engine": {"runtime": "openvino", "precision": "int8"},
            "timing": {"waiting": 0.1, "decoding": 6.2, "inference": 11.9, "total": 19.5},
            "results": [{**result, **kept}, refused],
        },
    )


EXAMPLES = [
    OpenApiExample(
        "Classify two files",
        request_only=True,
        media_type="multipart/form-data",
        value={"images": ["panel.png", "notes.txt"], "model": "champion"},
    ),
    OpenApiExample(
        "Only the two most probable classes",
        request_only=True,
        media_type="multipart/form-data",
        value={"images": ["panel.png"], "top": 2},
    ),
    OpenApiExample(
        "Classify and keep",
        request_only=True,
        media_type="multipart/form-data",
        value={"images": ["panel.png"], "store": True, "dataset": "sample", "paper": "PMC1234567"},
    ),
    _example("One classified, one refused"),
    _example("Classified and kept", image={"id": 373, "created": True}),
]


@extend_schema_view(
    post=extend_schema(
        summary="Classify 1 to 32 files, and keep them where asked",
        description=f"{DESCRIPTION} With `store` each classified file becomes an image of the dataset, as "
        "`POST images/` would make it, with one prediction of the model. A file that is refused there has "
        "`not_stored`.",
        auth=AUTH,
        parameters=[
            *PARAMETERS,
            OpenApiParameter("store", bool, description="As in the form; so are `dataset` and `paper`."),
            OpenApiParameter("dataset", str),
            OpenApiParameter("paper", str),
        ],
        request={"multipart/form-data": KeepingClassifySerializer, **BODIES},
        responses={
            200: OpenApiResponse(KeptSerializer, "At least one file was classified."),
            422: OpenApiResponse(KeptSerializer, "No file could be classified; or `unsafe_name`: the paper."),
            **REFUSALS,
            403: OpenApiResponse(ErrorSerializer, "`store` needs the right to add images."),
            404: OpenApiResponse(ErrorSerializer, "`unknown_model`, `unknown_dataset`"),
        },
        examples=EXAMPLES,
    )
)
class KeepingClassifyView(ClassifyView):
    """Classification of files sent along; kept, with what the model said, where `store` asks for it."""

    def classified(self, files: Sequence[File], *, model: str | None, top: int | None) -> dict[str, Any]:
        """Classify; keep the files where `store` says so."""
        asked = KeepSerializer(data=self.fields())
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        if not values["store"]:
            return super().classified(files, model=model, top=top)
        if not self.request.user.has_perms(KEEPS):
            self.permission_denied(self.request, message=RolePermission.message)
        dataset = find_dataset(values["dataset"], self.request.user)
        # A prediction holds the probabilities of all classes.
        answer = super().classified(files, model=model, top=None)
        kept = keep_classified(
            dataset, files, answer, paper=values.get("paper") or None, author=self.request.user
        )
        return {**answer, "results": [_shortened(result, top) for result in kept]}


def _shortened(result: dict[str, Any], top: int | None) -> dict[str, Any]:
    """Return a result with the probabilities of its most probable classes only."""
    if top is None or "probabilities" not in result:
        return result
    shown = sorted(result["probabilities"], key=lambda name: -result["probabilities"][name])[:top]
    shortened = {
        key: {name: result[key][name] for name in shown}
        for key in ("probabilities", "calibrated_probabilities")
        if result.get(key)
    }
    return {**result, **shortened}
