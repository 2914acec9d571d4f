"""How much memory this process holds, as the kernel counts it."""

from dataclasses import dataclass
from pathlib import Path

_STATUS = Path("/proc/self/status")


@dataclass(frozen=True)
class Memory:
    """Resident bytes, now and at most since the process began; None where the system does not tell."""

    now: int | None = None
    peak: int | None = None


def memory_held() -> Memory:
    """Return what this process holds."""
    try:
        lines = _STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return Memory()
    told = dict(line.partition(":")[::2] for line in lines)
    return Memory(now=_bytes(told.get("VmRSS")), peak=_bytes(told.get("VmHWM")))


def _bytes(told: str | None) -> int | None:
    """Return the bytes that `  1234 kB` tells."""
    number = (told or "").removesuffix("kB").strip()
    return 1024 * int(number) if number.isdecimal() else None
