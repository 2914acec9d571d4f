"""Checkpoints that are broken when a run is to go on: the one before counts, else the run starts again."""

import os
import signal

import pytest

from tests.faults.installation import Installation

pytestmark = [pytest.mark.slow, pytest.mark.keras]


@pytest.mark.parametrize("left", [0.5, 0.0], ids=["truncated", "empty"])
@pytest.mark.parametrize("every", [False, True], ids=["the newest", "every one"])
def test_a_run_goes_on_from_the_newest_checkpoint_that_is_whole(
    embedded: Installation, left: float, every: bool
) -> None:
    worker = embedded.start_worker()
    run = embedded.queue_run()
    embedded.wait_for_epoch(run, epoch=2)
    os.killpg(worker.pid, signal.SIGKILL)
    found = sorted(embedded.data_dir.glob("checkpoints/run-*/checkpoint-*.npz"))
    assert len(found) == 2
    after = len(embedded.rows(f"SELECT id FROM training_jobs_epochmetric WHERE run_id = {run}"))
    for path in found if every else found[-1:]:
        os.truncate(path, int(left * path.stat().st_size))
    embedded.start_reaper()
    embedded.start_worker("next")
    embedded.wait_for(run, "succeeded", "failed", "dead")
    goes_on = [note for note in embedded.notes(run) if "Goes on" in note]
    assert goes_on == ([] if every else [f"running: Goes on after epoch {after - 1}"])
    assert embedded.run(run)["attempt"] == 2
    embedded.assert_one_version(run)
