"""Runs as lists show them: how each did, and how long it took."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from classifier.models import Evaluation
from training_jobs.admin.jobs import took
from training_jobs.launching import queue_places
from training_jobs.models import EpochMetric, TrainingRun
from training_jobs.queries import SCORES, best_epochs, best_score, score_name, test_evaluations


@dataclass(frozen=True)
class ListedRun:
    """A run as a list shows it; `place` is that in the queue, 0 where it does not wait."""

    run: TrainingRun
    place: int
    best: EpochMetric | None
    best_score: float | None
    score_name: str
    evaluation: Evaluation | None
    seconds: float | None


def listed_runs(runs: Iterable[TrainingRun], user: Any) -> list[ListedRun]:
    """Return runs with what lists show beside them."""
    runs = list(runs)
    places = queue_places(TrainingRun)
    best = best_epochs(runs, user)
    tests = test_evaluations([run.version_id for run in runs if run.version_id], user)
    return [
        ListedRun(
            run=run,
            place=places.get(run.pk, 0),
            best=best.get(run.pk),
            best_score=best_score(run, best.get(run.pk)),
            score_name=SCORES[score_name(run)],
            evaluation=tests.get(run.version_id) if run.version_id else None,
            seconds=took(run),
        )
        for run in runs
    ]
