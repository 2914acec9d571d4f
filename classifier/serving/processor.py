"""What the processor of this machine can do."""

from functools import cache
from pathlib import Path

_CPUINFO = Path("/proc/cpuinfo")
_FLAGS = frozenset({"avx512_vnni", "avx_vnni", "amx_int8"})


@cache
def sums_in_32_bits() -> bool:
    """Whether it adds products of 8-bit numbers up in 32 bits: VNNI or AMX, on Linux.

    A processor without them adds two at a time in 16 bits, and cuts off what does not fit.
    """
    try:
        lines = _CPUINFO.read_text().splitlines()
    except OSError:
        return False
    return any(_FLAGS & set(line.split()) for line in lines if line.startswith("flags"))
