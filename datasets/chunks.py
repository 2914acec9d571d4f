"""Long lists in pieces, as databases take them: a query holds only so many values."""

from collections.abc import Iterator, Sequence
from typing import TypeVar

CHUNK = 500
Item = TypeVar("Item")


def chunks(items: Sequence[Item]) -> Iterator[Sequence[Item]]:
    """Yield the items in their order, up to `CHUNK` at a time."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]
