"""Charts drawn with matplotlib, which is imported only here and only when a chart is drawn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.sample.looks import Look
from datasets.sample.textures import Field, resized

DPI = 100
FAMILIES = {
    "sans": "DejaVu Sans",
    "DejaVuSans": "DejaVu Sans",
    "DejaVuSans-Bold": "DejaVu Sans",
    "STIXGeneral": "STIXGeneral",
    "STIXGeneralBol": "STIXGeneral",
    "DejaVuSerif": "DejaVu Serif",
}
POWERS = {0: "0", 1: "10\u00b9", 2: "10\u00b2", 3: "10\u00b3", 4: "10\u2074", 5: "10\u2075"}


class Chart:
    """A figure of one size in pixels, its axes dressed in the paper's look.

    `edges` are the pixels left free at the left, the foot, the right and the top of the axes.
    """

    def __init__(
        self,
        look: Look,
        width: int,
        height: int,
        *,
        edges: tuple[float, float, float, float] = (30, 26, 6, 8),
        rows: int = 1,
        columns: int = 1,
        letter: float = 5.6,
        gap: float = 0.3,
    ) -> None:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        self.look, self.width, self.height = look, width, height
        self.letter = letter * look.letter
        self.family = FAMILIES[look.font]
        self.weight = "bold" if look.font.endswith(("Bold", "Bol")) else "normal"
        self.figure: Any = Figure(figsize=(width / DPI, height / DPI), dpi=DPI * look.finer)
        self.canvas: Any = FigureCanvasAgg(self.figure)
        left, foot, right, top = (
            edge * max(1.0, look.letter * (1.1 if self.weight == "bold" else 1)) for edge in edges
        )
        self.figure.subplots_adjust(
            left=left / width,
            bottom=foot / height,
            right=1 - right / width,
            top=1 - top / height,
            wspace=gap,
            hspace=gap,
        )
        self.all_axes: list[Any] = list(self.figure.subplots(rows, columns, squeeze=False).flat)
        self.axes: Any = self.all_axes[0]
        for axes in self.all_axes:
            self._dress(axes)

    def _dress(self, axes: Any) -> None:
        look = self.look
        axes.tick_params(
            labelsize=self.letter,
            labelfontfamily=self.family,
            width=0.55 * look.line,
            length=2.2 if look.theme != "grey" else 1.5,
            pad=1.5,
            direction="in" if look.theme == "boxed" else "out",
        )
        for side, spine in axes.spines.items():
            spine.set_linewidth((1.2 if look.theme == "heavy" else 0.6) * look.line)
            spine.set_visible(look.theme not in ("open", "heavy", "lined") or side in ("left", "bottom"))
        if look.theme == "grey":
            axes.set_facecolor("#ebebeb")
            axes.grid(color="white", linewidth=0.5)
            axes.set_axisbelow(True)
            for spine in axes.spines.values():
                spine.set_visible(False)
        elif look.theme == "lined":
            axes.grid(axis="y", color="#d9d9d9", linewidth=0.5)
            axes.set_axisbelow(True)
            axes.spines["left"].set_visible(False)

    def boxed(self, axes: Any) -> None:
        """Close the frame, as flow plots have it, whatever the theme."""
        for spine in axes.spines.values():
            spine.set_visible(True)
        axes.grid(False)
        axes.set_facecolor("white")

    def name_axes(self, across: str, up: str, axes: Any = None) -> None:
        """Name both axes."""
        axes = self.axes if axes is None else axes
        words = {
            "fontsize": self.letter * 1.05,
            "fontfamily": [self.family, FAMILIES["DejaVuSans"]],
            "fontweight": self.weight,
        }
        axes.set_xlabel(across, labelpad=1.5, **words)
        axes.set_ylabel(up, labelpad=1.5, **words)

    def title(self, words: str, axes: Any = None) -> None:
        """Write a title above."""
        axes = self.axes if axes is None else axes
        axes.set_title(
            words, fontsize=self.letter * 1.1, fontfamily=self.family, fontweight=self.weight, pad=2.5
        )

    def text(
        self, x: float, y: float, words: str, *, axes: Any = None, size: float = 1.0, **options: Any
    ) -> None:
        """Write in the data's own coordinates, or as `transform` says."""
        axes = self.axes if axes is None else axes
        axes.text(x, y, words, fontsize=self.letter * size, fontfamily=self.family, **options)

    def legend(self, axes: Any = None, **options: Any) -> None:
        """Add a legend."""
        axes = self.axes if axes is None else axes
        axes.legend(
            prop={"size": self.letter * 0.9, "family": self.family},
            frameon=self.look.theme in ("boxed", "grey"),
            handlelength=1.1,
            handletextpad=0.4,
            labelspacing=0.2,
            borderpad=0.3,
            **options,
        )

    def few_ticks(self, count: int = 4, axes: Any = None) -> None:
        """Keep the ticks of both axes few."""
        axes = self.axes if axes is None else axes
        axes.locator_params(nbins=count)

    def decades(self, axes: Any = None, *, across: bool = True, up: bool = True, labels: bool = True) -> None:
        """Label 0..1 as four decades, the way flow plots do."""
        axes = self.axes if axes is None else axes
        places, names = (0.03, 0.25, 0.5, 0.75, 0.97), [POWERS[power] for power in (0, 2, 3, 4, 5)]
        between = [0.25 * decade + 0.25 * np.log10(step) for decade in range(1, 4) for step in range(2, 10)]
        marks = {
            "color": "black",
            "markersize": 2.2,
            "markeredgewidth": 0.35,
            "linestyle": "",
            "clip_on": False,
        }
        if across:
            axes.xaxis.set_ticks(places, names if labels else [""] * 5)
            axes.plot(
                between, np.zeros(len(between)), marker=3, transform=axes.get_xaxis_transform(), **marks
            )
        if up:
            axes.yaxis.set_ticks(places, names if labels else [""] * 5)
            axes.plot(
                np.zeros(len(between)), between, marker=0, transform=axes.get_yaxis_transform(), **marks
            )
        # The others lack the raised figures.
        axes.tick_params(labelfontfamily=FAMILIES["DejaVuSans"])

    def done(self) -> Field:
        """Return the figure, (height, width, 3), 0..1."""
        self.canvas.draw()
        pixels = np.asarray(self.canvas.buffer_rgba(), dtype=np.float32)[..., :3] / 255
        if pixels.shape[:2] == (self.height, self.width):
            return pixels
        return np.stack(
            [resized(pixels[..., channel], self.width, self.height) for channel in range(3)], axis=-1
        )


def colour_map(name: str, values: NDArray[Any]) -> Field:
    """Return colours (..., 3) 0..1 of values 0..1 by one of matplotlib's maps."""
    import matplotlib

    return np.asarray(matplotlib.colormaps[name](values), dtype=np.float32)[..., :3]


def shuffled(rng: np.random.Generator, colours: Sequence[str], count: int) -> list[str]:
    """Return that many colours of a palette, from a random place on."""
    start = int(rng.integers(len(colours)))
    return [colours[(start + place) % len(colours)] for place in range(count)]
