"""The supervised installation, with its real processes."""

import contextlib
import json
import os
import signal
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.conftest import PATIENCE, ServedSite

pytestmark = pytest.mark.slow


def until(holds: Callable[[], bool], *, otherwise: Callable[[], str]) -> None:
    """Wait until something holds, and fail where it does not come to."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.2)
    raise AssertionError(otherwise())


def answering_workers(site: ServedSite) -> set[str]:
    """The names of the workers that answer a ping."""
    printed = site.manage(
        "shell",
        "--no-imports",
        "--command",
        "import json; from biofors_site.celery import app; print(json.dumps(app.control.ping(timeout=2)))",
    )
    return {name.partition("@")[0] for reply in json.loads(printed.splitlines()[-1]) for name in reply}


def test_the_site_answers_and_its_workers_do(served_site: ServedSite) -> None:
    with urllib.request.urlopen(f"{served_site.url}/readyz", timeout=10) as response:
        body = json.load(response)
    assert body == {"status": "ready", "database": "ready", "queue": "ready", "model": None}
    until(
        lambda: answering_workers(served_site) == {"training", "inference"},
        otherwise=served_site.log,
    )


def test_a_killed_worker_is_replaced_and_answers_again(served_site: ServedSite) -> None:
    until(lambda: "training" in answering_workers(served_site), otherwise=served_site.log)
    (worker,) = _pids_of(served_site, b"--queues\0training\0")
    os.kill(worker, signal.SIGKILL)
    until(lambda: "training ended by signal SIGKILL" in served_site.log(), otherwise=served_site.log)
    until(
        lambda: worker not in served_site.pids() and "training" in answering_workers(served_site),
        otherwise=served_site.log,
    )


def _pids_of(site: ServedSite, words: bytes) -> list[int]:
    """The processes of the site whose command line holds these words; of a pool, its leader alone."""
    found = []
    for pid in site.pids():
        # Any of them may end while it is looked at.
        with contextlib.suppress(OSError):
            if words in Path(f"/proc/{pid}/cmdline").read_bytes() and os.getsid(pid) == pid:
                found.append(pid)
    return found
