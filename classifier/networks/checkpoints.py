"""Where a training stands, on the disk: each file whole or not there, the newest that can be read counts."""

import json
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.networks.storing import written_whole

KEPT = 2
_NAME = re.compile(r"checkpoint-\d{9}\.npz")
# What NumPy, zipfile and json raise for a file that is broken; its checksums are those of the zip archive.
_BROKEN = (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, NotImplementedError)


@dataclass(frozen=True)
class Checkpoint:
    """A training's `arrays` (of its network and optimiser, in their order) and the rest of its `state`."""

    path: Path
    arrays: dict[str, list[NDArray[Any]]]
    state: dict[str, Any]


def save(
    directory: Path, *, number: int, arrays: Mapping[str, Sequence[Any]], state: Mapping[str, Any]
) -> Path:
    """Write a checkpoint; of the earlier ones in the directory the newest is kept.

    `number` rises with each: the steps done. `state` must be fit for JSON. OSError where the disk is full:
    what was there is there still.
    """
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"checkpoint-{number:09d}.npz"
    named = {
        f"{name}/{place:05d}": array for name, some in arrays.items() for place, array in enumerate(some)
    }
    told = np.frombuffer(json.dumps(state).encode(), dtype=np.uint8)
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, state=told, **named)  # type: ignore[arg-type]
    for old in _found(directory)[KEPT:]:
        old.unlink(missing_ok=True)
    return path


def newest(directories: Iterable[Path]) -> Checkpoint | None:
    """Return the newest checkpoint that can be read, of the first directory that holds one."""
    for directory in directories:
        for path in _found(directory):
            if (checkpoint := _read(path)) is not None:
                return checkpoint
    return None


def _found(directory: Path) -> list[Path]:
    """Return the checkpoints of a directory, the newest first."""
    if not directory.is_dir():
        return []
    return sorted((path for path in directory.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


def _read(path: Path) -> Checkpoint | None:
    """Return what a file holds; None where it is broken."""
    arrays: dict[str, list[NDArray[Any]]] = {}
    try:
        with np.load(path, allow_pickle=False) as file:
            state = json.loads(file["state"].tobytes())
            for key in sorted(file.files):
                name, slash, _ = key.partition("/")
                if slash:
                    arrays.setdefault(name, []).append(file[key])
    except _BROKEN:
        return None
    return Checkpoint(path, arrays, state) if isinstance(state, dict) else None
