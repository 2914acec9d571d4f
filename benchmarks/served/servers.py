"""The servers that are measured: the product's site as `serve` runs it, and the plain Flask page."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.served.figures import Outcome
from benchmarks.served.installation import Installation
from benchmarks.served.recipe import Served

FLASK, INT8, FLOAT32 = "Flask + predict", "INT8", "float32"
# What each engine is asked for by, in the environment of the processes that load it.
PRECISIONS = {INT8: {}, FLOAT32: {"BIOFORS_INT8": "0"}}
HOST = "127.0.0.1"


@dataclass(frozen=True)
class Server:
    """A server that answers: where, how files are sent to it, and its first process."""

    name: str
    port: int
    path: str
    field: str
    tokens: Sequence[str]
    process: subprocess.Popen[str]

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://{HOST}:{self.port}"

    def load(
        self, installation: Installation, files: Sequence[Path], *, clients: int, seconds: float
    ) -> tuple[float, list[Outcome]]:
        """Let clients ask from a process of their own; return when they began and what came of it."""
        told = installation.ask(
            "benchmarks.served.clients",
            *self.words(clients=clients, seconds=seconds),
            *files,
        )
        return told["began"], [Outcome(*each) for each in told["outcomes"]]

    def words(self, *, clients: int, seconds: float) -> list[object]:
        """Return how the clients are told of it."""
        tokens = [word for token in self.tokens for word in ("--token", token)]
        given = ["--port", self.port, "--path", self.path, "--field", self.field]
        return [*given, *tokens, "--clients", clients, "--seconds", seconds]

    def memory(self) -> dict[str, float]:
        """Return what its processes hold, in MiB: the sum of their RSS, and of their shares of it (PSS)."""
        held = [memory_of(pid) for pid in family(self.process.pid)]
        return {name: sum(each[name] for each in held) for name in ("rss", "pss")}


@contextmanager
def served(served: Served, *, names: Sequence[str]) -> Iterator[list[Server]]:
    """Run servers beside each other until the block is left; one that is not asked does nothing."""
    token = served.installation.token()
    with ExitStack() as stack:
        yield [stack.enter_context(one_server(served, name=name, token=token)) for name in names]


@contextmanager
def one_server(served: Served, *, name: str, token: str) -> Iterator[Server]:
    """Run one server; leaving the block ends it with its children."""
    from biofors_site.serving import wait_until_answers

    port = free_port()
    words, extra = flask_words(served, port) if name == FLASK else site_words(port, PRECISIONS[name])
    log = "server-" + name.split()[0].lower()
    process = served.installation.start(*words, log=log, **extra)
    try:
        if not wait_until_answers(
            f"http://{HOST}:{port}/healthz", seconds=180, stopped=lambda: process.poll() is not None
        ):
            raise SystemExit(f"{name} does not answer: see {served.installation.folder / log}.log")
        if name == FLASK:
            yield Server(name, port, "/predict", "image", (), process)
        else:
            yield Server(name, port, "/api/v1/classify/", "images", (token,), process)
    finally:
        end(process)


def flask_words(served: Served, port: int) -> tuple[list[str], dict[str, str]]:
    """Return the command of the plain page, and what is set for it."""
    from classifier.models import ModelVersion

    version = ModelVersion.objects.get(pk=served.resnet)
    words = f"-m benchmarks.baselines.flask_page {version.keras_path} --port {port}"
    return [sys.executable, *words.split(), "--classes", ",".join(version.classes)], {}


def site_words(port: int, precision: dict[str, str]) -> tuple[list[str], dict[str, str]]:
    """Return the command of the site as `serve` gives it, and what is set for it."""
    from biofors_site.serving import services

    (web,) = services(host=HOST, port=port, workers=False)
    return [*web.command], precision


def engine_told(server: Server, file: Path) -> dict[str, Any]:
    """Return what the site says of the engine that answers: its runtime and precision."""
    import json

    from benchmarks.served.clients import Connection, request_bytes

    request = request_bytes(file, path=server.path, field=server.field, token=server.tokens[0])
    _, body = Connection(server.port).exchange(request)
    answer = json.loads(body)
    if "results" not in answer:
        raise SystemExit(f"{server.name} refuses {file.name}: {answer}")
    found: dict[str, Any] = answer.get("engine", {"runtime": "onnxruntime", "precision": "float32"})
    return found


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def end(process: subprocess.Popen[str]) -> None:
    """End a process and its group: those that do not go when asked are killed."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            print(f"Process {process.pid} does not end when asked and is killed", flush=True)
    kill(process)


def kill(process: subprocess.Popen[str]) -> None:
    """End a process and its group as a crash does."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    finally:
        process.wait()


def family(pid: int) -> list[int]:
    """Return the ids of a process and of all that come from it."""
    children = (Path("/proc") / str(pid) / "task").glob("*/children")
    found = [pid]
    for child in {int(each) for path in children for each in path.read_text().split()}:
        found += family(child)
    return found


def memory_of(pid: int) -> dict[str, float]:
    """Return RSS and PSS of a process in MiB; nothing of one that has ended."""
    try:
        lines = (Path("/proc") / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {"rss": 0.0, "pss": 0.0}
    sizes = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in lines[1:]}
    return {"rss": sizes.get("Rss", 0.0), "pss": sizes.get("Pss", 0.0)}
