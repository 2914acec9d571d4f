"""Files that are whole or absent."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_whole(path: Path) -> Iterator[Path]:
    """Give a temporary name beside a path, which the file then gets; where writing fails nothing is left."""
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        into_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


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
