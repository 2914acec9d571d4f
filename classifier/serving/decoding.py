"""Decoding in processes of its own: a hostile image ends one of them, not the site nor its neighbours."""

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from classifier.geometry import Geometry
from classifier.serving.decoding_child import ANSWER, GEOMETRIES, PIXELS, QUESTION
from datasets.decoding import ImageRefused, check_byte_size

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
IMAGE_SECONDS = 30.0
_LONGEST_REFUSAL = 64 * 1024
_NEVER = float("inf")
# A timeout of 0 would mean: do not wait at all.
_LEAST = 0.001
_BUFFER = 4 * 2**20
Pixels = NDArray[np.uint8]


class DecodingFailed(ImageRefused):
    """Raised for a file whose decoding took too long or too much memory, or ended the process."""

    code = "decoding_failed"


class Decoder:
    """One child process that decodes one file at a time."""

    def __init__(self) -> None:
        self._line, its = socket.socketpair()
        for end in (self._line, its):
            # As much as the system allows: whoever writes need not wait until the other end has read.
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        with its:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "classifier.serving.decoding_child", str(its.fileno())],
                cwd=ROOT,
                # What opens the bytes of strangers is told no secret of the installation.
                env={"PATH": os.defpath, "LANG": "C.UTF-8", "OPENBLAS_NUM_THREADS": "1"},
                pass_fds=[its.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    def decode(self, data: bytes, *, size: int, geometry: str, seconds: float) -> Pixels:
        """Return fitted pixels, uint8 (size, size, 3).

        Raises ImageRefused; OSError or ValueError where the child is lost, overran or talks nonsense.
        """
        deadline = time.monotonic() + seconds
        self._line.settimeout(seconds)
        self._line.sendall(QUESTION.pack(len(data), size, GEOMETRIES.index(Geometry(geometry))))
        self._line.sendall(data)
        kind, length = ANSWER.unpack(self._receive(ANSWER.size, deadline))
        if length > max(size * size * 3, _LONGEST_REFUSAL):
            raise ValueError(f"the process that decodes announced an answer of {length} bytes")
        answer = self._receive(length, deadline)
        if kind == PIXELS:
            return np.frombuffer(answer, np.uint8).reshape(size, size, 3)
        refusal = json.loads(answer)
        if not refusal:
            raise DecodingFailed("Opening the image takes more memory than any image should. Save it anew.")
        raise ImageRefused(str(refusal["detail"]), code=str(refusal["code"]))

    def end(self) -> None:
        """Kill the process, whatever it does."""
        self._line.close()
        self._process.kill()
        self._process.wait()

    def _receive(self, length: int, deadline: float) -> bytearray:
        """Return exactly so many bytes; raises TimeoutError, ConnectionError."""
        data = bytearray(length)
        rest = memoryview(data)
        while rest:
            self._line.settimeout(max(deadline - time.monotonic(), _LEAST))
            received = self._line.recv_into(rest)
            if not received:
                raise ConnectionError("the process that decodes has ended")
            rest = rest[received:]
        return data


class DecodingPool:
    """At most `count` decoders, started when they are needed and replaced when they end."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._places = threading.Semaphore(count)
        # The one used last is used next, so that no more run than were ever needed at once.
        self._idle: list[Decoder] = []

    def warm(self) -> None:
        """Start a decoder where none stands ready: it loads while the caller does something else."""
        if self._idle or not self._places.acquire(blocking=False):
            return
        try:
            self._idle.append(Decoder())
        except OSError:
            # Whoever decodes is told.
            logger.exception("No process that decodes could be started")
        finally:
            self._places.release()

    def decode(self, data: bytes, *, size: int, geometry: str, deadline: float = _NEVER) -> Pixels:
        """Return the pixels of a file as a network sees them, uint8 (size, size, 3).

        A file has `IMAGE_SECONDS`, and ends by the deadline (of the monotonic clock). Raises ImageRefused,
        of which DecodingFailed says that the file overran this or ended its process.
        """
        # What is refused by its size alone need not travel.
        check_byte_size(len(data))
        patience = None if deadline == _NEVER else max(deadline - time.monotonic(), _LEAST)
        if not self._places.acquire(timeout=patience):
            raise DecodingFailed("The time for this request was up before the file was opened. Send fewer.")
        try:
            decoder = self._idle_or_new()
            seconds = max(min(IMAGE_SECONDS, deadline - time.monotonic()), _LEAST)
            try:
                pixels = decoder.decode(data, size=size, geometry=geometry, seconds=seconds)
            except ImageRefused:
                self._idle.append(decoder)
                raise
            except BaseException:
                # Whoever took it next would get the answer to this question.
                decoder.end()
                raise
            self._idle.append(decoder)
            return pixels
        except TimeoutError:
            raise DecodingFailed(
                "Opening the file took longer than any image should. Save it anew, or send fewer at once."
            ) from None
        except (OSError, ValueError, KeyError) as error:
            logger.warning("A process that decodes was lost: %s", error)
            raise DecodingFailed("The process that opened the file ended on it. Save it anew.") from error
        finally:
            self._places.release()

    def _idle_or_new(self) -> Decoder:
        """Return a decoder whose process runs."""
        while True:
            try:
                decoder = self._idle.pop()
            except IndexError:
                return Decoder()
            if decoder.is_alive():
                return decoder
            decoder.end()


@cache
def get_pool() -> DecodingPool:
    """Return the pool of this process: as many decoders as cores."""
    return DecodingPool(os.cpu_count() or 1)


# A forked process asks decoders of its own: two on one line would get each other's answers.
os.register_at_fork(after_in_child=get_pool.cache_clear)
