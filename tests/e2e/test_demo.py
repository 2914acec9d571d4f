"""The first command a person runs, and the second time they run it."""

import json
import queue
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, held_port, installation_environment

pytestmark = [pytest.mark.slow, pytest.mark.keras]
PATIENCE = 300.0
PAPERS = 24


class Demo:
    """A running `demo` and the lines it printed."""

    def __init__(self, environment: dict[str, str], port: int) -> None:
        self.port = port
        command = [sys.executable, "manage.py", "demo", "--port", str(self.port)]
        command += ["--papers", str(PAPERS), "--epochs", "1"]
        self.lines: list[str] = []
        self._arriving: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._arriving.put(line.rstrip())
        self._arriving.put(None)

    def wait_for(self, beginning: str) -> str:
        """Return the first line that begins so; fail where the demo ends or takes too long."""
        deadline = time.monotonic() + PATIENCE
        while True:
            line = self._arriving.get(timeout=max(0.0, deadline - time.monotonic()))
            assert line is not None, "\n".join(self.lines)
            self.lines.append(line)
            if line.startswith(beginning):
                return line

    def end(self) -> int:
        """Press Ctrl-C; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=60)


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Callable[[], Demo]]:
    """Start demos in one data directory of their own."""
    environment = installation_environment(tmp_path / "demo")
    started: list[Demo] = []

    def start() -> Demo:
        started.append(Demo(environment, port))
        return started[-1]

    with held_port() as port:
        yield start
        for one in started:
            one.process.kill()
            one.process.wait()


def test_the_demo_ends_in_a_site_with_a_model_and_goes_on_from_there(demo: Callable[[], Demo]) -> None:
    first = demo()
    ready = first.wait_for("Ready: ")
    assert "user admin, password " in ready
    with urllib.request.urlopen(f"http://127.0.0.1:{first.port}/readyz", timeout=10) as response:
        assert json.load(response)["model"] == "demo@1"
    assert any("macro-F1" in line for line in first.lines)
    assert any(line.startswith("Classifying sample with demo@1") for line in first.lines)
    assert first.end() == 0

    second = demo()
    second.wait_for("Ready: ")
    assert any(line.startswith("The sample stands already") for line in second.lines)
    assert not any(line.startswith(("Training a CNN", "Classifying sample")) for line in second.lines)
    assert second.end() == 0
