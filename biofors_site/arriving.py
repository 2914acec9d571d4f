"""Requests on their way in: collected without a thread, and given up where they come too slowly."""

import tempfile
import time
from typing import Any

from gunicorn.http.unreader import SocketUnreader

# A request of at most so many bytes is waited for as a whole; of a longer one a thread reads the rest.
MOST_AHEAD = 32 * 2**20
IN_MEMORY = 2**20
HEAD_SECONDS = 10.0
# Beyond this a body has to have come by so many bytes a second.
BODY_SECONDS = 20.0
LEAST_RATE = 1024
# One that a thread waits for: others want the thread.
LEAST_RATE_IN_THREAD = 64 * 1024

_HEAD_END = b"\r\n\r\n"
_LONGEST_HEAD = 128 * 1024


class Arrival:
    """What has come of a request: first its head, then its body, into memory and beyond that a file."""

    def __init__(self) -> None:
        self._data = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        self._begun = time.monotonic()
        self._head = bytearray()
        self.size = 0
        # The size at which it is complete, once its head says so.
        self._whole: int | None = None
        self.needs_thread = False

    @property
    def is_ready(self) -> bool:
        """Whether a thread may have it: it is complete, or cannot be waited for."""
        return self.needs_thread or (self._whole is not None and self.size >= self._whole)

    @property
    def deadline(self) -> float:
        """When it is given up, by the monotonic clock."""
        if self._whole is None:
            return self._begun + HEAD_SECONDS
        return self._begun + BODY_SECONDS + self.size / LEAST_RATE

    def add(self, data: bytes) -> None:
        """Take the next bytes."""
        self._data.write(data)
        self.size += len(data)
        if self._whole is None and not self.needs_thread:
            searched = max(0, len(self._head) - len(_HEAD_END))
            self._head += data
            end = self._head.find(_HEAD_END, searched)
            if end >= 0:
                self._read_head(end + len(_HEAD_END))
            elif len(self._head) > _LONGEST_HEAD:
                # Refused by who parses it.
                self.needs_thread = True

    def _read_head(self, end: int) -> None:
        """Work out how long the request is; only who parses it says whether it is a good one."""
        length, is_open = 0, False
        for line in bytes(self._head[:end]).split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            match name.strip().lower():
                case b"content-length" if value.strip().isdigit():
                    length = int(value)
                # Who expects to be told to go on sends nothing before; a body in chunks has no length.
                case b"transfer-encoding" | b"expect":
                    is_open = True
        self._head.clear()
        self._whole = end + length
        self.needs_thread = is_open or self._whole > max(MOST_AHEAD, self.size)

    def reader(self, sock: Any) -> "ArrivedUnreader":
        """Return what gunicorn reads the request from: what has come, then the rest from the socket."""
        self._data.seek(0)
        return ArrivedUnreader(sock, self._data)

    def close(self) -> None:
        """Let go of what has come."""
        self._data.close()


class ArrivedUnreader(SocketUnreader):  # type: ignore[misc]
    """Bytes that have arrived, then those that still come, at a least rate."""

    def __init__(self, sock: Any, arrived: Any) -> None:
        super().__init__(sock)
        self._arrived = arrived
        self._deadline = time.monotonic() + BODY_SECONDS

    def chunk(self, size_hint: int | None = None) -> bytes:
        """Return the next bytes; raises TimeoutError where they come too slowly."""
        size = max(self.mxchunk, min(size_hint or 0, self.max_body_chunk))
        data: bytes = self._arrived.read(size)
        if data:
            return data
        before = self.sock.gettimeout()
        left = self._deadline - time.monotonic()
        self.sock.settimeout(max(left if before is None else min(left, before), 0.001))
        try:
            data = self.sock.recv(size)
        finally:
            self.sock.settimeout(before)
        self._deadline += len(data) / LEAST_RATE_IN_THREAD
        return data

    def finish(self) -> None:
        """Put what has come beyond the request, the next one's beginning, to where gunicorn looks for it."""
        self.unread(self.take_buffered() + self._arrived.read())
        self._arrived.close()
