"""Accepting predictions as labels over REST: counted first, then done, undone as any batch."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, QuerySet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from biofors_site.api.filters import WideImageFilter
from classifier.accepting import Accepted, accept_predictions
from classifier.models import ModelVersion, Prediction
from classifier.registry import find_model
from datasets.api.chosen_images import ChoosesImages, named_versions
from datasets.api.label_serializers import ChosenImagesSerializer, RelabelledSerializer
from datasets.api.relabelling import LABELS, result_of
from datasets.api.serializers import ErrorSerializer
from datasets.labelling import Relabelled
from datasets.models import Image, LabelBatch
from datasets.repeating import once


class AcceptSerializer(ChosenImagesSerializer):
    """Whose predictions to accept, of which images."""

    model = serializers.CharField(max_length=80, help_text="A version's id, `name@version` or alias.")
    min_confidence = serializers.FloatField(
        min_value=0,
        max_value=1,
        required=False,
        help_text="With `filter`: only predictions of `model` at least this sure, 0 to 1.",
    )
    reason = serializers.CharField(max_length=500, required=False, allow_blank=True, default="")
    dry_run = serializers.BooleanField(default=False, help_text="Count what would change; write nothing.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Named images are accepted as they are named."""
        attrs = super().validate(attrs)
        if "min_confidence" in attrs and "filter" not in attrs:
            raise serializers.ValidationError({"min_confidence": ["This goes with a filter only."]})
        return attrs


class SkippedSerializer(serializers.Serializer[Any]):
    """Images left alone, by why."""

    no_prediction = serializers.IntegerField()
    no_such_class = serializers.IntegerField()
    excluded = serializers.IntegerField()


class MoveSerializer(serializers.Serializer[Any]):
    """How many images go from one class to another; `from` is null for those without a label."""

    to = serializers.CharField()
    count = serializers.IntegerField()

    def get_fields(self) -> dict[str, Any]:
        """Add `from`, which no Python attribute can be called."""
        return {"from": serializers.CharField(allow_null=True), **super().get_fields()}


class AcceptedSerializer(RelabelledSerializer):
    """What came, or would come, of accepting; `batch` is null where nothing changed and in a dry run."""

    model = serializers.CharField(help_text="name@version")
    dry_run = serializers.BooleanField()
    skipped = SkippedSerializer()
    by_class = serializers.DictField(child=serializers.IntegerField())
    changes = MoveSerializer(many=True)


@extend_schema(tags=["labels"])
class AcceptViewSet(ChoosesImages):
    """Predictions that a person accepts. Undo goes by `relabel/{batch}/undo/`."""

    queryset = LabelBatch.objects.all()
    serializer_class = AcceptSerializer
    image_filter = WideImageFilter
    required_permissions = {
        "create": (*LABELS, "classifier.view_prediction"),
    }

    @extend_schema(
        summary="Accept a model's predictions as labels of up to 10,000 images",
        responses={200: AcceptedSerializer, 404: OpenApiResponse(ErrorSerializer, "`unknown_model`")},
    )
    def create(self, request: Request) -> Response:
        """Label images as a model's stored predictions say; with `dry_run` count what would change.

        Excluded images are left alone. Filters that ask for a model and name none mean this one.
        """
        asked = AcceptSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        version = find_model(values["model"], request.user)
        if "filter" in values:
            values["filter"].setdefault("model", str(version.pk))
        key = None if values["dry_run"] else values.get("key")
        done = once(
            key,
            lambda: self._accept(values, version=version, key=key),
            author=request.user,
            seen=named_versions(values),
        )
        return Response(_told(done, version=version, dry_run=values["dry_run"]))

    def _accept(self, values: dict[str, Any], *, version: ModelVersion, key: UUID | None) -> Accepted:
        """Accept the predictions of what a validated request chooses."""
        chosen = self.choose(
            values, narrow=lambda images: _at_least(images, version, values.get("min_confidence"))
        )
        done = accept_predictions(
            chosen.seen,
            dataset=chosen.dataset,
            version=version,
            author=self.request.user,
            reason=values["reason"],
            key=key,
            dry_run=values["dry_run"],
        )
        done.stale += chosen.stale
        return done


def _at_least(
    images: "QuerySet[Image]", version: ModelVersion, confidence: float | None
) -> "QuerySet[Image]":
    """Keep images of whose class the version was at least so sure."""
    if confidence is None:
        return images
    said = Prediction.objects.filter(version=version, image=OuterRef("pk"), confidence__gte=confidence)
    return images.filter(Exists(said))


def _told(relabelled: Relabelled, *, version: ModelVersion, dry_run: bool) -> dict[str, Any]:
    """Return what came of accepting, the largest changes first; a deed told again has only its numbers."""
    done = relabelled if isinstance(relabelled, Accepted) else Accepted(**vars(relabelled))
    return {
        **result_of(done),
        "model": str(version),
        "dry_run": dry_run,
        "skipped": vars(done.skipped),
        "by_class": done.by_class,
        "changes": [
            {"from": before, "to": after, "count": count}
            for (before, after), count in done.moves.most_common()
        ],
    }
