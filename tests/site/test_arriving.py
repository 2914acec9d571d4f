"""Requests on their way in: when a thread may have them, and what it then reads."""

import socket
import time
from collections.abc import Iterator

import pytest

from biofors_site import arriving
from biofors_site.arriving import HEAD_SECONDS, IN_MEMORY, MOST_AHEAD, Arrival

HEAD = b"POST / HTTP/1.1\r\nHost: here\r\n"


@pytest.fixture
def line() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection: the server's end, the client's."""
    ours, its = socket.socketpair()
    with ours, its:
        yield ours, its


def arrived(*parts: bytes) -> Arrival:
    """What has come in these parts."""
    arrival = Arrival()
    for part in parts:
        arrival.add(part)
    return arrival


def test_a_request_is_ready_once_its_last_byte_has_come() -> None:
    sent = HEAD + b"content-length: 5\r\n\r\nabcde"
    arrival = Arrival()
    for place in range(len(sent)):
        assert not arrival.is_ready
        arrival.add(sent[place : place + 1])
    assert arrival.is_ready
    assert not arrival.needs_thread


@pytest.mark.parametrize("ending", [b"\r\n", b"Content-Length: 0\r\n\r\n", b"Content-Length: none\r\n\r\n"])
def test_a_request_without_a_body_is_ready_with_its_head(ending: bytes) -> None:
    assert not arrived(HEAD).is_ready
    assert arrived(HEAD, ending).is_ready


@pytest.mark.parametrize(
    "header",
    [
        b"Transfer-Encoding: chunked",
        b"Content-Length: 9\r\nExpect: 100-continue",
        b"Content-Length: %d" % MOST_AHEAD,
    ],
)
def test_what_cannot_be_waited_for_is_read_by_a_thread(header: bytes) -> None:
    arrival = arrived(HEAD, header, b"\r\n\r\n")
    assert arrival.needs_thread
    assert arrival.is_ready


def test_a_head_without_an_end_is_left_to_who_refuses_it() -> None:
    arrival = arrived(HEAD + b"X: ", *[b"x" * 1024] * 200)
    assert arrival.needs_thread


def test_a_head_has_ten_seconds_and_a_body_longer_the_more_of_it_has_come() -> None:
    assert arrived(HEAD).deadline <= time.monotonic() + HEAD_SECONDS
    begun = arrived(HEAD, b"Content-Length: 999999\r\n\r\n")
    before = begun.deadline
    assert before > time.monotonic() + HEAD_SECONDS
    begun.add(b"x" * 10_240)
    assert begun.deadline == pytest.approx(before + 10)


@pytest.mark.parametrize("length", [16, 2 * IN_MEMORY])
def test_a_reader_gives_what_has_come_then_what_still_comes(
    line: tuple[socket.socket, socket.socket], length: int
) -> None:
    ours, its = line
    body = bytes(range(16)) * (length // 16)
    reader = arrived(HEAD, b"\r\n", body).reader(ours)
    its.sendall(b"more")
    assert reader.read(len(HEAD) + 2) == HEAD + b"\r\n"
    assert reader.read(length) == body
    assert reader.read(4) == b"more"


def test_the_beginning_of_the_next_request_is_kept_for_it(line: tuple[socket.socket, socket.socket]) -> None:
    reader = arrived(HEAD, b"\r\n", b"GET /next").reader(line[0])
    reader.read(len(HEAD) + 2)
    reader.finish()
    assert reader.take_buffered() == b"GET /next"


def test_a_thread_does_not_wait_for_who_sends_nothing_more(
    line: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(arriving, "BODY_SECONDS", 0.01)
    reader = arrived(HEAD).reader(line[0])
    assert reader.read(len(HEAD)) == HEAD
    with pytest.raises(TimeoutError):
        reader.read(1)
