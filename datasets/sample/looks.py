"""A paper's own look: its lettering, colours, chart theme, camera, and what printing did to its figures."""

from dataclasses import dataclass
from io import BytesIO
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from datasets.decoding import decode
from datasets.sample.textures import Colour, Field, blur

Theme = Literal["open", "boxed", "grey", "lined", "heavy"]

PALETTES: tuple[tuple[str, ...], ...] = (
    ("#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b"),
    ("#e64b35", "#4dbbd5", "#00a087", "#3c5488", "#f39b7f", "#8491b4"),
    ("#000000", "#7f7f7f", "#c0c0c0", "#404040", "#a0a0a0", "#e0e0e0"),
    ("#0000ff", "#ff0000", "#00a000", "#000000", "#ff9900", "#9900cc"),
    ("#f8766d", "#00ba38", "#619cff", "#b79f00", "#f564e3", "#00bfc4"),
    ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"),
    ("#4472c4", "#ed7d31", "#a5a5a5", "#ffc000", "#5b9bd5", "#70ad47"),
    ("#264653", "#2a9d8f", "#e9c46a", "#f4a261", "#e76f51", "#8ab17d"),
)
THEMES = ("open", "boxed", "grey", "lined", "heavy")
FONTS = ("sans", "DejaVuSans", "DejaVuSans-Bold", "STIXGeneral", "DejaVuSerif", "STIXGeneralBol")


@dataclass(frozen=True)
class Look:
    """What the figures of one paper have in common."""

    font: str
    letter: float
    palette: tuple[str, ...]
    theme: Theme
    line: float
    finer: float
    softness: float
    grain: float
    gamma: float
    jpeg: int | None
    grey: bool
    tint: Colour
    scale_bar: bool
    scale_bar_colour: Colour
    framed: float
    margin: float

    @classmethod
    def of_paper(cls, rng: Generator) -> "Look":
        """Return the look of one paper."""
        return cls(
            font=str(rng.choice(FONTS, p=(0.45, 0.25, 0.08, 0.1, 0.06, 0.06))),
            letter=float(rng.uniform(0.85, 1.25)),
            palette=PALETTES[rng.integers(len(PALETTES))],
            theme=rng.choice(np.array(THEMES), p=(0.38, 0.08, 0.12, 0.16, 0.26)).item(),
            line=float(rng.uniform(0.6, 1.6)),
            finer=float(rng.choice((1.0, 1.0, 1.25, 1.6, 2.0))),
            softness=float(max(0.0, rng.normal(0.1, 0.28))),
            grain=float(rng.choice((0.0, 0.004, 0.01, 0.02))),
            gamma=float(np.exp(rng.normal(0, 0.1))),
            jpeg=int(rng.integers(58, 95)) if rng.random() < 0.6 else None,
            grey=bool(rng.random() < 0.06),
            tint=(*np.exp(rng.normal(0, 0.035, 3)).tolist(),),
            scale_bar=bool(rng.random() < 0.6),
            scale_bar_colour=(1.0, 1.0, 1.0) if rng.random() < 0.8 else (1.0, 0.95, 0.2),
            framed=float(rng.choice((0.0, 0.9), p=(0.75, 0.25))),
            margin=float(rng.choice((0.0, 0.25), p=(0.82, 0.18))),
        )

    def photographed(self, picture: Field, own: Generator) -> Field:
        """Give a scene (h, w[, 3]) 0..1 the paper's camera: softness, gamma, white balance, grain."""
        image = np.clip(blur(picture, self.softness), 0, 1) ** np.float32(self.gamma)
        if image.ndim == 3:
            image = image * np.asarray(self.tint, np.float32)
        return image + own.standard_normal(image.shape, dtype=np.float32) * np.float32(self.grain)

    def printed(self, image: Field, own: Generator, *, framed: bool = True) -> NDArray[np.uint8]:
        """Return a panel as it is stored, (h, w, 3) uint8: grey, framed, recompressed as the paper is.

        Charts and diagrams are printed without a frame of their own.
        """
        if image.ndim == 2:
            image = np.repeat(image[..., None], 3, axis=2)
        pixels: NDArray[np.uint8] = (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)
        if self.grey:
            pixels = np.repeat(pixels.mean(axis=2, keepdims=True).astype(np.uint8), 3, axis=2)
        if own.random() < self.framed and framed:
            pixels[[0, -1]], pixels[:, [0, -1]] = 0, 0
        if own.random() < self.margin:
            sides = own.integers(0, 5, 4)
            pixels = np.pad(pixels, ((sides[0], sides[1]), (sides[2], sides[3]), (0, 0)), constant_values=255)
        return recompressed(pixels, self.jpeg) if self.jpeg else pixels


def recompressed(pixels: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Return what JPEG of that quality leaves of (h, w, 3) uint8."""
    data = BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=quality)
    return decode(data.getvalue()).pixels
