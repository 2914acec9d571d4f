"""Noise, blur, blobs and cells as arrays: what drawn photographs are made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Field = NDArray[np.floating[Any]]
Colour = tuple[float, float, float]
Point = tuple[float, float]


def resized(field: Field, width: int, height: int) -> Field:
    """Resample a field (h, w) to (height, width), bicubic, antialiased; the range may be overshot."""
    picture = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    return np.asarray(picture.resize((width, height), Image.Resampling.BICUBIC), dtype=np.float32)


def noise(rng: Generator, width: int, height: int, scale: float = 1.0, stretch: float = 1.0) -> Field:
    """Return normal noise (height, width), mean 0, deviation 1, with spots about `scale` pixels wide.

    `stretch` makes them that much wider than high.
    """
    across = max(2, round(width / max(scale * stretch, 1.0)) + 2)
    down = max(2, round(height / max(scale, 1.0)) + 2)
    coarse = rng.standard_normal((down, across)).astype(np.float32)
    if scale <= 1.0 and stretch <= 1.0:
        return coarse[:height, :width]
    # Cut from a larger field, so that no spot is centred on the border of every panel.
    field = resized(coarse, round(width * across / (across - 1)), round(height * down / (down - 1)))
    field = field[:height, :width]
    return (field - field.mean()) / (field.std() + np.float32(1e-6))


def clouds(rng: Generator, width: int, height: int, scale: float, octaves: int = 3) -> Field:
    """Return noise of several scales, each half as wide and strong as the one before; deviation about 1."""
    field = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        field += noise(rng, width, height, max(1.0, scale / 2**octave)) * np.float32(0.55**octave)
    return field / (field.std() + np.float32(1e-6))


def grid(width: int, height: int) -> tuple[Field, Field]:
    """Return x and y of each pixel's centre, each (height, width), in pixels."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    return x + np.float32(0.5), y + np.float32(0.5)


def blur(field: Field, sigma: float) -> Field:
    """Blur (h, w) or (h, w, 3) by a Gaussian of that deviation in pixels; borders are mirrored."""
    if sigma < 0.05:
        return field
    if field.ndim == 3:
        return np.stack([blur(field[..., channel], sigma) for channel in range(3)], axis=-1)
    height, width = field.shape
    pad = min(int(3 * sigma) + 1, height - 1, width - 1)
    padded = np.pad(field, pad, mode="reflect")
    down, across = (np.fft.fftfreq(side)[:, None] for side in padded.shape)
    across = across[: padded.shape[1] // 2 + 1]
    gain = np.exp(-2 * (np.pi * sigma) ** 2 * (down**2 + across.T**2))
    blurred = np.fft.irfft2(np.fft.rfft2(padded) * gain, s=padded.shape)
    return blurred[pad : pad + height, pad : pad + width].astype(np.float32)


def step(field: Field, edge: float = 0.0, softness: float = 1.0) -> Field:
    """Return 0 below the edge, 1 above it, with a smooth passage about `softness` wide."""
    risen = np.clip((field - edge) / max(softness, 1e-6) + 0.5, 0, 1)
    return (risen * risen * (3 - 2 * risen)).astype(np.float32)


def vignette(width: int, height: int, depth: float, centre: Point = (0.5, 0.5)) -> Field:
    """Return (height, width), 1 at the centre falling by `depth` towards the corners."""
    x, y = grid(width, height)
    away = (x / width - centre[0]) ** 2 + (y / height - centre[1]) ** 2
    return (1 - depth * away / 0.5).astype(np.float32)


def coloured(field: Field, dark: Colour, light: Colour) -> Field:
    """Return (h, w, 3): 0 becomes `dark`, 1 becomes `light`."""
    low, high = np.asarray(dark, np.float32), np.asarray(light, np.float32)
    return low + field[..., None] * (high - low)


def mixed(below: Field, above: Field | Colour, mask: Field) -> Field:
    """Lay a colour or an image (h, w, 3) over another where the mask (h, w) is 1."""
    share = mask[..., None]
    return below * (1 - share) + np.asarray(above, np.float32) * share


@dataclass(frozen=True)
class Blob:
    """A round shape with a wavering outline: where it lies, and how far each pixel there is out.

    `radius` is 0 at the centre and 1 on the outline; `x` and `y` run -1..1 along its own axes.
    """

    rows: slice
    columns: slice
    radius: Field
    x: Field
    y: Field
    pixels: float

    def mask(self, softness: float = 1.0) -> Field:
        """Return 1 within, 0 outside, the edge about `softness` pixels wide."""
        return step(1 - self.radius, 0.0, softness / max(self.pixels, 0.5))

    @property
    def place(self) -> tuple[slice, slice]:
        """Where it lies in a field."""
        return self.rows, self.columns


def blob(
    rng: Generator,
    width: int,
    height: int,
    at: Point,
    radii: Point,
    *,
    angle: float = 0.0,
    waver: float = 0.1,
    lobes: int = 5,
    reach: float = 1.4,
) -> Blob | None:
    """Return a blob in a field, None where it lies outside; `reach` is how far it is painted, in radii."""
    largest = max(radii) * reach * (1 + waver)
    left, right = max(0, int(at[0] - largest)), min(width, int(at[0] + largest) + 2)
    top, bottom = max(0, int(at[1] - largest)), min(height, int(at[1] + largest) + 2)
    heights = rng.standard_normal(lobes)
    phases = rng.uniform(0, 2 * np.pi, lobes)
    if left >= right or top >= bottom:
        return None
    y, x = np.mgrid[top:bottom, left:right].astype(np.float32)
    x, y = x + np.float32(0.5 - at[0]), y + np.float32(0.5 - at[1])
    cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
    along, across = (x * cos + y * sin) / radii[0], (y * cos - x * sin) / radii[1]
    radius = np.hypot(along, across)
    if waver:
        turn = np.arctan2(across, along)
        outline = np.ones_like(radius)
        for lobe in range(lobes):
            lobed = np.cos((lobe + 1) * turn + phases[lobe])
            outline += np.float32(waver * heights[lobe] / (lobe + 1)) * lobed
        radius = radius / np.clip(outline, 0.4, 2.0)
    return Blob(slice(top, bottom), slice(left, right), radius, along, across, min(radii))


def scattered(
    rng: Generator, width: float, height: float, spacing: float, *, jitter: float = 0.35, margin: float = 0.0
) -> Iterator[Point]:
    """Yield points about `spacing` apart that cover an area and `margin` around it, in random order."""
    columns = np.arange(-margin, width + margin + spacing, spacing)
    rows = np.arange(-margin, height + margin + spacing, spacing * 0.87)
    points = [
        (x + (spacing / 2 if row % 2 else 0.0), y)
        for row, y in enumerate(rows.tolist())
        for x in columns.tolist()
    ]
    shift = rng.uniform(0, spacing, 2)
    for place in rng.permutation(len(points)):
        x, y = points[place]
        dx, dy = rng.normal(0, jitter * spacing, 2)
        yield x + dx - shift[0], y + dy - shift[1]


def cells(
    rng: Generator, width: int, height: int, spacing: float, *, jitter: float = 0.3
) -> tuple[Field, Field]:
    """Return a tiling into cells: the distance of each pixel from its cell's border, and a number a cell.

    Both are (height, width); the distance is in pixels, the number uniform in 0..1.
    """
    coarse = max(1.0, spacing / 14)
    w, h = int(width / coarse) + 1, int(height / coarse) + 1
    points = np.array(list(scattered(rng, w, h, spacing / coarse, jitter=jitter, margin=spacing / coarse)))
    x, y = grid(w, h)
    nearest = np.full((h, w), np.inf, np.float32)
    second = np.full((h, w), np.inf, np.float32)
    owner = np.zeros((h, w), np.int64)
    reach = 3 * spacing / coarse
    for number, (px, py) in enumerate(points):
        top, bottom = max(0, int(py - reach)), min(h, int(py + reach))
        left, right = max(0, int(px - reach)), min(w, int(px + reach))
        if top >= bottom or left >= right:
            continue
        window = (slice(top, bottom), slice(left, right))
        away = np.hypot(x[window] - np.float32(px), y[window] - np.float32(py))
        closer = away < nearest[window]
        second[window] = np.where(closer, nearest[window], np.minimum(second[window], away))
        nearest[window] = np.where(closer, away, nearest[window])
        owner[window] = np.where(closer, number, owner[window])
    border = np.minimum((second - nearest) / 2, 3 * spacing).astype(np.float32) * np.float32(coarse)
    numbers = rng.random(len(points)).astype(np.float32)[owner]
    if coarse == 1.0:
        return border[:height, :width], numbers[:height, :width]
    numbers_large = Image.fromarray(numbers).resize((width, height), Image.Resampling.NEAREST)
    return np.maximum(resized(border, width, height), 0), np.asarray(numbers_large, dtype=np.float32)


def drawn(width: int, height: int, strokes: "Strokes", *, finer: int = 3) -> Field:
    """Return (height, width) 0..1 of lines and polygons, drawn `finer` times as large and reduced."""
    picture = Image.new("L", (width * finer, height * finer))
    pen = ImageDraw.Draw(picture)
    for points, thickness, value in strokes.lines:
        scaled = [(x * finer, y * finer) for x, y in points]
        pen.line(scaled, fill=round(255 * value), width=max(1, round(thickness * finer)), joint="curve")
    for points, value in strokes.polygons:
        pen.polygon([(x * finer, y * finer) for x, y in points], fill=round(255 * value))
    reduced = picture.resize((width, height), Image.Resampling.BOX)
    return np.asarray(reduced, dtype=np.float32) / 255


class Strokes:
    """Lines and polygons to be drawn at once."""

    def __init__(self) -> None:
        self.lines: list[tuple[list[Point], float, float]] = []
        self.polygons: list[tuple[list[Point], float]] = []

    def line(self, points: list[Point], thickness: float, value: float = 1.0) -> None:
        """Add a line through points."""
        self.lines.append((points, thickness, value))

    def polygon(self, points: list[Point], value: float = 1.0) -> None:
        """Add a filled polygon."""
        self.polygons.append((points, value))


def wandering(
    rng: Generator, start: Point, angle: float, length: float, *, bend: float = 0.2, pace: float = 4.0
) -> list[Point]:
    """Return a line that starts in a direction and bends at random, a point every `pace` pixels."""
    count = max(2, int(length / pace))
    turns = np.cumsum(rng.normal(0, bend, count)) + angle
    x = start[0] + np.concatenate([[0.0], np.cumsum(np.cos(turns) * pace)])
    y = start[1] + np.concatenate([[0.0], np.cumsum(np.sin(turns) * pace)])
    return list(zip(x.tolist(), y.tolist(), strict=True))
