"""Training runs in the browser: those of a dataset, and one that is followed."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse

from classifier.networks.config import FIELDS
from datasets.models import Split
from training_jobs.admin.forms import defaults_of, told
from training_jobs.admin.jobs import CAN_CANCEL, CAN_RETRY, LivePage, id_in, log_of_states, moved, took
from training_jobs.admin.listed import listed_runs
from training_jobs.launching import queue_position
from training_jobs.mirroring import told_mirror
from training_jobs.models import EpochMetric, Job, TrainingRun
from training_jobs.queries import SCORES, best_epochs, best_score, score_name, test_evaluations

# What to do about failures whose own sentence does not say so.
_ADVICE = {
    "unexpected": "Retry it. If it fails again, the log of the training worker says where.",
    "worker_lost": (
        "Most often the worker ran out of memory: clone it with a smaller image size or batch size. "
        "If the machine was only restarted, retry it."
    ),
    "diverged": "Clone it with a lower learning rate.",
}


class TrainingPage(LivePage):
    """The training runs of a dataset, newest first."""

    title = "Training"
    template_name = "training_jobs/training.html"
    permissions = ("training_jobs.view_trainingrun",)
    post_permissions = ("training_jobs.change_trainingrun",)
    of_dataset = True

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Let a run be the next."""
        seen = TrainingRun.objects.visible_to(request.user).select_related("split__dataset")
        run: TrainingRun = get_object_or_404(seen, pk=id_in(request.POST.get("run", "")))
        there = f"{reverse('training')}?dataset={run.split.dataset.slug}"
        return moved(request, run, there=there, name=f"Run {run.pk}")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add a page of runs."""
        context = super().get_context_data(**kwargs)
        if self.dataset is None:
            return context
        user = self.request.user
        runs, older = self.listed(
            TrainingRun.objects.visible_to(user)
            .without_trials()
            .filter(split__dataset=self.dataset)
            .select_related("split__dataset", "version", "created_by")
        )
        return {
            **context,
            "rows": listed_runs(runs, user),
            "older": older,
            "before": self.request.GET.get("before", ""),
            "active": any(run.is_active for run in runs),
            "has_split": Split.objects.visible_to(user).filter(dataset=self.dataset).exists(),
            "may_queue": self.may("training_jobs.add_trainingrun"),
            "may_move": self.may(*self.post_permissions),
            "may_split": self.may("datasets.add_split"),
        }


class RunPage(LivePage):
    """One run, followed while it is at work."""

    template_name = "training_jobs/run.html"
    permissions = ("training_jobs.view_trainingrun",)
    post_permissions = ("training_jobs.change_trainingrun",)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Cancel the run, or queue it again."""
        run = self._run()
        return moved(request, run, there=reverse("run", args=[run.pk]), name=f"Run {run.pk}")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the run, its epochs, its recipe and its log."""
        run = self._run()
        self.use(run.split.dataset)
        user = self.request.user
        best = best_epochs([run], user).get(run.pk)
        return {
            **super().get_context_data(**kwargs),
            "title": f"Run {run.pk}: {run.name}",
            "run": run,
            "place": queue_position(run),
            "best": best,
            "best_score": best_score(run, best),
            "score_name": SCORES[score_name(run)],
            "seconds": took(run),
            "recipe": _recipe(run, ""),
            "variations": _recipe(run, "augmentation") if run.config.get("augment") else [],
            "log": log_of_states(run),
            "mirror": told_mirror(run),
            "advice": _ADVICE.get(run.error_code, ""),
            "evaluation": test_evaluations([run.version_id], user).get(run.version_id)
            if run.version_id
            else None,
            "may_cancel": run.state in CAN_CANCEL and self.may(*self.post_permissions),
            "may_retry": run.state in CAN_RETRY and self.may(*self.post_permissions),
            "may_clone": self.may("training_jobs.add_trainingrun"),
            **_progress(run),
            "setup": {
                "source": reverse("training-run-detail", args=[run.pk]),
                "epochs": run.total_epochs,
                "shape": [run.state, run.attempt, run.epochs.count(), len(run.events)],
            },
        }

    def _run(self) -> TrainingRun:
        seen = TrainingRun.objects.visible_to(self.request.user).select_related(
            "split__dataset", "version", "created_by", "candidate__sweep"
        )
        found: TrainingRun = get_object_or_404(seen, pk=self.kwargs["pk"])
        return found


def _progress(run: TrainingRun) -> dict[str, Any]:
    """Return a run's epochs by attempt, the latest first, and how long the rest of its latest takes."""
    attempts: dict[int, list[EpochMetric]] = {}
    for epoch in run.epochs.order_by("attempt", "epoch"):
        attempts.setdefault(epoch.attempt, []).append(epoch)
    latest = attempts.get(run.attempt, [])
    # The first epoch also builds the network's graph.
    steady = latest[1:] or latest
    each = sum(epoch.seconds for epoch in steady) / len(steady) if steady else None
    to_come = max(0, run.total_epochs - len(latest))
    return {
        "attempts": sorted(attempts.items(), reverse=True),
        "done_epochs": len(latest),
        "seconds_each": each,
        "seconds_left": each * to_come if each and to_come and run.state == Job.State.RUNNING else None,
    }


def _recipe(run: TrainingRun, group: str) -> list[dict[str, Any]]:
    """Return a run's settings of a group: label, value, and the default where it differs."""
    defaults = defaults_of(run.architecture)
    return [
        {
            "label": field.label,
            "value": told(run.config[name]),
            "default": told(defaults[name]) if field.editable and run.config[name] != defaults[name] else "",
        }
        for name, field in FIELDS.items()
        if name != "architecture"
        and field.group == group
        and name in run.config
        and field.applies_to(run.architecture)
    ]
