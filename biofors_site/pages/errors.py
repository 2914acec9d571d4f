"""Where a version errs: curves of each class, the worst papers, parts of the subset, saved views."""

from typing import Any

import numpy as np
from django.core.cache import cache
from django.utils import timezone
from django.utils.functional import cached_property

from biofors_site.api.filters import WideImageFilter
from classifier.admin.evaluated import OfModel, told_method
from classifier.answers import NOTHING, Numbers, Truths, predicted_by, probabilities_by, truths_of
from classifier.models import Evaluation
from classifier.slices import Slice, facts_of, slice_of, slices, worst_papers
from classifier.statistics.curves import Curve, precision_recall, roc
from datasets.models import Image, Paper, SavedView
from datasets.queries import class_looks

MOST_PAPERS = 15
MOST_VIEWS = 20
POINTS = 120
# An evaluation never changes; its page is dear to reckon.
_KEPT_SECONDS = 3600


class ErrorsPage(OfModel):
    """Where a version is right and where it is not, on one evaluation."""

    permissions = ("classifier.view_modelversion", "classifier.view_evaluation")
    template_name = "biofors_site/errors.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add curves, papers, slices, and slices by the person's saved views."""
        evaluation = self.evaluation
        self.use(evaluation.split.dataset if evaluation else None)
        return {
            **super().get_context_data(**kwargs),
            "title": f"Model {self.version}",
            "version": self.version,
            "evaluation": evaluation,
            "evaluations": self.evaluations,
            **(self._shown(evaluation) if evaluation else {}),
        }

    def _shown(self, evaluation: Evaluation) -> dict[str, Any]:
        """Return what is shown of an evaluation, most of it reckoned once."""
        key = f"errors-{evaluation.pk}-{evaluation.label_cutoff.timestamp()}"
        told = cache.get(key)
        if told is None:
            told = _reckoned(evaluation, *self._answers)
            cache.set(key, told, _KEPT_SECONDS)
        return {
            **told,
            "looks": class_looks(evaluation.split.dataset),
            "views": self._views(evaluation),
            "interval_told": told_method(evaluation),
        }

    @cached_property
    def _answers(self) -> tuple[Truths, Numbers]:
        """The images of the evaluation as they were scored, and what the version said of them."""
        evaluation = self.evaluation
        assert evaluation is not None
        truths = truths_of(
            evaluation.split, evaluation.subset, evaluation.label_cutoff, classes=evaluation.classes
        )
        said = predicted_by(evaluation.version, truths)
        return truths.only(said != NOTHING), said[said != NOTHING]

    def _views(self, evaluation: Evaluation) -> list[tuple[SavedView, Slice | None]]:
        """Return the saved views of the dataset, each with the scores of the evaluation's images in it."""
        seen = SavedView.objects.visible_to(self.request.user).filter(dataset=evaluation.split.dataset)
        views = list(seen[:MOST_VIEWS])
        if not views:
            return []
        truths, said = self._answers
        return [(view, self._in_view(view, truths, said)) for view in views]

    def _in_view(self, view: SavedView, truths: Truths, said: Numbers) -> Slice | None:
        """Return the scores of the images in a view; None where it holds none of them, or is wrong now."""
        images = Image.objects.in_subset(truths.split, truths.subset).visible_to(self.request.user)
        query = {**view.query, "dataset": truths.split.dataset.slug}
        asked = WideImageFilter(query, queryset=images, request=self.request)
        if asked.errors:
            return None
        ids = np.array(list(asked.qs.order_by().values_list("pk", flat=True)), dtype=np.int64)
        mask = np.isin(truths.images, ids)
        return slice_of(truths, said, mask, name=view.name, query=view.query) if mask.any() else None


def _reckoned(evaluation: Evaluation, truths: Truths, said: Numbers) -> dict[str, Any]:
    """Return curves, worst papers and slices."""
    probabilities = probabilities_by(evaluation.version, truths)
    names = dict(Paper.objects.filter(pk__in=set(truths.papers.tolist())).values_list("pk", "identifier"))
    return {
        "curves": [
            _shown_curves(name, truths.actual == place, probabilities[:, place])
            for place, name in enumerate(truths.classes)
        ],
        "papers": worst_papers(truths, said, names=names, most=MOST_PAPERS),
        "slices": slices(truths, said, facts_of(truths, now=timezone.now())),
    }


def _shown_curves(name: str, is_class: Any, probability: Any) -> dict[str, Any]:
    """Return the two curves of a class as points of a picture of 100 by 100, y downwards."""
    is_there = ~np.isnan(probability)
    of_class, values = is_class[is_there], probability[is_there]
    both = {"roc": roc(of_class, values), "precision_recall": precision_recall(of_class, values)}
    return {
        "name": name,
        **{kind: _drawn(curve) for kind, curve in both.items()},
    }


def _drawn(curve: Curve | None) -> dict[str, Any] | None:
    if curve is None:
        return None
    thin = curve.thinned(POINTS)
    points = " ".join(f"{100 * x:.1f},{100 - 100 * y:.1f}" for x, y in zip(thin.x, thin.y, strict=True))
    return {"area": curve.area, "points": points}
