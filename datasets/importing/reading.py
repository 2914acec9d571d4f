"""An entry's bytes: read once, hashed, decoded where they are new, and turned into facts for its row."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from datasets.decoding import ImageRefused, check_byte_size, decode, safe_file_name, safe_paper
from datasets.importing.summary import Entry
from datasets.store import digest, put_thumbnail

BATCH = 200
BATCH_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row says of its bytes."""

    sha256: str
    byte_size: int
    width: int
    height: int
    format: str
    notes: list[str]


@dataclass(frozen=True, slots=True)
class Read:
    """An entry with its bytes, or with why there are none. missing: no such file."""

    entry: Entry
    data: bytes = b""
    sha256: str = ""
    missing: bool = False
    refusal: ImageRefused | None = None


def batches(entries: Sequence[Entry]) -> Iterator[list[Entry]]:
    """Cut the entries into pieces of at most 200 files and, where that is less, about 64 MB."""
    piece: list[Entry] = []
    held = 0
    for entry in entries:
        piece.append(entry)
        held += _size(entry)
        if len(piece) == BATCH or held >= BATCH_BYTES:
            yield piece
            piece, held = [], 0
    if piece:
        yield piece


def read_entry(entry: Entry) -> Read:
    """Read and hash one file; a refusal is kept, not raised."""
    try:
        safe_file_name(entry.file_name)
        if entry.paper is not None:
            safe_paper(entry.paper)
        if not entry.path.is_file():
            return Read(entry, missing=True)
        check_byte_size(entry.path.stat().st_size)
        data = entry.path.read_bytes()
        check_byte_size(len(data))
    except ImageRefused as refusal:
        return Read(entry, refusal=refusal)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        return Read(entry, refusal=ImageRefused(f"The file cannot be read: {reason}.", code="unreadable"))
    return Read(entry, data=data, sha256=digest(data))


def facts_of(data: bytes, sha256: str, *, keep_thumbnail: bool = True) -> Facts:
    """Decode once, for the row and for the thumbnail; `ImageRefused` otherwise."""
    decoded = decode(data)
    if keep_thumbnail:
        put_thumbnail(sha256, decoded.pixels)
    return Facts(sha256, len(data), decoded.width, decoded.height, decoded.format, decoded.notes)


def _size(entry: Entry) -> int:
    try:
        return entry.path.stat().st_size
    except (OSError, ValueError):
        return 0
