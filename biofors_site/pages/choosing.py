"""Which images a page of the hall shows: those of a filter, or those behind a cell of a confusion matrix."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from biofors_site.api.filters import WideImageFilter, with_predictions
from biofors_site.api.views import NoModelChosen, PredictedImageViewSet, in_order
from classifier.evaluation import evaluated_images
from classifier.models import Evaluation, ModelVersion
from datasets.admin.page import address
from datasets.api.facets import Counted, count_images, count_up_to
from datasets.api.keyset import neighbours
from datasets.errors import Refused
from datasets.ids import read_id
from datasets.models import Dataset, Image

FILTERS = (
    "dataset",
    "label",
    "state",
    "paper",
    "split",
    "subset",
    "model",
    "predicted",
    "disagrees",
    "source",
    "figure",
    "panel_group",
    "changed_by",
    "changed_since",
    "changed_before",
    "mixed",
    "min_confidence",
    "max_confidence",
    "batch",
    "q",
    "evaluation",
    "actual",
    "wrong",
    "ordering",
)
_CELL = ("evaluation", "actual", "predicted", "wrong")


@dataclass
class Choice:
    """The images of an address. `source` lists them over REST; `errors` say which filters were wrong.

    `query` holds the parameters that choose them, to be carried to other pages.
    """

    images: "QuerySet[Any]"
    source: str
    query: dict[str, str]
    version: ModelVersion | None = None
    evaluation: Evaluation | None = None
    ordering: tuple[str, ...] = ("id",)
    errors: dict[str, list[str]] = field(default_factory=dict)
    asked: WideImageFilter | None = None

    def count(self) -> Counted:
        """Count the images chosen; where there are too many to count, say at least how many."""
        return count_images(self.asked) if self.asked else count_up_to(self.images)

    def around(self, image: Image) -> tuple[int | None, int | None]:
        """Return the ids before and after an image among those chosen, in their order; None at an end."""
        row: Any = image
        if self.version:
            row = with_predictions(Image.objects.filter(pk=image.pk), self.version).get()
            row.predicted_image = row.pk
        if getattr(row, self.ordering[0].lstrip("-").partition("=")[0]) is None:
            return None, None
        before, after = neighbours(self.images, ordering=self.ordering, row=row)
        return before and before.pk, after and after.pk


def chosen(request: HttpRequest, dataset: Dataset) -> Choice:
    """Return what an address chooses of a dataset; where a filter is wrong, nothing, and the errors."""
    query = {name: request.GET[name] for name in FILTERS if request.GET.get(name)}
    query["dataset"] = dataset.slug
    if "evaluation" in query:
        return _of_cell(request, query)
    source = address(reverse("image-list"), **query)
    images: Any = Image.objects.visible_to(request.user)
    asked = WideImageFilter(query, queryset=images, request=request)
    errors = {name: [str(each) for each in told] for name, told in asked.errors.items()}
    ordering = query.get("ordering", "id")
    if ordering not in PredictedImageViewSet.orderings:
        errors["ordering"] = [f"{ordering!r:.40} is no order of images."]
    elif not errors:
        try:
            found, fields = in_order(asked)
        except NoModelChosen as error:
            errors["ordering"] = [str(error)]
    if errors:
        return Choice(images.none(), source, query, errors=errors)
    # An order may leave images out; else the filter knows how to count without counting.
    counted = asked if found is asked.qs else None
    return Choice(found, source, query, version=asked.version, ordering=fields, asked=counted)


def _of_cell(request: HttpRequest, query: dict[str, str]) -> Choice:
    """Return the images behind an evaluation, or behind one cell of its matrix, as they were scored."""
    text = query["evaluation"]
    seen = Evaluation.objects.visible_to(request.user).select_related("version", "split__dataset")
    pk = read_id(text)
    evaluation = None if pk is None else seen.filter(pk=pk).first()
    if evaluation is None:
        refusal = Refused(f"There is no evaluation {text!r:.40}.", code="unknown_evaluation")
        refusal.status = 404
        raise refusal
    cell = {name: query.get(name) for name in ("actual", "predicted")}
    errors = {
        name: [f"This evaluation has no class {value!r:.80}."]
        for name, value in cell.items()
        if value and value not in evaluation.classes
    }
    wrong = query.get("wrong") == "true"
    images = evaluated_images(evaluation, **cell, wrong=wrong).visible_to(request.user)
    return Choice(
        images.none() if errors else with_predictions(images, evaluation.version),
        address(
            reverse("evaluation-images", args=[evaluation.pk]),
            **cell,
            wrong=query.get("wrong"),
            ordering="-confidence",
        ),
        {name: query[name] for name in _CELL if name in query},
        version=evaluation.version,
        evaluation=evaluation,
        # The surest first: of the images in a wrong cell these are the most telling.
        ordering=("-predicted_confidence", "-id"),
        errors=errors,
    )
