"""A run under `serve`, whose web server dies, or which is itself asked to end."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from biofors_site.serving import wait_until_answers
from tests.faults.installation import Installation
from tests.faults.servers import PATIENCE, free_port, until

pytestmark = [pytest.mark.slow, pytest.mark.keras]


@contextmanager
def served(installation: Installation, url: str) -> Iterator[subprocess.Popen[bytes]]:
    """Serve an installation, and ask `serve` to end when the block is left."""
    port = url.rpartition(":")[2]
    process = installation.start("serve", sys.executable, "manage.py", "serve", "--port", port)
    try:
        assert wait_until_answers(f"{url}/healthz"), installation.logs()
        yield process
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE)


def child_of(process: subprocess.Popen[bytes], word: bytes) -> int:
    """Return the id of the one child whose command holds a word."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    (found,) = [int(pid) for pid in children if word in Path(f"/proc/{pid}/cmdline").read_bytes()]
    return found


@pytest.fixture
def url() -> str:
    """Where a site can be served."""
    return f"http://127.0.0.1:{free_port()}"


def test_a_web_server_that_is_killed_comes_back_and_the_run_goes_on_undisturbed(
    embedded: Installation, url: str
) -> None:
    with served(embedded, url) as process:
        run = embedded.queue_run()
        embedded.wait_for_epoch(run)
        killed = child_of(process, b"gunicorn")
        os.kill(killed, signal.SIGKILL)
        until(lambda: "web ended by signal SIGKILL" in embedded.logs(), what="a word of the end")
        assert wait_until_answers(f"{url}/healthz"), embedded.logs()
        assert child_of(process, b"gunicorn") != killed
        embedded.wait_for(run, "succeeded", "failed", "dead")
        assert embedded.run(run)["attempt"] == 1
        embedded.assert_one_version(run)


def test_a_run_goes_on_when_serve_is_ended_and_begun_again(embedded: Installation, url: str) -> None:
    with served(embedded, url):
        run = embedded.queue_run()
        embedded.wait_for_epoch(run)
    ended = embedded.run(run)
    assert (ended["state"], ended["attempt"], ended["given_back"]) == ("queued", 1, 1)
    assert any("its worker was shut down; goes on from epoch" in note for note in embedded.notes(run))
    with served(embedded, url):
        embedded.wait_for(run, "succeeded", "failed", "dead")
        assert (embedded.run(run)["attempt"], embedded.run(run)["given_back"]) == (2, 1)
        assert any("Goes on after epoch" in note for note in embedded.notes(run))
        embedded.assert_one_version(run)
