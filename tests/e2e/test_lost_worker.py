"""A training run whose worker is killed in an epoch, on the embedded queue, with real processes."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import ROOT, _holds, installation_environment
from tests.factories import png

pytestmark = [pytest.mark.slow, pytest.mark.keras]
PATIENCE = 240.0
EPOCHS = 12


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An installation with a split of images of noise, where a silent worker loses its job after seconds."""
    environment = {**installation_environment(tmp_path / "data"), "BIOFORS_JOB_LEASE_SECONDS": "4"}
    folder = tmp_path / "panels"
    for number in range(80):
        image = folder / ("BlotGel" if number % 2 else "Microscopy") / f"{number}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(png(number))
    for command in (
        ["bootstrap"],
        ["import_folder", str(folder), "--dataset", "panels"],
        ["make_split", "panels", "--name", "s", "--by", "image"],
    ):
        manage(environment, *command)
    return environment


@pytest.fixture
def training(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """`train --wait` with no worker alive: it starts one itself."""
    words = f"train s --architecture cnn --name lost --epochs {EPOCHS}"
    words += " --set layout=pooled --set image_size=64 --set batch_size=2 --set drawn_papers=0"
    process = subprocess.Popen(
        [sys.executable, "manage.py", *words.split(), "--wait", "--json"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    give_up = threading.Timer(PATIENCE, process.kill)
    give_up.start()
    try:
        yield process
    finally:
        give_up.cancel()
        process.kill()
        process.wait()


def manage(environment: dict[str, str], *args: str) -> str:
    """Run a management command; return what it printed, fail where it failed."""
    ended = subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def rows(environment: dict[str, str], question: str) -> list[tuple[Any, ...]]:
    """Return what the installation's database answers; at once, unlike a command."""
    path = Path(environment["BIOFORS_DATA_DIR"]) / "db.sqlite3"
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
        return list(opened.execute(question))


def worker_of(environment: dict[str, str]) -> int:
    """Return the id of the process that holds the run."""
    ((name,),) = rows(environment, "SELECT worker FROM training_jobs_trainingrun")
    return int(name.rpartition(":")[2])


def parent_of(pid: int) -> int:
    """Return the id of a process' parent."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("PPid:")))


def read_until(process: subprocess.Popen[str], word: str) -> str:
    """Read the lines of progress up to one that holds the word."""
    assert process.stderr is not None
    seen = []
    for line in process.stderr:
        seen.append(line)
        if word in line:
            return line
    raise AssertionError("".join(seen))


@pytest.mark.parametrize("whole", [False, True], ids=["its child", "the whole worker"])
def test_a_run_whose_worker_is_killed_in_an_epoch_ends_well_by_itself(
    environment: dict[str, str], training: subprocess.Popen[str], whole: bool
) -> None:
    read_until(training, f"epoch   1 of {EPOCHS}")
    child = worker_of(environment)
    if whole:
        os.kill(parent_of(child), signal.SIGKILL)
    os.kill(child, signal.SIGKILL)
    printed, told = training.communicate()
    assert training.returncode == 0, told
    assert "lost its worker and is queued again" in told
    answer = json.loads(printed)
    assert (answer["state"], answer["attempt"], answer["model"]["version"]) == ("succeeded", 2, 1)
    assert rows(environment, "SELECT count(*) FROM classifier_modelversion") == [(1,)]
    assert rows(environment, "SELECT count(*) FROM classifier_evaluation") == [(2,)]
    epochs = rows(environment, "SELECT epoch FROM training_jobs_epochmetric WHERE attempt = 2 ORDER BY epoch")
    assert epochs == [(number,) for number in range(1, EPOCHS + 1)]
    data_dir = Path(environment["BIOFORS_DATA_DIR"])
    assert not list(data_dir.glob("scratch/run-*"))
    assert len(list(data_dir.glob("models/*/*"))) == 1
    mark = f"BIOFORS_DATA_DIR={data_dir}".encode()
    assert not [path.name for path in Path("/proc").iterdir() if _holds(path / "environ", mark)]
