"""How the candidates of a sweep did on validation, the best first."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from training_jobs.models import Candidate, EpochMetric, Job, Sweep, TrainingRun
from training_jobs.queries import best_epochs, best_score


@dataclass(frozen=True)
class Spread:
    """A score over folds, each 0..1: their mean, and their standard deviation (None with one fold)."""

    mean: float
    deviation: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """Return that of some values; None without any."""
        if not values:
            return None
        return cls(statistics.mean(values), statistics.stdev(values) if len(values) > 1 else None)


@dataclass(frozen=True)
class Ranked:
    """A candidate on the last rung it reached.

    `score` is by what its runs choose their epoch, None until all its folds have succeeded; `f1` is of each
    class, None for one that no fold could judge.
    """

    candidate: Candidate
    rung: int
    trials: list[TrainingRun]
    score: Spread | None
    f1: dict[str, Spread | None]

    @property
    def state(self) -> str:
        """That of its trials: of several the one that tells most."""
        states = {trial.state for trial in self.trials}
        order = (
            Job.State.RUNNING,
            Job.State.CANCELLING,
            Job.State.QUEUED,
            Job.State.DEAD,
            Job.State.FAILED,
            Job.State.CANCELLED,
        )
        return next((state for state in order if state in states), Job.State.SUCCEEDED)


def ranked(sweep: Sweep) -> list[Ranked]:
    """Return all candidates: who came further first, then who scored higher, then in their order."""
    runs = list(TrainingRun.objects.of_sweep(sweep.pk).order_by("rung", "fold"))
    of_candidate: dict[int | None, list[TrainingRun]] = {}
    for run in runs:
        of_candidate.setdefault(run.candidate_id, []).append(run)
    best = best_epochs(runs)
    classes = list(sweep.split.dataset.classes.order_by("position").values_list("name", flat=True))
    found = [
        _ranked(candidate, of_candidate.get(candidate.pk, []), best, classes)
        for candidate in sweep.candidates.all()
    ]
    return sorted(found, key=lambda each: (-each.rung, -(each.score.mean if each.score else -1.0)))


def best_of(found: Sequence[Ranked]) -> Ranked | None:
    """Return the best of those ranked; None before any has been scored."""
    return next((each for each in found if each.score is not None), None)


def _ranked(
    candidate: Candidate,
    trials: Sequence[TrainingRun],
    best: dict[int, EpochMetric],
    classes: Sequence[str],
) -> Ranked:
    rung = max((trial.rung for trial in trials), default=0)
    last = [trial for trial in trials if trial.rung == rung]
    epochs = [best[trial.pk] for trial in last if trial.state == Job.State.SUCCEEDED and trial.pk in best]
    scores = [
        score
        for trial in last
        if trial.pk in best and (score := best_score(trial, best[trial.pk])) is not None
    ]
    judged = len(epochs) == len(last) == len(scores)
    f1 = {
        name: Spread.of([value for epoch in epochs if (value := (epoch.val_f1 or {}).get(name)) is not None])
        for name in classes
    }
    return Ranked(candidate, rung, last, Spread.of(scores) if judged and last else None, f1)
