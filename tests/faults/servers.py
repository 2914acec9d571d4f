"""A Redis and a PostgreSQL of the test's own, on free ports, that can be killed and started again."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

PATIENCE = 120.0
_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(found: Callable[[], object], *, what: str, seconds: float = PATIENCE) -> None:
    """Wait for something, and fail where it does not come."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"{what}: not within {seconds:g} s"
        time.sleep(0.05)


class Redis:
    """A Redis that keeps nothing on the disk."""

    def __init__(self) -> None:
        if shutil.which("redis-server") is None:
            pytest.skip("Redis is not installed (apt-get install -y redis-server)")
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address as a broker."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty."""
        words = f"redis-server --port {self.port} --bind 127.0.0.1 --appendonly no --dir /tmp --save".split()
        self.process = subprocess.Popen((*words, ""), stdout=subprocess.DEVNULL, start_new_session=True)
        until(self._answers, what="Redis")

    def kill(self) -> None:
        """End it as a crash does."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def _answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


class Postgres:
    """A PostgreSQL in a temporary folder; root hands it to the user postgres."""

    def __init__(self) -> None:
        if not _BINARIES:
            pytest.skip("PostgreSQL is not installed (apt-get install -y postgresql)")
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="biofors-postgres-"))
        self.process: subprocess.Popen[bytes] | None = None
        self._as_user: tuple[str, ...] = ()
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._as_user = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")

    def url(self, database: str) -> str:
        """The address of one of its databases."""
        return f"postgres://tester@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Make its folder and start it."""
        init = f"{_BINARIES[-1]}/initdb --no-sync --auth=trust --username=tester --encoding=UTF8 -D"
        subprocess.run(
            (*self._as_user, *init.split(), f"{self.folder}/data"),
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
        )
        words = f"{_BINARIES[-1]}/postgres -D {self.folder}/data -p {self.port} -k {self.folder}"
        words += " -c listen_addresses=127.0.0.1 -c fsync=off"
        self.process = subprocess.Popen(
            (*self._as_user, *words.split()),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        until(self._answers, what="PostgreSQL")

    def make_database(self, name: str, *, like: str = "template1") -> None:
        """Make a database, as a copy of another."""
        self._do(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')

    def drop_database(self, name: str) -> None:
        """Drop a database, whoever is connected."""
        self._do(f'DROP DATABASE "{name}" WITH (FORCE)')

    def end(self) -> None:
        """End it and remove its folder."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _do(self, command: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as opened:
            opened.execute(command)

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.url("postgres"), connect_timeout=2):
                return True
        except psycopg.OperationalError:
            return False
