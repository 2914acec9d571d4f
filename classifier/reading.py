"""From stored bytes to the square pixels that networks see: decoded once each, a few at a time."""

import os
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from classifier.geometry import fit_pixels
from datasets import store
from datasets.chunks import chunks
from datasets.decoding import ImageRefused, decode
from datasets.models import Image

AT_ONCE = 32
_BATCHES_AHEAD = 4
_THREADS = min(4, os.cpu_count() or 1)
Pixels = NDArray[np.uint8]


class Wanted(NamedTuple):
    """An image to read: its id, the sha256 of its bytes, and what a person calls it."""

    pk: int
    sha256: str
    name: str


@dataclass(frozen=True)
class Unreadable:
    """Why an image could not be read."""

    image: int
    file: str
    code: str
    detail: str

    def as_dict(self) -> dict[str, Any]:
        """Return it as a job keeps it."""
        return asdict(self)


def wanted(images: Any) -> list[Wanted]:
    """Return what to read of a queryset of images, by id."""
    rows = images.order_by("pk").values_list("pk", "sha256", "paper__identifier", "file_name")
    return [Wanted(pk, sha256, f"{paper}/{name}" if paper else name) for pk, sha256, paper, name in rows]


def wanted_among(ids: Sequence[int]) -> list[Wanted]:
    """Return what to read of images named by their ids, by id; those that are gone are left out."""
    return [image for piece in chunks(sorted(ids)) for image in wanted(Image.objects.filter(pk__in=piece))]


def read_fitted(
    images: Iterable[Wanted], *, size: int, geometry: str
) -> Iterator[list[tuple[Wanted, Pixels | Unreadable]]]:
    """Yield batches of images with their pixels, uint8 (size, size, 3), or why they could not be read.

    A few batches are read ahead, so that reading goes on while others are classified and stored; decoding
    lets go of Python's lock, so threads share the work.
    """

    def fitted(image: Wanted) -> Pixels | Unreadable:
        try:
            return fit_pixels(decode(store.read(image.sha256)).pixels, size=size, geometry=geometry)
        except (ImageRefused, store.BytesMissing) as refusal:
            return Unreadable(image.pk, image.name, refusal.code, str(refusal))

    waiting = iter(images)
    reading: deque[list[tuple[Wanted, Future[Pixels | Unreadable]]]] = deque()
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:

        def read_on() -> None:
            if batch := list(islice(waiting, AT_ONCE)):
                reading.append([(image, pool.submit(fitted, image)) for image in batch])

        try:
            for _ in range(_BATCHES_AHEAD):
                read_on()
            while reading:
                batch = reading.popleft()
                read_on()
                yield [(image, result.result()) for image, result in batch]
        finally:
            # Who stops in the middle waits for no image that nobody will see.
            pool.shutdown(wait=False, cancel_futures=True)
