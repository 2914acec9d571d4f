"""Pixels on their way to a network: a file map of bounded memory, epoch orders, batches, augmentation."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from classifier.geometry import border_colour

MOST_REPEATS = 10
UInt8Array = NDArray[np.uint8]


@dataclass(frozen=True)
class PixelStore:
    """Images of one size in a file, mapped into memory: the kernel may drop what is not in use.

    `pixels` is (count, size, size, 3) uint8 0..255.
    """

    path: Path
    pixels: UInt8Array

    def write(self, row: int, pixels: UInt8Array) -> None:
        """Store one image, (size, size, 3) uint8, in a row; raises ValueError for another shape or type."""
        if pixels.shape != self.pixels.shape[1:] or pixels.dtype != np.uint8:
            wanted = self.pixels.shape[1:]
            raise ValueError(f"a row is uint8 {wanted}, not {pixels.dtype} {pixels.shape}")
        self.pixels[row] = pixels

    def remove(self) -> None:
        """Delete the file; mapped rows stay readable until nothing refers to them."""
        self.path.unlink(missing_ok=True)


def open_store(path: Path, *, count: int, size: int) -> PixelStore:
    """Open or create a store; a file of another length is made anew, filled with zeros."""
    shape = (count, size, size, 3)
    if count == 0:
        path.touch()
        return PixelStore(path, np.empty(shape, dtype=np.uint8))
    fits = path.is_file() and path.stat().st_size == math.prod(shape)
    return PixelStore(path, np.memmap(path, dtype=np.uint8, mode="r+" if fits else "w+", shape=shape))


@dataclass(frozen=True)
class LabelledPixels:
    """Images and their classes: `pixels` (N, S, S, 3) uint8, maybe a file map; `labels` (N,) int64."""

    pixels: UInt8Array
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        """Raise ValueError where images and labels differ in number."""
        if len(self.pixels) != len(self.labels):
            raise ValueError(f"{len(self.pixels)} images but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.labels)


def epoch_order(
    labels: NDArray[np.int64], *, oversample: bool, generator: np.random.Generator
) -> NDArray[np.int64]:
    """Return the rows of one epoch in random order, each row at least once.

    Oversampling repeats the rows of small classes until each class is as large as the largest, or has been
    repeated MOST_REPEATS times: beyond that an epoch would mostly show the same few images.
    """
    rows = np.arange(len(labels), dtype=np.int64)
    if oversample and len(labels):
        counts = np.bincount(labels)
        parts = []
        for label in np.flatnonzero(counts):
            own = generator.permutation(rows[labels == label])
            parts.append(np.resize(own, min(int(counts.max()), len(own) * MOST_REPEATS)))
        rows = np.concatenate(parts)
    return generator.permutation(rows)


def batches(order: NDArray[np.int64], *, batch_size: int) -> NDArray[np.int64]:
    """Cut an order into (steps, batch_size) rows; the last batch is filled up from the start of the order.

    All batches alike spare a second compilation, and no batch is a single image without a variance.
    """
    steps = math.ceil(len(order) / batch_size)
    return np.resize(order, (steps, batch_size))


def augment(images: UInt8Array, *, generator: np.random.Generator) -> NDArray[np.float32]:
    """Vary training images, (N, S, S, 3) uint8 0..255; returns float32 0..255 of the same shape.

    Flips, a small turn, shift, zoom and change of proportions, some blur; then brightness, contrast, now and
    then inversion, grey, swapped channels or a tint: what differs between laboratories, not between classes.
    """
    varied = np.empty(images.shape, dtype=np.float32)
    for row, image in enumerate(images):
        warped = _warp(image, generator=generator)
        varied[row] = _recolour(warped, generator=generator)
    return varied


def _warp(image: UInt8Array, *, generator: np.random.Generator) -> UInt8Array:
    """Turn, shift, zoom and flip one image (S, S, 3); what comes in from outside has the border's colour."""
    size = image.shape[0]
    turn = math.radians(generator.uniform(-8, 8))
    zoom = math.exp(generator.uniform(-0.2, 0.2))
    squeeze = math.exp(generator.uniform(-0.15, 0.15))
    flip_x = -1 if generator.random() < 0.5 else 1
    flip_y = -1 if generator.random() < 0.25 else 1
    shift_x, shift_y = generator.uniform(-0.08, 0.08, size=2) * size
    a, b = math.cos(turn) / zoom * squeeze * flip_x, math.sin(turn) / zoom * squeeze
    d, e = -math.sin(turn) / zoom / squeeze, math.cos(turn) / zoom / squeeze * flip_y
    centre = size / 2
    c = centre + shift_x - a * centre - b * centre
    f = centre + shift_y - d * centre - e * centre
    picture = Image.fromarray(image)
    if generator.random() < 0.15:
        picture = picture.filter(ImageFilter.GaussianBlur(generator.uniform(0.3, 1.2)))
    red, green, blue = (int(value) for value in border_colour(image))
    warped = picture.transform(
        (size, size),
        Image.Transform.AFFINE,
        (a, b, c, d, e, f),
        resample=Image.Resampling.BILINEAR,
        fillcolor=(red, green, blue),
    )
    return np.asarray(warped)


def _recolour(image: UInt8Array, *, generator: np.random.Generator) -> NDArray[np.float32]:
    """Change the colours of one image (S, S, 3) uint8; returns float32 0..255."""
    pixels = image.astype(np.float32)
    chance = generator.random(4)
    if chance[0] < 0.12:
        pixels = 255 - pixels
    if chance[1] < 0.12:
        pixels[:] = pixels.mean(axis=2, keepdims=True)
    elif chance[1] < 0.25:
        pixels = pixels[:, :, generator.permutation(3)]
    if chance[2] < 0.5:
        contrast = np.float32(math.exp(generator.uniform(-0.3, 0.2)))
        pixels = (pixels - 127.5) * contrast + np.float32(127.5 + generator.uniform(-15, 15))
    if chance[3] < 0.2:
        # Seldom and mostly downwards: white paper is a sign that must not be painted over.
        pixels = pixels * np.exp(generator.uniform(-0.12, 0.05, size=3)).astype(np.float32)
    return np.clip(pixels, 0, 255).astype(np.float32, copy=False)
