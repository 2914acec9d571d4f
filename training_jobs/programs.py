"""Programs that make files of a version: each in a process of its own, which holds the large libraries."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.conf import settings

from classifier.networks.errors import ParityFailed
from datasets.errors import Refused
from training_jobs.leases import Claim, stop_if_asked

# An export that takes longer is stuck.
LONGEST_SECONDS = 3600.0
_LOOK_EVERY = 0.5


class ExportFailed(Refused):
    """Raised where the program that makes a form ended without one."""

    code = "export_failed"
    status = 500


def run_program(module: str, words: Sequence[Path], *, log: Path, claim: Claim) -> dict[str, Any]:
    """Run a module with these words until the job is to stop; return what its last line, JSON, says.

    Raises ParityFailed, ExportFailed, LeaseLost, FittingCancelled.
    """
    ends_at = time.monotonic() + LONGEST_SECONDS
    with log.open("wb") as said, log.open("rb") as read:
        program = subprocess.Popen(
            [sys.executable, "-m", module, *map(str, words)],
            cwd=settings.BASE_DIR,
            env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "2", "CUDA_VISIBLE_DEVICES": ""},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
        )
        try:
            while program.poll() is None:
                stop_if_asked(claim)
                if time.monotonic() > ends_at:
                    raise ExportFailed(f"The converter was not done within {LONGEST_SECONDS / 60:g} minutes.")
                _wait(program)
        finally:
            if program.poll() is None:
                program.kill()
                program.wait()
        return _recorded(read.read().decode(errors="replace").splitlines(), status=program.returncode)


def _wait(program: "subprocess.Popen[bytes]") -> None:
    """Wait a moment, or until the program has ended."""
    try:
        program.wait(_LOOK_EVERY)
    except subprocess.TimeoutExpired:
        return


def _recorded(lines: Sequence[str], *, status: int) -> dict[str, Any]:
    """Return what the program's last line says; raises ParityFailed, ExportFailed."""
    recorded = {}
    if lines and lines[-1].startswith("{"):
        recorded = json.loads(lines[-1])
    if "refused" in recorded:
        raise ParityFailed(recorded["refused"])
    if status or "sha256" not in recorded:
        told = lines[-1][:300] if lines else "it said nothing"
        raise ExportFailed(f"The converter ended with status {status}: {told}")
    found: dict[str, Any] = recorded
    return found
