"""Images over REST where rooms meet: filtered by what a model said of them."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from biofors_site.api.filters import WideImageFilter, with_predictions
from classifier.registry import find_model
from datasets.api.images import ImageViewSet
from datasets.api.relabelling import RelabelViewSet
from datasets.api.serializers import ImageSerializer
from datasets.models import Image

# Orders that need a model: the field of its prediction that each goes by.
OF_PREDICTIONS = {
    "confidence": "predicted_confidence",
    "margin": "predicted_margin",
    "entropy": "predicted_entropy",
}


class NoModelChosen(ValueError):
    """Raised where an order goes by predictions, and nobody said whose."""


def in_order(images: "QuerySet[Any]", ordering: str) -> "QuerySet[Any]":
    """Keep the images that have a place in an order: those predicted, or ever labelled; `NoModelChosen`."""
    name = ordering.lstrip("-")
    if name == "changed":
        return images.filter(labelled_at__isnull=False)
    if name not in OF_PREDICTIONS:
        return images
    if "predicted_image" not in images.query.annotations:
        raise NoModelChosen(f"Choose the model whose {name} orders the images.")
    return images.filter(predicted_image__isnull=False)


class PredictionSerializer(serializers.Serializer[Any]):
    """What the chosen model said of an image."""

    label: Any = serializers.CharField()
    confidence = serializers.FloatField()


class ImageWithPredictionSerializer(ImageSerializer):
    """An image; with a model chosen, `prediction` is what it said (null: nothing yet)."""

    prediction = serializers.SerializerMethodField()

    class Meta(ImageSerializer.Meta):
        fields = (*ImageSerializer.Meta.fields, "prediction")  # type: ignore[assignment]
        read_only_fields = fields  # type: ignore[assignment]

    @extend_schema_field(PredictionSerializer(allow_null=True))
    def get_prediction(self, image: Image) -> dict[str, Any] | None:
        """What the model said."""
        label = getattr(image, "predicted_label", None)
        if label is None:
            return None
        return {"label": label, "confidence": getattr(image, "predicted_confidence", None)}


@extend_schema(tags=["images"])
@extend_schema_view(
    list=extend_schema(
        summary="Images, filtered by label, paper, split, state, name and a model's prediction",
        description="An unknown dataset, class, split or model is an error, never ignored.",
    ),
    retrieve=extend_schema(
        summary="One image",
        description="`ETag` is the label version.",
        parameters=[
            OpenApiParameter("model", description="Whose prediction to show: id, name@version or alias.")
        ],
        responses=ImageWithPredictionSerializer,
    ),
)
class PredictedImageViewSet(ImageViewSet):
    """Images with the label in force and, where a model is chosen, with its prediction."""

    serializer_class = ImageWithPredictionSerializer
    filterset_class = WideImageFilter
    orderings = {
        **ImageViewSet.orderings,
        **{name: (field, "predicted_image") for name, field in OF_PREDICTIONS.items()},
        **{f"-{name}": (f"-{field}", "-predicted_image") for name, field in OF_PREDICTIONS.items()},
    }

    def filter_queryset(self, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Filter the list; add the chosen model's prediction."""
        params = self.request.query_params
        if self.action == "retrieve" and params.get("model"):
            return with_predictions(queryset, find_model(params["model"], self.request.user))
        filtered = super().filter_queryset(queryset)
        if self.action != "list":
            return filtered
        try:
            return in_order(filtered, params.get("ordering") or "id")
        except NoModelChosen as error:
            raise ValidationError({"ordering": [str(error)]}) from error


class PredictedRelabelViewSet(RelabelViewSet):
    """Relabelling of images that may be chosen by a model's prediction."""

    image_filter = WideImageFilter


@csrf_exempt
def unknown_address(request: HttpRequest, path: str = "") -> JsonResponse:
    """Answer 404 in the one shape of errors for an address of the API that leads nowhere."""
    hint = "" if path.endswith("/") or not path else " Addresses end with a slash."
    return JsonResponse(
        {
            "code": "not_found",
            "detail": f"There is nothing at this address of the API.{hint} See /api/docs/.",
        },
        status=404,
    )
