"""One model version: its scores, its confusion matrix, its recipe, and what is done with it."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from classifier.admin.evaluated import OfModel, matrix_of, one_of, told_method
from classifier.aliases import may_override, promote, roll_back
from classifier.api.serializers import described
from classifier.cautions import cautions
from classifier.engines import int8_wanted
from classifier.exports import files_of
from classifier.gates import GateFailed
from classifier.matrix import ORDERS
from classifier.models import Alias, Evaluation, Export, ModelVersion, Promotion
from classifier.models.registry import CHAMPION
from classifier.quantisation import told_quantised
from classifier.rescoring import changed_since, timeline
from classifier.timeline import shown_timeline
from datasets.errors import Refused
from datasets.ids import read_id
from datasets.models import Split, Subset
from datasets.queries import class_looks, usual_looks

WORST = 6
OTHERS = 100
SHOWN_SHARES = (("row", "of rows"), ("column", "of columns"), ("counts", "counts"))
SHOWN_ORDERS = (
    ("classes", "in their order"),
    ("support", "largest first"),
    ("errors", "worst first"),
)
_FIELDS = {
    "bad_alias": "alias",
    "already_promoted": "alias",
    "unknown_evaluation": "evaluation",
    "reason_missing": "reason",
    "reason_too_long": "reason",
    "bad_reason": "reason",
}


class ModelPage(OfModel):
    """The page of a version; its forms promote it, or roll an alias back."""

    template_name = "classifier/model.html"
    post_permissions = ("classifier.add_promotion",)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add scores, matrix, recipe, history, and what can be done."""
        version, evaluation = self.version, self.evaluation
        split = evaluation.split if evaluation else version.split
        self.use(split.dataset if split else None)
        matrix = matrix_of(evaluation, asked=self.request.GET.dict()) if evaluation else None
        typed = {"alias": CHAMPION, "reason": self.request.GET.get("reason", "")}
        return {
            **super().get_context_data(),
            # The theme writes the first letter of a title large, and a name is not to be changed.
            "title": f"Model {version}",
            "version": version,
            "evaluation": evaluation,
            "evaluation_name": str(evaluation),
            "stale": changed_since(evaluation) if evaluation else 0,
            "timeline": shown_timeline(timeline(evaluation), current=evaluation) if evaluation else [],
            "evaluation_key": str(evaluation.pk) if evaluation else "",
            "interval_told": told_method(evaluation) if evaluation else "",
            "shares": SHOWN_SHARES,
            "orders": SHOWN_ORDERS,
            "order": one_of(ORDERS, self.request.GET.get("order")),
            "evaluations": self.evaluations,
            "matrix": matrix,
            "worst": matrix.confusions(WORST) if matrix else [],
            "cautions": cautions(version, evaluation.split, evaluation.subset) if evaluation else [],
            "order_doubt": _order_doubt(version, evaluation),
            "looks": class_looks(split.dataset) if split else usual_looks(),
            "standing": _standing(version, self.request.user),
            "history": _history(version, self.request.user),
            "recipe": described(version.config),
            "training_run": _training_run(version),
            "files": files_of(version),
            "int8_told": told_quantised(version.int8) if version.int8 else "",
            "to_make": _to_make(version),
            "may_override": may_override(self.request.user),
            "may_describe": self.may("classifier.change_modelversion"),
            "may_export": self.may("training_jobs.add_exportjob"),
            "may_delete": self.may("classifier.delete_modelversion"),
            "others": ModelVersion.objects.visible_to(self.request.user)
            .exclude(pk=version.pk)
            .prefetch_related("aliases")[:OTHERS],
            "splits": _fitting_splits(version, self.request.user),
            "subsets": Subset.choices,
            "may_promote": self.may("classifier.add_promotion"),
            "may_evaluate": self.may("classifier.add_evaluation"),
            "may_classify": self.may("training_jobs.add_inferencejob"),
            "may_repeat": version.can_be_repeated and self.may("training_jobs.add_trainingrun"),
            "promoting": {**typed, "errors": {}},
            "rolling": {"errors": {}},
            **kwargs,
        }

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Promote, or roll back; on a refusal show the form again with what was typed."""
        if request.POST.get("deed") == "roll_back":
            return self._roll_back(request)
        return self._promote(request)

    def _promote(self, request: HttpRequest) -> HttpResponse:
        typed = {name: request.POST.get(name, "").strip() for name in ("alias", "reason")}
        based_on = read_id(request.POST.get("evaluation", ""))
        override = request.POST.get("override") == "on"
        try:
            promote(self.version, author=request.user, evaluation=based_on, override=override, **typed)
        except GateFailed as refusal:
            return self._again(
                "promoting", {**typed, "based_on": based_on, "checked": refusal.checked}, refusal
            )
        except Refused as refusal:
            return self._again("promoting", {**typed, "based_on": based_on}, refusal)
        messages.success(request, f"{self.version} is {typed['alias']} now.")
        return self._done()

    def _roll_back(self, request: HttpRequest) -> HttpResponse:
        typed = {name: request.POST.get(name, "").strip() for name in ("alias", "reason")}
        try:
            # Somebody may have moved the alias since this page was shown.
            moved = roll_back(author=request.user, expected=self.version, **typed)
        except Refused as refusal:
            return self._again("rolling", typed, refusal)
        messages.success(request, f"{moved.alias} is {moved.version} again.")
        return self._done()

    def _again(self, form: str, typed: dict[str, Any], refusal: Refused) -> HttpResponse:
        errors = {_FIELDS.get(refusal.code, "form"): str(refusal)}
        context = self.get_context_data(**{form: {**typed, "errors": errors}})
        return self.render_to_response(context, status=refusal.status)

    def _done(self) -> HttpResponseRedirect:
        return HttpResponseRedirect(reverse("model", args=[self.version.pk]))


def _order_doubt(version: ModelVersion, evaluation: Evaluation | None) -> str:
    """Return what speaks for another order of an imported version's classes."""
    if evaluation is None or version.origin != ModelVersion.Origin.IMPORTED:
        return ""
    # It loads SciPy, which no other page needs.
    from classifier.class_order import order_doubt

    return order_doubt(evaluation)


def _standing(version: ModelVersion, user: Any) -> list[dict[str, Any]]:
    """Return the aliases that point at a version: the move that did it, and where rolling back leads."""
    moves = Promotion.objects.visible_to(user).select_related("author", "previous")
    return [
        {
            "alias": alias.name,
            "move": moves.filter(alias=alias.name).first(),
            "before": getattr(moves.standing(alias.name).first(), "previous", None),
        }
        for alias in Alias.objects.visible_to(user).filter(version=version)
    ]


def _history(version: ModelVersion, user: Any) -> list[Promotion]:
    """Return the moves of aliases to and from a version, newest first."""
    moves = Promotion.objects.visible_to(user).select_related("author", "version", "previous")
    return list((moves.filter(version=version) | moves.filter(previous=version)).order_by("-id"))


def _training_run(version: ModelVersion) -> int | None:
    """Return the run that a version came from, as its recipe tells."""
    try:
        run = json.loads((version.onnx_path.parent / "recipe.json").read_text()).get("training_run")
    except (OSError, ValueError, AttributeError):
        return None
    return run if isinstance(run, int) else None


def _to_make(version: ModelVersion) -> list[tuple[str, str]]:
    """Return the forms, with their names, that a person may ask for."""
    there = {each.format for each in version.exports.all()}
    formats = [Export.Format.LITERT, *([Export.Format.INT8] if int8_wanted() else [])]
    return [(each.value, str(each.label)) for each in formats if each not in there]


def _fitting_splits(version: ModelVersion, user: Any) -> list[Split]:
    """Return the splits of datasets whose classes the version knows."""
    splits = Split.objects.visible_to(user).select_related("dataset")
    known = set(version.classes)
    return [
        split
        for split in splits.prefetch_related("dataset__classes")
        if all(each.name in known for each in split.dataset.classes.all())
    ]
