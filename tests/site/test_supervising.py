"""Several processes as one."""

import contextlib
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from biofors_site.serving import AlreadyServed, PortInUse, check_port, services, sole_server
from biofors_site.supervising import Service, Supervisor

PATIENCE = 20.0
SLEEPER = "import os, time; print('pid', os.getpid()); time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('pid', 0); time.sleep(600)"
)
# Starts a child of its own, which knows nothing of the supervisor.
PARENT = (
    "import subprocess, sys, time\n"
    "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "print('pid', child.pid)\n"
    "time.sleep(600)"
)


def python(name: str, code: str) -> Service:
    """A service that runs this code."""
    return Service(name, (sys.executable, "-c", code))


def until(found: Callable[[], object]) -> None:
    """Wait for something, and fail where it does not come."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found():
            return
        threading.Event().wait(0.02)
    raise AssertionError("it did not come")


def is_gone(pid: int) -> bool:
    """Whether no live process has this id (a zombie is dead)."""
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    return True


class Running:
    """A supervisor at work in a thread, and the lines it printed."""

    def __init__(self, *services: Service, cwd: Path, grace: float = 15.0) -> None:
        self.lines: queue.Queue[str] = queue.Queue()
        self.supervisor = Supervisor(services, cwd=cwd, say=self.lines.put, grace=grace)
        self.thread = threading.Thread(target=self.supervisor.run)
        self.thread.start()

    def line_with(self, text: str) -> str:
        """Wait for a line that holds the text."""
        while True:
            line = self.lines.get(timeout=PATIENCE)
            if text in line:
                return line

    def end(self) -> None:
        """Stop it and wait for its end."""
        self.supervisor.stop()
        self.thread.join(timeout=PATIENCE)
        assert not self.thread.is_alive()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start supervisors that end with the test."""
    started: list[Running] = []

    def start(*services: Service, grace: float = 15.0) -> Running:
        started.append(Running(*services, cwd=tmp_path, grace=grace))
        return started[-1]

    yield start
    for one in started:
        one.end()


def test_a_killed_process_is_started_again(running: Callable[..., Running]) -> None:
    site = running(python("worker", SLEEPER))
    first = int(site.line_with("pid").split()[-1])
    os.kill(first, signal.SIGKILL)
    assert "SIGKILL" in site.line_with("worker ended")
    second = int(site.line_with("pid").split()[-1])
    assert second != first
    assert site.supervisor.pids() == {"worker": second}


def test_a_process_that_dies_at_once_is_started_again_ever_later(running: Callable[..., Running]) -> None:
    site = running(python("broken", "raise SystemExit(3)"))
    assert site.line_with("broken ended").endswith("exit code 3; it starts again in 0.5 s")
    assert site.line_with("broken ended").endswith("exit code 3; it starts again in 1 s")


def test_lines_carry_the_name_of_their_process(running: Callable[..., Running]) -> None:
    site = running(python("web", "print('hello'); import time; time.sleep(600)"))
    assert site.line_with("hello") == "web | hello"


def test_the_end_leaves_no_process_behind(running: Callable[..., Running]) -> None:
    site = running(python("plain", SLEEPER), python("parent", PARENT))
    pids = {int(site.line_with("pid").split()[-1]), int(site.line_with("pid").split()[-1])}
    pids |= set(site.supervisor.pids().values())
    assert len(pids) == 3
    site.end()
    assert all(is_gone(pid) for pid in pids)


def test_a_process_that_will_not_end_is_killed_after_the_grace(running: Callable[..., Running]) -> None:
    site = running(python("stubborn", STUBBORN), grace=0.3)
    site.line_with("pid")
    (pid,) = site.supervisor.pids().values()
    site.end()
    assert is_gone(pid)


def test_asking_twice_does_not_wait_for_a_process_that_will_not_end(running: Callable[..., Running]) -> None:
    site = running(python("stubborn", STUBBORN), grace=10 * PATIENCE)
    site.line_with("pid")
    site.supervisor.stop()
    site.end()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_a_supervisor_that_is_signalled(tmp_path: Path, signum: signal.Signals) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from biofors_site.supervising import Service, Supervisor\n"
        f"Supervisor([Service('one', (sys.executable, '-c', {SLEEPER!r}))], cwd=Path('.')).run()\n"
        "print('all ended')"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    pid = int(supervisor.stdout.readline().split()[-1])
    assert not is_gone(pid)
    supervisor.send_signal(signum)
    rest, _ = supervisor.communicate(timeout=PATIENCE)
    until(lambda: is_gone(pid))
    if signum != signal.SIGKILL:
        assert rest.endswith("all ended\n")
        assert supervisor.returncode == 0


def test_an_installation_is_web_two_workers_and_the_reaper() -> None:
    assert [service.name for service in services(host="127.0.0.1", port=8000)] == [
        "web",
        "training",
        "inference",
        "reaper",
    ]
    assert [service.name for service in services(host="127.0.0.1", port=8000, workers=False)] == ["web"]


def test_inference_workers_are_as_many_as_the_settings_say_each_with_a_name(settings: Any) -> None:
    settings.INFERENCE_WORKERS = 3
    found = [each for each in services(host="127.0.0.1", port=8000) if each.name.startswith("inference")]
    assert [each.name for each in found] == ["inference", "inference-2", "inference-3"]
    assert [f"{each.name}@%h" in each.command for each in found] == [True] * 3


def test_a_port_in_use_is_refused_with_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUse, match=f"PORT={port + 1}"):
            check_port("127.0.0.1", port)
    check_port("127.0.0.1", port)


def test_a_data_directory_is_served_once(tmp_path: Path) -> None:
    with sole_server(tmp_path), pytest.raises(AlreadyServed, match=str(os.getpid())), sole_server(tmp_path):
        pass
    with sole_server(tmp_path):
        pass
