"""A job's states: who may move it where, and what a worker that lost it can still do."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.factories_models import InferenceJobFactory, TrainingRunFactory
from training_jobs.models import IllegalMove, InferenceJob, Job, LeaseLost

pytestmark = pytest.mark.django_db


def seen_elsewhere(job: Any) -> Any:
    """The same job as another process fetches it."""
    return type(job).objects.get(pk=job.pk)


def let_lease_expire(job: Any) -> None:
    """Let the job's worker have been silent for too long."""
    type(job).objects.filter(pk=job.pk).update(lease_expires_at=timezone.now() - timedelta(seconds=1))


def test_only_one_of_two_workers_gets_a_job() -> None:
    job = InferenceJobFactory()
    other = seen_elsewhere(job)
    assert job.claim("first") is True
    assert other.claim("second") is False
    assert seen_elsewhere(job).worker == "first"


def test_a_claim_counts_the_attempt_and_clears_what_the_last_one_left() -> None:
    job = InferenceJobFactory(error="old", error_code="old", done=7, total=9, message="old")
    job.claim("worker")
    assert (job.attempt, job.done, job.total, job.message, job.error, job.error_code) == (1, 0, 0, "", "", "")
    assert job.lease_expires_at > timezone.now()


def test_the_lease_lasts_as_long_as_the_installation_says(settings: Any) -> None:
    settings.JOB_LEASE_SECONDS = 3600
    job = InferenceJobFactory()
    job.claim("worker")
    assert job.lease_expires_at > timezone.now() + timedelta(minutes=50)


def test_a_worker_whose_job_was_taken_over_can_write_nothing() -> None:
    job = InferenceJobFactory()
    job.claim("slow")
    let_lease_expire(job)
    seen_elsewhere(job).take_back()
    successor = seen_elsewhere(job)
    successor.claim("quick")
    for write in (
        lambda: job.report(done=1, total=2, message="late"),
        lambda: job.note("late"),
        lambda: job.heartbeat(),
        lambda: job.asked_to_stop(),
        lambda: job.succeed(new_predictions=99),
        lambda: job.fail(code="late", reason="late"),
        lambda: job.stopped(),
    ):
        with pytest.raises(LeaseLost):
            write()
    assert job.holds_claim() is False
    assert successor.holds_claim() is True
    row = seen_elsewhere(job)
    assert (row.state, row.worker, row.message, row.new_predictions) == (Job.State.RUNNING, "quick", "", 0)


def test_a_heartbeat_renews_the_lease() -> None:
    job = InferenceJobFactory()
    job.claim("worker")
    let_lease_expire(job)
    assert job.heartbeat() is False
    assert seen_elsewhere(job).take_back() == Job.State.RUNNING


def test_a_waiting_job_is_cancelled_at_once() -> None:
    job = InferenceJobFactory()
    job.cancel()
    assert job.state == Job.State.CANCELLED
    assert job.finished_at is not None
    assert seen_elsewhere(job).claim("late") is False


def test_a_running_job_learns_by_its_heartbeat_that_it_is_cancelled() -> None:
    job = InferenceJobFactory()
    job.claim("worker")
    seen_elsewhere(job).cancel()
    assert job.heartbeat() is True
    assert job.asked_to_stop() is True
    job.stopped()
    assert job.state == Job.State.CANCELLED


def test_work_finished_before_its_cancel_was_seen_stands() -> None:
    job = InferenceJobFactory()
    job.claim("worker")
    seen_elsewhere(job).cancel()
    job.succeed(new_predictions=3)
    assert (job.state, job.new_predictions) == (Job.State.SUCCEEDED, 3)


@pytest.mark.parametrize("state", Job.ENDED)
def test_what_has_ended_cannot_be_cancelled(state: str) -> None:
    job = InferenceJobFactory(state=state)
    with pytest.raises(IllegalMove):
        job.cancel()
    assert seen_elsewhere(job).state == state


@pytest.mark.parametrize("state", (*Job.ACTIVE, Job.State.SUCCEEDED))
def test_only_what_ended_badly_can_be_retried(state: str) -> None:
    job = InferenceJobFactory(state=state)
    with pytest.raises(IllegalMove):
        job.retry()


def test_a_lost_job_is_queued_again_and_dead_the_third_time() -> None:
    job = InferenceJobFactory()
    for attempt in (1, 2):
        job.claim(f"worker {attempt}")
        let_lease_expire(job)
        assert job.take_back() == Job.State.QUEUED
    job.claim("worker 3")
    let_lease_expire(job)
    assert job.take_back() == Job.State.DEAD
    assert job.error_code == "worker_lost"
    assert "3 times" in job.error
    assert "worker 3" in job.error


def test_a_dead_job_that_is_retried_may_lose_its_worker_three_times_again() -> None:
    job = InferenceJobFactory(state=Job.State.DEAD, attempt=3)
    job.retry()
    for left in (Job.State.QUEUED, Job.State.QUEUED, Job.State.DEAD):
        assert job.claim("worker")
        let_lease_expire(job)
        assert job.take_back() == left
    assert job.attempt == 6


def test_a_retried_run_keeps_the_epochs_of_its_earlier_attempts() -> None:
    run = TrainingRunFactory(state=Job.State.FAILED, attempt=1)
    figures = {"loss": 1.0, "accuracy": 0.5, "learning_rate": 0.1, "seconds": 1.0}
    run.epochs.create(attempt=1, epoch=1, **figures)
    run.retry()
    run.claim("worker")
    run.epochs.create(attempt=run.attempt, epoch=1, **figures)
    assert list(run.epochs.values_list("attempt", "epoch")) == [(1, 1), (2, 1)]


def test_a_job_lost_while_cancelling_is_cancelled() -> None:
    job = InferenceJobFactory()
    job.claim("worker")
    job.cancel()
    let_lease_expire(job)
    assert seen_elsewhere(job).take_back() == Job.State.CANCELLED


def test_a_job_within_its_lease_is_left_alone() -> None:
    job = InferenceJobFactory()
    job.claim("worker")
    assert seen_elsewhere(job).take_back() == Job.State.RUNNING
    assert job.holds_claim()


def test_two_reapers_take_a_job_back_once() -> None:
    job = InferenceJobFactory()
    job.claim("worker")
    let_lease_expire(job)
    one, two = seen_elsewhere(job), seen_elsewhere(job)
    one.take_back()
    one.claim("quick")
    assert two.take_back() == Job.State.RUNNING
    assert seen_elsewhere(job).worker == "quick"


def test_the_log_tells_each_state_in_order() -> None:
    job = InferenceJobFactory()
    job.claim("worker")
    job.fail(code="broken", reason="It broke.")
    job.retry()
    told = [(event["state"], event["note"]) for event in seen_elsewhere(job).events]
    assert told == [("running", "attempt 1, worker"), ("failed", "It broke."), ("queued", "retried")]


def test_expired_and_waiting_jobs_are_found() -> None:
    lost, waiting, fresh = InferenceJobFactory(), InferenceJobFactory(), InferenceJobFactory()
    lost.claim("worker")
    let_lease_expire(lost)
    InferenceJob.objects.filter(pk=waiting.pk).update(woken_at=timezone.now() - timedelta(minutes=1))
    rows = InferenceJob.objects.all()
    assert list(rows.expired()) == [lost]
    assert list(rows.waiting_for(timedelta(seconds=15))) == [waiting]
    assert fresh in rows.active()
