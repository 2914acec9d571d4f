"""Trials of a sweep, carried out by the function that a worker calls."""

from pathlib import Path
from typing import Any

import pytest

from classifier.models import Evaluation, ModelVersion, Prediction
from datasets.models import Split
from tests.training_jobs.test_repeating import FIGURES
from training_jobs import tasks
from training_jobs.leases import Claim, reap
from training_jobs.lessons import lesson_of
from training_jobs.models import EpochMetric, Sweep
from training_jobs.ranking import ranked
from training_jobs.sweeping import queue_sweep, trials_of
from training_jobs.training import config_of

# The heartbeat writes from a thread of its own, which sees only rows that are committed.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.keras]
TINY = {"image_size": 32, "layout": "pooled", "epochs": 3, "batch_size": 8, "drawn_papers": 0}


def carry_out_all(sweep: Sweep) -> None:
    """Do what a worker does until the sweep has ended."""
    while sweep.is_running:
        tasks.train(trials_of(sweep).waiting().first().pk)
        sweep.refresh_from_db()


@pytest.mark.slow
def test_halving_goes_on_where_a_trial_paused_and_comes_to_what_a_whole_one_does(
    split: Split, woken: Any, data_dir: Path
) -> None:
    vary = {"vary": {"dropout": "0.1..0.4"}, "number": 3, "config": TINY}
    halved = queue_sweep(split, architecture="cnn", method="halving", **vary)
    carry_out_all(halved)
    assert halved.state == Sweep.State.FINISHED
    last = trials_of(halved).get(rung=1)
    assert "Goes on after epoch 1" in [event["note"] for event in last.events]
    whole = queue_sweep(split, architecture="cnn", **vary)
    carry_out_all(whole)
    twin = trials_of(whole).get(candidate__number=last.candidate.number)
    assert list(last.epochs.values(*FIGURES, "val_f1")) == list(twin.epochs.values(*FIGURES, "val_f1"))
    assert twin.epochs.count() == 3

    # Nothing but their figures is left.
    assert not ModelVersion.objects.exists()
    assert not Prediction.objects.exists() and not Evaluation.objects.exists()
    reap()
    assert [path for path in (data_dir / "checkpoints").iterdir() if any(path.iterdir())] == []


def test_each_fold_judges_images_that_its_trial_did_not_learn_from(
    split: Split, woken: Any, data_dir: Path
) -> None:
    sweep = queue_sweep(split, architecture="cnn", config=TINY, number=2, folds=3)
    judged = []
    for trial in trials_of(sweep).filter(candidate__number=1):
        assert trial.claim("w")
        read = lesson_of(trial, Claim(trial), config_of(trial)).read
        learnt, judging = ({image.pk for image in read[subset].images} for subset in ("train", "val"))
        assert not learnt & judging
        assert learnt | judging == set(
            split.members.exclude(subset="test").values_list("image_id", flat=True)
        )
        judged += judging
        trial.fail(code="x", reason="Only its images were read.")
    assert len(judged) == len(set(judged)) == split.members.exclude(subset="test").count()


@pytest.mark.slow
def test_a_candidate_is_judged_on_all_folds(split: Split, woken: Any, data_dir: Path) -> None:
    sweep = queue_sweep(
        split,
        architecture="cnn",
        vary={"dropout": "0.1, 0.2"},
        number=2,
        folds=2,
        config={**TINY, "epochs": 1},
    )
    carry_out_all(sweep)
    best = ranked(sweep)[0]
    assert best.score is not None and best.score.deviation is not None
    assert all(0 <= spread.mean <= 1 for spread in best.f1.values() if spread is not None)
    assert EpochMetric.objects.filter(run__candidate__sweep=sweep).count() == 4
    assert all(epoch.val_f1 for epoch in EpochMetric.objects.all())
