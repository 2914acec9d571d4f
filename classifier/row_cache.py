"""Arrays kept by the content they were made of: computed once, shared by runs, read as a file map."""

import fcntl
import math
import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.errors import Refused

KEY_BYTES = 32
# What a filling disk keeps for the database and the models.
_SPARE_BYTES = 200 * 2**20
# A cache that was filled so lately may still be being filled.
_IN_USE_SECONDS = 3600


class RowCache:
    """Rows of one shape and type in a directory, each under a key of 32 bytes.

    `rows.bin` holds the rows one after the other, `keys.bin` their keys in the same order. A row counts once
    its key is written, which is after the row was synced: what a killed writer left is written over. One
    process at a time writes, any number read; a cache may be deleted whenever nobody reads it.
    """

    def __init__(self, directory: Path, *, shape: tuple[int, ...], dtype: Any) -> None:
        self.directory = directory
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self.row_bytes = math.prod(shape) * self.dtype.itemsize
        directory.mkdir(parents=True, exist_ok=True)
        self._keys, self._rows = directory / "keys.bin", directory / "rows.bin"

    @cached_property
    def _places(self) -> dict[bytes, int]:
        """Where each key's row is, as of the last look."""
        keys = self._keys.read_bytes() if self._keys.is_file() else b""
        whole = len(keys) // KEY_BYTES
        return {keys[place * KEY_BYTES : (place + 1) * KEY_BYTES]: place for place in range(whole)}

    def __len__(self) -> int:
        return len(self._places)

    def places(self, keys: Sequence[bytes]) -> NDArray[np.int64]:
        """Return the place of each key's row, -1 where there is none."""
        return np.array([self._places.get(key, -1) for key in keys], dtype=np.int64)

    @property
    def rows(self) -> NDArray[Any]:
        """All rows, (count, *shape): a file map that the kernel may drop from memory; not to be written."""
        if not len(self):
            return np.empty((0, *self.shape), dtype=self.dtype)
        return np.memmap(self._rows, dtype=self.dtype, mode="r", shape=(len(self), *self.shape))

    def add(self, keys: Sequence[bytes], rows: NDArray[Any]) -> None:
        """Append rows (N, *shape) that are not there yet; raises ValueError for another shape or type.

        OSError where the disk is full: nothing of them counts then.
        """
        if rows.shape != (len(keys), *self.shape) or rows.dtype != self.dtype:
            raise ValueError(f"rows are {self.dtype} {self.shape} each, not {rows.dtype} {rows.shape[1:]}")
        if any(len(key) != KEY_BYTES for key in keys):
            raise ValueError(f"a key has {KEY_BYTES} bytes")
        with self._alone():
            known = self._places
            new = {key: place for place, key in enumerate(keys) if key not in known}
            if not new:
                return
            self._append(self._rows, rows[list(new.values())].tobytes(), after=len(known) * self.row_bytes)
            self._append(self._keys, b"".join(new), after=len(known) * KEY_BYTES)
            known.update({key: len(known) + place for place, key in enumerate(list(new))})

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock of writers, with a fresh look at what is there."""
        with (self.directory / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.__dict__.pop("_places", None)
            # Caches that nobody filled for long go first where room is short.
            os.utime(self.directory)
            yield

    @staticmethod
    def _append(path: Path, content: bytes, *, after: int) -> None:
        """Write behind so many bytes, which counts less whatever else was there, and sync."""
        with path.open("r+b" if path.exists() else "w+b") as file:
            file.seek(after)
            try:
                file.write(content)
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
            except OSError:
                file.truncate(after)
                raise


def make_room(root: Path, *, needed: int, keep: Path) -> None:
    """Delete caches below `root`, longest unfilled first, but `keep`, until so many bytes fit on the disk.

    `Refused` (disk_full) where they do not fit even then.
    """
    root.mkdir(parents=True, exist_ok=True)
    wanted = needed + _SPARE_BYTES
    written = {path.parent: path.parent.stat().st_mtime for path in root.rglob("rows.bin")}
    idle = [path for path, at in written.items() if path != keep and at < time.time() - _IN_USE_SECONDS]
    for cache in sorted(idle, key=written.__getitem__):
        if shutil.disk_usage(root).free >= wanted:
            return
        shutil.rmtree(cache, ignore_errors=True)
    free = shutil.disk_usage(root).free
    if free < wanted:
        raise Refused(
            f"The run needs {wanted / 2**30:.1f} GiB in the data directory while it lasts; "
            f"{free / 2**30:.1f} GiB are free. Make room, or choose a smaller image_size, then retry.",
            code="disk_full",
        )
