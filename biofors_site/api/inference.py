"""Bulk inference over REST where rooms meet: over a dataset, or over images that a filter chooses."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from biofors_site.api.chosen import chosen_by
from classifier.registry import find_model
from datasets.api.documents import AnyAccept
from datasets.api.label_serializers import ParameterField
from datasets.api.serializers import ErrorSerializer
from datasets.queries import find_dataset
from training_jobs.api.serializers import InferenceJobDetailSerializer, NewInferenceJobSerializer
from training_jobs.api.views import InferenceJobViewSet
from training_jobs.launching import queue_inference


class WideNewInferenceJobSerializer(NewInferenceJobSerializer):
    """Bulk inference to queue, over a dataset or over those of its images that a filter chooses."""

    dataset = serializers.CharField(
        max_length=64, required=False, help_text="The dataset's slug; may stand in `filter` instead."
    )
    filter = serializers.DictField(
        child=ParameterField(),
        required=False,
        help_text="Parameters of the list of images; the job is over what they choose now.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask for a dataset, here or there."""
        named = {attrs.get("dataset"), attrs.get("filter", {}).get("dataset")} - {None, ""}
        if not named:
            raise serializers.ValidationError({"dataset": ["This field is required."]})
        if len(named) > 1:
            raise serializers.ValidationError({"filter.dataset": ["It names another dataset."]})
        return {**attrs, "dataset": named.pop()}


class WideInferenceJobViewSet(InferenceJobViewSet):
    """Bulk inference: predictions beside the labels, which it never changes."""

    @extend_schema(
        summary="Queue predictions over a dataset, or over the images of a filter",
        request=WideNewInferenceJobSerializer,
        responses={
            202: InferenceJobDetailSerializer,
            400: OpenApiResponse(ErrorSerializer, "`invalid`, `empty_dataset`, `nothing_to_do`"),
            503: OpenApiResponse(ErrorSerializer, "`no_model`"),
        },
    )
    def create(self, request: Request) -> Response:
        """Queue a model's predictions for the images that it has said nothing of yet."""
        asked = WideNewInferenceJobSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        dataset = find_dataset(values["dataset"], request.user)
        version = find_model(values.get("model") or None, request.user)
        chosen: dict[str, Any] = {}
        if "filter" in values:
            query = {"ordering": "id", **values["filter"], "dataset": dataset.slug}
            chosen = {"images": chosen_by(query, request)[0], "chosen_by": query}
        job = queue_inference(dataset, version=version, author=request.user, **chosen)
        return self.queued_job(job)


_AS_FILE = {"filterset_class": None, "pagination_class": None, "content_negotiation_class": AnyAccept}
RESULTS = WideInferenceJobViewSet.as_view({"get": "results"}, **_AS_FILE)
LINES = WideInferenceJobViewSet.as_view({"get": "lines"}, **_AS_FILE)
