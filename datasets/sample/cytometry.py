"""Flow cytometry: populations of events, empty plots and gates."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator

from datasets.sample.charts import Chart
from datasets.sample.styles import Panel
from datasets.sample.textures import Field

MARKERS = (
    "CD4",
    "CD8",
    "CD3",
    "CD19",
    "CD45",
    "CD11b",
    "Ly6G",
    "CD44",
    "CD62L",
    "Annexin V",
    "PI",
    "7-AAD",
    "GFP",
    "IFN-\u03b3",
    "FoxP3",
)
DYES = ("FITC", "PE", "APC", "PerCP", "BV421", "A647", "A")
WINDOW = (0.0, 1.0)


@dataclass(frozen=True)
class Population:
    """A cloud of events: centre, spreads and tilt in the plot's 0..1, and its share."""

    x: float
    y: float
    wide: float
    high: float
    tilt: float
    share: float

    def events(self, rng: Generator, count: int) -> Field:
        """Return (count, 2) places; tails are heavier than a normal's."""
        cloud = rng.standard_normal((count, 2)) * np.sqrt(rng.gamma(4.0, 0.27, (count, 1)))
        cloud *= (self.wide, self.high)
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        turned = np.column_stack(
            [cloud[:, 0] * cos - cloud[:, 1] * sin, cloud[:, 0] * sin + cloud[:, 1] * cos]
        )
        return (turned + np.array([self.x, self.y])).astype(np.float32)


def populations(kin: Generator) -> list[Population]:
    """Return the populations of a panel group: quadrants of two markers, or scatter of cells and debris."""
    if kin.random() < 0.3:
        cells = Population(
            kin.uniform(0.35, 0.55), kin.uniform(0.25, 0.4), 0.1, 0.06, kin.uniform(0.3, 0.8), 1.0
        )
        grains = Population(
            kin.uniform(0.5, 0.7), kin.uniform(0.55, 0.75), 0.11, 0.1, 0.6, kin.uniform(0, 0.8)
        )
        return [cells, grains, Population(0.12, 0.1, 0.06, 0.05, 0.5, kin.uniform(0.1, 0.7))]
    low = (kin.uniform(0.15, 0.3), kin.uniform(0.15, 0.3))
    high = (kin.uniform(0.6, 0.82), kin.uniform(0.6, 0.82))
    wide = kin.uniform(0.04, 0.1)
    shares = kin.gamma(0.7, 1.0, 4) + 0.02
    corners = ((low[0], low[1]), (high[0], low[1]), (low[0], high[1]), (high[0], high[1]))
    return [
        Population(
            x, y, wide * kin.uniform(0.7, 1.3), wide * kin.uniform(0.7, 1.3), kin.normal(0, 0.3), share
        )
        for (x, y), share in zip(corners, shares, strict=True)
    ]


def events(panel: Panel, clouds: list[Population], count: int) -> Field:
    """Draw a sample's events (n, 2): the group's populations in the sample's own shares."""
    own = panel.own
    shares = np.array([cloud.share for cloud in clouds]) * own.gamma(2.0, 0.5, len(clouds))
    numbers = (shares / shares.sum() * count).astype(np.int64)
    parts = [cloud.events(own, number) for cloud, number in zip(clouds, numbers, strict=True)]
    spread = own.uniform(0, 0.75, (count // 40, 2)).astype(np.float32)
    return np.concatenate([*parts, spread])


def binned(points: Field, bins: int) -> Field:
    """Count events in a square of bins, row 0 at the foot: (bins, bins)."""
    counts, _, _ = np.histogram2d(points[:, 1], points[:, 0], bins=bins, range=(WINDOW, WINDOW))
    return counts.astype(np.float32)


def flow_chart(panel: Panel, *, rows: int = 1, columns: int = 1, letter: float = 5.4) -> Chart:
    """Return an empty flow plot with decades and names of markers, closed as they are."""
    kin, look = panel.kin, panel.look
    bare, titled = kin.random() < 0.25, kin.random() < 0.35
    edges = (8 if bare else 29, 8 if bare else 24, 5, 12 if titled else 5)
    chart = Chart(
        look, panel.width, panel.height, edges=edges, rows=rows, columns=columns, letter=letter, gap=0.12
    )
    names = [
        f"{marker}-{dye}"
        for marker, dye in zip(kin.choice(MARKERS, 2, replace=False), kin.choice(DYES, 2), strict=True)
    ]
    short = kin.random() < 0.5 or rows * columns > 1
    names = [name.partition("-")[0] if short else name for name in names]
    for place, axes in enumerate(chart.all_axes):
        chart.boxed(axes)
        axes.set_xlim(WINDOW)
        axes.set_ylim(WINDOW)
        if rows * columns > 1:
            axes.xaxis.set_ticks([])
            axes.yaxis.set_ticks([])
        else:
            chart.decades(axes, labels=not bare)
        if not bare:
            last_row, first_column = place >= (rows - 1) * columns, place % columns == 0
            chart.name_axes(names[0] if last_row else "", names[1] if first_column else "", axes)
    if titled:
        chart.title(str(kin.choice(("Control", "Treated", "WT", "KO", "siRNA", "Live", "Singlets"))))
    return chart


def add_gate(
    panel: Panel, chart: Chart, points: Field, kind: int, *, around: list[Population], colour: str = "black"
) -> None:
    """Draw quadrants, or about a population a box, a polygon or an oval, and the share of events in it."""
    if kind == 0:
        _add_quadrants(panel, chart, points, colour)
        return
    from matplotlib.patches import Ellipse, Polygon, Rectangle

    kin = panel.kin
    chosen = around[int(kin.integers(len(around)))]
    wide, high = (min(0.6, spread * kin.uniform(4.2, 6.5)) for spread in (chosen.wide, chosen.high))
    left = float(np.clip(chosen.x - wide / 2, 0.02, 0.97 - wide))
    low = float(np.clip(chosen.y - high / 2, 0.02, 0.9 - high))
    middle = (left + wide / 2, low + high / 2)
    away = np.abs(points - np.asarray(middle)) / (wide / 2, high / 2)
    frame: dict[str, Any] = {"fill": False, "edgecolor": colour, "linewidth": 0.7 * panel.look.line}
    if kind == 1:
        chart.axes.add_patch(Rectangle((left, low), wide, high, **frame))
        inside = away.max(axis=1) < 1
    elif kind == 2:
        turns = np.linspace(0, 2 * np.pi, 7)[:-1] + kin.uniform(0, 1)
        corners = [
            (middle[0] + reach * wide / 2 * np.cos(turn), middle[1] + reach * high / 2 * np.sin(turn))
            for turn, reach in zip(turns, kin.uniform(0.95, 1.2, 6), strict=True)
        ]
        chart.axes.add_patch(Polygon(corners, **frame))
        inside = np.hypot(away[:, 0], away[:, 1]) < 1
    else:
        chart.axes.add_patch(Ellipse(middle, wide * 1.1, high * 1.1, **frame))
        inside = np.hypot(away[:, 0], away[:, 1]) < 1.1
    chart.text(
        min(max(middle[0], 0.15), 0.85),
        min(low + high * 1.06 + 0.02, 0.93),
        f"{100 * float(inside.mean()):.1f}%",
        ha="center",
        color="black" if colour == "white" else colour,
    )


def _add_quadrants(panel: Panel, chart: Chart, points: Field, colour: str) -> None:
    """Draw a cross and the share of events in each quarter."""
    x, y = panel.kin.uniform(0.4, 0.5), panel.kin.uniform(0.4, 0.5)
    chart.axes.axvline(x, color=colour, linewidth=0.7 * panel.look.line)
    chart.axes.axhline(y, color=colour, linewidth=0.7 * panel.look.line)
    for right in (0, 1):
        for upper in (0, 1):
            share = np.mean(((points[:, 0] > x) == right) & ((points[:, 1] > y) == upper))
            options: dict[str, Any] = {"ha": "right" if right else "left", "va": "top" if upper else "bottom"}
            chart.text(0.97 if right else 0.03, 0.97 if upper else 0.03, f"{100 * share:.1f}", **options)
