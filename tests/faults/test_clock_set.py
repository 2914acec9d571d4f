"""Clocks that are set while a run is at work: a living worker keeps it, a lost one does not hold it."""

import os
import signal

import pytest

from tests.faults.installation import LEASE, Installation
from tests.faults.saboteur import Harm, mark_of
from tests.faults.servers import until

pytestmark = [pytest.mark.slow, pytest.mark.keras]
IN_AN_EPOCH = "classifier.networks.attempt:Attempt._look_up"


def move_leases(installation: Installation, *, hours: int) -> None:
    """Do to leases what setting the database's clock by as much the other way does."""
    on_servers = "DATABASE_URL" in installation.environment
    moved = (
        f"lease_expires_at + interval '{hours} hour'"
        if on_servers
        else f"strftime('%Y-%m-%d %H:%M:%f', lease_expires_at, '{hours} hour')"
    )
    with installation.connected() as opened:
        opened.execute(f"UPDATE training_jobs_trainingrun SET lease_expires_at = {moved}")


@pytest.mark.parametrize("hours", [1, -1], ids=["ahead", "back"])
def test_a_worker_whose_clock_is_set_in_an_epoch_keeps_its_run(
    installation: Installation, hours: int
) -> None:
    installation.start_reaper()
    installation.start_saboteur({"net": Harm("shift", IN_AN_EPOCH, call=40, hours=hours)})
    run = installation.queue_run()
    installation.wait_for(run, "succeeded", "failed", "dead")
    assert mark_of(installation.data_dir, "net").exists()
    assert installation.run(run)["attempt"] == 1
    installation.assert_one_version(run)


def test_a_run_whose_leases_all_seem_over_is_published_once(installation: Installation) -> None:
    installation.start_reaper()
    installation.start_worker()
    run = installation.queue_run()
    installation.wait_for_epoch(run)
    # As where the clock is set ahead and no reaper sees it.
    move_leases(installation, hours=-1)
    installation.wait_for(run, "succeeded", "failed", "dead")
    assert installation.run(run)["attempt"] <= 2
    installation.assert_one_version(run)


def test_a_lost_run_is_not_held_by_a_lease_from_a_clock_that_was_ahead(installation: Installation) -> None:
    installation.start_worker()
    run = installation.queue_run()
    installation.wait_for_epoch(run)
    os.kill(installation.child(run), signal.SIGKILL)
    move_leases(installation, hours=1)
    installation.start_reaper()
    until(lambda: installation.run(run)["attempt"] == 2, what="a second attempt", seconds=2 * LEASE + 60)
    installation.wait_for(run, "succeeded", "failed", "dead")
    installation.assert_one_version(run)
