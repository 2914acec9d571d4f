"""Images over REST where rooms meet: filtered by what a model said of them."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django_filters.utils import translate_validation
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import ValidationError

from biofors_site.api.explaining import ExplainsImages
from biofors_site.api.filters import OF_PREDICTIONS, WideImageFilter, with_predictions
from classifier.registry import find_model
from datasets.api.images import ImageViewSet
from datasets.api.relabelling import RelabelViewSet
from datasets.api.serializers import ImageSerializer
from datasets.models import Image


class NoModelChosen(ValueError):
    """Raised where an order goes by predictions, and nobody said whose."""


def in_order(asked: WideImageFilter) -> tuple["QuerySet[Any]", tuple[str, ...]]:
    """Return the images of a valid filter that have a place in its order, and the fields it goes by.

    Those never labelled have no time of it; those not predicted are left out by the filter. `NoModelChosen`.
    """
    fields = PredictedImageViewSet.orderings[asked.data.get("ordering") or "id"]
    if asked.order in OF_PREDICTIONS and asked.version is None:
        raise NoModelChosen(f"Choose the model whose {asked.order} orders the images.")
    images = asked.qs.filter(labelled_at__isnull=False) if asked.order == "changed" else asked.qs
    return images, asked.ordered_by(fields)


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
class PredictedImageViewSet(ExplainsImages, ImageViewSet):
    """Images with the label in force and, where a model is chosen, with its prediction, and why."""

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
        if self.action != "list" or (params.get("ordering") or "id") not in self.orderings:
            return super().filter_queryset(queryset)
        asked = WideImageFilter(params, queryset=queryset, request=self.request)
        if not asked.is_valid():
            raise translate_validation(asked.errors)
        try:
            images, fields = in_order(asked)
        except NoModelChosen as error:
            raise ValidationError({"ordering": [str(error)]}) from error
        self.orderings = {**self.orderings, params.get("ordering") or "id": fields}
        return images


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
