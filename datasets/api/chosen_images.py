"""Images that a request chooses to label: named with the versions seen, or by a filter as of a moment."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework.exceptions import ValidationError

from datasets.api.filters import ImageFilter
from datasets.api.label_serializers import MOST_IMAGES
from datasets.api.views import VisibleRows
from datasets.errors import Refused
from datasets.models import Dataset, Image, Label

Narrow = Callable[["QuerySet[Image]"], "QuerySet[Image]"]


@dataclass
class ChosenImages:
    """Images of one dataset as pairs of id and version; `stale` tells of those that changed since."""

    dataset: Dataset
    seen: list[tuple[int, int]]
    stale: list[dict[str, Any]] = field(default_factory=list)


def named_versions(values: dict[str, Any]) -> dict[int, int]:
    """Return the versions seen of the images that a validated request names one by one."""
    return {each["id"]: each["version"] for each in values.get("images", ())}


class ChoosesImages(VisibleRows):
    """A door whose requests choose images as `ChosenImagesSerializer` says."""

    image_filter: type[ImageFilter] = ImageFilter

    def choose(self, values: dict[str, Any], *, narrow: Narrow | None = None) -> ChosenImages:
        """Return the images of a validated request; of a filter's images those that `narrow` keeps.

        `ValidationError`, and `Refused`: unknown_images, several_datasets, too_many_images.
        """
        if "filter" in values:
            return self._filtered(values["filter"], values["as_of"], narrow)
        return self._named(values["images"])

    def _named(self, images: list[dict[str, int]]) -> ChosenImages:
        """Return images named one by one, in the versions seen."""
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
                f"The images are of several datasets: {names}. Label each dataset by itself.",
                code="several_datasets",
            )
        return ChosenImages(datasets[0], [(seen["id"], seen["version"]) for seen in images])

    def _filtered(self, filters: dict[str, str], as_of: datetime, narrow: Narrow | None) -> ChosenImages:
        """Return a filter's images; those labelled or stored since it was seen are stale."""
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
        found = narrow(chosen.qs) if narrow else chosen.qs
        versions = dict(found.order_by("pk").values_list("pk", "version")[: MOST_IMAGES + 1])
        if len(versions) > MOST_IMAGES:
            raise Refused(
                f"More than {MOST_IMAGES:,} images match. Narrow the filter and label in parts.",
                code="too_many_images",
            )
        newer = Label.objects.filter(image__in=versions, created_at__gt=as_of)
        since = set(newer.values_list("image", flat=True))
        since |= set(Image.objects.filter(pk__in=versions, created_at__gt=as_of).values_list("pk", flat=True))
        kept = [(pk, version) for pk, version in versions.items() if pk not in since]
        return ChosenImages(dataset, kept, _newest(sorted(since), as_of, self.request.user))


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
