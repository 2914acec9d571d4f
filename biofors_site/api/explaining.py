"""Why a model says what it says of an image, over REST: heat maps, and the training images nearest to it."""

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag, urlencode
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from classifier.explaining.heat import Explanation, Method, explain
from classifier.explaining.kept import METHOD, tag_of
from classifier.explaining.neighbours import MOST, NEAREST, Neighbour
from classifier.explaining.picture import heat_png
from classifier.models import ModelVersion
from classifier.registry import find_model
from datasets.api.documents import FOR_EVER, AnyAccept
from datasets.api.serializers import ErrorSerializer
from datasets.ids import read_id
from datasets.models import Image
from training_jobs.vectors import Neighbours, find_neighbours

MODEL = OpenApiParameter(
    "model", description="A version's id, name@version or alias; the champion if left out."
)
CLASS = OpenApiParameter("class", description="The class to explain; the predicted one if left out.")
METHODS = OpenApiParameter(
    "method",
    enum=list(Method),
    default=Method.GRAD_CAM,
    description="`gradcam`: Grad-CAM of the last convolutional map. `occlusion`: by how much hiding each "
    "part lowers the probability; some 50 answers of the network, so slower.",
)
REFUSALS: dict[Any, Any] = {
    400: OpenApiResponse(ErrorSerializer, "`unknown_class`, `bad_method`, `bad_count`"),
    404: OpenApiResponse(ErrorSerializer, "`unknown_model`, `bytes_missing`"),
    409: OpenApiResponse(ErrorSerializer, "`not_explainable`, `no_training_set`, `neighbours_not_prepared`"),
    503: OpenApiResponse(ErrorSerializer, "`no_model`, `artefact_missing`"),
}
FOUND = {
    Method.GRAD_CAM: "Grad-CAM: where the last convolutional layer finds what speaks for {name}. It shows "
    "where the network looks, not whether it is right to.",
    Method.OCCLUSION: "Occlusion: hiding parts at the brightest place lowers the probability of {name} by "
    "{drop} on average.",
}
NOTHING_FOUND = {
    Method.GRAD_CAM: "Grad-CAM: no place speaks for {name}.",
    Method.OCCLUSION: "Occlusion: hiding any one part makes {name} no less probable.",
}


class ExplainedModelSerializer(serializers.Serializer[Any]):
    """A model version."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.IntegerField()


class MapAgreementSerializer(serializers.Serializer[Any]):
    """Whether Grad-CAM and occlusion point to the same places."""

    correlation = serializers.FloatField(allow_null=True, help_text="Spearman's, over the cells of `grid`.")
    verdict = serializers.ChoiceField(choices=["agree", "agree in part", "disagree", "not to be told"])
    text = serializers.CharField()


class ExplanationSerializer(serializers.Serializer[Any]):
    """Where a model sees a class in an image."""

    model = ExplainedModelSerializer()
    predicted = serializers.CharField()
    label: Any = serializers.CharField(allow_null=True, help_text="The label in force.")
    probability = serializers.FloatField(help_text="What the model gives the class.")
    probabilities = serializers.DictField(child=serializers.FloatField())
    method = serializers.ChoiceField(choices=[(each.value, each.name) for each in Method])
    grid = serializers.ListField(
        child=serializers.ListField(child=serializers.FloatField()),
        help_text="Rows of nearly square cells over the image, top row first; 1 is the hottest.",
    )
    strength = serializers.FloatField(
        help_text="What the hottest place stands for; with occlusion the drop of the probability."
    )
    agreement = MapAgreementSerializer(allow_null=True, help_text="Comes with occlusion.")
    text = serializers.CharField()
    heatmap = serializers.CharField(help_text="Where the picture of it is.")

    def get_fields(self) -> dict[str, Any]:
        """`class` is a word of Python's."""
        return {"class": serializers.CharField(), **dict(super().get_fields())}


class NeighbourSerializer(serializers.Serializer[Any]):
    """A training image near to the one asked for."""

    image = serializers.IntegerField()
    dataset = serializers.CharField()
    paper = serializers.CharField(allow_null=True)
    file = serializers.CharField()
    label_then = serializers.CharField(help_text="The label that the model was taught.")
    label_now = serializers.CharField(allow_null=True)
    excluded_now = serializers.BooleanField()
    similarity = serializers.FloatField(help_text="Cosine of the angle between both vectors, -1 to 1.")
    same_paper = serializers.BooleanField()


class PreparingSerializer(serializers.Serializer[Any]):
    """How far the training images are prepared."""

    job = serializers.IntegerField(allow_null=True, help_text="The inference job that prepares them.")
    done = serializers.IntegerField()
    total = serializers.IntegerField()


class NeighboursSerializer(serializers.Serializer[Any]):
    """The training images nearest to an image in what a model makes of them."""

    state = serializers.ChoiceField(choices=["ready", "preparing"])
    model = ExplainedModelSerializer()
    prepared = PreparingSerializer()
    copies = serializers.IntegerField(help_text="Training images with the very bytes of this one: left out.")
    drawn = serializers.BooleanField(
        help_text="Whether it was also taught drawn panels: they are no images here."
    )
    neighbours = NeighbourSerializer(many=True)


class ExplainsImages:
    """What the viewset of images says of why."""

    @extend_schema(
        summary="Where a model sees a class in the image",
        parameters=[MODEL, CLASS, METHODS],
        responses={200: ExplanationSerializer, **REFUSALS},
    )
    @action(detail=True, filterset_class=None, pagination_class=None)
    def explanation(self, request: Request, pk: str) -> HttpResponseBase:
        """Say where a model sees a class, and with occlusion whether both methods agree."""
        image, version, asked = self._asked(request)
        tag = tag_of(version, image.sha256, image.version, *asked.values())
        return _unless_known(
            request,
            tag,
            lambda: Response(_told(image, explain(image, version, **asked), request)),
            cache="private, no-cache",
        )

    @extend_schema(
        summary="The heat map as a picture to lay over the image",
        parameters=[MODEL, CLASS, METHODS],
        responses={(200, "image/png"): OpenApiTypes.BINARY, **REFUSALS},
    )
    @action(
        detail=True,
        url_path="explanation/heatmap",
        filterset_class=None,
        pagination_class=None,
        content_negotiation_class=AnyAccept,
    )
    def heatmap(self, request: Request, pk: str) -> HttpResponseBase:
        """A PNG in the image's proportions, in the colours of viridis, clear where the network looks less."""
        image, version, asked = self._asked(request)

        def drawn() -> HttpResponse:
            found = explain(image, version, **asked)
            png = heat_png(found.heat, width=image.width, height=image.height)
            return HttpResponse(png, content_type="image/png")

        # An alias moves; a version's map of a class stays.
        fixed = asked["class_name"] and read_id(request.query_params.get("model", "")) is not None
        tag = tag_of(version, image.sha256, "png", *asked.values())
        return _unless_known(request, tag, drawn, cache=FOR_EVER if fixed else "private, no-cache")

    @extend_schema(
        summary="The training images nearest to it in what a model makes of them",
        description="202 while a worker prepares them; ask again.",
        parameters=[
            MODEL,
            OpenApiParameter("k", OpenApiTypes.INT, description=f"How many, 1 to {MOST}.", default=NEAREST),
        ],
        responses={
            200: NeighboursSerializer,
            202: OpenApiResponse(NeighboursSerializer, "They are being prepared."),
            **REFUSALS,
        },
    )
    @action(detail=True, filterset_class=None, pagination_class=None)
    def neighbours(self, request: Request, pk: str) -> Response:
        """Show what a model learnt from that it makes most nearly the same of."""
        image: Image = self.get_object()  # type: ignore[attr-defined]
        version = find_model(request.query_params.get("model"), request.user)
        k = read_id(request.query_params.get("k", str(NEAREST)))
        found = find_neighbours(image, version, user=request.user, k=k or 0)
        return Response(_told_neighbours(found), status=202 if found.job else 200)

    def _asked(self, request: Request) -> tuple[Image, ModelVersion, dict[str, Any]]:
        """Return the image, whose answer, and which explanation of it."""
        image: Image = self.get_object()  # type: ignore[attr-defined]
        version = find_model(request.query_params.get("model"), request.user)
        return (
            image,
            version,
            {
                "class_name": request.query_params.get("class") or None,
                "method": request.query_params.get("method") or Method.GRAD_CAM.value,
            },
        )


def _unless_known(request: Request, tag: str, make: Any, *, cache: str) -> HttpResponseBase:
    """Answer with what `make` returns, or 304 where the client has it."""
    etag = quote_etag(tag)
    response = get_conditional_response(request._request, etag=etag) or make()
    response["ETag"] = etag
    response["Cache-Control"] = cache
    response["X-Content-Type-Options"] = "nosniff"
    return response  # type: ignore[no-any-return]


def _model(version: ModelVersion) -> dict[str, Any]:
    return {"id": version.pk, "name": version.name, "version": version.version}


def _told(image: Image, found: Explanation, request: Request) -> dict[str, Any]:
    """Return what REST says of an explanation."""
    asked: dict[str, Any] = {
        "model": found.version.pk,
        "class": found.class_name,
        "method": found.method,
        "v": METHOD,
    }
    where = reverse("image-heatmap", args=[image.pk], request=request)
    drop = f"{100 * found.strength:.1f} points"
    text = (FOUND if found.strength > 0 else NOTHING_FOUND)[found.method]
    return {
        "model": _model(found.version),
        "class": found.class_name,
        "predicted": found.predicted,
        "label": image.label.name if image.label else None,
        "probability": found.probability,
        "probabilities": found.probabilities,
        "method": found.method,
        "grid": [[round(share, 4) for share in row] for row in found.grid.tolist()],
        "strength": found.strength,
        "agreement": vars(found.agreement) if found.agreement else None,
        "text": text.format(name=found.class_name, drop=drop),
        "heatmap": f"{where}?{urlencode(asked)}",
    }


def _told_neighbours(found: Neighbours) -> dict[str, Any]:
    """Return what REST says of the nearest training images."""
    return {
        "state": "preparing" if found.job else "ready",
        "model": _model(found.version),
        "prepared": {
            "job": found.job.pk if found.job else None,
            "done": found.done,
            "total": found.total,
        },
        "copies": found.copies,
        "drawn": bool(found.version.config.get("drawn_papers")),
        "neighbours": [_told_neighbour(each) for each in found.nearest],
    }


def _told_neighbour(each: Neighbour) -> dict[str, Any]:
    image = each.image
    return {
        "image": image.pk,
        "dataset": image.dataset.slug,
        "paper": image.paper.identifier if image.paper else None,
        "file": image.file_name,
        "label_then": each.label_then,
        "label_now": image.label.name if image.label else None,
        "excluded_now": image.excluded,
        "similarity": each.similarity,
        "same_paper": each.same_paper,
    }
