"""gunicorn's threaded worker, but for slow clients: its threads only get requests that have arrived.

As gunicorn has it, a thread waits for a client's next byte without end, and the loop that accepts connections
waits for two seconds for a client to close: a few dozen half-open connections stop a site.
"""

import socket
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from biofors_site.arriving import IN_MEMORY, MOST_AHEAD, Arrival

# What all requests on their way in may take of memory and disk; beyond it threads read them.
MOST_AHEAD_TOGETHER = 16 * MOST_AHEAD
DRAIN_SECONDS = 5.0
LINGER_SECONDS = 2.0
MOST_LINGERING = 256
# How long a process lets the others go first with a new connection, for each that it holds, and at most.
YIELD_SECONDS = 0.0005
MOST_YIELDED = 0.005
_AT_ONCE = 64 * 1024


class Connection(TConn):  # type: ignore[misc]
    """A client's connection, and what has come of its next request."""

    def __init__(self, *args: Any, linger: Callable[[Any], None]) -> None:
        super().__init__(*args)
        self.arrival: Arrival | None = None
        self.is_read_in_thread = False
        self._linger = linger

    def close(self, graceful: bool = False) -> None:
        """Close at once, or once the client has; gunicorn's own waits for that in its only loop."""
        if self.arrival is not None:
            self.arrival.close()
        if graceful:
            self._linger(self.sock)
        else:
            super().close()


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """A thread worker whose slow clients wait in its loop, where they cost no thread."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[Connection, Arrival] = {}
        self._lingering: dict[socket.socket, float] = {}
        # Bodies too long to wait for: half of the threads at most read them, the others have to wait.
        self._reading = 0
        self._postponed: deque[Connection] = deque()

    def accept(self, listener: Any) -> None:
        """Accept a connection, unless a process that holds fewer does so first.

        Clients keep theirs open: those of a process that took most of them would wait longest from then on.
        """
        if self.cfg.workers > 1:
            time.sleep(min(self.nr_conns * YIELD_SECONDS, MOST_YIELDED))
        try:
            client, address = listener.accept()
        except OSError:
            # Another process was quicker, the client is gone, or no descriptor is left for it just now.
            return
        self.nr_conns += 1
        self.enqueue_req(Connection(self.cfg, client, address, listener.getsockname(), linger=self._linger))

    def enqueue_req(self, conn: Connection) -> None:
        """Wait for a request of this connection, then give it to a thread."""
        arrival = Arrival()
        if conn.parser is not None:
            arrival.add(conn.parser.unreader.take_buffered())
        conn.sock.setblocking(False)
        conn.arrival = self._arriving[conn] = arrival
        self.poller.register(conn.sock, EVENT_READ, partial(self._on_arriving, conn))
        # Most requests are there already.
        self._on_arriving(conn, conn.sock)

    def _on_arriving(self, conn: Connection, sock: Any) -> None:
        """Take what has come; once it is enough, let a thread have it."""
        arrival = self._arriving[conn]
        try:
            while not arrival.is_ready and (data := sock.recv(_AT_ONCE)):
                arrival.add(data)
        except BlockingIOError:
            arrival.needs_thread |= arrival.size > IN_MEMORY and self._held() > MOST_AHEAD_TOGETHER
            if not arrival.is_ready:
                return
        except OSError:
            pass
        self.poller.unregister(sock)
        del self._arriving[conn]
        if arrival.is_ready:
            self._dispatch(conn)
        else:
            self._give_up(conn)

    def _held(self) -> int:
        return sum(arrival.size for arrival in self._arriving.values())

    def _dispatch(self, conn: Connection) -> None:
        """Give a connection to a thread, or postpone it where too many are read by threads."""
        if conn.arrival is not None and conn.arrival.needs_thread:
            if self._reading >= max(1, self.cfg.threads // 2):
                self._postponed.append(conn)
                return
            self._reading += 1
            conn.is_read_in_thread = True
        super().enqueue_req(conn)

    def handle(self, conn: Connection) -> Any:
        """Handle a request on a connection; runs in a thread."""
        if not conn.initialized:
            conn.init()
        if conn.arrival is not None:
            conn.parser.unreader = conn.arrival.reader(conn.sock)
        return super().handle(conn)

    def _keepalive_after(self, conn: Connection, keepalive: Any) -> bool:
        """Whether the connection goes on: it does where its unread body has arrived."""
        deadline = time.monotonic() + DRAIN_SECONDS
        if not keepalive or not conn.parser.finish_body(deadline=deadline, max_bytes=MOST_AHEAD):
            return False
        conn.parser.unreader.finish()
        return True

    def finish_request(self, conn: Connection, fs: Any) -> None:
        """Keep the connection or close it; a request that was postponed comes next."""
        if conn.is_read_in_thread:
            conn.is_read_in_thread = False
            self._reading -= 1
            if self._postponed:
                self._dispatch(self._postponed.popleft())
        super().finish_request(conn, fs)

    def _give_up(self, conn: Connection) -> None:
        self.nr_conns -= 1
        conn.close()

    def _linger(self, sock: Any) -> None:
        """Say that no more is sent, and close once the client has: at once it could lose the answer's end."""
        try:
            sock.setblocking(False)
            sock.shutdown(socket.SHUT_WR)
            self.poller.register(sock, EVENT_READ, self._on_lingering)
        except (OSError, ValueError):
            sock.close()
            return
        self._lingering[sock] = time.monotonic() + LINGER_SECONDS
        while len(self._lingering) > MOST_LINGERING:
            self._end_lingering(next(iter(self._lingering)))

    def _on_lingering(self, sock: Any) -> None:
        """Throw away what a client still sends."""
        try:
            if sock.recv(_AT_ONCE):
                return
        except BlockingIOError:
            return
        except OSError:
            pass
        self._end_lingering(sock)

    def _end_lingering(self, sock: Any) -> None:
        del self._lingering[sock]
        self.poller.unregister(sock)
        sock.close()

    def murder_pending(self) -> None:
        """Close what came too slowly; the loop calls this at least every second."""
        super().murder_pending()
        now = time.monotonic()
        late = [
            conn
            for conn, arrival in self._arriving.items()
            if arrival.deadline < now or not (self.alive or arrival.size)
        ]
        for conn in late:
            self.poller.unregister(conn.sock)
            del self._arriving[conn]
            self._give_up(conn)
        for sock in [sock for sock, deadline in self._lingering.items() if deadline < now]:
            self._end_lingering(sock)
