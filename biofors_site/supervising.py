"""Several processes as one: started together, restarted when they die, ended together."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

GRACE = 15.0
SHORTEST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
# A process that ran this long was well: the next pause starts short again.
WELL_AFTER = 60.0
_TICK = 0.1
# At most: an orphan that nobody reaps (a container without an init) stays in its group for good.
_KILL_TAKES = 2.0
_PR_SET_PDEATHSIG = 1
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None

Say = Callable[[str], None]


@dataclass(frozen=True)
class Service:
    """A command to keep running, under a name for its log lines; `niceness` as in nice(1)."""

    name: str
    command: tuple[str, ...]
    niceness: int = 0


@dataclass
class _Child:
    """A service's process and when it may start again."""

    service: Service
    process: subprocess.Popen[str] | None = None
    started: float = 0.0
    start_at: float = 0.0
    pause: float = SHORTEST_PAUSE
    readers: list[threading.Thread] = field(default_factory=list)

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None


def _print_line(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201


def _tied_to(parent: int, niceness: int) -> Callable[[], None]:
    """Return what a child does before its command: end when its parent ends, even by kill -9 (Linux)."""

    def prepare() -> None:
        if _libc is not None:
            _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)
        if niceness:
            os.nice(niceness)

    return prepare


class Supervisor:
    """Keeps services running until it is asked to stop, then ends every process they started.

    Each service leads a session of its own, so that Ctrl-C reaches only the supervisor and a whole
    process group can be ended. `stop` may be called from any thread and from a signal handler.
    """

    def __init__(
        self, services: Sequence[Service], *, cwd: Path, say: Say = _print_line, grace: float = GRACE
    ):
        self._children = [_Child(service) for service in services]
        self._cwd = cwd
        self._say = say
        self._grace = grace
        self._width = max((len(service.name) for service in services), default=0)
        self._stop = threading.Event()
        self._hurry = threading.Event()

    def pids(self) -> dict[str, int]:
        """Return the process id of each service that runs."""
        return {
            child.service.name: child.process.pid
            for child in self._children
            if child.process is not None and child.alive
        }

    def stop(self) -> None:
        """Ask for the end; asked again, waits for no process to finish what it does."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    def run(self) -> None:
        """Start all and keep them running until `stop`, Ctrl-C, SIGTERM or SIGHUP; returns when all ended."""
        with self._signals():
            try:
                while not self._stop.is_set():
                    for child in self._children:
                        self._keep(child)
                    self._stop.wait(_TICK)
                self._say("Ending; a second Ctrl-C does not wait for work in progress")
            finally:
                self._end_all()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Let the signals that ask for an end do so; only the main thread may set handlers."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def ask(signum: int, frame: FrameType | None) -> None:
            self.stop()

        before = {number: signal.signal(number, ask) for number in _STOP_SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _keep(self, child: _Child) -> None:
        """Start the child where it is due; note where it died and when it is due again."""
        now = time.monotonic()
        if child.process is not None and not child.alive:
            _kill_group(child.process.pid)
            if now - child.started > WELL_AFTER:
                child.pause = SHORTEST_PAUSE
            self._say(
                f"{child.service.name} ended {_how(child.process.returncode)}; "
                f"it starts again in {child.pause:g} s"
            )
            child.process, child.start_at = None, now + child.pause
            child.pause = min(child.pause * 2, LONGEST_PAUSE)
        if child.process is None and now >= child.start_at:
            self._start(child)

    def _start(self, child: _Child) -> None:
        """Start the child's command, its output prefixed by its name."""
        child.started = time.monotonic()
        child.process = subprocess.Popen(
            child.service.command,
            cwd=self._cwd,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            preexec_fn=_tied_to(os.getpid(), child.service.niceness),
        )
        reader = threading.Thread(target=self._relay, args=(child.service.name, child.process), daemon=True)
        reader.start()
        child.readers = [*(thread for thread in child.readers if thread.is_alive()), reader]

    def _relay(self, name: str, process: subprocess.Popen[str]) -> None:
        """Print a process' lines with its name before them."""
        assert process.stdout is not None
        for line in filter(str.strip, process.stdout):
            self._say(f"{name:>{self._width}} | {line.rstrip()}")

    def _end_all(self) -> None:
        """Ask every process to end, kill those that have not within the grace, and their descendants."""
        running = [child for child in self._children if child.process is not None]
        for child in running:
            assert child.process is not None
            with contextlib.suppress(ProcessLookupError):
                child.process.terminate()
        deadline = time.monotonic() + self._grace
        while any(child.alive for child in running) and time.monotonic() < deadline:
            if self._hurry.wait(_TICK):
                break
        for child in running:
            assert child.process is not None
            _kill_group(child.process.pid)
            child.process.wait()
            _await_group_end(child.process.pid)
            for reader in child.readers:
                reader.join(timeout=2)


def _kill_group(leader: int) -> None:
    """Kill what is left of the process group that this process led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


def _await_group_end(leader: int) -> None:
    """Return once no process of the group is left: a kill takes effect a moment after it was sent."""
    deadline = time.monotonic() + _KILL_TAKES
    with contextlib.suppress(ProcessLookupError, PermissionError):
        while time.monotonic() < deadline:
            os.killpg(leader, 0)
            time.sleep(0.01)


def _how(returncode: int) -> str:
    """Say in words how a process ended."""
    if returncode < 0:
        return f"by signal {signal.Signals(-returncode).name}"
    return f"with exit code {returncode}"
