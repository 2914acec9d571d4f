"""Originals byte for byte, thumbnails once."""

from pathlib import Path

import pytest
from PIL import Image

from datasets.store import BytesMissing, path_of, put, put_many, read, thumbnail_of, thumbnail_path
from tests.datasets.folders import files_in
from tests.factories import png, sha256


def test_bytes_come_back_as_they_were() -> None:
    data = png(1)
    assert put(data) == sha256(data)
    assert read(sha256(data)) == data


def test_the_same_bytes_are_kept_once(data_dir: Path) -> None:
    assert put(png(1)) == put(png(1))
    assert files_in(data_dir / "images") == [f"{sha256(png(1))[:2]}/{sha256(png(1))}"]


def test_a_failing_write_leaves_nothing_behind(data_dir: Path) -> None:
    with pytest.raises(TypeError):
        put_many([(sha256(png(1)), png(1)), ("ab" * 32, None)])  # type: ignore[list-item]
    assert not path_of(sha256(png(1))).exists()
    assert files_in(data_dir) == []


def test_lost_bytes_are_named() -> None:
    with pytest.raises(BytesMissing) as raised:
        read("0" * 64)
    assert raised.value.status == 404


def test_a_thumbnail_is_made_on_demand_and_again_where_it_was_cut_off() -> None:
    name = put(png(2, width=640, height=100))
    path = thumbnail_path(name)
    with Image.open(path) as picture:
        assert picture.size == (320, 50)
    thumbnail_of(name).write_bytes(b"")
    assert thumbnail_path(name).stat().st_size > 0


def test_a_small_image_is_not_enlarged() -> None:
    with Image.open(thumbnail_path(put(png(3)))) as picture:
        assert picture.size == (16, 12)
