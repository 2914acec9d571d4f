"""Workers that are killed, stopped or told twice: a run ends with one version all the same."""

import os
import signal
import time

import pytest

from tests.faults.installation import LEASE, Installation
from tests.faults.servers import until

pytestmark = [pytest.mark.slow, pytest.mark.keras]


@pytest.mark.parametrize("whole", [False, True], ids=["the child", "the whole worker"])
def test_a_run_whose_worker_is_killed_in_an_epoch_ends_with_one_version(
    installation: Installation, whole: bool
) -> None:
    installation.start_reaper()
    worker = installation.start_worker()
    run = installation.queue_run()
    installation.wait_for_epoch(run)
    child = installation.child(run)
    if whole:
        os.kill(worker.pid, signal.SIGKILL)
        installation.start_worker("next")
    os.kill(child, signal.SIGKILL)
    until(lambda: installation.run(run)["attempt"] == 2, what="a second attempt", seconds=LEASE + 30)
    installation.wait_for(run, "succeeded", "failed", "dead")
    assert installation.run(run)["attempt"] == 2
    assert any("was lost" in note for note in installation.notes(run))
    installation.assert_one_version(run)


def test_a_run_that_always_kills_its_worker_is_dead_after_three_times_and_the_others_go_on(
    installation: Installation,
) -> None:
    installation.start_reaper()
    deadly, other = installation.queue_run("deadly"), installation.queue_run("other")
    installation.start_worker()
    for attempt in (1, 2, 3):
        until(
            lambda number=attempt: installation.run(deadly)["attempt"] == number,
            what=f"attempt {attempt}",
            seconds=LEASE + 30,
        )
        os.kill(installation.child(deadly), signal.SIGKILL)
    assert installation.wait_for(deadly, "dead")["error_code"] == "worker_lost"
    installation.wait_for(other, "succeeded", "failed", "dead")
    installation.assert_one_version(other)
    assert installation.run(deadly)["attempt"] == 3


def test_a_message_that_comes_twice_at_once_trains_once(installation: Installation) -> None:
    installation.start_reaper()
    run = installation.queue_run()
    again = (
        "from training_jobs.launching import wake; from training_jobs.models import TrainingRun; "
        f"[wake(TrainingRun.objects.get(pk={run})) for _ in range(3)]"
    )
    installation.manage("shell", "-c", again)
    installation.start_worker("one")
    installation.start_worker("two", BIOFORS_DEVICE="another")
    installation.wait_for(run, "succeeded", "failed", "dead")
    assert installation.run(run)["attempt"] == 1
    installation.assert_one_version(run)


def test_a_worker_stopped_past_its_lease_publishes_nothing_when_it_goes_on(
    installation: Installation,
) -> None:
    installation.start_reaper()
    installation.start_worker("slow")
    run = installation.queue_run()
    installation.wait_for_epoch(run)
    stopped = installation.child(run)
    os.kill(stopped, signal.SIGSTOP)
    installation.start_worker("quick")
    until(lambda: installation.run(run)["attempt"] == 2, what="a second attempt", seconds=LEASE + 30)
    os.kill(stopped, signal.SIGCONT)
    installation.wait_for(run, "succeeded", "failed", "dead")
    until(lambda: _is_idle(stopped), what="the end of the first attempt")
    assert installation.run(run)["attempt"] == 2
    assert installation.rows("SELECT max(epoch) FROM training_jobs_epochmetric WHERE attempt = 1")[0][0] < 4
    installation.assert_one_version(run)


def test_two_workers_of_one_device_train_one_after_the_other(installation: Installation) -> None:
    installation.start_reaper()
    first, second = installation.queue_run("first"), installation.queue_run("second")
    installation.start_worker("one")
    installation.start_worker("two")
    at_once = "SELECT count(*) FROM training_jobs_trainingrun WHERE state = 'running'"
    deadline = time.monotonic() + 120
    while installation.run(second)["state"] != "succeeded" and time.monotonic() < deadline:
        assert installation.rows(at_once)[0][0] <= 1
        time.sleep(0.05)
    assert {installation.run(run)["state"] for run in (first, second)} == {"succeeded"}, installation.logs()


def _is_idle(pid: int) -> bool:
    """Whether a process has ended, as a child does after its one task."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
