"""Images by what a model said of them, beside everything that `datasets` filters by."""

from typing import Any

import django_filters
from django.db import connection
from django.db.models import F, FilteredRelation, Q, QuerySet
from django.utils.functional import cached_property

from classifier.models import ModelVersion, Prediction
from classifier.registry import find_model
from datasets.api.filter_forms import ImageFilterForm, wrong
from datasets.api.filters import Facet, ImageFilter
from datasets.api.leading import Unindexed, are_few, led_by_others
from datasets.models import Image

# Orders that need a model: the field of its prediction that each goes by.
OF_PREDICTIONS = {
    "confidence": "predicted_confidence",
    "margin": "predicted_margin",
    "entropy": "predicted_entropy",
}
# Filters that an index of predictions serves.
SAID = {
    "predicted": "predicted",
    "min_confidence": "confidence__gte",
    "max_confidence": "confidence__lte",
    "disagrees": "disagrees",
}
# Those whose index has the images in order.
IN_ORDER = {"predicted", "disagrees"}
MODEL_FILTERS = ("predicted", "min_confidence", "max_confidence", "disagrees")


class WideImageFilterForm(ImageFilterForm):
    """Turns a model's name into its version; the champion where another filter asks for a model."""

    def clean_actual(self) -> Q | None:
        """Turn a class's name or alias into a condition, as `label` does."""
        return self._of_label(self.cleaned_data["actual"])

    def clean_model(self) -> ModelVersion | None:
        """Find the version of that id, `name@version` or alias."""
        text = self.cleaned_data["model"]
        if not text and not any(self.data.get(name) for name in MODEL_FILTERS):
            return None
        version: ModelVersion = self.found(lambda: find_model(text or None, self.user))
        return version

    def clean_predicted(self) -> str:
        """A predicted class is one of the model's."""
        predicted: str = self.cleaned_data["predicted"]
        version = self.cleaned_data.get("model")
        if predicted and version and predicted not in version.classes:
            known = ", ".join(version.classes)
            raise wrong(f"{version} has no class {predicted!r}. It has: {known}.")
        return predicted

    def clean_disagrees(self) -> bool | None:
        """Take true and false for an answer, and nothing else."""
        return self.truth("disagrees")


class WideImageFilter(ImageFilter):
    """Images by label and by a model's prediction.

    With a model (`self.version`) each image carries `predicted_label` and `predicted_confidence`.
    """

    # Declared first: the form cleans fields in this order, and the others lean on these two.
    model = django_filters.CharFilter(
        method="by_model",
        help_text="A version's id, `name@version` or alias; each image shows its prediction.",
    )
    predicted = django_filters.CharFilter(
        field_name="predicted_label", help_text="The class that the model said."
    )
    actual = django_filters.CharFilter(
        method="by_condition", help_text="The class of the label in force, or `none`."
    )
    min_confidence = django_filters.NumberFilter(
        field_name="predicted_confidence",
        lookup_expr="gte",
        min_value=0,
        max_value=1,
        help_text="Predictions at least this sure, 0 to 1.",
    )
    max_confidence = django_filters.NumberFilter(
        field_name="predicted_confidence",
        lookup_expr="lte",
        min_value=0,
        max_value=1,
        help_text="Predictions at most this sure, 0 to 1.",
    )
    disagrees = django_filters.BooleanFilter(
        field_name="predicted_disagrees",
        help_text="true: label and prediction differ; false: they are the same.",
    )

    facets = {
        **ImageFilter.facets,
        "label": Facet("label", ("label", "actual")),
        "predicted": Facet("predicted_label", ("predicted",), needs="model"),
    }
    counted = ImageFilter.counted | {"actual"}
    showing = frozenset({"model"})

    class Meta(ImageFilter.Meta):
        form = WideImageFilterForm

    @property
    def version(self) -> ModelVersion | None:
        """The version that the filters speak of."""
        return self.form.cleaned_data.get("model") if self.is_valid() else None

    def filter_queryset(self, queryset: "QuerySet[Any]") -> "QuerySet[Any]":
        """Filter, and let the predictions lead where that is quicker."""
        images = super().filter_queryset(queryset)
        return led_by_others(images) if self.predictions_lead else images

    def by_model(self, images: "QuerySet[Image]", _name: str, version: ModelVersion) -> "QuerySet[Image]":
        """Add what the version said of each image."""
        return with_predictions(images, version, only=self.predicted_only, indexed=self.predictions_lead)

    @property
    def predicted_only(self) -> bool:
        """Whether images without a prediction are left out."""
        return self.order in OF_PREDICTIONS or any(self.data.get(name) for name in MODEL_FILTERS)

    @cached_property
    def predictions_lead(self) -> bool:
        """Whether predictions are read first, and the images after them."""
        cleaned = self.form.cleaned_data
        if cleaned.get("model") is None or not self.predicted_only or connection.vendor != "sqlite":
            return False
        if self.order in OF_PREDICTIONS:
            return not self._few_images()
        said = {field: cleaned[name] for name, field in SAID.items() if cleaned.get(name) not in (None, "")}
        if said.get("disagrees") is False:
            # Most agree: no index holds those who do.
            del said["disagrees"]
        if self.order == "id" and said.keys() & IN_ORDER and not self._few_images():
            return True
        return bool(said) and are_few(Prediction.objects.filter(version=cleaned["model"], **said))

    def _few_images(self) -> bool:
        """Whether the filters that ask for no model choose few images."""
        narrowed = {
            name: self.data[name]
            for name in self.filters
            if name not in (*MODEL_FILTERS, "model") and self.data.get(name)
        }
        if not narrowed.keys() - {"dataset"}:
            return False
        return are_few(type(self)(narrowed, queryset=self.queryset, request=self.request).qs)

    def ordered_by(self, fields: tuple[str, ...]) -> tuple[str, ...]:
        """Return the fields of an order, an image's id under both names that the tables have for it."""
        if not self.predicted_only:
            return fields
        both = {"id": "predicted_image=id", "-id": "-predicted_image=id"}
        if connection.vendor == "sqlite" and not self.predictions_lead:
            return fields
        return tuple(both[name] for name in fields) if self.order == "id" else fields


def with_predictions(
    images: "QuerySet[Image]", version: ModelVersion, *, only: bool = False, indexed: bool = True
) -> "QuerySet[Image]":
    """Add what a version said of each image (None where nothing; with `only`, those are left out).

    `predicted_label`, `predicted_confidence`, `predicted_margin`, `predicted_entropy`, `predicted_disagrees`,
    and `predicted_image`: the image's id once more, by which an index of predictions goes on within equal
    values. Not `indexed`, they choose and order images that are found another way.
    """
    said = images.annotate(said=FilteredRelation("prediction", condition=Q(prediction__version=version)))
    if only:
        said = said.filter(said__version=version)
    column = F if indexed else lambda name: Unindexed(F(name))
    return said.annotate(
        predicted_label=column("said__predicted"),
        predicted_confidence=column("said__confidence"),
        predicted_margin=column("said__margin"),
        predicted_entropy=column("said__entropy"),
        predicted_disagrees=column("said__disagrees"),
        predicted_image=column("said__image_id"),
    )
