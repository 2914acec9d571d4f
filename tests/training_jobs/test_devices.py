"""One run at a time on a device, and who is next on it."""

import threading
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from tests.factories_models import TrainingRunFactory, labelled_dataset, split_of
from tests.training_jobs.test_jobs import let_lease_expire, seen_elsewhere
from training_jobs import leases, running, tasks
from training_jobs.devices import device_name
from training_jobs.leases import RESEND_AFTER, next_run, reap
from training_jobs.models import IllegalMove, Job, TrainingRun
from training_jobs.models.training_run import BadPriority


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The jobs whose message was sent."""
    sent: list[Any] = []
    monkeypatch.setattr(leases, "wake", lambda job: sent.append(job) or True)
    monkeypatch.setattr(running, "wake", lambda job: sent.append(job) or True)
    return sent


def queued(count: int, **fields: Any) -> list[TrainingRun]:
    """Runs that wait, of one split."""
    split = split_of(labelled_dataset())
    return [TrainingRunFactory(split=split, **fields) for _ in range(count)]


def carried_out(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let runs fail at once instead of training; return the ids of those that did."""
    done: list[int] = []

    def run(job: Any, _claim: Any) -> None:
        done.append(job.pk)
        job.fail(code="tried", reason="Only tried.")

    monkeypatch.setattr(running, "run_training", run)
    return done


def test_a_device_has_the_name_that_the_installation_gives_it(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DEVICE = ""
    monkeypatch.setattr("socket.gethostname", lambda: "host")
    monkeypatch.setattr("training_jobs.devices._NVIDIA", type("", (), {"exists": lambda: True}))
    for shown, name in ((None, "host gpu:0"), ("2,3", "host gpu:2"), ("", "host cpu"), ("-1", "host cpu")):
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if shown is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
        assert device_name() == name
    settings.DEVICE = "the large card"
    assert device_name() == "the large card"


@pytest.mark.django_db
def test_a_second_run_waits_while_the_device_is_busy(settings: Any) -> None:
    first, second = queued(2)
    assert first.claim("one")
    assert second.claim("two") is False
    assert (second.state, second.attempt) == (Job.State.QUEUED, 0)
    settings.DEVICE = "another"
    assert second.claim("two")
    assert seen_elsewhere(second).device == "another"


@pytest.mark.django_db
def test_the_database_itself_refuses_a_second_run_on_a_device() -> None:
    first, second = queued(2)
    first.claim("one")
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainingRun.objects.filter(pk=second.pk).update(state=Job.State.RUNNING, device=first.device)
    first.cancel()
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainingRun.objects.filter(pk=second.pk).update(state=Job.State.RUNNING, device=first.device)


@pytest.mark.django_db(transaction=True)
def test_of_many_that_claim_for_one_device_at_once_one_runs() -> None:
    runs = queued(6)
    together = threading.Barrier(len(runs))
    won: list[bool] = []

    def claim(run: TrainingRun) -> None:
        try:
            connection.ensure_connection()
            together.wait(20)
            won.append(run.claim("worker"))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]
    assert TrainingRun.objects.at_work().count() == 1
    assert TrainingRun.objects.waiting().count() == 5


@pytest.mark.django_db
def test_a_run_whose_worker_is_lost_holds_no_device() -> None:
    lost, waiting = queued(2)
    waiting.set_priority(1)
    lost.claim("silent")
    assert next_run() is None
    let_lease_expire(lost)
    assert next_run() == waiting
    assert seen_elsewhere(lost).state == Job.State.QUEUED


@pytest.mark.django_db
def test_where_the_device_is_busy_the_reaper_soon_wakes_another_worker(woken: list[Any]) -> None:
    first, second = queued(2)
    first.claim("one")
    TrainingRun.objects.filter(pk=second.pk).update(woken_at=timezone.now())
    assert next_run() is None
    assert reap().resent == []
    TrainingRun.objects.filter(pk=second.pk).update(woken_at=seen_elsewhere(second).woken_at - RESEND_AFTER)
    assert reap().resent == [str(second)]


@pytest.mark.django_db
def test_the_highest_priority_is_next_then_who_was_queued_earlier() -> None:
    first, second, third, urgent = queued(4)
    urgent.set_priority(5)
    first.set_priority(-1)
    assert list(TrainingRun.objects.in_turn()) == [urgent, second, third, first]
    third.put_first()
    assert list(TrainingRun.objects.in_turn()) == [third, urgent, second, first]
    assert seen_elsewhere(third).priority == 6


@pytest.mark.django_db
def test_a_retried_run_comes_after_those_that_waited_longer() -> None:
    early, late = queued(2)
    early.cancel()
    early.retry()
    assert list(TrainingRun.objects.in_turn()) == [late, early]


@pytest.mark.django_db
def test_only_a_run_that_waits_is_given_a_priority_and_only_a_small_one() -> None:
    (run,) = queued(1)
    with pytest.raises(BadPriority):
        run.set_priority(1001)
    run.claim("worker")
    for move in (lambda: run.set_priority(1), run.put_first):
        with pytest.raises(IllegalMove):
            move()


@pytest.mark.django_db
def test_a_message_starts_the_run_that_is_next_and_its_end_wakes_the_one_after(
    woken: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    done = carried_out(monkeypatch)
    first, second, urgent = queued(3)
    urgent.set_priority(1)
    tasks.train(first.pk)
    assert done == [urgent.pk]
    assert woken == [first]
    tasks.train(urgent.pk)
    tasks.train(urgent.pk)
    assert done == [urgent.pk, first.pk, second.pk]
    assert woken == [first, second]


@pytest.mark.django_db
def test_a_run_that_ends_by_the_reaper_wakes_the_one_after(woken: list[Any]) -> None:
    lost, waiting = queued(2)
    TrainingRun.objects.filter(pk=lost.pk).update(attempt=2)
    lost.claim("worker")
    let_lease_expire(lost)
    assert reap().dead == [str(lost)]
    assert woken == [waiting]
