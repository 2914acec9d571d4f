"""Workers that are asked to end: their run waits again at once, without having lost an attempt."""

import os
import signal

import pytest

from tests.faults.installation import Installation
from tests.faults.servers import until

pytestmark = [pytest.mark.slow, pytest.mark.keras]
# What `serve` waits for before it kills.
GRACE = 15.0


def test_a_run_whose_worker_is_asked_to_end_goes_on_in_the_next(installation: Installation) -> None:
    worker = installation.start_worker()
    run = installation.queue_run()
    installation.wait_for_epoch(run)
    worker.terminate()
    installation.wait_for(run, "queued", seconds=GRACE)
    worker.wait(timeout=GRACE)
    assert any("its worker was shut down; goes on from epoch" in note for note in installation.notes(run))
    # No reaper runs: the message that the end sent is what wakes the next worker.
    installation.start_worker("next")
    installation.wait_for(run, "succeeded", "failed", "dead")
    assert (installation.run(run)["attempt"], installation.run(run)["given_back"]) == (2, 1)
    installation.assert_one_version(run)


@pytest.mark.parametrize("how", ["a cold shutdown", "Ctrl-C", "the whole group", "its child alone"])
def test_however_a_worker_is_asked_to_end_its_run_is_given_back(embedded: Installation, how: str) -> None:
    worker = embedded.start_worker()
    run = embedded.queue_run()
    embedded.wait_for_epoch(run)
    child = embedded.child(run)
    if how == "a cold shutdown":
        os.kill(worker.pid, signal.SIGQUIT)
    elif how == "Ctrl-C":
        os.killpg(worker.pid, signal.SIGINT)
    elif how == "the whole group":
        os.killpg(worker.pid, signal.SIGTERM)
    else:
        os.kill(child, signal.SIGTERM)
    until(lambda: embedded.run(run)["given_back"] == 1, what=embedded.logs(), seconds=GRACE)
    if how == "its child alone":
        # The worker itself lives on, and takes the run up again.
        embedded.wait_for(run, "succeeded", "failed", "dead")
        embedded.assert_one_version(run)
    else:
        worker.wait(timeout=GRACE)
        assert embedded.run(run)["state"] == "queued"


def test_a_running_run_that_is_cancelled_ends_within_ten_seconds(installation: Installation) -> None:
    installation.start_worker()
    run = installation.queue_run()
    installation.wait_for_epoch(run)
    # At once, unlike a command: the run is short.
    with installation.connected() as opened:
        opened.execute(f"UPDATE training_jobs_trainingrun SET state = 'cancelling' WHERE id = {run}")
    installation.wait_for(run, "cancelled", seconds=10)
    assert installation.rows("SELECT count(*) FROM classifier_modelversion") == [(0,)]
