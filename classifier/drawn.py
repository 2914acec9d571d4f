"""Drawn panels that join the training images: variety of looks where sources are few."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from classifier.geometry import fit_pixels
from classifier.pixels import pixel_cache
from datasets.sample.drawing import draw_image
from datasets.sample.planning import PlannedImage, plan_sample

# Raise it where the drawings change: a cached panel must be what the code draws.
DRAWINGS = 1
SEED = 7_001
_AT_ONCE = 32


@dataclass(frozen=True)
class DrawnPanels:
    """Panels in the cache of fitted images: `rows` of it, class numbers `labels`, and numbers of `papers`."""

    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    papers: NDArray[np.int64]


def drawn_panels(
    papers: int,
    *,
    numbers: Mapping[str, int],
    size: int,
    geometry: str,
    progress: Callable[[int, int], None],
) -> DrawnPanels:
    """Return the panels of so many drawn papers, drawing those that no run has drawn yet.

    `numbers`: of each class that may be drawn, by its names; others are left out, as are near-copies. The
    labels are what was drawn. `progress` gets (panels seen to, all of them), and may raise to stop.
    """
    plan = plan_sample(papers=papers, seed=SEED)
    wanted = [image for image in plan.images() if image.copy_of is None and image.label in numbers]
    cache = pixel_cache(size=size, geometry=geometry)
    keys = [_key(image) for image in wanted]
    drawings = zip(keys, wanted, cache.places(keys), strict=True)
    missing = [(key, image) for key, image, place in drawings if place < 0]
    for start in range(0, len(missing), _AT_ONCE):
        progress(len(wanted) - len(missing) + start, len(wanted))
        some = missing[start : start + _AT_ONCE]
        pixels = [fit_pixels(draw_image(image), size=size, geometry=geometry) for _, image in some]
        cache.add([key for key, _ in some], np.stack(pixels))
    return DrawnPanels(
        rows=cache.places(keys),
        labels=np.array([numbers[image.label] for image in wanted], dtype=np.int64),
        papers=np.array([image.paper for image in wanted], dtype=np.int64),
    )


def _key(image: PlannedImage) -> bytes:
    """Return the key of a panel: all that it is drawn from."""
    return hashlib.sha256(repr((DRAWINGS, image)).encode()).digest()
