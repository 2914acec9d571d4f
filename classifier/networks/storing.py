"""Files that are whole or absent."""

import os
from pathlib import Path


def into_place(temporary: Path, path: Path) -> None:
    """Sync a finished file and rename it to its name, on the same file system, replacing what was there."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Let a name that was just given in a folder outlast a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
