"""Flow cytometry in one dimension: histograms of one marker."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from datasets.sample.charts import Chart
from datasets.sample.cytometry import DYES, MARKERS
from datasets.sample.styles import FLOW, Panel, style
from datasets.sample.textures import Field

Curve = NDArray[Any]


def _curve(panel: Panel, peaks: list[tuple[float, float, float]], *, rough: float) -> tuple[Curve, Curve]:
    """Return an outline; peaks are place, spread and share, 0..1; `rough` is the noise of counting."""
    across = np.linspace(0, 1, 110)
    up = sum(share * np.exp(-0.5 * ((across - place) / spread) ** 2) for place, spread, share in peaks)
    up = np.maximum(0, up + rough * panel.own.standard_normal(len(across)) * np.sqrt(np.abs(up) + 0.002))
    return across, up / up.max()


def _chart(panel: Panel, *, up: str = "Count") -> Chart:
    """Return an empty histogram of a marker."""
    kin, look = panel.kin, panel.look
    bare = kin.random() < 0.3
    chart = Chart(look, panel.width, panel.height, edges=(8 if bare else 31, 24, 6, 6))
    if kin.random() < 0.85:
        chart.boxed(chart.axes)
    chart.axes.set_xlim(0, 1)
    chart.decades(up=False)
    name = f"{kin.choice(MARKERS)}-{kin.choice(DYES)}"
    chart.name_axes(name, "" if bare else up)
    if bare:
        chart.axes.yaxis.set_ticks([])
    else:
        chart.axes.yaxis.set_ticks([0, 0.5, 1], ["0", "50", "100"])
    return chart


@style(FLOW, weight=2.5)
def overlaid_histograms(panel: Panel) -> Field:
    """Two to four filled or outlined histograms over one another, the control in grey."""
    kin, own, look = panel.kin, panel.own, panel.look
    count, filled, rough = int(kin.integers(2, 5)), kin.random() < 0.85, kin.uniform(0.0, 0.06)
    start, stride, spread = kin.uniform(0.2, 0.32), kin.uniform(0.08, 0.2), kin.uniform(0.045, 0.09)
    bar, named = kin.random() < 0.45, kin.random() < 0.3
    chart = _chart(panel, up=str(kin.choice(("Count", "% of Max", "Events"))))
    for number in range(count):
        place = start + stride * number + own.normal(0, 0.03)
        peaks = [(place, spread, 1.0)]
        if number and kin.random() < 0.4:
            peaks.append((start, spread, own.uniform(0.1, 0.6)))
        across, up = _curve(panel, peaks, rough=rough)
        colour = "#9a9a9a" if number == 0 else look.palette[number % len(look.palette)]
        up = up * own.uniform(0.75, 1)
        if filled or number == 0:
            chart.axes.fill_between(across, up, color=colour, alpha=0.55 if number else 0.7, linewidth=0)
        chart.axes.plot(
            across,
            up,
            color=colour if number else "#5a5a5a",
            linewidth=0.8 * look.line,
            label=("iso", "ctrl", "low", "high")[number],
        )
    if bar:
        chart.axes.plot([0.52, 0.97], [0.8, 0.8], "k-|", linewidth=0.7, markersize=4)
        chart.text(0.75, 0.85, f"{own.uniform(2, 98):.1f}", ha="center")
    if named:
        chart.legend(loc="upper right")
    chart.axes.set_ylim(0, 1.1)
    return chart.done()


@style(FLOW, size=(130, 170), weight=0.9)
def staggered_histograms(panel: Panel) -> Field:
    """Histograms one above the other, half overlapping, each in its colour."""
    kin, own, look = panel.kin, panel.own, panel.look
    count, start, spread = int(kin.integers(3, 8)), kin.uniform(0.2, 0.35), kin.uniform(0.05, 0.09)
    lift, grey = kin.uniform(0.45, 0.9), kin.random() < 0.25
    chart = _chart(panel, up="")
    chart.axes.yaxis.set_ticks([])
    for number in reversed(range(count)):
        peaks = [(start + own.uniform(0, 0.4), spread, 1.0), (start, spread, own.uniform(0, 0.5))]
        across, up = _curve(panel, peaks, rough=0.02)
        colour = "#b0b0b0" if grey else look.palette[number % len(look.palette)]
        chart.axes.fill_between(
            across, up + number * lift, number * lift, color=colour, zorder=count - number, linewidth=0
        )
        chart.axes.plot(
            across, up + number * lift, color="black", linewidth=0.5 * look.line, zorder=count - number
        )
    chart.axes.set_ylim(0, count * lift + 0.7)
    return chart.done()


@style(FLOW, size=(150, 130), weight=0.35)
def cell_cycle(panel: Panel) -> Field:
    """Content of DNA: a tall G1 peak, a plateau, a G2 peak at twice the place."""
    kin, own, look = panel.kin, panel.own, panel.look
    first, thin, model = kin.uniform(0.25, 0.36), kin.uniform(0.014, 0.03), kin.random() < 0.4
    bars, ink = kin.random() < 0.4, str(kin.choice(("black", "#c00000", look.palette[0])))
    chart = Chart(look, panel.width, panel.height, edges=(31, 24, 6, 6))
    across = np.linspace(0, 1, 170)
    phase, mitosis = own.uniform(0.04, 0.3), own.uniform(0.1, 0.6)
    g1 = np.exp(-0.5 * ((across - first) / thin) ** 2)
    g2 = mitosis * np.exp(-0.5 * ((across - 2 * first) / (thin * 1.4)) ** 2)
    s = phase * ((across > first) & (across < 2 * first)) * (1 + 0.1 * np.sin(9 * across))
    up = g1 + g2 + s + own.uniform(0, 0.12) * np.exp(-across * 7)
    up = np.maximum(0, up + 0.02 * own.standard_normal(len(across)) * np.sqrt(up + 0.01))
    if bars:
        chart.axes.bar(across, up, width=across[1], color=ink, linewidth=0)
    else:
        chart.axes.plot(across, up, color=ink, linewidth=0.7 * look.line)
    if model:
        for part, colour in ((g1, "#d62728"), (s, "#7f7f7f"), (g2, "#1f77b4")):
            chart.axes.fill_between(across, part, color=colour, alpha=0.5, linewidth=0)
    chart.axes.set_xlim(0, 1)
    chart.axes.set_ylim(0, 1.15)
    chart.axes.xaxis.set_ticks([0, 0.25, 0.5, 0.75, 1], ["0", "50K", "100K", "150K", "200K"])
    chart.axes.yaxis.set_ticks([0, 0.5, 1], ["0", "400", "800"])
    chart.name_axes(str(kin.choice(("PI-A", "DNA content", "FL2-A"))), "Count")
    return chart.done()


@style(FLOW, size=(150, 130), weight=0.4)
def solid_density(panel: Panel) -> Field:
    """One solid density on grey or white with a red cut, as statistics packages draw it."""
    kin, own, look = panel.kin, panel.own, panel.look
    count, grey, cut = int(kin.integers(1, 4)), kin.random() < 0.6, kin.uniform(0.35, 0.65)
    places, fill = kin.uniform(0.15, 0.85, count), str(kin.choice(("black", "#595959", "#3b6fb6")))
    chart = Chart(look, panel.width, panel.height, edges=(38, 24, 6, 13))
    if grey:
        chart.axes.set_facecolor("#ebebeb")
        chart.axes.grid(True, color="white", linewidth=0.5)
    peaks = [(place + own.normal(0, 0.02), kin.uniform(0.04, 0.09), own.uniform(0.2, 1)) for place in places]
    across, up = _curve(panel, peaks, rough=0.0)
    chart.axes.fill_between(across, up, color=fill, linewidth=0)
    if kin.random() < 0.7:
        chart.axes.axvline(cut, color="red", linewidth=0.9 * look.line)
    chart.axes.set_ylim(0, 1.1)
    chart.axes.set_xlim(0, 1)
    chart.axes.xaxis.set_ticks([0.1, 0.4, 0.7, 1.0], ["0", "1000", "2000", "3000"])
    chart.axes.yaxis.set_ticks([0, 0.5, 1], ["0", "5e-04", "1e-03"])
    chart.name_axes(f"{kin.choice(MARKERS)} {kin.choice(DYES)}", "density")
    chart.title(str(kin.choice(("sample_01.fcs", "Specimen_001", "CytoTrol", "Live", "CD3+"))))
    return chart.done()
