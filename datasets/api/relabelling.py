"""Many images at once over REST: relabel, undo, redo."""

from datetime import datetime
from typing import Any

from django.utils import timezone
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from datasets.api.filters import ImageFilter
from datasets.api.images import class_named
from datasets.api.label_serializers import MOST_IMAGES, RelabelledSerializer, RelabelSerializer
from datasets.api.serializers import ErrorSerializer
from datasets.api.views import VisibleRows
from datasets.errors import Refused
from datasets.labelling import KEEP, Relabelled, redo_batch, relabel_batch, undo_batch
from datasets.models import Dataset, Image, Label, LabelBatch

NOT_REVERSIBLE = OpenApiResponse(ErrorSerializer, "`not_reversible`")


@extend_schema(tags=["labels"])
class RelabelViewSet(VisibleRows):
    """Relabelling in batches. The hall registers this viewset with more to filter by."""

    queryset = LabelBatch.objects.all()
    serializer_class = RelabelSerializer
    image_filter: type[ImageFilter] = ImageFilter
    required_permissions = {
        "create": ("datasets.add_label", "datasets.add_labelbatch"),
        "undo": ("datasets.add_label", "datasets.add_labelbatch"),
        "redo": ("datasets.add_label", "datasets.add_labelbatch"),
    }

    @extend_schema(summary="Relabel up to 10,000 images", responses=RelabelledSerializer)
    def create(self, request: Request) -> Response:
        """Relabel images named with the versions seen, or a filter's images as they stood at a moment.

        Images that somebody changed since are left alone and listed in `stale`.
        """
        asked = RelabelSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        values = asked.validated_data
        if "filter" in values:
            dataset, seen, stale = self._filtered(values["filter"], values["as_of"])
        else:
            dataset, seen = self._named(values["images"])
            stale = []
        done = relabel_batch(
            seen,
            dataset=dataset,
            label=class_named(dataset, values["label"]) if "label" in values else KEEP,
            excluded=values.get("excluded", KEEP),
            author=request.user,
            reason=values["reason"],
        )
        done.stale += stale
        return _told(done)

    @extend_schema(
        summary="Undo a batch", request=None, responses={200: RelabelledSerializer, 409: NOT_REVERSIBLE}
    )
    @action(detail=True, methods=["post"])
    def undo(self, request: Request, pk: str) -> Response:
        """Put back what a batch changed, where nobody changed the image since."""
        return _told(undo_batch(self.get_object(), author=request.user))

    @extend_schema(
        summary="Redo a batch", request=None, responses={200: RelabelledSerializer, 409: NOT_REVERSIBLE}
    )
    @action(detail=True, methods=["post"])
    def redo(self, request: Request, pk: str) -> Response:
        """Bring back what an undo took away, where nobody changed the image since."""
        return _told(redo_batch(self.get_object(), author=request.user))

    def _named(self, images: list[dict[str, int]]) -> tuple[Dataset, list[tuple[int, int]]]:
        """Return the dataset of images named one by one, and the versions seen."""
        ids = [seen["id"] for seen in images]
        visible = Image.objects.visible_to(self.request.user).filter(pk__in=ids)
        datasets = list(
            Dataset.objects.visible_to(self.request.user).filter(pk__in=visible.values("dataset").order_by())
        )
        if not datasets:
            raise Refused("None of these images exists, or not for you.", code="unknown_images")
        if len(datasets) > 1:
            names = ", ".join(dataset.slug for dataset in datasets)
            raise Refused(
                f"The images are of several datasets: {names}. Relabel each dataset by itself.",
                code="several_datasets",
            )
        return datasets[0], [(seen["id"], seen["version"]) for seen in images]

    def _filtered(
        self, filters: dict[str, str], as_of: datetime
    ) -> tuple[Dataset, list[tuple[int, int]], list[dict[str, Any]]]:
        """Return the dataset, the versions, and the images labelled or stored since the filter was seen."""
        if as_of > timezone.now():
            raise ValidationError({"as_of": ["This moment lies ahead. Send when the images were seen."]})
        images = Image.objects.visible_to(self.request.user)
        chosen = self.image_filter(filters, queryset=images, request=self.request)
        # A misspelt name would widen the choice, here to images that would be changed.
        if unknown := sorted(set(filters) - set(chosen.filters)):
            raise ValidationError({f"filter.{name}": ["There is no such filter."] for name in unknown})
        if not chosen.is_valid():
            raise ValidationError({f"filter.{name}": list(told) for name, told in chosen.errors.items()})
        dataset = chosen.form.cleaned_data.get("dataset")
        if dataset is None:
            raise ValidationError({"filter.dataset": ["Name the dataset: a batch is of one."]})
        versions = dict(chosen.qs.order_by("pk").values_list("pk", "version")[: MOST_IMAGES + 1])
        if len(versions) > MOST_IMAGES:
            raise Refused(
                f"More than {MOST_IMAGES:,} images match. Narrow the filter and relabel in parts.",
                code="too_many_images",
            )
        newer = Label.objects.filter(image__in=versions, created_at__gt=as_of)
        since = set(newer.values_list("image", flat=True))
        since |= set(Image.objects.filter(pk__in=versions, created_at__gt=as_of).values_list("pk", flat=True))
        kept = [(pk, version) for pk, version in versions.items() if pk not in since]
        return dataset, kept, _newest(sorted(since), as_of, self.request.user)


def _newest(ids: list[int], as_of: datetime, user: Any) -> list[dict[str, Any]]:
    """Say of images that changed since a moment what they are labelled now, and by whom."""
    if not ids:
        return []
    images = Image.objects.visible_to(user).filter(pk__in=ids).select_related("label").order_by("pk")
    labels = Label.objects.visible_to(user).filter(image__in=ids).order_by("version")
    by = {row.image_id: row for row in labels.filter(created_at__gt=as_of).select_related("author")}
    before = dict(labels.filter(created_at__lte=as_of).values_list("image", "version"))
    return [
        {
            "id": image.pk,
            "expected": before.get(image.pk, 0),
            "version": image.version,
            "label": image.label.name if image.label else None,
            "excluded": image.excluded,
            "by": row.author.get_username() if row and row.author else None,
            "at": (row.created_at if row else image.created_at).isoformat(),
        }
        for image in images
        for row in [by.get(image.pk)]
    ]


def _told(done: Relabelled) -> Response:
    """Answer with what came of a batch."""
    return Response(
        {
            "batch": done.batch.pk if done.batch else None,
            "changed": done.changed,
            "unchanged": done.unchanged,
            "stale": done.stale,
        }
    )
