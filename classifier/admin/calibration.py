"""How far a version's confidence can be believed: reliability, temperature, threshold, shares of classes."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.functional import cached_property

from classifier.abstaining import read_threshold, set_threshold, told_threshold
from classifier.admin.evaluated import OfModel
from classifier.calibrating import calibrate
from classifier.confidence import Confidence, judge_confidence
from classifier.diagrams import CURVE, highest_risk, reliability_diagram, risk_curve
from classifier.matrix import shown_matrix
from classifier.models import Calibration, Threshold
from classifier.priors import BadShares, Corrected, Shares, correct_priors, learnt_shares, preset_shares
from datasets.admin.page import address
from datasets.errors import Refused
from datasets.models import Split, Subset
from datasets.queries import class_looks

HISTORY = 20
_SHARE = "share-"
_PRESETS = {
    "train": "as in train",
    "dataset": "as in this dataset now",
    "estimated": "as its own answers suggest",
    "equal": "all alike",
}


class CalibrationPage(OfModel):
    """The page of a version's confidence; its forms calibrate it and set its threshold."""

    template_name = "classifier/calibration.html"
    post_permissions = ("classifier.add_calibration", "classifier.add_threshold")

    @cached_property
    def places(self) -> list[tuple[Split, str]]:
        """Where the version has answered: splits with subsets it was scored on, newest first, each once."""
        found = {(each.split_id, each.subset): each.split for each in self.evaluations}
        return [(split, subset) for (_, subset), split in found.items()]

    @cached_property
    def place(self) -> tuple[Split | None, str]:
        """The split and subset asked for by `on`; else those of the evaluation that is shown first."""
        asked = self.request.GET.get("on", "")
        for split, subset in self.places:
            if asked == f"{split.pk}-{subset}":
                return split, subset
        if self.evaluation:
            return self.evaluation.split, self.evaluation.subset
        return self.version.split, Subset.TEST

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the judgement, what is drawn of it, the histories, and scores for the shares asked for."""
        version, (split, subset) = self.version, self.place
        self.use(split.dataset if split else None)
        calibrations = Calibration.objects.visible_to(self.request.user).filter(version=version)
        thresholds = Threshold.objects.visible_to(self.request.user).filter(version=version)
        return {
            **super().get_context_data(),
            "title": f"Confidence of {version}",
            "version": version,
            "split": split,
            "subset": subset,
            "places": self.places,
            "looks": class_looks(split.dataset) if split else {},
            "calibrations": calibrations.select_related("split__dataset", "created_by")[:HISTORY],
            "thresholds": thresholds.select_related("author")[:HISTORY],
            "splits": list({place.pk: place for place, held in self.places if held == Subset.VAL}.values()),
            "may_set": self.may(*self.post_permissions),
            "typed": {"abstain_below": _typed(version.abstain_below), "reason": ""},
            "errors": {},
            **(self._judged(split, subset) if split else {}),
            **kwargs,
        }

    def post(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        """Calibrate, or set the threshold; on a refusal show the page again with what was typed."""
        if request.POST.get("deed") == "calibrate":
            return self._calibrate(request)
        return self._set_threshold(request)

    def _calibrate(self, request: HttpRequest) -> HttpResponse:
        asked = request.POST.get("split", "")
        split = next((split for split, _ in self.places if str(split.pk) == asked), self.version.split)
        try:
            if split is None:
                raise Refused("Choose the split whose val is used.", code="no_split")
            made = calibrate(self.version, split=split, author=request.user)
        except Refused as refusal:
            context = self.get_context_data(errors={"calibrate": str(refusal)})
            return self.render_to_response(context, status=refusal.status)
        messages.success(request, f"Temperature {made.temperature:.3f}, from {made.images:,} images.")
        return self._done("#temperature")

    def _set_threshold(self, request: HttpRequest) -> HttpResponse:
        typed = {name: request.POST.get(name, "").strip() for name in ("abstain_below", "reason")}
        try:
            chosen = set_threshold(
                self.version,
                abstain_below=read_threshold(typed["abstain_below"]),
                reason=typed["reason"],
                author=request.user,
            )
        except Refused as refusal:
            field = (
                "reason" if refusal.code in ("reason_missing", "reason_too_long", "bad_reason") else "below"
            )
            # What stands, not what was asked for.
            self.version.refresh_from_db()
            context = self.get_context_data(typed=typed, errors={field: str(refusal)})
            return self.render_to_response(context, status=refusal.status)
        messages.success(request, f"{self.version} {told_threshold(chosen.abstain_below)} now.")
        return self._done("#threshold")

    def _done(self, part: str) -> HttpResponseRedirect:
        """Go back to the page as it was, at the part that has changed."""
        path = reverse("model-calibration", args=[self.version.pk])
        return HttpResponseRedirect(address(path, on=self.request.GET.get("on", "")) + part)

    def _judged(self, split: Split, subset: str) -> dict[str, Any]:
        """Return what is shown of stored predictions, or why nothing is."""
        try:
            judged = judge_confidence(self.version, split=split, subset=subset)
        except Refused as refusal:
            return {"refusal": refusal}
        sides = [("As the network gives it", judged.before)]
        if judged.after:
            sides.append((f"At temperature {judged.after.temperature:.2f}", judged.after))
        return {
            "judged": judged,
            "sides": [(name, side, reliability_diagram(side)) for name, side in sides],
            "curve": risk_curve(judged),
            "curve_data": {
                **judged.steps(),
                "top": highest_risk(judged.curve),
                "area": [CURVE.left, CURVE.top, CURVE.width, CURVE.height],
                "standing": self.version.abstain_below,
            },
            **self._priors(judged),
        }

    def _priors(self, judged: Confidence) -> dict[str, Any]:
        """Return the form of shares with its presets, and the scores of what was asked for."""
        version, (split, subset) = self.version, self.place
        presets = preset_shares(judged.answers)
        typed = {
            name: self.request.GET[_SHARE + name].strip()
            for name in version.classes
            if _SHARE + name in self.request.GET
        }
        shown: dict[str, Any] = {
            "presets": [
                {"name": _PRESETS[name], "link": self._link(_percents(shares)), "shares": shares}
                for name, shares in presets.items()
            ],
            "learnt": learnt_shares(version),
            "shares": [
                (name, typed.get(name, _percents(presets["train"])[name])) for name in version.classes
            ],
        }
        if typed and split:
            try:
                shown["corrected"] = correct_priors(version, split=split, subset=subset, shares=_read(typed))
                shown["sides_of_priors"] = _matrices(shown["corrected"])
                shown["rows_of_priors"] = _rows(shown["corrected"])
            except Refused as refusal:
                shown["bad_shares"] = str(refusal)
        return shown

    def _link(self, percents: dict[str, str]) -> str:
        """Return the address of this page with these shares."""
        return address(
            self.request.path,
            on=self.request.GET.get("on", ""),
            **{_SHARE + name: percent for name, percent in percents.items()},
        )


def _matrices(corrected: Corrected) -> list[dict[str, Any]]:
    """Return both sides with their matrices."""
    sides = (("Before", corrected.before), ("After", corrected.after))
    return [
        {"name": name, "scores": scores, "matrix": shown_matrix(list(scores.classes), scores.matrix)}
        for name, scores in sides
    ]


def _rows(corrected: Corrected) -> list[dict[str, Any]]:
    """Return a row a class: its shares, and its scores before and after."""
    return [
        {
            "name": before.name,
            "learnt": corrected.learnt[before.name],
            "share": corrected.shares[before.name],
            "before": before,
            "after": after,
        }
        for before, after in zip(corrected.before.per_class, corrected.after.per_class, strict=True)
    ]


def _percents(shares: Shares) -> dict[str, str]:
    return {name: f"{100 * share:.2f}".rstrip("0").rstrip(".") for name, share in shares.items()}


def _read(typed: dict[str, str]) -> Shares:
    """Return shares as typed; an empty field is none. Raises BadShares."""
    shares = {}
    for name, text in typed.items():
        try:
            shares[name] = float(text.replace(",", ".") or 0)
        except ValueError as error:
            raise BadShares(f"{name}: {text!r:.40} is no share. Give a number from 0.") from error
    return shares


def _typed(abstain_below: float | None) -> str:
    return "" if abstain_below is None else f"{abstain_below:g}"
