"""Originals byte for byte, kept under their sha256; a thumbnail beside each."""

import hashlib
import os
import tempfile
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray
from PIL import Image

from datasets.decoding import decode
from datasets.errors import Refused

THUMBNAIL_SIDE = 320
_QUALITY = 88


class BytesMissing(Refused):
    """Raised where an image's bytes are not in the store although a row names them."""

    code = "bytes_missing"
    status = 404


def digest(data: bytes) -> str:
    """Return the sha256 of the bytes, 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def path_of(sha256: str) -> Path:
    """Return where the bytes of that sha256 lie, or would lie.

    256 folders: with a second level nearly every new file would need a new folder, and take twice as long.
    """
    return Path(settings.DATA_DIR) / "images" / sha256[:2] / sha256


def put(data: bytes) -> str:
    """Keep the bytes; return their sha256. Once only, whole or not at all."""
    sha256 = digest(data)
    put_many([(sha256, data)])
    return sha256


def put_many(items: Iterable[tuple[str, bytes]]) -> None:
    """Keep bytes under the sha256 given with each: all are on the disk when this returns."""
    waiting: list[tuple[Path, Path]] = []
    try:
        for sha256, data in items:
            path = path_of(sha256)
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                waiting.append((_write_aside(path, data), path))
        for aside, _ in waiting:
            _sync(aside)
        while waiting:
            aside, path = waiting[-1]
            aside.replace(path)
            waiting.pop()
    finally:
        for aside, _ in waiting:
            aside.unlink(missing_ok=True)


def read(sha256: str) -> bytes:
    """Return the bytes; `BytesMissing` where the store has lost them."""
    try:
        return path_of(sha256).read_bytes()
    except FileNotFoundError as error:
        raise BytesMissing(
            f"The file of sha256 {sha256[:12]}… is gone from the store. Import its image again."
        ) from error


def thumbnail_of(sha256: str) -> Path:
    """Return where the thumbnail of that sha256 lies, or would lie."""
    return Path(settings.DATA_DIR) / "thumbnails" / sha256[:2] / f"{sha256}.jpg"


def thumbnail_path(sha256: str) -> Path:
    """Return a thumbnail's path (JPEG, longest side 320), made from the original where it is missing."""
    path = thumbnail_of(sha256)
    if not path.exists() or path.stat().st_size == 0:
        put_thumbnail(sha256, decode(read(sha256)).pixels)
    return path


def put_thumbnail(sha256: str, pixels: NDArray[np.uint8]) -> None:
    """Make the thumbnail of an image; pixels uint8 (height, width, 3), RGB. A small image is not enlarged."""
    path = thumbnail_of(sha256)
    picture = Image.fromarray(pixels)
    picture.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.LANCZOS, reducing_gap=3.0)
    encoded = BytesIO()
    picture.save(encoded, "JPEG", quality=_QUALITY, subsampling=0)
    path.parent.mkdir(parents=True, exist_ok=True)
    _write_aside(path, encoded.getvalue()).replace(path)


def picture_of(sha256: str) -> Path:
    """Return where the PNG of that sha256 lies, or would lie."""
    return Path(settings.DATA_DIR) / "pictures" / sha256[:2] / f"{sha256}.png"


def picture_path(sha256: str) -> Path:
    """Return a PNG of an image's pixels as they are decoded, for originals that browsers show otherwise."""
    path = picture_of(sha256)
    if not path.exists():
        encoded = BytesIO()
        Image.fromarray(decode(read(sha256)).pixels).save(encoded, "PNG", compress_level=1)
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_aside(path, encoded.getvalue()).replace(path)
    return path


def remove(sha256: str) -> None:
    """Remove the bytes of that sha256 with the thumbnail and the PNG that were made from them."""
    for path in (path_of(sha256), thumbnail_of(sha256), picture_of(sha256)):
        path.unlink(missing_ok=True)


def _write_aside(path: Path, data: bytes) -> Path:
    """Write to a name of its own in the same folder; return it."""
    handle, name = tempfile.mkstemp(prefix=".new-", dir=path.parent)
    aside = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        aside.chmod(0o644)
    except BaseException:
        aside.unlink()
        raise
    return aside


def _sync(path: Path) -> None:
    """Wait until the file is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
