"""A served site under many clients, slow ones and half-open ones: who sends a request is answered."""

import contextlib
import http.client
import json
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from tests.e2e.conftest import PATIENCE, ServedSite
from tests.factories import png

pytestmark = pytest.mark.slow

CLIENTS = 64
SECONDS = 8.0
HALF_OPEN = 40
MAKES_A_MODEL = "from tests.factories_models import ModelVersionFactory; ModelVersionFactory(answers=True)"


@pytest.fixture(scope="module")
def token(served_site: ServedSite) -> str:
    """A token of an administrator, on a site that has a model."""
    served_site.manage("shell", "--no-imports", "--command", MAKES_A_MODEL)
    told = json.loads(served_site.manage("create_token", served_site.user, "--json"))
    return str(told["token"])


class Caller:
    """A client that keeps its connection."""

    def __init__(self, site: ServedSite, token: str) -> None:
        self._connection = http.client.HTTPConnection(str(urlsplit(site.url).netloc), timeout=PATIENCE)
        self._headers = {"Authorization": f"Token {token}", "Content-Type": "image/png"}

    def classify(self, data: bytes) -> tuple[int, str | None]:
        """Return the status and `Retry-After`; fail for an answer that is none."""
        self._connection.request("POST", "/api/v1/classify/", data, self._headers)
        response = self._connection.getresponse()
        body = json.load(response)
        assert ("results" in body) == (response.status == 200), body
        return response.status, response.headers["Retry-After"]

    def get(self, path: str) -> int:
        """Return the status of a page."""
        self._connection.request("GET", path)
        response = self._connection.getresponse()
        response.read()
        return response.status


def test_many_clients_are_answered_or_told_when_to_come_again(served_site: ServedSite, token: str) -> None:
    ends = time.monotonic() + SECONDS

    def ask(number: int) -> Counter[tuple[int, bool]]:
        caller, heard = Caller(served_site, token), Counter[tuple[int, bool]]()
        while time.monotonic() < ends:
            status, retry_after = caller.classify(png(number, width=300, height=200))
            heard[status, retry_after is not None] += 1
        return heard

    with ThreadPoolExecutor(CLIENTS + 1) as threads:
        asked = [threads.submit(ask, number) for number in range(CLIENTS)]
        pages = Caller(served_site, token)
        while time.monotonic() < ends:
            assert pages.get("/healthz") == 200
        heard = sum((each.result() for each in asked), Counter[tuple[int, bool]]())
    assert set(heard) <= {(200, False), (503, True)}
    assert heard[200, False] > 0
    assert Caller(served_site, token).classify(png(0)) == (200, None)


@contextlib.contextmanager
def slow_clients(site: ServedSite, token: str) -> Iterator[list[socket.socket]]:
    """Connections that say nothing, half a head, or a body byte by byte."""
    host, port = urlsplit(site.url).hostname, urlsplit(site.url).port
    head = f"POST /api/v1/classify/ HTTP/1.1\r\nHost: {host}\r\nAuthorization: Token {token}\r\n"
    length = "Content-Type: image/png\r\nContent-Length: 5000000\r\n\r\n"
    begun = (b"", head.encode(), (head + length).encode())
    stopped = threading.Event()
    with contextlib.ExitStack() as opened:
        sockets = []
        for number in range(HALF_OPEN):
            slow = opened.enter_context(socket.create_connection((host, port), timeout=PATIENCE))
            slow.sendall(begun[number % 3])
            sockets.append(slow)

        def drip() -> None:
            while not stopped.wait(0.05):
                for slow in sockets[2::3]:
                    with contextlib.suppress(OSError):
                        slow.sendall(b"x")

        dripping = threading.Thread(target=drip)
        dripping.start()
        try:
            yield sockets
        finally:
            stopped.set()
            dripping.join()


def test_slow_and_half_open_clients_hold_nobody_up(served_site: ServedSite, token: str) -> None:
    with slow_clients(served_site, token) as sockets:
        callers = [Caller(served_site, token) for _ in range(4)]
        with ThreadPoolExecutor(len(callers)) as threads:
            for _ in range(5):
                asked = [threads.submit(caller.classify, png(0)) for caller in callers]
                assert [each.result(timeout=PATIENCE) for each in asked] == [(200, None)] * len(callers)
        # None of those answered had to wait until the slow ones were given up.
        for slow in sockets:
            slow.setblocking(False)
            with pytest.raises(BlockingIOError):
                slow.recv(1)


def test_a_client_that_says_nothing_more_is_given_up(served_site: ServedSite, token: str) -> None:
    with slow_clients(served_site, token) as sockets:
        for slow in (sockets[0], sockets[1]):
            assert slow.recv(1) == b""


def test_who_asks_first_whether_to_send_is_told_to(served_site: ServedSite, token: str) -> None:
    data = png(1, width=900, height=700)
    connection = http.client.HTTPConnection(str(urlsplit(served_site.url).netloc), timeout=PATIENCE)
    headers = {"Authorization": f"Token {token}", "Content-Type": "image/png", "Expect": "100-continue"}
    connection.request("POST", "/api/v1/classify/", data, headers)
    response = connection.getresponse()
    assert (response.status, len(json.load(response)["results"])) == (200, 1)


def test_two_requests_sent_at_once_are_answered_in_their_order(served_site: ServedSite, token: str) -> None:
    host, port = urlsplit(served_site.url).hostname, urlsplit(served_site.url).port
    with socket.create_connection((host, port), timeout=PATIENCE) as line:
        one = f"GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"
        last = f"GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        line.sendall((one + last).encode())
        heard = b"".join(iter(lambda: line.recv(65536), b""))
    assert heard.count(b"HTTP/1.1 200 OK") == 2
    assert heard.index(b'"alive"') < heard.index(b'"ready"')
