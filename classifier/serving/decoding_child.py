"""The process that opens images of strangers: bytes in, fitted pixels out, until its parent closes the line.

It imports Pillow, NumPy and what decodes: no Django, no TensorFlow. `classifier.serving.decoding` starts it.
"""

import contextlib
import json
import resource
import signal
import socket
import struct
import sys
from io import BufferedIOBase

from classifier.geometry import Geometry, fit_pixels
from datasets.decoding import ImageRefused, decode

MEMORY_BYTES = 2**30
CPU_SECONDS = 30
# Bytes of the file, side of the square, place of the geometry in GEOMETRIES.
QUESTION = struct.Struct("!IIB")
# What follows (PIXELS or REFUSAL), and its bytes.
ANSWER = struct.Struct("!BI")
PIXELS, REFUSAL = 0, 1
GEOMETRIES = tuple(Geometry)


def main(descriptor: int) -> None:
    """Answer what comes over a socket until it is closed."""
    # Ctrl-C reaches every process of a terminal; this one ends with its parent's last question.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    # Of a parent that was killed nobody is left to read the answer.
    with contextlib.suppress(OSError), socket.socket(fileno=descriptor) as line:
        stream = line.makefile("rwb")
        while len(head := stream.read(QUESTION.size)) == QUESTION.size:
            kind, answer = _answered(stream, *QUESTION.unpack(head))
            stream.write(ANSWER.pack(kind, len(answer)))
            stream.write(answer)
            stream.flush()


def _answered(stream: BufferedIOBase, length: int, size: int, place: int) -> tuple[int, bytes]:
    """Return the pixels, uint8 (size, size, 3), of the file that follows, or why there are none, as JSON."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime) + CPU_SECONDS)
    try:
        decoded = decode(stream.read(length))
        return PIXELS, fit_pixels(decoded.pixels, size=size, geometry=GEOMETRIES[place]).tobytes()
    except ImageRefused as refusal:
        if isinstance(refusal.__cause__, MemoryError):
            return REFUSAL, b"{}"
        return REFUSAL, json.dumps({"code": refusal.code, "detail": str(refusal)}).encode()
    except MemoryError:
        return REFUSAL, b"{}"


def _limit(kind: int, most: int) -> None:
    """Lower a limit of this process; a system that knows none of the kind goes without."""
    _, hard = resource.getrlimit(kind)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(kind, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))


if __name__ == "__main__":
    main(int(sys.argv[1]))
