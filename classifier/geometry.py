"""One resize and letterbox, for training and for serving alike: they can not differ."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

UInt8Array = NDArray[np.uint8]


class Geometry(StrEnum):
    """How a panel of any shape becomes a square."""

    LETTERBOX = "letterbox"
    STRETCH = "stretch"


class Box(NamedTuple):
    """Where an image lies in the square, in the square's pixels."""

    top: int
    left: int
    height: int
    width: int


def box_of(height: int, width: int, *, size: int, geometry: str) -> Box:
    """Return where an image of this size lies in a square of `size`; ValueError for another geometry."""
    if Geometry(geometry) is Geometry.STRETCH:
        return Box(0, 0, size, size)
    scale = size / max(height, width)
    new_height, new_width = (max(1, min(size, round(side * scale))) for side in (height, width))
    return Box((size - new_height) // 2, (size - new_width) // 2, new_height, new_width)


def fit_pixels(pixels: UInt8Array, *, size: int, geometry: str) -> UInt8Array:
    """Bring (height, width, 3) uint8 0..255 to (size, size, 3) uint8 by antialiased bilinear resampling.

    `letterbox` keeps the proportions and pads both sides with the median colour of the image's border, so
    that no edge appears that is not in the image. Raises ValueError for another shape, type or geometry.
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or 0 in pixels.shape:
        raise ValueError(f"pixels must be uint8 (height, width, 3), not {pixels.dtype} {pixels.shape}")
    if size < 1:
        raise ValueError(f"size must be at least 1, not {size}")
    if Geometry(geometry) is Geometry.STRETCH or pixels.shape[:2] == (size, size):
        return _resize(pixels, width=size, height=size)
    box = box_of(*pixels.shape[:2], size=size, geometry=geometry)
    fitted = np.empty((size, size, 3), dtype=np.uint8)
    fitted[:] = border_colour(pixels)
    resized = _resize(pixels, width=box.width, height=box.height)
    fitted[box.top : box.top + box.height, box.left : box.left + box.width] = resized
    return fitted


def border_colour(pixels: UInt8Array) -> UInt8Array:
    """Return the median colour, (3,) uint8, of the outermost pixels of a (height, width, 3) image."""
    edges = (pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1])
    median: UInt8Array = np.median(np.concatenate(edges), axis=0).round().astype(np.uint8)
    return median


def _resize(pixels: UInt8Array, *, width: int, height: int) -> UInt8Array:
    """Resample to (height, width, 3); Pillow's bilinear filter widens with the reduction: antialiased."""
    if pixels.shape[:2] == (height, width):
        return pixels.copy()
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
