"""The runs of a dataset side by side: a table of what they did and how, and the curves of some of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.http import QueryDict

from classifier.models import ModelVersion
from training_jobs.admin.jobs import LivePage, id_in
from training_jobs.admin.run_table import run_table
from training_jobs.models import EpochMetric, Job, TrainingRun

ROWS = 200
MOST_CHOSEN = 8
CHOSEN_AT_FIRST = 4
SCORES = {"val_macro_f1": "macro-F1 on val", "val_accuracy": "accuracy on val"}
_FILTERS = {"state": Job.State.choices, "architecture": ModelVersion.Architecture.choices}
# How a line is drawn, besides its colour: lengths of dashes and gaps.
_DASHES = ("", "8 4", "2 3", "10 3 2 3", "15 4", "5 2", "10 3 2 3 2 3", "1 5")


@dataclass(frozen=True)
class Curve:
    """A chosen run: the epochs of its latest attempt, and how its line is drawn. `place` is from 1."""

    run: TrainingRun
    place: int
    epochs: list[EpochMetric]
    without: str

    @property
    def dash(self) -> str:
        """The dashes of its line, as SVG wants them; empty for an unbroken one."""
        return _DASHES[self.place - 1]

    @property
    def best(self) -> EpochMetric | None:
        """The best epoch so far."""
        return next((epoch for epoch in reversed(self.epochs) if epoch.is_best), None)

    def drawn(self) -> dict[str, Any]:
        """Return what the script draws."""
        figures = ("epoch", *SCORES, "val_loss")
        return {
            "run": self.run.pk,
            "label": f"{self.run.pk} {self.run.name}",
            "colour": f"--line-{self.place}",
            "dash": [int(length) for length in self.dash.split()],
            "best": self.best.epoch if self.best else None,
            "epochs": [{name: getattr(epoch, name) for name in figures} for epoch in self.epochs],
        }


class CompareRunsPage(LivePage):
    """All runs in a table, or the trials of a sweep; the curves of those ticked (`?run=3&run=5`)."""

    title = "Compare runs"
    template_name = "training_jobs/compare_runs.html"
    permissions = ("training_jobs.view_trainingrun",)
    of_dataset = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the table, the curves and what the address chooses."""
        context = super().get_context_data(**kwargs)
        if self.dataset is None:
            return context
        user, asked = self.request.user, self.request.GET
        seen = (
            TrainingRun.objects.visible_to(user)
            .filter(split__dataset=self.dataset)
            .select_related("split__dataset", "version")
        )
        filters = {name: asked[name] for name in _FILTERS if asked.get(name) in dict(_FILTERS[name])}
        sweep = id_in(asked.get("sweep", ""))
        shown = seen.of_sweep(sweep) if sweep else seen.without_trials()
        runs, older = self.listed(shown.filter(**filters), size=ROWS)
        curves = _curves(_chosen(seen, runs, asked, user), asked, user)
        score = asked.get("score", "") if asked.get("score") in SCORES else next(iter(SCORES))
        return {
            **context,
            "table": run_table(runs, user, asked=asked, chosen=[curve.run.pk for curve in curves]),
            "curves": curves,
            "score_table": _by_epoch(curves, score),
            "loss_table": _by_epoch(curves, "val_loss"),
            "score": score,
            "scores": SCORES,
            "is_full": len(curves) >= MOST_CHOSEN,
            "most": MOST_CHOSEN,
            "choices": {
                name: [(value, label, filters.get(name) == value) for value, label in choices]
                for name, choices in _FILTERS.items()
            },
            "filtered": bool(filters),
            "sweep": sweep,
            "sort": asked.get("sort", ""),
            "older": older,
            "before": asked.get("before", ""),
            "may_queue": self.may("training_jobs.add_trainingrun"),
            "drawn": {"score": score, "curves": [curve.drawn() for curve in curves]},
        }


def _chosen(seen: Any, runs: list[TrainingRun], asked: QueryDict, user: Any) -> list[TrainingRun]:
    """Return the runs that an address names, in its order; where it names none, the newest few shown."""
    if "run" in asked:
        ids = dict.fromkeys(pk for pk in map(id_in, asked.getlist("run")) if pk)
        found = seen.in_bulk(list(ids))
        return [found[pk] for pk in ids if pk in found][:MOST_CHOSEN]
    measured = set(EpochMetric.objects.visible_to(user).filter(run__in=runs).values_list("run", flat=True))
    return [run for run in runs if run.pk in measured][:CHOSEN_AT_FIRST]


def _curves(runs: Iterable[TrainingRun], asked: QueryDict, user: Any) -> list[Curve]:
    """Return the curves of runs, each with the address that leaves it out."""
    runs = list(runs)
    epochs: dict[int, list[EpochMetric]] = {run.pk: [] for run in runs}
    latest = {run.pk: run.attempt for run in runs}
    for epoch in EpochMetric.objects.visible_to(user).filter(run__in=runs).order_by("epoch"):
        if epoch.attempt == latest[epoch.run_id]:
            epochs[epoch.run_id].append(epoch)
    return [
        Curve(run, place, epochs[run.pk], without=_without(run, runs, asked))
        for place, run in enumerate(runs, start=1)
    ]


def _without(run: TrainingRun, runs: list[TrainingRun], asked: QueryDict) -> str:
    """Return the address that chooses all of the runs but one."""
    query = asked.copy()
    # Named as none, lest the newest few be chosen.
    query.setlist("run", [str(each.pk) for each in runs if each != run] or ["none"])
    return f"?{query.urlencode()}"


def _by_epoch(curves: list[Curve], figure: str) -> list[tuple[int, list[float | None]]]:
    """Return an epoch's number and what each curve has there, for all epochs that one of them has."""
    values = [{epoch.epoch: getattr(epoch, figure) for epoch in curve.epochs} for curve in curves]
    numbers = sorted({number for each in values for number in each})
    return [(number, [each.get(number) for each in values]) for number in numbers]
