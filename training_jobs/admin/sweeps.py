"""Sweeps in the browser: those of a dataset, and one that is followed."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone

from classifier.networks.config import FIELDS
from datasets.errors import Refused
from datasets.models import Split
from training_jobs.admin.forms import told
from training_jobs.admin.jobs import LivePage
from training_jobs.models import Job, Sweep
from training_jobs.queries import SCORES
from training_jobs.ranking import Ranked, best_of, ranked
from training_jobs.sweeping import cancel_sweep, trials_of

_COMPARED = 4


@dataclass(frozen=True)
class Row:
    """A sweep as the list shows it."""

    sweep: Sweep
    best: Ranked | None
    score_name: str
    ended: int
    trials: int


class SweepsPage(LivePage):
    """The sweeps of a dataset, newest first."""

    title = "Sweeps"
    template_name = "training_jobs/sweeps.html"
    permissions = ("training_jobs.view_sweep", "training_jobs.view_trainingrun")
    of_dataset = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add a page of sweeps."""
        context = super().get_context_data(**kwargs)
        if self.dataset is None:
            return context
        user = self.request.user
        seen = Sweep.objects.visible_to(user).filter(split__dataset=self.dataset)
        sweeps, older = self.listed(
            seen.select_related("split__dataset", "created_by").annotate(
                trials=Count("candidates__trials"),
                ended=Count("candidates__trials", Q(candidates__trials__state__in=Job.ENDED)),
            )
        )
        return {
            **context,
            "rows": [
                Row(sweep, best_of(ranked(sweep)), _score_name(sweep), sweep.ended, sweep.trials)
                for sweep in sweeps
            ],
            "older": older,
            "before": self.request.GET.get("before", ""),
            "has_split": Split.objects.visible_to(user).filter(dataset=self.dataset).exists(),
            "may_queue": self.may("training_jobs.add_trainingrun"),
            "may_split": self.may("datasets.add_split"),
        }


class SweepPage(LivePage):
    """One sweep: how its candidates did, the best first."""

    template_name = "training_jobs/sweep.html"
    permissions = ("training_jobs.view_sweep", "training_jobs.view_trainingrun")
    post_permissions = ("training_jobs.change_trainingrun",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Cancel it."""
        sweep = self._sweep()
        try:
            cancel_sweep(sweep)
        except Refused as refusal:
            messages.error(request, str(refusal))
        else:
            messages.success(request, f"Sweep {sweep.pk} is cancelled. What its trials reached is kept.")
        return HttpResponseRedirect(reverse("sweep", args=[sweep.pk]))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the sweep and its candidates."""
        sweep = self._sweep()
        self.use(sweep.split.dataset)
        found = ranked(sweep)
        trials = trials_of(sweep)
        total, ended = trials.count(), trials.filter(state__in=Job.ENDED).count()
        return {
            **super().get_context_data(**kwargs),
            "title": f"Sweep {sweep.pk}: {sweep.name}",
            "sweep": sweep,
            "columns": [(name, FIELDS[name].label, FIELDS[name].help) for name in sweep.space],
            "space": [(FIELDS[name].label, text) for name, text in sweep.space.items()],
            "classes": list(sweep.split.dataset.classes.order_by("position").values_list("name", flat=True)),
            "candidates": [_candidate(sweep, each) for each in found],
            "best": best_of(found),
            "score_name": _score_name(sweep),
            "total": total,
            "ended": ended,
            **_curves(sweep, found),
            "at_work": trials.at_work().select_related("candidate").first(),
            "seconds": ((sweep.finished_at or timezone.now()) - sweep.created_at).total_seconds(),
            "may_cancel": sweep.is_running and self.may(*self.post_permissions),
            "may_queue": self.may("training_jobs.add_trainingrun"),
        }

    def _sweep(self) -> Sweep:
        seen = Sweep.objects.visible_to(self.request.user).select_related("split__dataset", "created_by")
        found: Sweep = get_object_or_404(seen, pk=self.kwargs["pk"])
        return found


def _candidate(sweep: Sweep, each: Ranked) -> dict[str, Any]:
    """Return a candidate as the table shows it."""
    return {
        "number": each.candidate.number,
        "epochs": sweep.rungs[each.rung],
        "state": each.state,
        "score": each.score,
        "settings": [told(each.candidate.settings[name]) for name in sweep.space],
        "f1": list(each.f1.values()),
        "trials": each.trials,
    }


def _curves(sweep: Sweep, found: list[Ranked]) -> dict[str, Any]:
    """Return the address where the curves of the best are compared, and how many that are."""
    best = [each for each in found if each.score is not None][:_COMPARED]
    if len(best) < 2:
        return {}
    runs = [("run", each.trials[0].pk) for each in best]
    query = urlencode([("dataset", sweep.split.dataset.slug), ("sweep", sweep.pk), *runs])
    return {"curves": f"{reverse('compare-runs')}?{query}", "compared": len(best)}


def _score_name(sweep: Sweep) -> str:
    return SCORES[sweep.config["best_by"]]
