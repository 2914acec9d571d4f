"""Many images at once over REST: relabel, undo, redo."""

from collections.abc import Callable
from typing import Any

from django.db import transaction
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.api.chosen_images import ChoosesImages, named_versions
from datasets.api.images import class_named
from datasets.api.label_serializers import (
    ManyRelabelledSerializer,
    ManyRelabelsSerializer,
    RelabelledSerializer,
    RelabelSerializer,
)
from datasets.api.serializers import ErrorSerializer
from datasets.errors import Refused
from datasets.labelling import KEEP, Relabelled, redo_batch, relabel_batch, undo_batch
from datasets.models import LabelBatch
from datasets.repeating import once

# What a person who labels is permitted.
LABELS = ("datasets.add_label", "datasets.add_labelbatch")
NOT_REVERSIBLE = OpenApiResponse(ErrorSerializer, "`not_reversible`")


@extend_schema(tags=["labels"])
class RelabelViewSet(ChoosesImages):
    """Relabelling in batches. The hall registers this viewset with more to filter by."""

    queryset = LabelBatch.objects.all()
    serializer_class = RelabelSerializer
    required_permissions = {each: LABELS for each in ("create", "many", "undo", "redo")}

    @extend_schema(summary="Relabel up to 10,000 images", responses=RelabelledSerializer)
    def create(self, request: Request) -> Response:
        """Relabel images named with the versions seen, or a filter's images as they stood at a moment.

        Images that somebody changed since are left alone and listed in `stale`.
        """
        asked = RelabelSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        return Response(result_of(self._once(values)))

    @extend_schema(
        summary="Relabel in several deeds, each undone by itself",
        request=ManyRelabelsSerializer,
        responses=ManyRelabelledSerializer,
    )
    @action(detail=False, methods=["post"])
    def many(self, request: Request) -> Response:
        """Do up to 50 deeds, in their order; what one of them is refused for stops none of the others."""
        asked = ManyRelabelsSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        # One transaction is one wait for the database, not fifty.
        with transaction.atomic():
            results = [self._answer(values) for values in asked.validated_data["deeds"]]
        return Response({"results": results})

    def _answer(self, values: dict[str, Any]) -> dict[str, Any]:
        """Do one deed; return what came of it, or its refusal under `error`."""
        return done_or_refused(lambda: result_of(self._once(values)))

    def _once(self, values: dict[str, Any]) -> Relabelled:
        """Do a deed, or tell again what came of it."""
        return once(
            values.get("key"),
            lambda: self._relabel(values),
            author=self.request.user,
            seen=named_versions(values),
        )

    def _relabel(self, values: dict[str, Any]) -> Relabelled:
        """Relabel what a validated request chooses."""
        chosen = self.choose(values)
        dataset = chosen.dataset
        done = relabel_batch(
            chosen.seen,
            dataset=dataset,
            label=class_named(dataset, values["label"]) if "label" in values else KEEP,
            excluded=values.get("excluded", KEEP),
            author=self.request.user,
            reason=values["reason"],
            key=values.get("key"),
        )
        done.stale += chosen.stale
        return done

    @extend_schema(
        summary="Undo a batch", request=None, responses={200: RelabelledSerializer, 409: NOT_REVERSIBLE}
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Put back what a batch changed, where nobody changed the image since."""
        return Response(result_of(undo_batch(self.get_object(), author=request.user)))

    @extend_schema(
        summary="Redo a batch", request=None, responses={200: RelabelledSerializer, 409: NOT_REVERSIBLE}
    )
    @action(detail=True, methods=["post"])
    def redo(self, request: Request, pk: str) -> Response:
        """Bring back what an undo took away, where nobody changed the image since."""
        return Response(result_of(redo_batch(self.get_object(), author=request.user)))


def done_or_refused(do: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Return what came of one deed of several, or its refusal under `error`, with nothing of it written."""
    try:
        with transaction.atomic():
            return do()
    except Refused as refusal:
        return {"error": {"code": refusal.code, "detail": str(refusal)}}


def result_of(done: Relabelled) -> dict[str, Any]:
    """Return what came of a deed, as `RelabelledSerializer` tells it."""
    return {
        "batch": done.batch.pk if done.batch else None,
        "changed": done.changed,
        "unchanged": done.unchanged,
        "stale": done.stale,
    }
