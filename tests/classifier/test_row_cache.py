"""Rows kept by content: found again, shared, whole after a writer was killed, deleted where room is short."""

import errno
import hashlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier import row_cache
from classifier.row_cache import RowCache, make_room
from datasets.errors import Refused


def key(name: object) -> bytes:
    """A key of 32 bytes."""
    return hashlib.sha256(str(name).encode()).digest()


def cache_in(directory: Path) -> RowCache:
    """A cache of three numbers a row."""
    return RowCache(directory, shape=(3,), dtype=np.float32)


def row(value: float) -> np.ndarray:
    """One row of equal numbers."""
    return np.full((1, 3), value, dtype=np.float32)


def test_rows_are_found_again_by_their_keys_in_another_process(tmp_path: Path) -> None:
    cache = cache_in(tmp_path)
    assert cache.places([key("a")]).tolist() == [-1]
    assert cache.rows.shape == (0, 3)
    cache.add([key("a"), key("b")], np.concatenate([row(1), row(2)]))
    again = cache_in(tmp_path)
    assert again.places([key("b"), key("c"), key("a")]).tolist() == [1, -1, 0]
    assert again.rows.tolist() == [[1, 1, 1], [2, 2, 2]]


def test_a_key_that_is_there_is_not_written_again(tmp_path: Path) -> None:
    one, other = cache_in(tmp_path), cache_in(tmp_path)
    one.add([key("a")], row(1))
    other.add([key("a"), key("b"), key("b")], np.concatenate([row(9), row(2), row(2)]))
    assert cache_in(tmp_path).rows.tolist() == [[1, 1, 1], [2, 2, 2]]
    assert other.places([key("a"), key("b")]).tolist() == [0, 1]


def test_many_writers_lose_and_double_nothing(tmp_path: Path) -> None:
    def write(writer: int) -> None:
        cache = cache_in(tmp_path)
        for number in range(20):
            name = number if number % 2 else f"{writer}-{number}"
            cache.add([key(name)], row(number))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    cache = cache_in(tmp_path)
    assert len(cache) == 4 * 10 + 10
    for number in range(20):
        places = cache.places([key(number if number % 2 else f"3-{number}")])
        assert cache.rows[places].tolist() == [[number] * 3]


@pytest.mark.parametrize("left", [b"", b"half a ro"])
def test_what_a_killed_writer_left_is_written_over(tmp_path: Path, left: bytes) -> None:
    cache_in(tmp_path).add([key("a")], row(1))
    with (tmp_path / "rows.bin").open("ab") as rows:
        rows.write(row(7).tobytes() + left)
    with (tmp_path / "keys.bin").open("ab") as keys:
        keys.write(left)
    cache = cache_in(tmp_path)
    assert len(cache) == 1
    cache.add([key("b")], row(2))
    assert cache_in(tmp_path).rows.tolist() == [[1, 1, 1], [2, 2, 2]]


def test_a_full_disk_is_told_and_nothing_of_it_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = cache_in(tmp_path)
    cache.add([key("a")], row(1))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            cache.add([key("b")], row(2))
    assert (tmp_path / "rows.bin").stat().st_size == 12
    cache.add([key("b")], row(3))
    assert cache_in(tmp_path).rows.tolist() == [[1, 1, 1], [3, 3, 3]]


@pytest.mark.parametrize(
    ("keys", "rows"),
    [([key("a")], np.zeros((1, 4), np.float32)), ([key("a")], np.zeros((1, 3))), ([b"short"], row(1))],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, keys: Any, rows: Any) -> None:
    with pytest.raises(ValueError, match=r"rows are|a key has"):
        cache_in(tmp_path).add(keys, rows)


def test_the_longest_idle_caches_go_where_room_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, hours in (("old", 9), ("older", 20), ("busy", 0), ("mine", 30)):
        cache_in(tmp_path / name).add([key("a")], row(1))
        then = (tmp_path / name).stat().st_mtime - 3600 * hours
        os.utime(tmp_path / name, (then, then))
    free = iter([0, 10**12])
    disk = type("Usage", (), {})
    monkeypatch.setattr(row_cache.shutil, "disk_usage", lambda _: _with(disk(), free=next(free, 10**12)))
    make_room(tmp_path, needed=1, keep=tmp_path / "mine")
    assert sorted(path.parent.name for path in tmp_path.glob("*/rows.bin")) == ["busy", "mine", "old"]
    monkeypatch.setattr(row_cache.shutil, "disk_usage", lambda _: _with(disk(), free=0))
    with pytest.raises(Refused, match="are free") as caught:
        make_room(tmp_path, needed=1, keep=tmp_path / "mine")
    assert caught.value.code == "disk_full"
    assert sorted(path.parent.name for path in tmp_path.glob("*/rows.bin")) == ["busy", "mine"]


def _with(usage: Any, *, free: int) -> Any:
    usage.free = free
    return usage
