"""The watch over a worker that does not hear its messages any more."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.factories_models import InferenceJobFactory, TrainingRunFactory
from training_jobs import watching
from training_jobs.models import InferenceJob
from training_jobs.watching import Watch

pytestmark = pytest.mark.django_db


class Worker:
    """A worker as the watch sees it, and the messages that it is sent."""

    def __init__(self) -> None:
        self.received = 0
        self.busy = False
        self.now = 0.0
        self.broker_is_up = True
        self.sent: list[Any] = []
        self.watch = Watch(("training", "inference"), received=lambda: self.received, busy=lambda: self.busy)

    def wake(self, job: Any) -> bool:
        """Send a message, where the broker takes it."""
        self.sent.append(job)
        return self.broker_is_up

    def is_deaf(self, *, after: float) -> bool:
        """What the watch finds so many seconds later."""
        self.now += after
        return self.watch.is_deaf()


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    """An idle worker."""
    made = Worker()
    monkeypatch.setattr(watching, "wake", made.wake)
    monkeypatch.setattr(watching.time, "monotonic", lambda: made.now)
    return made


def waiting() -> Any:
    """A job that has waited for a while."""
    return InferenceJobFactory(woken_at=timezone.now() - timedelta(seconds=10))


def test_a_worker_that_gets_no_message_although_one_was_sent_is_deaf(worker: Worker) -> None:
    job = waiting()
    assert [worker.is_deaf(after=5) for _ in range(4)] == [False] * 4
    # The reaper has just sent another.
    InferenceJob.objects.update(woken_at=timezone.now())
    assert worker.is_deaf(after=5) is False
    assert worker.is_deaf(after=5) is True
    assert worker.sent == [job]


def test_a_worker_that_gets_messages_or_works_is_not_deaf(worker: Worker) -> None:
    waiting()
    for _ in range(4):
        worker.received += 1
        assert not any(worker.is_deaf(after=5) for _ in range(4))
    worker.busy = True
    assert not any(worker.is_deaf(after=60) for _ in range(4))


def test_a_worker_without_work_is_not_deaf(worker: Worker) -> None:
    # Ahead, so that it has not waited long on the slowest machine.
    InferenceJobFactory(woken_at=timezone.now() + timedelta(seconds=50))
    assert not any(worker.is_deaf(after=60) for _ in range(3))
    TrainingRunFactory().claim("another")
    TrainingRunFactory(woken_at=timezone.now() - timedelta(minutes=1))
    assert not any(worker.is_deaf(after=60) for _ in range(3))
    assert worker.sent == []


def test_while_the_broker_is_down_no_worker_is_deaf(worker: Worker) -> None:
    waiting()
    worker.broker_is_up = False
    assert not any(worker.is_deaf(after=60) for _ in range(3))
    worker.broker_is_up = True
    assert worker.is_deaf(after=60) is False
    assert worker.is_deaf(after=60) is True
