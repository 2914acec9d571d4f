"""A full disk: the run fails with a sentence that helps, leaves nothing, and goes on once there is room."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.installation import Installation
from tests.faults.saboteur import Harm, filler, mark_of

pytestmark = [pytest.mark.slow, pytest.mark.keras]
# What is kept free for the database and the models, and some more.
SIZE = "260m"
WRITTEN_BY_TRAINING = ("cache", "checkpoints", "scratch", "models")
# Less than any file that is written: writing fails in the middle, which HDF5 does not survive.
LEFT = 64 * 1024
TOLD = "The disk of the data directory is full. Make room, then retry."


@dataclass(frozen=True)
class Filled:
    """At which call of which step the disk is filled; after which epoch a retry goes on, if one is made."""

    step: str
    call: int = 1
    goes_on_after: int | None = None


WHILE_IT_TRAINS = {
    # The first run alone writes pixels: the others find them there.
    "the-pixels": Filled("classifier.row_cache:RowCache.add", goes_on_after=0),
    "the-best-weights": Filled("classifier.networks.attempt:write_weights"),
    "a-checkpoint": Filled("classifier.networks.checkpoints:save", call=2, goes_on_after=1),
}
WHILE_IT_PUBLISHES = {
    "the-weights-to-publish": Filled("classifier.networks.fitting:write_weights"),
    "the-export-for-keras": Filled("classifier.networks.artefacts:publish"),
    "the-export-to-onnx": Filled("classifier.networks.artefacts:_export", goes_on_after=2),
}


@pytest.fixture
def disk(embedded: Installation, tmp_path: Path) -> Iterator[Path]:
    """A small disk for all that training writes; the database and the queue are on another."""
    mounted = tmp_path / "disk"
    mounted.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", str(mounted))
    tried = subprocess.run(mount, capture_output=True, text=True, check=False)
    if tried.returncode:
        pytest.skip(f"A small disk cannot be mounted here (it takes root): {tried.stderr.strip()}")
    try:
        for name in WRITTEN_BY_TRAINING:
            (mounted / name).mkdir()
            (embedded.data_dir / name).symlink_to(mounted / name)
        yield mounted
    finally:
        embedded.end()
        subprocess.run(("umount", str(mounted)), check=True)


@pytest.mark.parametrize(
    "steps", [WHILE_IT_TRAINS, WHILE_IT_PUBLISHES], ids=["while it trains", "while it publishes"]
)
def test_a_run_ends_with_a_reason_where_the_disk_is_full_and_goes_on_once_there_is_room(
    embedded: Installation, disk: Path, steps: dict[str, Filled]
) -> None:
    embedded.start_reaper()
    embedded.start_saboteur(
        {name: Harm("fill", at.step, call=at.call, where=str(disk), left=LEFT) for name, at in steps.items()}
    )
    published = 0
    for name, at in steps.items():
        run = embedded.queue_run(name, "--epochs", "2", "--set", "batch_size=16")
        ended = embedded.wait_for(run, "succeeded", "failed", "dead")
        assert mark_of(embedded.data_dir, name).exists()
        assert (ended["state"], ended["error_code"]) == ("failed", "disk_full"), embedded.notes(run)
        assert embedded.rows(f"SELECT error FROM training_jobs_trainingrun WHERE id = {run}") == [(TOLD,)]
        filler(disk).unlink()
        embedded.manage("reap")
        assert len(embedded.models()) == published
        assert not list(disk.glob("scratch/*"))
        assert not list(disk.glob("checkpoints/*/.*"))
        if at.goes_on_after is not None:
            embedded.retry(run)
            embedded.wait_for(run, "succeeded", "failed", "dead")
            goes_on = [note for note in embedded.notes(run) if "Goes on" in note]
            assert goes_on == [f"running: Goes on after epoch {at.goes_on_after}"] * bool(at.goes_on_after)
            published += 1
            assert embedded.rows("SELECT count(*) FROM classifier_modelversion") == [(published,)]
            assert len(embedded.models()) == published
