"""Images as networks see them, decoded and resized once for all runs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from django.conf import settings
from numpy.typing import NDArray

from classifier.reading import AT_ONCE, Pixels, Unreadable, Wanted, read_fitted
from classifier.row_cache import RowCache, make_room

# Raise it where decoding or fitting changes: rows of before must not mix with those of after.
PREPROCESSING = 1


@dataclass(frozen=True)
class FittedImages:
    """Images in the cache: `rows` of `cache` hold those of `images`; `unreadable` were left out."""

    cache: RowCache
    images: list[Wanted]
    rows: NDArray[np.int64]
    unreadable: list[Unreadable]


def caches() -> Path:
    """Return the folder of all caches; each may be deleted while nothing trains."""
    return Path(settings.DATA_DIR) / "cache"


def pixel_cache(*, size: int, geometry: str) -> RowCache:
    """Return the cache of images fitted to (size, size, 3) uint8, by the sha256 of their bytes."""
    directory = caches() / "pixels" / f"{geometry}-{size}-{PREPROCESSING}"
    return RowCache(directory, shape=(size, size, 3), dtype=np.uint8)


def seen_pixels(
    images: Sequence[Wanted], *, size: int, geometry: str
) -> Iterator[list[tuple[Wanted, Pixels | Unreadable]]]:
    """Yield batches of images with their pixels, uint8 (size, size, 3), or why they could not be read.

    What a run has read comes from the cache; what none has read is not added: it is needed once.
    """
    cache = pixel_cache(size=size, geometry=geometry)
    places = cache.places([bytes.fromhex(image.sha256) for image in images])
    rows = cache.rows
    known = [(image, place) for image, place in zip(images, places, strict=True) if place >= 0]
    for start in range(0, len(known), AT_ONCE):
        yield [(image, np.array(rows[place])) for image, place in known[start : start + AT_ONCE]]
    missing = [image for image, place in zip(images, places, strict=True) if place < 0]
    yield from read_fitted(missing, size=size, geometry=geometry)


def fitted_images(
    images: Sequence[Wanted], *, size: int, geometry: str, progress: Callable[[int, int], None]
) -> FittedImages:
    """Return images fitted to a square, reading those that no run has read yet.

    `progress` gets (images seen to, all of them) after every batch, and may raise to stop: what was read
    stays. `Refused` (disk_full).
    """
    cache = pixel_cache(size=size, geometry=geometry)
    keys = [bytes.fromhex(image.sha256) for image in images]
    known = cache.places(keys)
    # Equal bytes are read once.
    missing = list(
        {image.sha256: image for image, place in zip(images, known, strict=True) if place < 0}.values()
    )
    make_room(caches(), needed=len(missing) * cache.row_bytes, keep=cache.directory)
    refused: dict[str, Unreadable] = {}
    done = len(images) - len(missing)
    progress(done, len(images))
    for batch in read_fitted(missing, size=size, geometry=geometry):
        read = [(image, pixels) for image, pixels in batch if not isinstance(pixels, Unreadable)]
        if read:
            cache.add(
                [bytes.fromhex(image.sha256) for image, _ in read], np.stack([each for _, each in read])
            )
        refused |= {image.sha256: each for image, each in batch if isinstance(each, Unreadable)}
        done += len(batch)
        progress(done, len(images))
    usable = [image for image in images if image.sha256 not in refused]
    return FittedImages(
        cache=cache,
        images=usable,
        rows=cache.places([bytes.fromhex(image.sha256) for image in usable]),
        unreadable=[
            replace(refused[image.sha256], image=image.pk, file=image.name)
            for image in images
            if image.sha256 in refused
        ],
    )
