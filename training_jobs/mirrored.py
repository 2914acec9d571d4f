"""What a mirror of a training run says: settings, tags, figures by epoch, scores; from its rows alone.

Figures have the moment at which they were measured, so that telling one twice makes no second one.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.urls import reverse

from classifier.figures import draw_matrix
from classifier.matrix import shown_matrix
from classifier.models import Evaluation
from datasets.models import Subset
from datasets.queries import class_looks
from training_jobs.models import EpochMetric, TrainingRun

KEY = "training_run.key"
EPOCH_FIGURES = ("loss", "accuracy", "val_loss", "val_accuracy", "val_macro_f1", "learning_rate", "seconds")
HEADLINES = ("macro_f1", "accuracy", "balanced_accuracy")
_LONGEST_VALUE = 5000


@dataclass(frozen=True)
class Figure:
    """One number at a step, and when it was measured."""

    name: str
    value: float
    step: int
    at: datetime


def key_of(run: TrainingRun) -> str:
    """Return what a run is found by: ids of two installations may be the same."""
    return f"run {run.pk} of {run.created_at.isoformat()}"


def params_of(run: TrainingRun) -> dict[str, str]:
    """Return settings and origin; those of the version once there is one."""
    told: dict[str, Any] = {
        **run.config,
        "architecture": run.architecture,
        "dataset": run.split.dataset.slug,
        "split": run.split.name,
        "label_cutoff": run.label_cutoff.isoformat(),
    }
    if (version := run.version) is not None:
        told |= {
            "training_set_sha256": version.training_set_sha256,
            "training_images": version.training_images,
            "code_version": version.code_version,
            "keras_sha256": version.keras_sha256,
            "onnx_sha256": version.onnx_sha256,
            **{f"library.{name}": found for name, found in version.libraries.items()},
        }
    return {_name(name): _text(value) for name, value in told.items()}


def tags_of(run: TrainingRun) -> dict[str, str]:
    """Return where a run stands, what it became, and where its page is."""
    page = f"{settings.SITE_URL.rstrip('/')}{reverse('run', args=[run.pk])}"
    told: dict[str, Any] = {
        KEY: key_of(run),
        "training_run": run.pk,
        "state": run.state,
        "attempt": run.attempt,
        "page": page,
        "version": run.version or run.version_removed,
        "error": run.error,
        "mlflow.user": run.created_by.get_username() if run.created_by else "",
        "mlflow.source.name": page,
    }
    if settings.SITE_URL:
        told["mlflow.note.content"] = f"[{run}]({page})"
    if run.candidate is not None:
        told |= {
            "sweep": run.candidate.sweep_id,
            "candidate": run.candidate.number,
            "rung": run.rung,
            "fold": run.fold,
        }
    return {name: _text(value) for name, value in told.items()}


def epoch_figures(run: TrainingRun) -> dict[int, list[Figure]]:
    """Return the figures of each epoch by its row's id; none of one that an earlier attempt measured."""
    begun = {
        number: datetime.fromisoformat(event["at"])
        for number, event in enumerate((each for each in run.events if _begins(each)), start=1)
    }
    measured: set[tuple[int, float, float | None]] = set()
    at: dict[int, datetime] = {}
    told: dict[int, list[Figure]] = {}
    for row in EpochMetric.objects.filter(run=run).order_by("pk"):
        same = (row.epoch, row.loss, row.val_loss)
        if same in measured:
            continue
        measured.add(same)
        before = at.get(row.attempt) or begun.get(row.attempt, run.created_at)
        at[row.attempt] = before + timedelta(seconds=row.seconds)
        told[row.pk] = list(_of_epoch(row, at[row.attempt]))
    return told


def score_figures(run: TrainingRun) -> list[Figure]:
    """Return the scores on test with their intervals, and which epoch was the best."""
    version = run.version
    if version is None:
        return []
    at = run.finished_at or version.created_at
    told: dict[str, float | None] = {"best_epoch": version.best_epoch, "best_score": version.best_score}
    for evaluation in evaluations_of(run):
        if evaluation.subset != Subset.TEST:
            continue
        for name in HEADLINES:
            told[f"test_{name}"] = getattr(evaluation, name)
            low, high = evaluation.intervals.get(name) or (None, None)
            told |= {f"test_{name}_low": low, f"test_{name}_high": high}
        for each in evaluation.per_class:
            for score in ("precision", "recall", "f1"):
                told[_name(f"test_{score}/{each['name']}")] = each[score]
        told |= {"test_images": evaluation.total, "test_papers": evaluation.papers}
    return [Figure(name, float(value), 0, at) for name, value in told.items() if value is not None]


def evaluations_of(run: TrainingRun) -> list[Evaluation]:
    """Return the evaluations that came with a run's version, of test and val."""
    found = Evaluation.objects.filter(version=run.version, split=run.split, label_cutoff=run.label_cutoff)
    by_subset = {
        each.subset: each for each in found.select_related("version", "split__dataset").order_by("-pk")
    }
    return [by_subset[subset] for subset in sorted(by_subset)]


def written_evaluation(evaluation: Evaluation) -> tuple[dict[str, Any], bytes]:
    """Return an evaluation as JSON and its confusion matrix as SVG."""
    names = ("subset", "label_cutoff", "classes", "matrix", "per_class", *HEADLINES, "total", "unreadable")
    told = {
        "version": str(evaluation.version),
        "split": str(evaluation.split),
        **{name: getattr(evaluation, name) for name in (*names, "papers", "intervals")},
    }
    title = f"{evaluation.version} on {evaluation.split} {evaluation.subset}"
    looks = class_looks(evaluation.split.dataset)
    picture = draw_matrix(shown_matrix(evaluation.classes, evaluation.matrix), looks=looks, title=title)
    return json.loads(json.dumps(told, cls=DjangoJSONEncoder)), picture


def _begins(event: dict[str, Any]) -> bool:
    """Whether an event is the beginning of an attempt; a note of one at work has the same state."""
    return event["state"] == "running" and str(event["note"]).startswith("attempt ")


def _of_epoch(row: EpochMetric, at: datetime) -> Any:
    for name in EPOCH_FIGURES:
        if (value := getattr(row, name)) is not None:
            yield Figure(name, float(value), row.epoch, at)
    for name, value in (row.val_f1 or {}).items():
        if value is not None:
            yield Figure(_name(f"val_f1/{name}"), float(value), row.epoch, at)


def _name(text: str) -> str:
    """Return a text as a name that MLflow takes."""
    return re.sub(r"[^\w\-. /]", "_", text)[:250]


def _text(value: Any) -> str:
    is_json = value is None or isinstance(value, bool | int | float | list | dict)
    return (json.dumps(value) if is_json else str(value))[:_LONGEST_VALUE]
