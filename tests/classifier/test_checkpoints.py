"""Checkpoints: whole or not there, the newest that can be read counts."""

import errno
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.networks import storing
from classifier.networks.checkpoints import newest, save

ARRAYS = {"model": [np.arange(6.0).reshape(2, 3), np.float32(2)], "optimizer": [np.array([7], np.int64)]}


def write(directory: Path, number: int, **state: Any) -> Path:
    """A checkpoint of that number."""
    return save(directory, number=number, arrays=ARRAYS, state={"number": number, **state})


def number_of(*directories: Path) -> int | None:
    """The number of the newest."""
    found = newest(directories)
    return None if found is None else int(found.state["number"])


def test_what_was_saved_is_read_again_bit_by_bit(tmp_path: Path) -> None:
    path = write(tmp_path, 3, rank=[-1.5, 0.1], epochs=[{"loss": 0.3}])
    found = newest([tmp_path])
    assert found is not None and found.path == path
    assert found.state == {"number": 3, "rank": [-1.5, 0.1], "epochs": [{"loss": 0.3}]}
    for name, some in ARRAYS.items():
        for was, read in zip(some, found.arrays[name], strict=True):
            assert np.asarray(was).dtype == read.dtype and (np.asarray(was) == read).all()


def test_the_two_newest_are_kept(tmp_path: Path) -> None:
    for number in (1, 2, 10, 3):
        write(tmp_path, number)
    assert sorted(path.name for path in tmp_path.glob("*.npz")) == [
        "checkpoint-000000003.npz",
        "checkpoint-000000010.npz",
    ]


@pytest.mark.parametrize("damage", ["empty", "truncated", "flipped", "no archive"])
def test_a_broken_one_gives_way_to_the_one_before(tmp_path: Path, damage: str) -> None:
    write(tmp_path, 1)
    path = write(tmp_path, 2)
    content = bytearray(path.read_bytes())
    match damage:
        case "empty":
            content = bytearray()
        case "truncated":
            del content[len(content) // 2 :]
        case "flipped":
            content[content.index(np.arange(6.0).tobytes()) + 3] ^= 1
        case "no archive":
            content = bytearray(b"something else")
    path.write_bytes(content)
    assert number_of(tmp_path) == 1


def test_an_earlier_attempt_serves_where_the_own_has_none(tmp_path: Path) -> None:
    write(tmp_path / "first", 5)
    (tmp_path / "second").mkdir()
    assert number_of(tmp_path / "third", tmp_path / "second", tmp_path / "first") == 5
    write(tmp_path / "second", 2)
    assert number_of(tmp_path / "third", tmp_path / "second", tmp_path / "first") == 2
    assert number_of(tmp_path / "third") is None


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, 1)

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(storing, "into_place", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path, 2)
    assert [path.name for path in tmp_path.glob("*checkpoint*")] == ["checkpoint-000000001.npz"]
