"""A search for settings: what is queued, who goes on, how it ends, and what it refuses."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from datasets.errors import Refused
from datasets.models import Split, Subset
from tests.factories_models import ModelVersionFactory
from training_jobs.folds import in_folds
from training_jobs.leases import reap
from training_jobs.models import EpochMetric, IllegalMove, Job, Sweep, TrainingRun
from training_jobs.ranking import ranked
from training_jobs.sweeping import advance, cancel_sweep, queue_sweep, trials_of

pytestmark = pytest.mark.django_db
SMALL = {"image_size": 32, "layout": "pooled", "epochs": 9, "drawn_papers": 0}


@pytest.fixture
def halving(split: Split, woken: Any) -> Sweep:
    """Nine candidates, of which three and then one go on."""
    return queue_sweep(split, architecture="cnn", config=SMALL, method="halving")


def end(run: TrainingRun, score: float | None) -> None:
    """Carry a trial out without training: it reaches a score, or fails."""
    assert run.claim("w")
    if score is None:
        run.fail(code="diverged", reason="The loss is not a number any more.")
        return
    EpochMetric.objects.create(
        run=run,
        attempt=run.attempt,
        epoch=1,
        loss=1.0,
        accuracy=0.5,
        val_loss=1.0,
        val_accuracy=0.5,
        val_macro_f1=score,
        val_f1={"BlotGel": score, "Microscopy": None},
        learning_rate=0.1,
        seconds=1.0,
        is_best=True,
    )
    run.succeed()


def numbers(runs: Any) -> list[int]:
    """The candidates of runs."""
    return list(runs.order_by("candidate__number").values_list("candidate__number", flat=True))


def test_a_sweep_queues_a_trial_for_each_candidate_with_its_settings(split: Split, woken: Any) -> None:
    sweep = queue_sweep(
        split, architecture="cnn", config=SMALL, vary={"dropout": "0.1, 0.2, 0.3"}, number=3, seed=7
    )
    trials = list(trials_of(sweep).order_by("candidate__number"))
    assert [trial.state for trial in trials] == ["queued"] * 3
    assert trials[0].config["dropout"] == 0.25
    assert all(trial.config["dropout"] in (0.1, 0.2, 0.3) for trial in trials[1:])
    assert {trial.config["best_by"] for trial in trials} == {"val_macro_f1"}
    assert {trial.label_cutoff for trial in trials} == {sweep.label_cutoff}
    assert {trial.priority for trial in trials} == {-10}
    assert sweep.rungs == [9]


def test_halving_lets_the_better_third_go_on_with_three_times_the_epochs(halving: Sweep) -> None:
    assert halving.rungs == [1, 3, 9]
    for place, trial in enumerate(trials_of(halving).order_by("candidate__number"), start=1):
        assert advance(halving) == ""
        end(trial, None if place == 9 else place / 10)
    assert "2 of 8 candidates go on to 3 epochs" in advance(halving)
    assert advance(halving) == ""
    second = trials_of(halving).filter(rung=1)
    assert numbers(second) == [7, 8]
    assert {(trial.total_epochs, trial.config["epochs"]) for trial in second} == {(3, 9)}
    for trial in second:
        assert [each.rung for each in trial.earlier_trials] == [0]
        end(trial, trial.candidate.number / 10)
    assert "1 of 2 candidates go on to 9 epochs" in advance(halving)
    last = trials_of(halving).get(rung=2)
    end(last, 0.95)
    assert "is finished" in advance(halving)
    halving.refresh_from_db()
    assert (halving.state, halving.finished_at is not None) == (Sweep.State.FINISHED, True)
    found = ranked(halving)
    assert [each.candidate.number for each in found][:3] == [8, 7, 6]
    assert (found[0].rung, found[0].score.mean if found[0].score else None) == (2, 0.95)
    assert (found[-1].candidate.number, found[-1].score, found[-1].state) == (9, None, "failed")


def test_a_sweep_whose_trials_all_fail_is_finished_without_a_best(halving: Sweep) -> None:
    for trial in trials_of(halving):
        end(trial, None)
    assert "is finished" in advance(halving)


def test_the_reaper_lets_a_sweep_go_on_where_the_worker_could_not(halving: Sweep) -> None:
    for trial in trials_of(halving):
        end(trial, 0.5)
    summary = reap()
    assert len(summary.advanced) == 1
    assert trials_of(halving).filter(rung=1).count() == 3


def test_a_trial_is_there_once_per_rung_and_fold(halving: Sweep) -> None:
    trial = trials_of(halving).first()
    trial.pk = None
    with pytest.raises(IntegrityError), transaction.atomic():
        trial.save(force_insert=True)


def test_a_trial_makes_no_version(halving: Sweep) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        trials_of(halving).update(version=ModelVersionFactory())


def test_cancelling_ends_the_trials_that_wait_and_those_at_work(halving: Sweep) -> None:
    running = trials_of(halving).first()
    running.claim("w")
    cancel_sweep(halving)
    assert halving.state == Sweep.State.CANCELLED
    running.refresh_from_db()
    assert running.state == Job.State.CANCELLING
    assert trials_of(halving).filter(state="cancelled").count() == 8
    running.stopped()
    assert advance(halving) == ""
    with pytest.raises(IllegalMove):
        cancel_sweep(halving)


def test_folds_hold_each_image_once_and_no_paper_twice_and_not_the_test_subset(split: Split) -> None:
    cutoff = split.label_cutoff
    folds = in_folds(split, cutoff, folds=3, seed=1)
    papers = [{each.paper for each in fold} for fold in folds]
    assert all(not (one & two) for place, one in enumerate(papers) for two in papers[:place])
    images = [each.image.pk for fold in folds for each in fold]
    pooled = split.members.exclude(subset=Subset.TEST).values_list("image_id", flat=True)
    assert sorted(images) == sorted(pooled)
    assert in_folds(split, cutoff, folds=3, seed=1) == folds


def test_a_candidate_of_folds_has_mean_and_deviation_once_all_have_ended(split: Split, woken: Any) -> None:
    sweep = queue_sweep(split, architecture="cnn", config=SMALL, number=2, folds=3)
    trials = list(trials_of(sweep).filter(candidate__number=2).order_by("fold"))
    assert [trial.fold for trial in trials] == [1, 2, 3]
    for trial, score in zip(trials, (0.2, 0.4, 0.6), strict=True):
        assert next(each for each in ranked(sweep) if each.candidate.number == 2).score is None
        end(trial, score)
    first = ranked(sweep)[0]
    assert first.candidate.number == 2
    assert first.score is not None and first.score.deviation is not None
    assert (round(first.score.mean, 6), round(first.score.deviation, 6)) == (0.4, 0.2)
    assert first.f1["BlotGel"] == first.score
    assert first.f1["Microscopy"] is None


@pytest.mark.parametrize(
    ("asked", "code", "field"),
    [
        ({"number": 1}, "bad_sweep", "candidates"),
        ({"number": 201}, "bad_sweep", "candidates"),
        ({"folds": 1}, "bad_sweep", "folds"),
        ({"method": "grid"}, "bad_sweep", "method"),
        ({"seed": -1}, "bad_sweep", "seed"),
        ({"folds": 10}, "too_few_papers", None),
        ({"vary": {"dropout": "0..9"}}, "invalid_config", "dropout"),
        ({"vary": {"augment": "true, false"}, "number": 3}, "invalid_config", "candidates"),
        ({"config": {"epochs": 0}}, "invalid_config", "epochs"),
        ({"architecture": "vgg"}, "unknown_architecture", None),
        ({"priority": 5000}, "bad_priority", None),
    ],
)
def test_what_cannot_be_searched_is_refused_and_leaves_nothing(
    split: Split, asked: dict[str, Any], code: str, field: str | None
) -> None:
    with pytest.raises(Refused) as refused:
        queue_sweep(split, **{"architecture": "cnn", **asked})
    assert refused.value.code == code
    if field is not None:
        assert field in (refused.value.fields or {})
    assert not Sweep.objects.exists() and not TrainingRun.objects.exists()
