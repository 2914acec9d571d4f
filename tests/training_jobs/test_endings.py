"""Workers that are asked to end give their job back; it costs no attempt."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings as site

from tests.factories_models import InferenceJobFactory, ModelVersionFactory, TrainingRunFactory
from tests.training_jobs.test_jobs import let_lease_expire, seen_elsewhere
from training_jobs import endings, leases, running, tasks
from training_jobs.leases import Claim, claimed
from training_jobs.models import Job, LeaseLost, WorkerEnding

PATIENCE = 20


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The jobs whose message was sent."""
    sent: list[Any] = []
    for module in (leases, running):
        monkeypatch.setattr(module, "wake", lambda job: sent.append(job) or True)
    return sent


@pytest.fixture
def ending() -> Iterator[None]:
    """A worker that was asked to end, until the test ends."""
    endings.tell_all()
    yield
    endings._word[0] = 0


@pytest.mark.django_db
def test_a_job_that_is_given_back_is_next_and_has_lost_no_attempt() -> None:
    job, behind = InferenceJobFactory(), InferenceJobFactory()
    for _ in range(4):
        assert job.claim("worker")
        job.give_back()
    assert (job.state, job.attempt, job.lost_times) == (Job.State.QUEUED, 4, 0)
    assert list(type(job).objects.in_turn()) == [job, behind]
    for left in (Job.State.QUEUED, Job.State.QUEUED, Job.State.DEAD):
        job.claim("worker")
        let_lease_expire(job)
        assert job.take_back() == left
    assert "3 times" in job.error
    job.retry()
    assert job.lost_times == 0


@pytest.mark.django_db
def test_the_log_tells_from_which_epoch_a_run_goes_on() -> None:
    run = TrainingRunFactory()
    run.claim("worker")
    run.give_back()
    run.claim("worker")
    for epoch in (1, 2):
        run.epochs.create(attempt=2, epoch=epoch, loss=1.0, accuracy=0.5, learning_rate=0.1, seconds=1.0)
    run.give_back()
    told = [event["note"] for event in run.events if event["state"] == "queued"]
    assert told == [
        "its worker was shut down; starts again",
        "its worker was shut down; goes on from epoch 3",
    ]


@pytest.mark.django_db
def test_what_was_cancelled_is_cancelled_and_what_was_lost_is_left_alone() -> None:
    cancelled, lost = InferenceJobFactory(), InferenceJobFactory()
    cancelled.claim("worker")
    seen_elsewhere(cancelled).cancel()
    cancelled.give_back()
    assert cancelled.state == Job.State.CANCELLED
    lost.claim("worker")
    let_lease_expire(lost)
    seen_elsewhere(lost).take_back()
    with pytest.raises(LeaseLost):
        lost.give_back()


@pytest.mark.django_db
def test_a_job_learns_after_its_batch_that_its_worker_is_to_end(woken: list[Any]) -> None:
    job = InferenceJobFactory(version=ModelVersionFactory(answers=True))

    def work(_job: Any, claim: Any) -> None:
        assert claim.should_stop() is False
        endings.tell_all()
        claim.should_stop()
        raise AssertionError("it went on")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "run_inference", work)
        try:
            tasks.infer(job.pk)
        finally:
            endings._word[0] = 0
    row = seen_elsewhere(job)
    assert (row.state, row.lost_times, woken) == (Job.State.QUEUED, 0, [job])


@pytest.mark.django_db
def test_a_worker_that_is_to_end_takes_no_job_and_wakes_another(woken: list[Any], ending: None) -> None:
    job, run = InferenceJobFactory(), TrainingRunFactory()
    tasks.infer(job.pk)
    tasks.train(run.pk)
    assert woken == [job, run]
    assert {seen_elsewhere(each).attempt for each in (job, run)} == {0}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("cancelled", "state"), [(False, Job.State.QUEUED), (True, Job.State.CANCELLED)], ids=["end", "cancel"]
)
def test_a_batch_that_takes_too_long_is_not_waited_for(
    settings: Any, monkeypatch: pytest.MonkeyPatch, woken: list[Any], cancelled: bool, state: str
) -> None:
    settings.JOB_LEASE_SECONDS = 0.3
    monkeypatch.setattr(leases, "STOPS_WITHIN", 0.0)
    job = InferenceJobFactory()
    with claimed(job, "worker") as claim:
        assert claim is not None
        if cancelled:
            seen_elsewhere(job).cancel()
        else:
            endings.tell_all()
        try:
            assert claim._lost.wait(PATIENCE)
        finally:
            endings._word[0] = 0
        with pytest.raises(LeaseLost):
            claim.should_stop()
        with pytest.raises(LeaseLost):
            job.succeed(new_predictions=1)
    assert seen_elsewhere(job).state == state
    assert woken == ([] if cancelled else [job])


@pytest.mark.django_db
def test_a_cancel_comes_before_the_end_of_the_worker(ending: None) -> None:
    job = InferenceJobFactory()
    job.claim("worker")
    claim = Claim(job)
    with pytest.raises(WorkerEnding):
        claim.should_stop()
    claim._cancelled.set()
    assert claim.should_stop() is True


def test_processes_that_were_forked_are_told() -> None:
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reader, 1)
        os._exit(7 if endings.is_ending() else 0)
    try:
        endings.tell_all()
        os.write(writer, b".")
        _, status = os.waitpid(child, 0)
    finally:
        endings._word[0] = 0
        os.close(reader)
        os.close(writer)
    assert os.waitstatus_to_exitcode(status) == 7


@pytest.mark.parametrize("at_work", [True, False])
def test_a_process_at_work_outlives_sigterm_an_idle_one_does_not(at_work: bool) -> None:
    code = (
        "import os, signal; from training_jobs import endings\n"
        "def ask():\n"
        "    os.kill(os.getpid(), signal.SIGTERM); print('alive', endings.is_ending())\n"
        + ("with endings.at_work(): ask()\n" if at_work else "ask()\n")
        + "print('then', endings.is_ending())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=site.BASE_DIR, capture_output=True, text=True, check=False
    )
    if at_work:
        assert (ended.returncode, ended.stdout) == (0, "alive True\nthen False\n")
    else:
        assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, "")
