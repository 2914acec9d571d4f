"""A whole installation: the site, its workers and the reaper, as `serve` runs them."""

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page

from biofors_site.serving import wait_until_answers

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 60.0
OUTSIDE = (
    "DJANGO_ALLOW_ASYNC_UNSAFE",
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "CACHE_URL",
    "SECRET_KEY",
    "PORT",
    "BIOFORS_ADMIN_USER",
    "BIOFORS_ADMIN_PASSWORD",
)


def manage(environment: Mapping[str, str], *args: str) -> str:
    """Run a management command in an environment; return what it printed, fail where it failed."""
    ended = subprocess.run(
        [sys.executable, "manage.py", *args],
        cwd=ROOT,
        env=dict(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


@dataclass(frozen=True)
class ServedSite:
    """An installation that answers, on SQLite and the queue of files in a data directory of its own."""

    url: str
    user: str
    password: str
    data_dir: Path
    environment: dict[str, str]
    process: subprocess.Popen[bytes]

    def manage(self, *args: str) -> str:
        """Run a management command of this installation; return what it printed, fail where it failed."""
        return manage(self.environment, *args)

    def log(self) -> str:
        """Return what the site and its workers have printed."""
        return (self.data_dir / "serve.log").read_text(errors="replace")

    def pids(self) -> set[int]:
        """Return the ids of the processes that work on this data directory, `serve` itself among them."""
        mark = f"BIOFORS_DATA_DIR={self.data_dir}".encode()
        return {int(path.name) for path in Path("/proc").iterdir() if _holds(path / "environ", mark)}


def _holds(environ: Path, mark: bytes) -> bool:
    """Whether a process' environment holds this entry."""
    try:
        return mark in environ.read_bytes().split(b"\0")
    except OSError:
        return False


def installation_environment(data_dir: Path) -> dict[str, str]:
    """Return the environment of an installation of its own: the embedded default in this directory."""
    kept = {name: value for name, value in os.environ.items() if name not in OUTSIDE}
    return {
        **kept,
        "DJANGO_SETTINGS_MODULE": "biofors_site.settings",
        "BIOFORS_DATA_DIR": str(data_dir),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def held_port() -> Iterator[int]:
    """Hold a free port for a server that is started here: bound, not listened on, so nobody is given it."""
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def sign_in(page: Page, site: ServedSite) -> None:
    """Sign its administrator in; from now on a JavaScript error fails the test."""
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(f"{site.url}/")
    page.get_by_label("Username").fill(site.user)
    page.get_by_label("Password").fill(site.password)
    page.get_by_role("button", name="Log in").click()


@pytest.fixture(scope="module")
def served_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedSite]:
    """Serve a new installation; at the end nothing of it may run on."""
    with held_port() as port:
        yield from _serve(tmp_path_factory.mktemp("served"), port)


def _serve(data_dir: Path, port: int) -> Iterator[ServedSite]:
    """Serve in a data directory until the generator is closed."""
    password = secrets.token_urlsafe(12)
    environment = {**installation_environment(data_dir), "BIOFORS_ADMIN_PASSWORD": password}
    subprocess.run([sys.executable, "manage.py", "bootstrap"], cwd=ROOT, env=environment, check=True)
    with (data_dir / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    site = ServedSite(f"http://127.0.0.1:{port}", "admin", password, data_dir, environment, process)
    try:
        up = wait_until_answers(
            f"{site.url}/healthz", seconds=PATIENCE, stopped=lambda: process.poll() is not None
        )
        assert up, site.log()
        yield site
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)
    assert site.pids() == set()
