"""Training runs in MLflow: its own client tells them to a store of its own, in a folder of the test."""

import json
import socket
from collections.abc import Iterator
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from django.utils import timezone

from classifier.models import Evaluation
from tests.factories_models import TrainingRunFactory
from training_jobs import tasks
from training_jobs.launching import queue_training
from training_jobs.mirroring import MirrorBehind, behind, catch_up, mirror, server, told_mirror
from training_jobs.models import EpochMetric, Job, Mirror, TrainingRun
from training_jobs.sweeping import queue_sweep

pytestmark = pytest.mark.django_db(transaction=True)
needs_client = pytest.mark.skipif(
    find_spec("mlflow") is None, reason="MLflow's client is not installed (requirements-mlflow.txt)"
)


@pytest.fixture
def store(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of an empty store."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    settings.MLFLOW_TRACKING_URI = f"file:{tmp_path / 'mlflow'}"
    return str(settings.MLFLOW_TRACKING_URI)


@pytest.fixture
def closed_port(settings: Any) -> Iterator[int]:
    """A port that refuses, named with a password as the server's."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        settings.MLFLOW_TRACKING_URI = f"http://lab:hush@127.0.0.1:{held.getsockname()[1]}"
        yield held.getsockname()[1]


def in_mlflow(run: TrainingRun) -> Any:
    """The run as MLflow has it."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri=Mirror.objects.get(run=run).server)
    return client.get_run(Mirror.objects.get(run=run).mlflow_run)


def history(run: TrainingRun, name: str) -> list[tuple[int, float]]:
    """Every value that MLflow was told of a figure: (step, value)."""
    from mlflow.tracking import MlflowClient

    kept = Mirror.objects.get(run=run)
    told = MlflowClient(tracking_uri=kept.server).get_metric_history(kept.mlflow_run, name)
    return sorted((each.step, each.value) for each in told)


def claimed_run(**fields: Any) -> TrainingRun:
    """A run at work."""
    run = TrainingRunFactory(**fields)
    assert run.claim("w:1")
    return run


def epoch(run: TrainingRun, number: int, loss: float) -> None:
    """Let an epoch end."""
    EpochMetric.objects.create(
        run=run,
        attempt=run.attempt,
        epoch=number,
        loss=loss,
        accuracy=0.5,
        val_loss=loss * 2,
        val_macro_f1=0.25,
        learning_rate=1e-3,
        seconds=2.0,
        val_f1={"BlotGel": 0.75, "FACS": None},
    )


@needs_client
@pytest.mark.keras
def test_a_run_is_in_mlflow_with_its_recipe_figures_scores_and_files(store: str, settings: Any) -> None:
    settings.SITE_URL = "https://panels.example.org/"
    config = {"architecture": "cnn", "layout": "pooled", "image_size": 32, "batch_size": 8}
    run = TrainingRunFactory(config={**config, "epochs": 2, "drawn_papers": 0})
    tasks.train(run.pk)
    # Two papers are too few for an interval.
    Evaluation.objects.filter(subset="test").update(intervals={"macro_f1": [0.125, 0.875], "accuracy": None})
    assert catch_up().mirrored == [str(run)]
    run.refresh_from_db()
    assert run.version is not None
    found = in_mlflow(run)
    assert (found.info.status, found.info.run_name) == ("FINISHED", f"panels-{run.pk}")
    assert found.info.end_time == int(run.finished_at.timestamp() * 1000)
    assert found.data.params["split"] == "s"
    assert found.data.params["batch_size"] == "8"
    assert found.data.params["label_cutoff"] == run.label_cutoff.isoformat()
    assert found.data.params["training_set_sha256"] == run.version.training_set_sha256
    assert found.data.params["library.keras"] == run.version.libraries["keras"]
    assert found.data.tags["version"] == "panels@1"
    assert found.data.tags["page"] == f"https://panels.example.org{reverse('run', args=[run.pk])}"
    rows = list(run.epochs.order_by("epoch"))
    assert history(run, "val_loss") == [(row.epoch, row.val_loss) for row in rows]
    assert history(run, "val_f1/BlotGel") == [(row.epoch, row.val_f1["BlotGel"]) for row in rows]
    test = run.version.evaluations.get(subset="test")
    assert found.data.metrics["test_macro_f1"] == test.macro_f1
    assert found.data.metrics["test_macro_f1_low"] == 0.125
    assert found.data.metrics["test_macro_f1_high"] == 0.875
    assert "test_accuracy_low" not in found.data.metrics
    files = Path(found.info.artifact_uri.removeprefix("file://"))
    sent = {str(path.relative_to(files)): path for path in files.rglob("*.*")}
    assert sorted(sent) == [
        "evaluation/test-matrix.svg",
        "evaluation/test-scores.json",
        "evaluation/val-matrix.svg",
        "evaluation/val-scores.json",
        "model/model.keras",
        "model/model.onnx",
        "model/recipe.json",
    ]
    assert sent["model/model.onnx"].read_bytes() == run.version.onnx_path.read_bytes()
    assert json.loads(sent["evaluation/test-scores.json"].read_text())["matrix"] == test.matrix

    assert catch_up().mirrored == []
    assert not behind().exists()


@needs_client
def test_epochs_are_told_as_they_come_and_none_twice_by_a_later_attempt(store: str) -> None:
    run = claimed_run()
    epoch(run, 1, 0.9)
    mirror(run)
    assert in_mlflow(run).info.status == "RUNNING"
    assert history(run, "loss") == [(1, 0.9)]
    assert not behind().exists()

    epoch(run, 2, 0.8)
    assert [each.pk for each in behind()] == [run.pk]
    run.give_back()
    mirror(run)
    assert in_mlflow(run).info.status == "SCHEDULED"

    first = Mirror.objects.get().mlflow_run
    assert run.claim("w:2")
    for number, loss in ((1, 0.9), (2, 0.8), (3, 0.7)):
        epoch(run, number, loss)
    mirror(run)
    mirror(run)
    assert history(run, "loss") == [(1, 0.9), (2, 0.8), (3, 0.7)]
    assert Mirror.objects.get().mlflow_run == first
    assert in_mlflow(run).data.tags["attempt"] == "2"


@needs_client
def test_a_run_ends_in_mlflow_as_it_did_here_and_goes_on_in_the_same_when_retried(store: str) -> None:
    run = claimed_run()
    mirror(run)
    run.cancel()
    run.stopped()
    mirror(run)
    assert in_mlflow(run).info.status == "KILLED"
    place = Mirror.objects.get().mlflow_run
    run.retry()
    assert run.claim("w:2")
    mirror(run)
    assert in_mlflow(run).info.status == "RUNNING"
    run.fail(code="diverged", reason="The loss is no number.")
    mirror(run)
    assert (in_mlflow(run).info.status, Mirror.objects.get().mlflow_run) == ("FAILED", place)
    assert in_mlflow(run).data.tags["error"] == "The loss is no number."


@needs_client
def test_a_run_whose_worker_was_killed_does_not_run_for_ever_in_mlflow(store: str) -> None:
    run = claimed_run()
    mirror(run)
    TrainingRun.objects.update(attempt=3, lease_expires_at=timezone.now() - timedelta(minutes=1))
    run.refresh_from_db()
    assert run.take_back() == Job.State.DEAD
    assert catch_up().mirrored == [str(run)]
    assert in_mlflow(run).info.status == "FAILED"


@needs_client
def test_a_mirror_whose_making_was_cut_short_is_found_again(store: str) -> None:
    run = claimed_run()
    mirror(run)
    place = Mirror.objects.get().mlflow_run
    Mirror.objects.all().delete()
    mirror(run)
    assert Mirror.objects.get().mlflow_run == place


@needs_client
def test_a_run_that_was_deleted_in_mlflow_is_told_anew_when_it_is_named(store: str) -> None:
    from mlflow.tracking import MlflowClient

    run = claimed_run()
    epoch(run, 1, 0.9)
    mirror(run)
    place = Mirror.objects.get().mlflow_run
    MlflowClient(tracking_uri=store).delete_run(place)
    call_command("mirror", str(run.pk))
    assert Mirror.objects.get().mlflow_run != place
    assert history(run, "loss") == [(1, 0.9)]


@needs_client
def test_the_trials_of_a_sweep_hang_together_in_mlflow(store: str, split: Any, woken: Any) -> None:
    sweep = queue_sweep(split, architecture="cnn", config={"epochs": 1}, number=2)
    first, second = TrainingRun.objects.of_sweep(sweep.pk).order_by("pk")
    assert first.claim("w:1")
    mirror(first)
    first.succeed()
    assert second.claim("w:1")
    assert len(catch_up().mirrored) == 2
    parents = {in_mlflow(run).data.tags["mlflow.parentRunId"] for run in (first, second)}
    assert len(parents) == 1
    assert in_mlflow(second).data.tags["sweep"] == str(sweep.pk)
    assert in_mlflow(second).data.tags["candidate"] == "2"


@needs_client
@pytest.mark.keras
def test_training_succeeds_while_the_server_is_down_and_is_told_of_when_it_is_up(
    closed_port: int, settings: Any, store: str, as_role: Any
) -> None:
    up, down = settings.MLFLOW_TRACKING_URI, f"http://lab:hush@127.0.0.1:{closed_port}"
    settings.MLFLOW_TRACKING_URI = down
    run = TrainingRunFactory()
    tasks.train(run.pk)
    run.refresh_from_db()
    assert run.state == Job.State.SUCCEEDED, run.error

    with pytest.raises(MirrorBehind):
        mirror(run)
    page = as_role().get(reverse("run", args=[run.pk])).content.decode()
    assert "Not in MLflow yet" in page
    assert "Connection refused" in page
    assert "hush" not in page + Mirror.objects.get().error + Mirror.objects.get().server
    with pytest.raises(CommandError, match="Runs that are behind: 1"):
        call_command("mirror", str(run.pk))
    # Left alone for a while, so that a pass costs nothing.
    assert (catch_up().failed, catch_up().behind) == ({}, 1)

    settings.MLFLOW_TRACKING_URI = up
    assert catch_up().mirrored == [str(run)]
    assert in_mlflow(run).info.status == "FINISHED"


def test_without_a_server_nothing_is_mirrored_and_the_command_says_why(settings: Any, as_role: Any) -> None:
    settings.MLFLOW_TRACKING_URI = ""
    run = claimed_run()
    assert told_mirror(run) is None
    assert "MLflow" not in as_role().get(reverse("run", args=[run.pk])).content.decode()
    with pytest.raises(CommandError, match="MLFLOW_TRACKING_URI is not set"):
        call_command("mirror")


def test_a_missing_client_is_said_in_one_sentence(
    settings: Any, monkeypatch: pytest.MonkeyPatch, as_role: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("training_jobs.mirroring.find_spec", lambda name: None)
    settings.MLFLOW_TRACKING_URI = "http://127.0.0.1:5000"
    run = claimed_run()
    assert "is not installed" in as_role().get(reverse("run", args=[run.pk])).content.decode()
    call_command("check")
    assert "training_jobs.W001" in capsys.readouterr().err
    with pytest.raises(CommandError, match=r"requirements-mlflow\.txt"):
        call_command("mirror")


def test_the_page_and_rest_lead_to_the_run_in_mlflow(settings: Any, as_role: Any) -> None:
    settings.MLFLOW_TRACKING_URI = "https://lab:hush@mlflow.example.org/"
    run = claimed_run()
    Mirror.objects.create(
        run=run, server=server(), experiment="7", mlflow_run="abc", state=run.state, attempt=run.attempt
    )
    address = "https://mlflow.example.org/#/experiments/7/runs/abc"
    assert f'href="{address}"' in as_role().get(reverse("run", args=[run.pk])).content.decode()
    told = as_role().get(reverse("training-run-detail", args=[run.pk])).json()["mirror"]
    assert told == {"address": address, "name": "abc", "is_behind": False, "reason": ""}


def test_a_run_that_waits_for_its_first_attempt_is_not_mirrored(store: str, split: Any, woken: Any) -> None:
    run = queue_training(split, architecture="cnn", config={"epochs": 1})
    assert told_mirror(run) is None
    assert not behind().exists()
    assert Mirror.objects.count() == 0
