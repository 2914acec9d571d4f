"""Files that are whole or absent."""

import os
from pathlib import Path


def into_place(temporary: Path, path: Path) -> None:
    """Sync a finished file and rename it to its name, on the same file system, replacing what was there."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
