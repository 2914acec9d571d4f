"""A sweep as lines for a person and as JSON: what is varied, how each candidate did, the best first."""

from dataclasses import asdict
from typing import Any

from training_jobs.launching import defaults_of
from training_jobs.models import Job, Sweep, TrainingRun
from training_jobs.queries import SCORES, score_name
from training_jobs.ranking import Ranked, Spread, best_of, ranked


def sweep_as_json(sweep: Sweep) -> dict[str, Any]:
    """Return a sweep with its candidates, the best first."""
    found = ranked(sweep)
    best = best_of(found)
    return {
        "id": sweep.pk,
        "name": sweep.name,
        "split": str(sweep.split),
        "architecture": sweep.architecture,
        "state": sweep.state,
        "method": sweep.method,
        "folds": sweep.folds,
        "rungs": sweep.rungs,
        "seed": sweep.seed,
        "space": sweep.space,
        "score": sweep.config["best_by"],
        "best": best.candidate.number if best else None,
        "candidates": [candidate_as_json(each) for each in found],
    }


def candidate_as_json(each: Ranked) -> dict[str, Any]:
    """Return a candidate: its settings, how far it came, its score and each class's F1 over its folds."""
    return {
        "number": each.candidate.number,
        "settings": each.candidate.settings,
        "state": each.state,
        "rung": each.rung,
        "runs": [trial.pk for trial in each.trials],
        "score": _as_json(each.score),
        "f1": {name: _as_json(spread) for name, spread in each.f1.items()},
    }


def told_sweep(sweep: Sweep) -> list[str]:
    """Return the table of a sweep as lines: rank, candidate, score, settings; then how to train the best."""
    found = ranked(sweep)
    lines = [f"{'candidate':>9}  {'epochs':>6}  {told_score(sweep):>19}  settings"]
    for each in found:
        score = told_spread(each.score) or each.state
        settings = told_settings(each.candidate.settings)
        lines.append(f"{each.candidate.number:>9}  {sweep.rungs[each.rung]:>6}  {score:>19}  {settings}")
    if (best := best_of(found)) is not None:
        sets = "".join(f" --set {name}={value}" for name, value in changes(sweep, best).items())
        lines.append(f"Train the best: train {sweep.split} --architecture {sweep.architecture}{sets}")
    return lines


def changes(sweep: Sweep, each: Ranked) -> dict[str, Any]:
    """Return the settings of a candidate that differ from the defaults of its architecture."""
    defaults = defaults_of(sweep.architecture)
    whole = {**sweep.config, **each.candidate.settings}
    return {name: whole[name] for name, default in defaults.items() if whole[name] != default}


def told_trial(run: TrainingRun, score: float | None) -> str:
    """Say how a trial ended."""
    assert run.candidate is not None
    fold = f", fold {run.fold}" if run.fold else ""
    told = f"{SCORES[score_name(run)]} {score:.3f}" if score is not None else run.state
    if run.state == Job.State.FAILED:
        told = f"failed: {run.error}"
    epochs = "1 epoch" if run.total_epochs == 1 else f"{run.total_epochs} epochs"
    return f"candidate {run.candidate.number}{fold}, {epochs}: {told}"


def told_score(sweep: Sweep) -> str:
    """Name the score that ranks."""
    return f"{SCORES[sweep.config['best_by']]} on {f'{sweep.folds} folds' if sweep.folds else 'val'}"


def told_spread(spread: Spread | None) -> str:
    """Return mean and deviation; "" where there is none."""
    if spread is None:
        return ""
    return f"{spread.mean:.3f}" + (f" ± {spread.deviation:.3f}" if spread.deviation is not None else "")


def _as_json(spread: Spread | None) -> dict[str, Any] | None:
    """Return mean and deviation, null where there is none."""
    return asdict(spread) if spread else None


def told_settings(settings: dict[str, Any]) -> str:
    """Return settings as `name=value`."""
    return " ".join(f"{name}={value}" for name, value in settings.items())
