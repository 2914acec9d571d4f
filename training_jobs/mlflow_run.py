"""One training run told to MLflow's client: what it is, its epochs, its scores and its files.

Loaded by the process that mirrors, and by no other.
"""

import json
import os
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from django.conf import settings

from training_jobs.mirrored import (
    KEY,
    Figure,
    epoch_figures,
    evaluations_of,
    key_of,
    params_of,
    score_figures,
    tags_of,
    written_evaluation,
)
from training_jobs.models import EpochMetric, Job, Mirror, TrainingRun

# Before MLflow is loaded, which reads them then: it would wait for minutes, and report its use to its makers.
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# It would print addresses, with a password that they hold, into what a command answers.
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

STATUS = {
    Job.State.QUEUED: "SCHEDULED",
    Job.State.RUNNING: "RUNNING",
    Job.State.CANCELLING: "RUNNING",
    Job.State.CANCELLED: "KILLED",
    Job.State.SUCCEEDED: "FINISHED",
    Job.State.FAILED: "FAILED",
    Job.State.DEAD: "FAILED",
}
_EPOCHS_AT_ONCE = 25
_PARAMS_AT_ONCE = 100
_FILES = ("model.keras", "model.onnx", "recipe.json")


def bring_up(run: TrainingRun, kept: Mirror) -> None:
    """Tell MLflow what it was not told yet of a run; each part is kept as told before the next."""
    client = MlflowClient(tracking_uri=settings.MLFLOW_TRACKING_URI)
    if not kept.mlflow_run:
        _find_or_make(client, run, kept)
    place = kept.mlflow_run
    is_news = (kept.state, kept.attempt) != (run.state, run.attempt)
    if is_news and run.is_active:
        client.update_run(place, status=STATUS[Job.State(run.state)])
    if is_news:
        _describe(client, run, place)
    _tell_epochs(client, run, kept)
    if is_news and run.version is not None:
        _tell_scores(client, run, place)
        _send_files(client, run, place)
    if is_news and not run.is_active:
        client.set_terminated(place, status=STATUS[Job.State(run.state)], end_time=_ms(run.finished_at))


def _find_or_make(client: MlflowClient, run: TrainingRun, kept: Mirror) -> None:
    """Find the run's mirror by its key, which one whose making was cut short has too; else make it."""
    experiment = _experiment(client, run.split.dataset.slug)
    found = _with_key(client, experiment, key_of(run))
    if found is None:
        tags = {KEY: key_of(run)}
        if run.candidate is not None:
            tags["mlflow.parentRunId"] = _sweep_of(client, run, experiment)
        name = f"{run.name}-{run.pk}"
        made = client.create_run(experiment, start_time=_ms(run.started_at), tags=tags, run_name=name)
        found = made.info.run_id
    kept.found_at(experiment=experiment, mlflow_run=found)


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id) if found is not None else str(client.create_experiment(name))


def _with_key(client: MlflowClient, experiment: str, key: str) -> str | None:
    found = client.search_runs([experiment], f"tags.`{KEY}` = '{key}'", max_results=1)
    return str(found[0].info.run_id) if found else None


def _sweep_of(client: MlflowClient, run: TrainingRun, experiment: str) -> str:
    """Return the run of MLflow that holds a sweep's trials together; it has ended: it never ran itself."""
    assert run.candidate is not None
    sweep = run.candidate.sweep
    key = f"sweep {sweep.pk} of {sweep.created_at.isoformat()}"
    if (found := _with_key(client, experiment, key)) is not None:
        return found
    made = client.create_run(
        experiment,
        start_time=_ms(sweep.created_at),
        tags={KEY: key, "sweep": str(sweep.pk)},
        run_name=f"{sweep.name}-sweep-{sweep.pk}",
    )
    client.set_terminated(made.info.run_id, status="FINISHED")
    return str(made.info.run_id)


def _describe(client: MlflowClient, run: TrainingRun, place: str) -> None:
    """Tell settings and origin, which never change, and where the run stands."""
    params = [Param(name, value) for name, value in params_of(run).items()]
    tags = [RunTag(name, value) for name, value in tags_of(run).items()]
    for first in range(0, len(params), _PARAMS_AT_ONCE):
        client.log_batch(place, params=params[first : first + _PARAMS_AT_ONCE])
    client.log_batch(place, tags=tags)


def _tell_epochs(client: MlflowClient, run: TrainingRun, kept: Mirror) -> None:
    """Tell the epochs that came since; those that a later attempt took over were told by the earlier one."""
    told = epoch_figures(run)
    rows = list(EpochMetric.objects.filter(run=run, pk__gt=kept.last_epoch).order_by("pk"))
    for first in range(0, len(rows), _EPOCHS_AT_ONCE):
        some = rows[first : first + _EPOCHS_AT_ONCE]
        metrics = [metric for row in some for metric in _metrics(told.get(row.pk, []))]
        if metrics:
            client.log_batch(kept.mlflow_run, metrics=metrics)
        kept.told(some[-1].pk)


def _tell_scores(client: MlflowClient, run: TrainingRun, place: str) -> None:
    client.log_batch(place, metrics=list(_metrics(score_figures(run))))


def _metrics(figures: list[Figure]) -> Iterator[Metric]:
    for each in figures:
        yield Metric(each.name, each.value, _ms(each.at), each.step)


def _send_files(client: MlflowClient, run: TrainingRun, place: str) -> None:
    """Send the files of the version, and its scores as JSON and as pictures."""
    assert run.version is not None
    for name in _FILES:
        if (path := run.version.folder / name).exists():
            client.log_artifact(place, str(path), "model")
    with TemporaryDirectory() as folder:
        for evaluation in evaluations_of(run):
            told, picture = written_evaluation(evaluation)
            for name, content in (
                ("scores.json", json.dumps(told, indent=2).encode()),
                ("matrix.svg", picture),
            ):
                path = Path(folder) / f"{evaluation.subset}-{name}"
                path.write_bytes(content)
                client.log_artifact(place, str(path), "evaluation")


def _ms(moment: datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp() * 1000)
