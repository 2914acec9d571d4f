"""What makes a near-copy of an image: the changes that figures are reused with."""

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from datasets.sample.looks import recompressed

UInt8Array = NDArray[np.uint8]


def changed(pixels: UInt8Array, changes: tuple[str, ...], rng: Generator) -> UInt8Array:
    """Return a near-copy of (h, w, 3) uint8; `changes` are names of `planning.CHANGES`, applied in order."""
    for change in changes:
        pixels = _changed_once(pixels, change, rng)
    return np.ascontiguousarray(pixels)


def _changed_once(pixels: UInt8Array, change: str, rng: Generator) -> UInt8Array:
    height, width = pixels.shape[:2]
    match change:
        case "crop":
            top, left = (int(rng.integers(0, max(1, round(side * 0.08)) + 1)) for side in (height, width))
            foot, right = (int(rng.integers(1, max(1, round(side * 0.08)) + 1)) for side in (height, width))
            return pixels[top : height - foot, left : width - right]
        case "brightness":
            gain, lift = (
                float(rng.choice((rng.uniform(0.75, 0.9), rng.uniform(1.12, 1.3)))),
                rng.uniform(-8, 8),
            )
            return np.clip(pixels * gain + lift, 0, 255).astype(np.uint8)
        case "recompression":
            return recompressed(np.ascontiguousarray(pixels), int(rng.integers(35, 75)))
        case "flip":
            return np.flip(pixels, axis=int(rng.random() < 0.7))
        case "turn":
            return np.rot90(pixels, 2)
        case "scale":
            factor = float(rng.choice((rng.uniform(0.78, 0.92), rng.uniform(1.08, 1.2))))
            size = (max(16, round(width * factor)), max(16, round(height * factor)))
            return np.asarray(
                Image.fromarray(np.ascontiguousarray(pixels)).resize(size, Image.Resampling.BICUBIC)
            )
        case "blur":
            softer = ImageFilter.GaussianBlur(float(rng.uniform(0.5, 1.0)))
            return np.asarray(Image.fromarray(np.ascontiguousarray(pixels)).filter(softer))
    raise ValueError(f"{change!r} is no change of a near-copy")
