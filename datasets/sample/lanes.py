"""Lanes and bands: what blots and gels share."""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from datasets.sample.textures import Field, blur, grid, noise

LADDER = ("250", "130", "100", "70", "55", "35", "25", "15")
PAIRS = ("10000", "5000", "3000", "2000", "1000", "750", "500", "250")


@dataclass(frozen=True)
class Lanes:
    """Where the lanes of a blot lie, and how its bands spread; all in pixels.

    `smile` is how far the ends of a band hang down, `tilt` how far the right side of the blot lies lower.
    """

    centres: list[float]
    width: float
    smile: float
    tilt: float
    edge: float

    @classmethod
    def across(
        cls, kin: Generator, width: int, count: int, *, gap: float = 0.2, margin: float = 0.02
    ) -> "Lanes":
        """Spread lanes over a panel's width; `gap` is the share of a lane that is empty."""
        left = margin * width
        pitch = (width - 2 * left) / count
        centres = [left + pitch * (lane + 0.5) for lane in range(count)]
        return cls(
            centres,
            pitch * (1 - gap),
            smile=float(kin.normal(0, 0.04) * pitch),
            tilt=float(kin.normal(0, 0.012) * width),
            edge=float(kin.uniform(0.12, 0.4)),
        )


def add_band(
    density: Field, lanes: Lanes, lane: int, y: float, thickness: float, strength: float, rng: Generator
) -> None:
    """Add a band to an optical density (height, width): flat along the lane's width, bell-shaped down."""
    height, width = density.shape
    half = lanes.width / 2 * float(np.exp(rng.normal(0, 0.05)))
    centre = lanes.centres[lane] + float(rng.normal(0, 0.02 * lanes.width))
    left, right = max(0, int(centre - 1.5 * half - 2)), min(width, int(centre + 1.5 * half + 3))
    reach = 4 * thickness + abs(lanes.smile) + 3
    middle = y + lanes.tilt * (centre / width - 0.5)
    top, bottom = max(0, int(middle - reach)), min(height, int(middle + reach) + 1)
    if left >= right or top >= bottom:
        return
    rows, columns = np.mgrid[top:bottom, left:right].astype(np.float32)
    along = (columns + 0.5 - centre) / half
    hang = lanes.smile * along**2 + float(rng.normal(0, 0.03)) * half * along
    # A front that is sharper than the tail, as proteins leave it.
    down = rows + 0.5 - middle - hang
    spread = thickness * np.where(down > 0, 0.8, 1.15) * (1.05 - 0.25 * along**2)
    profile = _flat_top(along, lanes.edge * 0.28)
    uneven = 1 + float(rng.normal(0, 0.12)) * along
    density[top:bottom, left:right] += (
        strength * uneven * profile * np.exp(-0.5 * (down / np.maximum(spread, 0.3)) ** 2)
    )


def _flat_top(along: Field, softness: float) -> Field:
    """Return 1 where |along| is below 1, falling to 0 beyond."""
    return (1 / (1 + np.exp(np.minimum((np.abs(along) - 1) / softness, 60)))).astype(np.float32)


def add_smear(
    density: Field,
    lanes: Lanes,
    lane: int,
    top: float,
    bottom: float,
    strength: float,
    rng: Generator,
    *,
    unevenness: float = 0.1,
) -> None:
    """Add a smear along a lane between two heights."""
    height, width = density.shape
    x, y = grid(width, height)
    along = (x - lanes.centres[lane]) / (lanes.width / 2)
    profile = _flat_top(along, lanes.edge * 0.35)
    middle, spread = (top + bottom) / 2, max(1.0, (bottom - top) / 2)
    skewed = (y - middle) / (spread * np.where(y > middle, 1.2, 0.8))
    ripple = 1 + np.float32(unevenness) * noise(rng, 1, height, 3.0)[:, :1]
    density += strength * profile * np.exp(-0.5 * skewed**2) * ripple


def ladder_heights(
    kin: Generator, height: int, count: int, *, top: float = 0.1, bottom: float = 0.92
) -> list[float]:
    """Return the heights of a ladder's rungs, closer at the top as migration makes them."""
    share = np.linspace(0, 1, count) ** float(kin.uniform(1.05, 1.5))
    return [float(value) for value in height * (top + (bottom - top) * share)]


def membrane(rng: Generator, width: int, height: int, *, unevenness: float, speckle: float) -> Field:
    """Return a background (height, width) about 0: slow unevenness and fine speckle."""
    slow = noise(rng, width, height, max(width, height) / 3) * np.float32(unevenness)
    middle = noise(rng, width, height, 7.0, stretch=2.0) * np.float32(unevenness * 0.35)
    fine = blur(rng.standard_normal((height, width)).astype(np.float32), 0.6) * np.float32(speckle)
    return slow + middle + fine
