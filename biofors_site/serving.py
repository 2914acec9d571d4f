"""What one installation on one machine runs: the web site, its workers, and the reaper of lost jobs."""

import contextlib
import errno
import fcntl
import os
import re
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

from django.conf import settings

from biofors_site.broker import clear_control_folder
from biofors_site.supervising import Service, Supervisor
from datasets.errors import Refused

REAP_EVERY = 5
MIRROR_EVERY = 5
# What TensorFlow prints on every machine without a graphics card, whatever its log level.
_NO_GPU = re.compile(r"before absl::InitializeLog|cudart_stub\.cc|cuda_platform\.cc")


class PortInUse(Refused):
    """Raised where another program listens on the port."""

    code = "port_in_use"
    status = 409


class AlreadyServed(Refused):
    """Raised where another `serve` works on the same data directory."""

    code = "already_served"
    status = 409


def services(*, host: str, port: int, workers: bool = True) -> list[Service]:
    """Return the processes of an installation: web, workers, reaper, and what mirrors to MLflow."""
    found = [Service("web", web_command(host=host, port=port))]
    if workers:
        # A training run takes every core there is for minutes: pages go first.
        found.append(Service("training", worker_command("training", tasks_per_child=1), niceness=5))
        for name in inference_workers():
            found.append(Service(name, worker_command("inference,maintenance", name=name)))
        found.append(Service("reaper", (sys.executable, "manage.py", "reap", "--every", str(REAP_EVERY))))
        if settings.MLFLOW_TRACKING_URI:
            every = ("--every", str(MIRROR_EVERY))
            found.append(Service("mirror", (sys.executable, "manage.py", "mirror", *every), niceness=5))
    return found


def web_command(*, host: str, port: int) -> tuple[str, ...]:
    """Return the command of the web server."""
    words = f"-m gunicorn --config python:biofors_site.gunicorn_config --bind {host}:{port}"
    words += " --log-level warning"
    return (sys.executable, *words.split())


def inference_workers() -> list[str]:
    """Return the names of the workers that share inference: as many as the settings say, at least one."""
    more = range(2, settings.INFERENCE_WORKERS + 1)
    return ["inference", *(f"inference-{number}" for number in more)]


def worker_command(
    queues: str, *, name: str | None = None, tasks_per_child: int | None = None
) -> tuple[str, ...]:
    """Return the command of a Celery worker for these queues (`a,b`), one task at a time.

    Its `name`, that of its first queue unless given, is its own on this machine.
    """
    name = name or queues.partition(",")[0]
    words = f"-m celery --quiet --app biofors_site worker --queues {queues}"
    words += f" --hostname {name}@%h --concurrency 1 --prefetch-multiplier 1"
    words += " --without-gossip --without-mingle --without-heartbeat --loglevel WARNING"
    if tasks_per_child is not None:
        words += f" --max-tasks-per-child {tasks_per_child}"
    # Messages are JSON, never pickles: what root could be made to run is what any user could.
    return (sys.executable, "-W", "ignore:You're running the worker with superuser", *words.split())


@contextlib.contextmanager
def sole_server(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for one `serve`; raises AlreadyServed. The hold ends with the process."""
    with (data_dir / "serve.lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            holder = lock.read().strip()
            raise AlreadyServed(
                f"This data directory is served already{holder and f' (process {holder})'}. "
                "End that one first, or set BIOFORS_DATA_DIR to another directory."
            ) from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def check_port(host: str, port: int) -> None:
    """Raise PortInUse where the port cannot be listened on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            raise PortInUse(
                f"Port {port} of {host} cannot be used ({os.strerror(error.errno).lower()}). "
                f"End the program that uses it, or choose another: PORT={port + 1} ./run serve"
            ) from None


def wait_until_answers(
    url: str, *, seconds: float = 60.0, stopped: Callable[[], bool] = lambda: False
) -> bool:
    """Return True once the address answers, False where it does not within the time."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not stopped():
        with contextlib.suppress(OSError, urllib.error.URLError), urllib.request.urlopen(url, timeout=5):
            return True
        time.sleep(0.2)
    return False


def serve(
    *,
    host: str,
    port: int,
    workers: bool = True,
    say: Callable[[str], None],
    when_up: Callable[[str], None] | None = None,
) -> None:
    """Run the installation until Ctrl-C or SIGTERM.

    `when_up(url)` is called in a thread of its own once the site answers; where it fails, all ends and
    its exception is raised. Raises PortInUse, AlreadyServed.
    """
    data_dir = Path(settings.DATA_DIR)
    with sole_server(data_dir):
        check_port(host, port)
        clear_control_folder(data_dir)
        supervisor = Supervisor(
            services(host=host, port=port, workers=workers),
            cwd=Path(settings.BASE_DIR),
            say=lambda line: None if _NO_GPU.search(line) else say(line),
        )
        failures: list[Exception] = []

        def greet() -> None:
            shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host
            url = f"http://{shown}:{port}"
            try:
                if not wait_until_answers(f"{url}/healthz"):
                    say(f"The site does not answer at {url} yet; its log lines above say why.")
                elif when_up is None:
                    say(f"The site is ready at {url} (Ctrl-C ends it)")
                else:
                    when_up(url)
            except Exception as error:  # any failure ends the command, with its reason
                failures.append(error)
                supervisor.stop()

        threading.Thread(target=greet, daemon=True).start()
        supervisor.run()
        if failures:
            raise failures[0]
