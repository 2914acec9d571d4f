"""Images by what a model said of them, beside everything that `datasets` filters by."""

from typing import Any

import django_filters
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from classifier.models import ModelVersion, Prediction
from classifier.registry import find_model
from datasets.api.filters import ImageFilter, ImageFilterForm, wrong
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


class WideImageFilter(ImageFilter):
    """Images by label and by a model's prediction.

    With a model (`self.version`) each image carries `predicted_label` and `predicted_confidence`.
    """

    # Declared first: the form cleans fields in this order, and the others lean on these two.
    model = django_filters.CharFilter(
        method="by_model",
        help_text="A version's id, `name@version` or alias; each image shows its prediction.",
    )
    predicted = django_filters.CharFilter(method="by_predicted", help_text="The class that the model said.")
    actual = django_filters.CharFilter(
        method="by_condition", help_text="The class of the label in force, or `none`."
    )
    min_confidence = django_filters.NumberFilter(
        method="by_least", min_value=0, max_value=1, help_text="Predictions at least this sure, 0 to 1."
    )
    max_confidence = django_filters.NumberFilter(
        method="by_most", min_value=0, max_value=1, help_text="Predictions at most this sure, 0 to 1."
    )
    disagrees = django_filters.BooleanFilter(
        method="by_disagreement", help_text="true: label and prediction differ; false: they are the same."
    )

    class Meta(ImageFilter.Meta):
        form = WideImageFilterForm

    @property
    def version(self) -> ModelVersion | None:
        """The version that the filters speak of."""
        return self.form.cleaned_data.get("model") if self.is_valid() else None

    def by_model(self, images: "QuerySet[Image]", _name: str, version: ModelVersion) -> "QuerySet[Image]":
        """Add what the version said of each image."""
        return with_predictions(images, version)

    def by_predicted(self, images: "QuerySet[Image]", _name: str, label: str) -> "QuerySet[Image]":
        """Keep images of which the model said this."""
        return images.filter(self._said(predicted=label))

    def by_least(self, images: "QuerySet[Image]", _name: str, share: Any) -> "QuerySet[Image]":
        """Keep images that the model was at least so sure of."""
        return images.filter(self._said(confidence__gte=float(share)))

    def by_most(self, images: "QuerySet[Image]", _name: str, share: Any) -> "QuerySet[Image]":
        """Keep images that the model was at most so sure of."""
        return images.filter(self._said(confidence__lte=float(share)))

    def by_disagreement(self, images: "QuerySet[Image]", _name: str, wanted: bool) -> "QuerySet[Image]":
        """Keep labelled images whose label is not (or is) what the model said."""
        same = Q(predicted=OuterRef("label__name"))
        said = Prediction.objects.filter(~same if wanted else same, **self._of_image())
        return images.filter(Exists(said), label__isnull=False)

    def _said(self, **conditions: Any) -> Exists:
        return Exists(Prediction.objects.filter(**self._of_image(), **conditions))

    def _of_image(self) -> dict[str, Any]:
        return {"version": self.form.cleaned_data["model"], "image": OuterRef("pk")}


def with_predictions(images: "QuerySet[Image]", version: ModelVersion) -> "QuerySet[Image]":
    """Add `predicted_label` and `predicted_confidence` (None where there is no prediction)."""
    said = Prediction.objects.filter(version=version, image=OuterRef("pk"))
    return images.annotate(
        predicted_label=Subquery(said.values("predicted")[:1]),
        predicted_confidence=Subquery(said.values("confidence")[:1]),
    )
