"""Images by what a model said of them, beside everything that `datasets` filters by."""

import django_filters
from django.db.models import F, FilteredRelation, Q, QuerySet

from classifier.models import ModelVersion
from classifier.registry import find_model
from datasets.api.filters import Facet, ImageFilter, ImageFilterForm, wrong
from datasets.models import Image

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
        method="by_disagreement", help_text="true: label and prediction differ; false: they are the same."
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

    def by_model(self, images: "QuerySet[Image]", _name: str, version: ModelVersion) -> "QuerySet[Image]":
        """Add what the version said of each image."""
        return with_predictions(images, version)

    def by_disagreement(self, images: "QuerySet[Image]", _name: str, wanted: bool) -> "QuerySet[Image]":
        """Keep labelled images whose label is not (or is) what the model said."""
        said = images.filter(label__isnull=False, predicted_label__isnull=False)
        same = Q(predicted_label=F("label__name"))
        return said.filter(~same if wanted else same)


def with_predictions(images: "QuerySet[Image]", version: ModelVersion) -> "QuerySet[Image]":
    """Add what a version said of each image (None where nothing).

    `predicted_label`, `predicted_confidence`, `predicted_margin`, `predicted_entropy`, and `predicted_image`:
    the image's id once more, by which an index of predictions goes on within equal values.
    """
    return images.annotate(
        said=FilteredRelation("prediction", condition=Q(prediction__version=version)),
        predicted_label=F("said__predicted"),
        predicted_confidence=F("said__confidence"),
        predicted_margin=F("said__margin"),
        predicted_entropy=F("said__entropy"),
        predicted_image=F("said__image_id"),
    )
