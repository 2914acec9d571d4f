"""Files that a person names on the command line: as they are; folders stand for the images in them."""

from collections.abc import Sequence
from pathlib import Path

from datasets.decoding import MAX_BYTES, ImageRefused, is_hidden
from datasets.errors import Refused

_IMAGES = frozenset({".png", ".jpg", ".jpeg", ".tif", ".tiff", ".mpo"})


def files_given(names: Sequence[str]) -> tuple[list[str], int]:
    """Return the files that the names stand for, in their order, and how many other files folders hold.

    A folder is walked, hidden parts left out; what is no image by its name is counted only. Raises `Refused`
    (no_files) where nothing is left.
    """
    found: list[str] = []
    others = 0
    for name in names:
        if not Path(name).is_dir():
            found.append(name)
            continue
        files = [path for path in sorted(Path(name).rglob("*")) if path.is_file()]
        seen = [path for path in files if not any(map(is_hidden, path.relative_to(name).parts))]
        images = [path for path in seen if path.suffix.lower() in _IMAGES]
        found += map(str, images)
        others += len(seen) - len(images)
    if not found:
        raise Refused(
            f"There is no PNG, JPEG or TIFF file in {', '.join(names)}. Name image files or their folder.",
            code="no_files",
        )
    return found, others


def bytes_of(name: str) -> bytes:
    """Return a file's bytes, one more than is accepted at most; `ImageRefused` (unreadable) otherwise."""
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ImageRefused(f"The file cannot be read: {error.strerror}.", code="unreadable") from error
