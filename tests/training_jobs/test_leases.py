"""The heartbeat that keeps a claim, and the reaper that takes back what is left alone."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from tests.factories_models import InferenceJobFactory
from tests.training_jobs.test_jobs import let_lease_expire, seen_elsewhere
from training_jobs import launching, leases
from training_jobs.leases import Claim, Reports, claimed, reap
from training_jobs.models import InferenceJob, Job, LeaseLost

PATIENCE = 20


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The jobs whose message was sent."""
    sent: list[Any] = []
    monkeypatch.setattr(leases, "wake", lambda job: sent.append(job) or True)
    return sent


def beaten(claim: Claim, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> None:
    """Run the heartbeat's loop over these answers of the database, in this thread."""
    left = list(answers)

    def heartbeat() -> bool:
        answer = left.pop(0)
        if not left:
            claim._ended.set()
        if isinstance(answer, Exception):
            raise answer
        return bool(answer)

    monkeypatch.setattr(claim._own, "heartbeat", heartbeat)
    monkeypatch.setattr(leases, "close_old_connections", lambda: None)
    monkeypatch.setattr(leases.connection, "close", lambda: None)
    claim._beat()


@pytest.mark.django_db(transaction=True)
def test_the_heartbeat_renews_the_lease_from_its_own_thread(settings: Any) -> None:
    settings.JOB_LEASE_SECONDS = 0.3
    job = InferenceJobFactory()
    renewed = threading.Event()
    with claimed(job, "worker") as claim:
        assert claim is not None
        beat = claim._own.heartbeat

        def told() -> bool:
            answer = bool(beat())
            renewed.set()
            return answer

        claim._own.heartbeat = told
        first = job.lease_expires_at
        assert renewed.wait(PATIENCE)
        assert seen_elsewhere(job).lease_expires_at > first
    assert not claim._thread.is_alive()


@pytest.mark.django_db
def test_a_job_that_another_has_is_not_claimed() -> None:
    job = InferenceJobFactory()
    seen_elsewhere(job).claim("other")
    with claimed(job, "worker") as claim:
        assert claim is None
    assert seen_elsewhere(job).worker == "other"


@pytest.mark.django_db
def test_a_database_that_fails_for_a_moment_does_not_end_the_heartbeat(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.JOB_LEASE_SECONDS = 0.001
    job = InferenceJobFactory()
    job.claim("worker")
    claim = Claim(job)
    beaten(claim, monkeypatch, OperationalError("database is locked"), True)
    assert claim.cancelled


@pytest.mark.django_db
def test_a_lost_claim_stops_the_work(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.JOB_LEASE_SECONDS = 0.001
    job = InferenceJobFactory()
    job.claim("worker")
    claim = Claim(job)
    beaten(claim, monkeypatch, LeaseLost("taken over"))
    with pytest.raises(LeaseLost):
        claim.should_stop()


@pytest.mark.django_db
def test_a_cancel_is_seen_without_waiting_for_the_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "ASK_EVERY", 0.0)
    job = InferenceJobFactory()
    job.claim("worker")
    claim = Claim(job)
    assert claim.should_stop() is False
    seen_elsewhere(job).cancel()
    assert claim.should_stop() is True


@pytest.mark.django_db
def test_progress_is_written_at_first_and_at_last_and_not_each_time() -> None:
    job = InferenceJobFactory()
    job.claim("worker")
    reports = Reports(job, every=3600)
    seen = []
    for done in (1, 2, 3):
        reports(done, 3, f"{done} of 3")
        seen.append(seen_elsewhere(job).done)
    assert seen == [1, 1, 3]


@pytest.mark.django_db
def test_the_reaper_requeues_a_lost_job_and_wakes_a_worker(woken: list[Any]) -> None:
    job = InferenceJobFactory()
    job.claim("worker")
    let_lease_expire(job)
    summary = reap()
    assert summary.requeued == [str(job)]
    assert woken == [job]
    assert seen_elsewhere(job).state == Job.State.QUEUED
    assert not reap()


@pytest.mark.django_db
def test_the_reaper_sends_a_lost_message_again_once(woken: list[Any]) -> None:
    job = InferenceJobFactory(woken_at=timezone.now() - timedelta(seconds=20))
    assert reap().resent == [str(job)]
    assert reap().resent == []
    assert woken == [job]


@pytest.mark.django_db
def test_a_job_behind_another_is_not_sent_again_and_again(woken: list[Any]) -> None:
    InferenceJobFactory().claim("worker")
    behind = InferenceJobFactory(woken_at=timezone.now() - timedelta(minutes=1))
    assert reap().resent == []
    InferenceJob.objects.filter(pk=behind.pk).update(woken_at=timezone.now() - timedelta(minutes=6))
    assert reap().resent == [str(behind)]


@pytest.mark.django_db
def test_a_broker_that_is_down_loses_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_args: Any, **_options: Any) -> None:
        raise ConnectionError("refused")

    monkeypatch.setattr(launching.current_app, "send_task", refuse)
    job = InferenceJobFactory()
    assert launching.wake(job) is False
    assert seen_elsewhere(job).state == Job.State.QUEUED


@pytest.mark.django_db
def test_progress_that_cannot_be_written_for_a_moment_ends_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    def locked(**_: Any) -> None:
        raise OperationalError("database is locked")

    monkeypatch.setattr(leases, "close_old_connections", lambda: None)
    monkeypatch.setattr(leases, "ASK_EVERY", 0.0)
    job = InferenceJobFactory()
    job.claim("worker")
    claim, reports = Claim(job), Reports(job, every=0)
    with monkeypatch.context() as patch:
        patch.setattr(job, "report", locked)
        patch.setattr(job, "asked_to_stop", locked)
        reports(1, 2)
        assert claim.should_stop() is False
    reports(2, 2)
    assert seen_elsewhere(job).done == 2
