"""One evaluation of a version: found by the address, scored again, its matrix as a file."""

from collections.abc import Mapping
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.functional import cached_property

from classifier.figures import draw_matrix
from classifier.gates import UnknownEvaluation
from classifier.matrix import ORDERS, SHARES, Matrix, matrix_csv, shown_matrix
from classifier.models import Evaluation, ModelVersion
from classifier.rescoring import rescore
from classifier.telling import in_brackets
from datasets.admin.page import Page, address
from datasets.models import Subset
from datasets.queries import class_looks

NOTHING_ASKED: Mapping[str, str] = {}


class OfModel(Page):
    """A door to one version and to one of its evaluations, chosen by the address."""

    permissions: tuple[str, ...] = ("classifier.view_modelversion",)

    @cached_property
    def version(self) -> ModelVersion:
        """The version of the address."""
        seen = ModelVersion.objects.visible_to(self.request.user).select_related(
            "split__dataset", "created_by", "noted_by"
        )
        return get_object_or_404(seen, pk=self.kwargs["pk"])

    @cached_property
    def evaluations(self) -> list[Evaluation]:
        """All its evaluations, newest first."""
        seen = Evaluation.objects.visible_to(self.request.user).filter(version=self.version)
        return list(seen.select_related("split__dataset", "created_by"))

    @cached_property
    def evaluation(self) -> Evaluation | None:
        """The one asked for; else the newest on the test subset of its own split, else the newest."""
        asked = self.request.GET.get("evaluation")
        for evaluation in self.evaluations:
            if asked == str(evaluation.pk):
                return evaluation
        if asked:
            raise UnknownEvaluation(f"{self.version} has no evaluation {asked!r:.40}.")
        own = (
            each
            for each in self.evaluations
            if each.split_id == self.version.split_id and each.subset == Subset.TEST
        )
        return next(own, self.evaluations[0] if self.evaluations else None)


class ScoreAgain(OfModel):
    """Scores an evaluation again by the labels of now."""

    permissions = ("classifier.view_modelversion", "classifier.add_evaluation")

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Make the new evaluation and show it, the old one beside it."""
        seen = Evaluation.objects.visible_to(request.user).filter(version=self.version)
        made = rescore(get_object_or_404(seen, pk=kwargs["evaluation"]), author=request.user)
        messages.success(request, f"Scored by the labels of now: macro-F1 {made.macro_f1:.3f}.")
        return HttpResponseRedirect(address(reverse("model", args=[self.version.pk]), evaluation=made.pk))


class MatrixFile(OfModel):
    """The confusion matrix as a file to keep."""

    file_format = "svg"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Send the picture, or the table, of the evaluation asked for."""
        evaluation = self.evaluation
        if evaluation is None:
            raise UnknownEvaluation(f"{self.version} has not been evaluated yet: there is no matrix to draw.")
        matrix = matrix_of(evaluation, asked=request.GET.dict())
        name = f"{self.version.name}-{self.version.version}-{evaluation.split.name}-{evaluation.subset}"
        disposition = f'attachment; filename="{name}.{self.file_format}"'
        media_type = {"svg": "image/svg+xml", "png": "image/png", "csv": "text/csv"}[self.file_format]
        return HttpResponse(
            matrix_csv(matrix) if self.file_format == "csv" else self._drawn(matrix, evaluation),
            content_type=media_type,
            headers={"Content-Disposition": disposition},
        )

    def _drawn(self, matrix: Matrix, evaluation: Evaluation) -> bytes:
        return draw_matrix(
            matrix,
            looks=class_looks(evaluation.split.dataset),
            title=f"{self.version} on {evaluation.split} {evaluation.subset}",
            told=_told_scores(evaluation),
            file_format=self.file_format,
        )


def matrix_of(evaluation: Evaluation, *, asked: Mapping[str, str] = NOTHING_ASKED) -> Matrix:
    """Return an evaluation's matrix; its cells lead to their images in the workbench.

    `asked` may hold `shares` and `order`; what it holds beside those that there are counts as the first.
    """
    workbench, dataset = reverse("workbench"), evaluation.split.dataset.slug
    return shown_matrix(
        evaluation.classes,
        evaluation.matrix,
        shares=one_of(SHARES, asked.get("shares")),
        order=one_of(ORDERS, asked.get("order")),
        link=lambda actual, predicted: address(
            workbench,
            evaluation=evaluation.pk,
            actual=actual,
            predicted=predicted,
            dataset=dataset,
        ),
    )


def one_of(known: tuple[str, ...], asked: str | None) -> str:
    """Return what was asked for where it is known, else the first."""
    return asked if asked is not None and asked in known else known[0]


def _told_scores(evaluation: Evaluation) -> list[str]:
    """Return the lines under the title of a picture."""
    between = in_brackets(evaluation.intervals.get("macro_f1"))
    lines = [
        f"{evaluation.total:,} images, macro-F1 {evaluation.macro_f1:.3f}{between}, "
        f"accuracy {evaluation.accuracy:.3f}, labels of {evaluation.label_cutoff:%Y-%m-%d %H:%M} UTC"
    ]
    if evaluation.split.leaks:
        lines.append("This split leaks: the scores are too good")
    return lines


def told_method(evaluation: Evaluation) -> str:
    """Say what the intervals are."""
    told = evaluation.intervals
    if not told:
        return ""
    return (
        f"{told['method'][0].upper()}{told['method'][1:]}, {told['replicates']:,} times: how the scores "
        f"would spread had other papers been in {evaluation.subset} (Hesterberg 2015; Field and Welsh 2007)."
    )
