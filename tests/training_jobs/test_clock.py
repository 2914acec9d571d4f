"""A clock that is set, on whichever machine: no living worker loses its job by it, no lost one keeps it."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from tests.factories_models import InferenceJobFactory
from tests.training_jobs.test_jobs import let_lease_expire, seen_elsewhere
from training_jobs import leases
from training_jobs.clock import Clock
from training_jobs.leases import reap
from training_jobs.models import InferenceJob, Job

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reaper that has just begun."""
    monkeypatch.setattr(leases, "_clock", Clock())


@pytest.fixture(autouse=True)
def woken(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The jobs whose message was sent."""
    sent: list[Any] = []
    monkeypatch.setattr(leases, "wake", lambda job: sent.append(job) or True)
    return sent


@pytest.fixture
def claimed_job() -> InferenceJob:
    """A job at work, seen by the reaper."""
    job: InferenceJob = InferenceJobFactory()
    job.claim("worker")
    assert not reap()
    return job


def set_clock(monkeypatch: pytest.MonkeyPatch, by: timedelta) -> None:
    """Set the clock of this process."""
    now = timezone.now
    monkeypatch.setattr(timezone, "now", lambda: now() + by)


def move_leases(by: timedelta) -> None:
    """Let the database's clock have been set by as much the other way."""
    InferenceJob.objects.update(lease_expires_at=F("lease_expires_at") + by)


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["ahead", "back"])
def test_a_worker_whose_own_clock_is_wrong_holds_its_job_for_a_lease(
    monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    job = InferenceJobFactory()
    with monkeypatch.context() as there:
        set_clock(there, by)
        job.claim("worker")
        job.heartbeat()
    assert timezone.now() < seen_elsewhere(job).lease_expires_at < timezone.now() + HOUR / 2
    assert not reap()


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["ahead", "back"])
def test_a_reaper_that_sees_the_clock_being_set_takes_no_job_from_a_living_worker(
    claimed_job: InferenceJob, monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    set_clock(monkeypatch, by)
    move_leases(-by)
    assert not reap()
    assert seen_elsewhere(claimed_job).state == Job.State.RUNNING
    assert not seen_elsewhere(claimed_job).heartbeat()


def test_a_job_lost_while_the_clock_is_set_is_taken_back_a_lease_later(
    claimed_job: InferenceJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_clock(monkeypatch, HOUR)
    move_leases(-HOUR)
    assert not reap()
    move_leases(-HOUR)
    assert reap().requeued == [str(claimed_job)]


def test_a_lease_from_a_clock_that_was_ahead_holds_a_lost_job_no_longer_than_any(
    claimed_job: InferenceJob, settings: Any
) -> None:
    move_leases(HOUR)
    assert not reap()
    assert seen_elsewhere(claimed_job).lease_expires_at < timezone.now() + HOUR / 2
    let_lease_expire(claimed_job)
    assert reap().requeued == [str(claimed_job)]


def test_a_message_lost_before_the_clock_was_set_back_is_sent_again(woken: list[Any]) -> None:
    job = InferenceJobFactory(woken_at=timezone.now() + HOUR)
    assert reap().resent == [str(job)]
    assert reap().resent == []
