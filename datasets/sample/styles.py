"""The register of drawing styles: a new style is one new function in a module of `drawings`."""

import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module

import numpy as np
from numpy.random import Generator

from datasets.sample import drawings
from datasets.sample.looks import Look
from datasets.sample.textures import Field

# The spellings of BioFors' own labels file.
BLOT, FLOW, MACROSCOPY, MICROSCOPY, OTHER = "Blot/Gel", "FACS", "Macroscopy", "Microscopy", "Noneoftheabove"
PHOTOGRAPHED = (BLOT, MACROSCOPY, MICROSCOPY)
LABELS = (BLOT, FLOW, MACROSCOPY, MICROSCOPY, OTHER)
# Medians of BioFors' published boxes, width and height in pixels; the last class has none there.
MEDIAN_SIZES = {
    BLOT: (239, 47),
    FLOW: (141, 161),
    MACROSCOPY: (152, 144),
    MICROSCOPY: (185, 156),
    OTHER: (190, 150),
}
LONGEST, SHORTEST = 400, 24


@dataclass(frozen=True)
class Panel:
    """What a style is asked to draw: a size in pixels, the paper's look, and two sources of chance.

    `kin` gives the same numbers for every panel of a panel group, `own` others for each. So that siblings
    stay alike, a style draws what they share from `kin`, in an order that nothing drawn from `own` changes.
    """

    width: int
    height: int
    kin: Generator
    own: Generator
    look: Look


Draw = Callable[[Panel], Field]


@dataclass(frozen=True)
class Style:
    """A way to draw one class: `draw` returns (height, width) or (height, width, 3), 0..1."""

    name: str
    label: str
    size: tuple[int, int]
    weight: float
    draw: Draw

    def panel_size(self, kin: Generator) -> tuple[int, int]:
        """Return width and height of a panel group, scattered about the style's median."""
        scale = float(np.exp(kin.normal(0, 0.22)))
        proportion = float(np.exp(kin.normal(0, 0.08)))
        scale = min(scale, LONGEST / (max(self.size) * max(proportion, 1 / proportion)))
        width, height = self.size[0] * scale * proportion, self.size[1] * scale / proportion
        return max(SHORTEST, round(width)), max(SHORTEST, round(height))


_register: dict[str, Style] = {}


def style(label: str, *, size: tuple[int, int] | None = None, weight: float = 1.0) -> Callable[[Draw], Draw]:
    """Register a function as a style of a class; `weight` is how often papers choose it."""

    def register(draw: Draw) -> Draw:
        name = draw.__name__
        if name in _register:
            raise ValueError(f"two styles are named {name}")
        _register[name] = Style(name, label, size or MEDIAN_SIZES[label], weight, draw)
        return draw

    return register


@cache
def all_styles() -> dict[str, Style]:
    """Load every module of `drawings`; return the styles by name, in the order of the names."""
    for found in pkgutil.iter_modules(drawings.__path__):
        import_module(f"{drawings.__name__}.{found.name}")
    return dict(sorted(_register.items()))


def styles_of(label: str) -> list[Style]:
    """Return the styles of one class."""
    return [one for one in all_styles().values() if one.label == label]
