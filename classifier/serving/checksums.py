"""Checksums of a version's files, each file read once for as long as it stays as it is."""

import hashlib
from collections import OrderedDict
from pathlib import Path

_REMEMBERED = 256
_Seen = tuple[tuple[str, int, int, int], ...]
_hashed: OrderedDict[_Seen, str] = OrderedDict()


def checksum(*paths: Path) -> str:
    """Return the sha256 of files' bytes, one after the other, as 64 hexadecimal digits; raises OSError.

    It is remembered while neither size nor time of any changes.
    """
    seen = tuple(_seen(path) for path in paths)
    if (known := _hashed.get(seen)) is not None:
        return known
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            hashlib.file_digest(file, lambda: digest)
    _hashed[seen] = digest.hexdigest()
    while len(_hashed) > _REMEMBERED:
        _hashed.popitem(last=False)
    return digest.hexdigest()


def _seen(path: Path) -> tuple[str, int, int, int]:
    stat = path.stat()
    return str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns
