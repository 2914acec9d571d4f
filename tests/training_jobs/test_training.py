"""A tiny network trained through the very function that a worker calls."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.evaluation import evaluated_images
from classifier.models import Evaluation, ModelVersion, Prediction
from datasets.store import path_of
from tests.factories_models import CLASSES, TrainingRunFactory, images_in
from tests.training_jobs.test_jobs import seen_elsewhere
from training_jobs import leases, tasks, training
from training_jobs.models import EpochMetric, Job, TrainingRun

# The heartbeat writes from a thread of its own, which sees only rows that are committed.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.keras]


@pytest.fixture
def run() -> TrainingRun:
    """A queued run of one epoch on images of noise."""
    return TrainingRunFactory()


def test_a_run_ends_with_a_version_its_predictions_and_its_scores(run: TrainingRun, data_dir: Path) -> None:
    path_of(images_in(run.split, "train").first().sha256).unlink()
    tasks.train(run.pk)
    run.refresh_from_db()
    assert run.state == Job.State.SUCCEEDED, run.error
    version = run.version
    assert version is not None
    assert (str(version), version.classes, version.input_size) == ("panels@1", CLASSES, 32)
    assert version.training_images == run.split.counts["images"]["train"] - 1
    assert (version.label_cutoff, version.parity <= 1e-3) == (run.label_cutoff, True)
    assert "could not be read" in " ".join(event["note"] for event in run.events)

    assert sorted(path.name for path in version.onnx_path.parent.iterdir()) == [
        "model.keras",
        "model.onnx",
        "recipe.json",
    ]
    recipe = json.loads((version.onnx_path.parent / "recipe.json").read_text())
    assert (recipe["training_run"], recipe["classes"]) == (run.pk, CLASSES)
    assert not any((data_dir / "scratch").iterdir())

    scores = Evaluation.objects.filter(version=version).order_by("subset")
    assert [(each.subset, each.total, each.label_cutoff) for each in scores] == [
        (subset, run.split.counts["images"][subset], run.label_cutoff) for subset in ("test", "val")
    ]
    assert evaluated_images(scores[0]).count() == scores[0].total
    assert Prediction.objects.of(version).count() == sum(each.total for each in scores)
    (epoch,) = EpochMetric.objects.all()
    assert (epoch.run, epoch.attempt, epoch.epoch, epoch.is_best) == (run, 1, 1, True)
    assert epoch.val_accuracy is not None


def test_a_run_cancelled_in_an_epoch_publishes_nothing(
    run: TrainingRun, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    monkeypatch.setattr(leases, "ASK_EVERY", 0.0)
    report = training.Reports.__call__

    def cancel_in_the_epoch(reports: Any, done: int, total: int, message: str = "", **figures: float) -> None:
        report(reports, done, total, message, **figures)
        if message.startswith("Epoch"):
            seen_elsewhere(run).cancel()

    monkeypatch.setattr(training.Reports, "__call__", cancel_in_the_epoch)
    tasks.train(run.pk)
    run.refresh_from_db()
    assert (run.state, run.version, run.error) == (Job.State.CANCELLED, None, "")
    assert not ModelVersion.objects.exists()
    assert not list(data_dir.glob("models/*/*"))


def test_a_run_that_was_taken_over_before_it_ended_publishes_nothing(
    run: TrainingRun, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    judge = training.judge

    def taken_over(*args: Any) -> None:
        judge(*args)
        TrainingRun.objects.filter(pk=run.pk).update(fence=99, worker="quick")

    monkeypatch.setattr(training, "judge", taken_over)
    tasks.train(run.pk)
    # The transaction took back what was written in it, the other worker's claim of this test included.
    assert not ModelVersion.objects.exists()
    assert not Prediction.objects.exists()
    assert not Evaluation.objects.exists()
    assert not list(data_dir.glob("models/*/*"))


def test_a_run_without_val_and_test_images_still_publishes(monkeypatch: pytest.MonkeyPatch) -> None:
    run = TrainingRunFactory()
    run.split.members.model._base_manager.filter(split=run.split)._raw_delete("default")
    run.split.members.bulk_create(
        run.split.members.model(split=run.split, image=image, subset="train")
        for image in run.split.dataset.images.all()
    )
    tasks.train(run.pk)
    run.refresh_from_db()
    assert run.state == Job.State.SUCCEEDED, run.error
    assert not Evaluation.objects.exists()
    assert sum("No score on" in event["note"] for event in run.events) == 2


def test_the_same_answer_comes_from_a_file_as_from_the_stored_image(run: TrainingRun) -> None:
    from classifier.classifying import classify_files

    tasks.train(run.pk)
    prediction = Prediction.objects.first()
    assert prediction is not None
    data = path_of(prediction.image.sha256).read_bytes()
    (result,) = classify_files([("a.png", lambda: data)])["results"]
    assert np.allclose(list(result["probabilities"].values()), prediction.probabilities, atol=1e-5)
    assert result["label"] == prediction.predicted
