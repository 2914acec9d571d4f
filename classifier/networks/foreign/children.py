"""The processes that open a foreign file and rebuild its network: each ends on time, whatever it holds."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from classifier.networks.foreign.errors import ForeignRefused, damaged

ROOT = Path(__file__).resolve().parents[3]
OPENING = "classifier.networks.foreign.opening"
REBUILDING = "classifier.networks.foreign.rebuilding"
OPENS_WITHIN = 300.0
REBUILDS_WITHIN = 1800.0
ASK_EVERY = 0.5
_LINES_KEPT = 2000


class ChildFailed(Exception):
    """A process ended without an answer, not for anything that the file is known to hold."""

    code = "import_failed"


def open_foreign(source: Path, folder: Path, *, ask: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Let a limited process read a file's weights into a folder; return what it tells of them.

    `ask` is called twice a second, and may raise to stop. Raises ForeignRefused.
    """
    # No plugin of HDF5 is loaded, whatever filter a file asks for; few threads, for each takes memory.
    limited = {"HDF5_PLUGIN_PRELOAD": "::", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment = {"PATH": os.defpath, "LANG": "C.UTF-8", **limited}
    try:
        return _told_by(
            OPENING, [str(source), str(folder)], environment=environment, within=OPENS_WITHIN, ask=ask
        )
    except subprocess.TimeoutExpired:
        raise ForeignRefused(
            f"Reading the file took longer than {OPENS_WITHIN:.0f} s, which no network's weights do.",
            code="import_timed_out",
        ) from None
    except ChildFailed as error:
        raise damaged("the process that reads it ended on it") from error


def rebuild(folder: Path, *, ask: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Let a process build and publish the network that a folder's `asked.json` describes.

    Raises ForeignRefused, ChildFailed; what `ask` raises stops it.
    """
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2"}
    try:
        return _told_by(REBUILDING, [str(folder)], environment=environment, within=REBUILDS_WITHIN, ask=ask)
    except subprocess.TimeoutExpired:
        raise ChildFailed(f"Rebuilding took longer than {REBUILDS_WITHIN:.0f} s.") from None


def _told_by(
    module: str, words: list[str], *, environment: dict[str, str], within: float, ask: Callable[[], None]
) -> dict[str, Any]:
    """Run a module and return the object that its last line of stdout is."""
    child = subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    ends = time.monotonic() + within
    try:
        while True:
            try:
                said, complaints = child.communicate(timeout=ASK_EVERY)
                break
            except subprocess.TimeoutExpired:
                if time.monotonic() > ends:
                    raise
            ask()
    finally:
        if child.poll() is None:
            child.kill()
            child.wait()
    try:
        told: dict[str, Any] = json.loads(said.splitlines()[-1])
    except (ValueError, IndexError):
        raise ChildFailed(
            f"{module} ended with {child.returncode}: {complaints.strip()[-_LINES_KEPT:]}"
        ) from None
    if refused := told.get("refused"):
        raise ForeignRefused(str(refused["detail"]), code=str(refused["code"]))
    return told
