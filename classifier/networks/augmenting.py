"""Training images varied as figures of papers vary: by hand of their makers and of their printers."""

import io
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from classifier.geometry import border_colour
from classifier.networks.fields import Field

UInt8Array = NDArray[np.uint8]
_JPEG_QUALITIES = (25, 85)
_MEAN = np.full(3, 1 / 3, dtype=np.float32)
# Of the sum of two numbers that are 0 to 255 with the same chance.
_BYTES_DEVIATION = np.float32(math.sqrt((256**2 - 1) / 6))


def _chance(name: str, label: str, tells: str) -> Field:
    return Field(name, "float", label, f"Share of images {tells}.", min=0.0, max=1.0, group="augmentation")


def _most(name: str, label: str, tells: str, most: float) -> Field:
    return Field(name, "float", label, tells, min=0.0, max=most, group="augmentation")


VARIATIONS = (
    _chance("flip_sideways", "Flip sideways", "mirrored left to right"),
    _chance("flip_upside_down", "Flip upside down", "mirrored top to bottom"),
    _most("turn", "Turn", "At most so many degrees, either way.", 180.0),
    _most(
        "scale",
        "Scale",
        "Larger or smaller by at most this factor's logarithm: 0.2 is 0.82 to 1.22 times.",
        1.0,
    ),
    _most("stretch", "Stretch", "The same for width against height: 0.15 is 0.74 to 1.35.", 0.5),
    _most("shift", "Shift", "At most this share of the side, which also crops.", 0.5),
    _chance("blur", "Blur", "blurred a little"),
    _chance("invert", "Invert", "shown as their negative, as blots often are"),
    _chance("grey", "Grey", "without their colours"),
    _chance("swap_channels", "Swap colours", "with red, green and blue exchanged, as fluorescence is shown"),
    _chance("contrast", "Contrast", "with other contrast and brightness"),
    _most("gamma", "Gamma", "Mid-tones lighter or darker: the logarithm of the exponent, at most.", 1.0),
    _most("noise", "Noise", "Of the sensor or the film: its spread, as a share of white, at most.", 0.5),
    _chance("stain", "Stain", "with each colour a little stronger or weaker, as stains differ"),
    _chance(
        "jpeg", "JPEG noise", f"compressed as JPEG, quality {_JPEG_QUALITIES[0]} to {_JPEG_QUALITIES[1]}"
    ),
)


@dataclass(frozen=True)
class Variations:
    """How much is varied: the settings that `VARIATIONS` tells of."""

    flip_sideways: float = 0.5
    flip_upside_down: float = 0.25
    turn: float = 8.0
    scale: float = 0.2
    stretch: float = 0.15
    shift: float = 0.08
    blur: float = 0.15
    invert: float = 0.12
    grey: float = 0.3
    swap_channels: float = 0.3
    contrast: float = 0.5
    gamma: float = 0.4
    noise: float = 0.06
    stain: float = 0.6
    jpeg: float = 0.2


def augment(images: UInt8Array, how: Variations, *, generator: np.random.Generator) -> NDArray[np.float32]:
    """Vary training images, (N, S, S, 3) uint8 0..255; returns float32 0..255 of the same shape."""
    varied = np.empty(images.shape, dtype=np.float32)
    for row, image in enumerate(images):
        warped = _warp(image, how, generator=generator)
        varied[row] = _recolour(_compress(warped, how, generator=generator), how, generator=generator)
    return varied


def _warp(image: UInt8Array, how: Variations, *, generator: np.random.Generator) -> UInt8Array:
    """Turn, shift, scale and flip one image (S, S, 3); what comes in from outside has the border's colour."""
    size = image.shape[0]
    turn = math.radians(generator.uniform(-how.turn, how.turn))
    zoom = math.exp(generator.uniform(-how.scale, how.scale))
    squeeze = math.exp(generator.uniform(-how.stretch, how.stretch))
    flip_x = -1 if generator.random() < how.flip_sideways else 1
    flip_y = -1 if generator.random() < how.flip_upside_down else 1
    shift_x, shift_y = generator.uniform(-how.shift, how.shift, size=2) * size
    a, b = math.cos(turn) / zoom * squeeze * flip_x, math.sin(turn) / zoom * squeeze
    d, e = -math.sin(turn) / zoom / squeeze, math.cos(turn) / zoom / squeeze * flip_y
    centre = size / 2
    c = centre + shift_x - a * centre - b * centre
    f = centre + shift_y - d * centre - e * centre
    picture = Image.fromarray(image)
    if generator.random() < how.blur:
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


def _compress(image: UInt8Array, how: Variations, *, generator: np.random.Generator) -> UInt8Array:
    """Leave the traces of JPEG on some images (S, S, 3)."""
    if generator.random() >= how.jpeg:
        return image
    file = io.BytesIO()
    Image.fromarray(image).save(
        file, "JPEG", quality=int(generator.integers(*_JPEG_QUALITIES, endpoint=True))
    )
    return np.asarray(Image.frombytes("RGB", image.shape[1::-1], file.getvalue(), "jpeg", "RGB", ""))


def _recolour(image: UInt8Array, how: Variations, *, generator: np.random.Generator) -> NDArray[np.float32]:
    """Change the colours of one image (S, S, 3) uint8; returns float32 0..255."""
    inverted, colours, contrasted, stained = generator.random(4)
    is_grey = colours < how.grey
    is_swapped = not is_grey and colours < how.grey + how.swap_channels
    channels = generator.permutation(3) if is_swapped else None
    # What depends on the value alone is computed once for each value.
    tones: NDArray[np.float32] = np.arange(256, dtype=np.float32)
    if inverted < how.invert:
        tones = 255 - tones
    if how.gamma:
        exponent = math.exp(generator.uniform(-how.gamma, how.gamma))
        tones = 255 * np.power(tones / 255, np.float32(exponent))
    if contrasted < how.contrast:
        contrast = math.exp(generator.uniform(-0.3, 0.2))
        tones = (tones - 127.5) * np.float32(contrast) + np.float32(127.5 + generator.uniform(-15, 15))
    pixels = tones[image if channels is None else image[:, :, channels]]
    if is_grey:
        pixels[:] = (pixels @ _MEAN)[:, :, None]
    if stained < how.stain:
        # Mostly downwards: white paper is a sign that must not be painted over.
        factors = np.exp(generator.uniform(-0.36, 0.15, size=3)).astype(np.float32)
        pixels *= np.tile(factors, (pixels.shape[1], 1))
    if how.noise:
        pixels += np.float32(255 * generator.uniform(0, how.noise)) * _noise(pixels.shape, generator)
    return np.clip(pixels, 0, 255, out=pixels)


def _noise(shape: tuple[int, ...], generator: np.random.Generator) -> NDArray[np.float32]:
    """Return noise of mean 0 and deviation 1: two even bytes added, in a seventh of a normal's time."""
    first, second = np.frombuffer(generator.bytes(2 * math.prod(shape)), np.uint8).reshape(2, *shape)
    summed = np.add(first, second, dtype=np.float32)
    return (summed - np.float32(255)) / _BYTES_DEVIATION
