"""Clients that send files and wait for the answer: a process of its own, so that it disturbs no server's.

    python -m benchmarks.served.clients --port N --path P --field F --clients N --seconds S FILES...

Each client is a thread with one connection, kept open where the server lets it, that sends requests made
beforehand; reading and writing let go of Python's lock, and an answer is not parsed but searched for its
model's id. What was measured is printed as one JSON object: when it began, and each request.
"""

import argparse
import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import astuple
from pathlib import Path

from benchmarks.served.figures import OK, REFUSED, Outcome

HOST = "127.0.0.1"
TIMEOUT = 120.0
# Nobody waits longer than this before asking again, whatever Retry-After says.
LONGEST_WAIT = 2.0
_TYPES = {".png": "image/png", ".jpg": "image/jpeg"}
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_CLOSES = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
_RETRY = re.compile(rb"\r\nretry-after: *(\d+)", re.IGNORECASE)
_MODEL = re.compile(rb'"model": *\{"id": *(\d+)')


class Closed(Exception):
    """Raised where the server closed the connection before it had answered whole."""


def request_bytes(file: Path, *, path: str, field: str, token: str = "") -> bytes:
    """Return a whole request that sends a file as a form does."""
    border = uuid.uuid5(uuid.NAMESPACE_URL, file.name).hex
    body = (
        f'--{border}\r\nContent-Disposition: form-data; name="{field}"; filename="{file.name}"\r\n'
        f"Content-Type: {_TYPES[file.suffix]}\r\n\r\n"
    ).encode() + file.read_bytes() + f"\r\n--{border}--\r\n".encode()  # fmt: skip
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: {HOST}",
        f"Content-Type: multipart/form-data; boundary={border}",
        f"Content-Length: {len(body)}",
        *([f"Authorization: Token {token}"] if token else []),
    ]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


class Connection:
    """A connection that is opened when it is needed and not there."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket: socket.socket | None = None

    def exchange(self, request: bytes) -> tuple[bytes, bytes]:
        """Send a request; return head and body of the answer. Raises OSError, Closed."""
        if self.socket is None:
            self.socket = socket.create_connection((HOST, self.port), timeout=TIMEOUT)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.sendall(request)
        head, _, body = self._read(b"", lambda held: b"\r\n\r\n" in held).partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        wanted = int(length[1]) if length else 0
        body = self._read(body, lambda held: len(held) >= wanted)
        if _CLOSES.search(head) or head.startswith(b"HTTP/1.0"):
            self.close()
        return head, body

    def close(self) -> None:
        """Close it, if it is open."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def _read(self, held: bytes, enough: Callable[[bytes], bool]) -> bytes:
        assert self.socket is not None
        while not enough(held):
            more = self.socket.recv(65536)
            if not more:
                raise Closed
            held += more
        return held


def ask(connection: Connection, request: bytes) -> tuple[Outcome, float]:
    """Send one request; return what came of it, and how long the server asks to wait."""
    sent = time.monotonic()
    try:
        head, body = connection.exchange(request)
    except (OSError, Closed) as error:
        connection.close()
        return Outcome(sent, time.monotonic(), type(error).__name__), 0.0
    done = time.monotonic()
    kind = head[9:12].decode()
    model = _MODEL.search(body) if kind == OK else None
    retry = _RETRY.search(head) if kind in REFUSED else None
    wait = min(LONGEST_WAIT, int(retry[1])) if retry else 0.0
    return Outcome(sent, done, kind, int(model[1]) if model else None), wait


def run(port: int, requests: Sequence[bytes], *, clients: int, seconds: float) -> tuple[float, list[Outcome]]:
    """Let clients ask for so long; return when they began and all that came of it."""
    outcomes: list[list[Outcome]] = [[] for _ in range(clients)]
    began = time.monotonic() + 0.2
    until = began + seconds

    def client(number: int) -> None:
        connection, place = Connection(port), number * len(requests) // clients
        time.sleep(max(0.0, began - time.monotonic()))
        while time.monotonic() < until:
            outcome, wait = ask(connection, requests[place % len(requests)])
            outcomes[number].append(outcome)
            place += 1
            time.sleep(max(0.0, min(wait, until - time.monotonic())))
        connection.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return began, [outcome for each in outcomes for outcome in each]


def main() -> None:
    """Ask, and print what came of it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", required=True)
    parser.add_argument("--field", required=True)
    parser.add_argument("--token", action="append", default=[], help="clients take turns with several")
    parser.add_argument("--clients", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("files", type=Path, nargs="+")
    options = parser.parse_args()
    tokens = options.token or [""]
    requests = [
        request_bytes(file, path=options.path, field=options.field, token=tokens[place % len(tokens)])
        for place, file in enumerate(options.files)
    ]
    began, outcomes = run(options.port, requests, clients=options.clients, seconds=options.seconds)
    print(json.dumps({"began": began, "outcomes": [astuple(each) for each in outcomes]}))


if __name__ == "__main__":
    main()
