"""Words, arrows and scale bars upon a panel."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from datasets.sample.textures import Colour, Field

BLACK: Colour = (0.0, 0.0, 0.0)
WHITE: Colour = (1.0, 1.0, 1.0)
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@cache
def font(name: str, size: int) -> Font:
    """Return a typeface: `sans` is Pillow's own, the others come with matplotlib."""
    if name == "sans":
        return ImageFont.load_default(size)
    import matplotlib

    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts/ttf" / f"{name}.ttf", size)


@dataclass
class Pen:
    """Writes and draws upon an image, (h, w) or (h, w, 3), 0..1; `done` returns it as (h, w, 3)."""

    image: Field
    typeface: str = "sans"

    def __post_init__(self) -> None:
        pixels = self.image if self.image.ndim == 3 else np.repeat(self.image[..., None], 3, axis=2)
        self._picture = Image.fromarray((np.clip(pixels, 0, 1) * 255 + 0.5).astype(np.uint8))
        self._draw = ImageDraw.Draw(self._picture)

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self._picture.size

    def text(
        self,
        x: float,
        y: float,
        words: str,
        *,
        size: float,
        colour: Colour = BLACK,
        anchor: str = "lm",
        turn: float = 0.0,
    ) -> None:
        """Write a line; `anchor` is Pillow's (left, middle, right; ascender, middle, descender)."""
        letters = font(self.typeface, max(6, round(size)))
        if not turn:
            self._draw.text((x, y), words, fill=_ink(colour), font=letters, anchor=anchor)
            return
        left, top, right, bottom = self._draw.textbbox((0, 0), words, font=letters)
        mask = Image.new("L", (int(right - left) + 4, int(bottom - top) + 4))
        ImageDraw.Draw(mask).text((2 - left, 2 - top), words, fill=255, font=letters)
        turned = mask.rotate(turn, expand=True, resample=Image.Resampling.BICUBIC)
        place = (round(x - turned.width / 2), round(y - turned.height / 2))
        self._picture.paste(Image.new("RGB", turned.size, _ink(colour)), place, turned)

    def words_width(self, words: str, size: float) -> float:
        """Return how wide a line will be."""
        return float(self._draw.textlength(words, font=font(self.typeface, max(6, round(size)))))

    def line(self, *points: tuple[float, float], colour: Colour = BLACK, width: float = 1) -> None:
        """Draw a line through points."""
        self._draw.line(points, fill=_ink(colour), width=max(1, round(width)))

    def box(
        self,
        left: float,
        top: float,
        right: float,
        bottom: float,
        *,
        fill: Colour | None = None,
        edge: Colour | None = None,
        width: float = 1,
        round_by: float = 0,
    ) -> None:
        """Draw a rectangle, its corners rounded by that much."""
        self._draw.rounded_rectangle(
            (left, top, max(left, right), max(top, bottom)),
            radius=round_by,
            fill=_ink(fill) if fill else None,
            outline=_ink(edge) if edge else None,
            width=max(1, round(width)),
        )

    def oval(
        self,
        x: float,
        y: float,
        rx: float,
        ry: float,
        *,
        fill: Colour | None = None,
        edge: Colour | None = None,
        width: float = 1,
    ) -> None:
        """Draw an ellipse about a centre."""
        self._draw.ellipse(
            (x - rx, y - ry, x + rx, y + ry),
            fill=_ink(fill) if fill else None,
            outline=_ink(edge) if edge else None,
            width=max(1, round(width)),
        )

    def polygon(
        self, points: list[tuple[float, float]], *, fill: Colour | None = None, edge: Colour | None = None
    ) -> None:
        """Draw a filled polygon."""
        self._draw.polygon(points, fill=_ink(fill) if fill else None, outline=_ink(edge) if edge else None)

    def arrow(
        self, start: tuple[float, float], end: tuple[float, float], *, colour: Colour = BLACK, size: float = 5
    ) -> None:
        """Draw an arrow with a filled head."""
        angle = np.arctan2(end[1] - start[1], end[0] - start[0])
        self.line(
            start, (end[0] - size / 2 * np.cos(angle), end[1] - size / 2 * np.sin(angle)), colour=colour
        )
        wings = [
            (end[0] - size * np.cos(angle + turn), end[1] - size * np.sin(angle + turn))
            for turn in (0.45, -0.45)
        ]
        self._draw.polygon([end, *wings], fill=_ink(colour))

    def scale_bar(self, length: float, *, colour: Colour = WHITE) -> None:
        """Draw a scale bar in the lower right corner."""
        width, height = self.size
        thickness = max(2, round(height / 60))
        right, bottom = width - 0.05 * width, height - 0.06 * height
        self._draw.rectangle((right - length, bottom - thickness, right, bottom), fill=_ink(colour))

    def done(self) -> Field:
        """Return the image, (h, w, 3), 0..1."""
        return np.asarray(self._picture, dtype=np.float32) / 255


def _ink(colour: Colour) -> tuple[int, int, int]:
    red, green, blue = (round(255 * min(1.0, max(0.0, value))) for value in colour)
    return red, green, blue


def rgb(code: str) -> Colour:
    """Return the colour of a hexadecimal code, `#1f77b4`."""
    return int(code[1:3], 16) / 255, int(code[3:5], 16) / 255, int(code[5:7], 16) / 255
