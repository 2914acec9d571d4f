"""An installation with real workers that a test starts, kills and watches from outside."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg

from biofors_site.serving import worker_command
from tests.e2e.conftest import ROOT, installation_environment, manage
from tests.faults.saboteur import Harm, as_variable
from tests.faults.servers import PATIENCE, until

LEASE = 5.0
EPOCHS = 4
# Batches of two images make an epoch last long enough to be hit in it.
SETTINGS = (
    f"--epochs {EPOCHS} --set layout=pooled --set image_size=32 --set batch_size=2 --set drawn_papers=0"
)
# For what happens after training, or before.
QUICK = ("--epochs", "1", "--set", "batch_size=16")


class Installation:
    """Data directory, database and broker of its own; every process started here ends with it."""

    def __init__(self, data_dir: Path, extra: Mapping[str, str]) -> None:
        self.data_dir = data_dir
        self.environment = {
            **installation_environment(data_dir),
            "BIOFORS_JOB_LEASE_SECONDS": str(LEASE),
            # Each run would take as long again.
            "BIOFORS_INT8": "0",
            "SECRET_KEY": "only-for-tests",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            **extra,
        }
        self.started: list[subprocess.Popen[bytes]] = []

    def manage(self, *args: str) -> str:
        """Run a management command; return what it printed, fail where it failed."""
        return manage(self.environment, *args)

    def start(self, name: str, *command: str, **extra: str) -> subprocess.Popen[bytes]:
        """Start a process in a group of its own, its words in a log."""
        with (self.data_dir / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                cwd=ROOT,
                env={**self.environment, **extra},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.started.append(process)
        return process

    def start_worker(
        self, name: str = "worker", *, queues: str = "training", **extra: str
    ) -> subprocess.Popen[bytes]:
        """Start a worker, as `serve` does."""
        command = list(worker_command(queues, tasks_per_child=1))
        command[command.index("--hostname") + 1] = f"{name}@%h"
        return self.start(name, *command, **extra)

    def start_saboteur(
        self, harms: Mapping[str, Harm], *, queues: str = "training"
    ) -> subprocess.Popen[bytes]:
        """Start a worker that comes to harm at a step of each job that is named."""
        command = worker_command(queues, tasks_per_child=1)
        words = [*command[: command.index("celery")], "tests.faults.saboteur"]
        return self.start("saboteur", *words, *command[command.index("celery") + 1 :], **as_variable(harms))

    def start_reaper(self) -> subprocess.Popen[bytes]:
        """Start the reaper."""
        return self.start("reaper", sys.executable, "manage.py", "reap", "--every", "1")

    def queue_run(self, name: str = "net", *more: str) -> int:
        """Queue a short training run; return its id."""
        words = f"train s --architecture cnn --name {name} {SETTINGS} --json".split()
        return int(json.loads(self.manage(*words, *more))["id"])

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process with its children, as a crash of the machine does."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def retry(self, pk: int) -> None:
        """Retry a run that has ended."""
        asked = "from training_jobs.launching import retry; from training_jobs.models import TrainingRun; "
        self.manage("shell", "-c", f"{asked}retry(TrainingRun.objects.get(pk={pk}))")

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Return what the database answers, at once, unlike a command."""
        with self.connected() as opened:
            return [tuple(row) for row in opened.execute(question)]

    @contextmanager
    def connected(self) -> Iterator[Any]:
        """Open the database beside the workers."""
        if url := self.environment.get("DATABASE_URL"):
            with psycopg.connect(url) as opened:
                yield opened
        else:
            with closing(sqlite3.connect(self.data_dir / "db.sqlite3", isolation_level=None)) as lite:
                yield lite

    def run(self, pk: int) -> dict[str, Any]:
        """Return a run's row."""
        names = ["state", "attempt", "retried_at", "given_back", "worker", "error_code", "device"]
        question = f"SELECT {', '.join(names)} FROM training_jobs_trainingrun WHERE id = {pk}"
        ((*values,),) = self.rows(question)
        return dict(zip(names, values, strict=True))

    def notes(self, pk: int) -> list[str]:
        """Return a run's log of states, as `state: note`."""
        ((events,),) = self.rows(f"SELECT events FROM training_jobs_trainingrun WHERE id = {pk}")
        told = json.loads(events) if isinstance(events, str) else events
        return [f"{event['state']}: {event['note']}" for event in told]

    def child(self, pk: int) -> int:
        """Return the id of the process that holds a run."""
        return int(str(self.run(pk)["worker"]).rpartition(":")[2])

    def wait_for(self, pk: int, *states: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until a run is in one of these states; return its row."""
        try:
            until(lambda: self.run(pk)["state"] in states, what=f"run {pk} {states}", seconds=seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.run(pk)}\n{self.notes(pk)}\n{self.logs()}") from None
        return self.run(pk)

    def wait_for_epoch(self, pk: int, *, attempt: int = 1, epoch: int = 1) -> None:
        """Wait until a run has finished an epoch of an attempt, and is at work on the next."""
        question = (
            "SELECT count(*) FROM training_jobs_epochmetric "
            f"WHERE run_id = {pk} AND attempt = {attempt} AND epoch >= {epoch}"
        )
        try:
            until(lambda: self.rows(question) != [(0,)], what=f"epoch {epoch} of run {pk}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.run(pk)}\n{self.notes(pk)}\n{self.logs()}") from None

    def models(self) -> list[Path]:
        """Return the folders of models."""
        return list(self.data_dir.glob("models/*/*"))

    def leavings(self) -> list[Path]:
        """Return what attempts left in scratch and of checkpoints."""
        return [*self.data_dir.glob("scratch/*"), *self.data_dir.glob("checkpoints/*")]

    def logs(self) -> str:
        """Return what the processes have printed."""
        files = sorted(self.data_dir.glob("*.log"))
        return "\n".join(f"== {path.name}\n{path.read_text(errors='replace')[-3000:]}" for path in files)

    def assert_one_version(self, pk: int) -> None:
        """Assert that a run ended well, published once, and left nothing behind."""
        assert self.run(pk)["state"] == "succeeded", f"{self.notes(pk)}\n{self.logs()}"
        assert self.rows("SELECT count(*) FROM classifier_modelversion") == [(1,)]
        until(lambda: len(list(self.data_dir.glob("models/*/*"))) == 1, what="one folder of a model")
        until(lambda: not list(self.data_dir.glob("scratch/run-*")), what="an empty scratch folder")

    def end(self) -> None:
        """End every process that was started here, with its children."""
        for process in self.started:
            for number in (signal.SIGCONT, signal.SIGKILL):
                try:
                    os.killpg(process.pid, number)
                except ProcessLookupError:
                    break
            process.wait()
