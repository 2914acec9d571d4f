"""None of the above: the charts of genomics, chemistry and the clinic."""

import numpy as np

from datasets.sample.charts import Chart, colour_map, shuffled
from datasets.sample.styles import OTHER, Panel, style
from datasets.sample.textures import Field, blur, noise

GENES = (
    "TP53",
    "MYC",
    "IL6",
    "TNF",
    "ACTB",
    "KRAS",
    "EGFR",
    "VEGFA",
    "CDH1",
    "SOX2",
    "STAT3",
    "BCL2",
    "FOS",
    "JUN",
)


@style(OTHER, size=(165, 165), weight=1)
def heat_map(panel: Panel) -> Field:
    """A matrix of colours, genes by samples, perhaps with its scale: red and blue, green, or grey."""
    kin, own, look = panel.kin, panel.own, panel.look
    rows, columns = int(kin.integers(5, 42)), int(kin.integers(3, 18))
    scale = str(kin.choice(("RdBu_r", "RdBu_r", "viridis", "Greys", "RdYlGn_r", "Blues", "hot")))
    named, bar, ruled = rows < 15, kin.random() < 0.5, kin.random() < 0.4
    chart = Chart(look, panel.width, panel.height, edges=(8, 22, 34 if named else 10, 8))
    values = own.normal(0, 0.6, (rows, columns))
    values[: rows // 2, columns // 2 :] += own.uniform(0.3, 2)
    values[rows // 2 :, : columns // 2] += own.uniform(0.3, 2)
    drawn = chart.axes.pcolormesh(values, cmap=scale, edgecolors="white" if ruled else "none", linewidth=0.3)
    chart.axes.set_axis_on()
    for spine in chart.axes.spines.values():
        spine.set_visible(False)
    chart.axes.yaxis.tick_right()
    chart.axes.yaxis.set_ticks(
        np.arange(rows) + 0.5 if named else [],
        list(own.choice(GENES, rows, replace=rows > 14)) if named else [],
    )
    chart.axes.xaxis.set_ticks(
        np.arange(columns) + 0.5 if columns < 9 else [],
        [f"S{n + 1}" for n in range(columns)] if columns < 9 else [],
    )
    if bar and not named:
        side = chart.figure.colorbar(drawn, ax=chart.axes, fraction=0.07, pad=0.04)
        side.ax.tick_params(labelsize=chart.letter * 0.85, length=1, width=0.3, pad=1)
    return chart.done()


@style(OTHER, weight=0.8)
def survival_curves(panel: Panel) -> Field:
    """Steps that fall: the share of patients alive."""
    kin, own, look = panel.kin, panel.own, panel.look
    count, colours = int(kin.integers(2, 4)), shuffled(kin, look.palette, 4)
    chart = Chart(look, panel.width, panel.height, edges=(28, 24, 6, 7))
    for number in range(count):
        steps = int(own.integers(8, 30))
        times = np.sort(own.uniform(0, 60, steps))
        alive = np.concatenate([[1], np.cumprod(1 - own.uniform(0.005, 0.06 + 0.06 * number, steps))])
        across = np.concatenate([[0], times])
        chart.axes.step(
            across,
            100 * alive,
            where="post",
            color=colours[number],
            linewidth=look.line,
            label=("Low", "High", "Mid")[number],
        )
        lost = own.integers(1, steps, 4)
        chart.axes.plot(across[lost], 100 * alive[lost], "|", color=colours[number], markersize=3)
    chart.legend(loc="lower left")
    chart.text(0.6, 0.88, f"p = {own.uniform(0.0001, 0.2):.3f}", transform=chart.axes.transAxes)
    chart.axes.set_ylim(0, 104)
    chart.few_ticks(4)
    chart.name_axes("Months", "Survival (%)")
    return chart.done()


@style(OTHER, size=(160, 160), weight=0.4)
def volcano_plot(panel: Panel) -> Field:
    """Thousands of genes: fold change against significance, both sides coloured."""
    kin, own, look = panel.kin, panel.own, panel.look
    colours, ruled, named = shuffled(kin, look.palette, 2), kin.random() < 0.7, kin.random() < 0.5
    chart = Chart(look, panel.width, panel.height, edges=(27, 24, 6, 6))
    change = own.normal(0, 1.1, 1800)
    sure = np.abs(change) ** 1.6 * own.gamma(1.1, 1.0, 1800)
    for mask, ink in ((np.abs(change) < 1, "#b5b5b5"), (change <= -1, colours[0]), (change >= 1, colours[1])):
        chart.axes.plot(change[mask], sure[mask], "o", color=ink, markersize=1.2, markeredgewidth=0)
    if ruled:
        for place in (-1, 1):
            chart.axes.axvline(place, color="black", linewidth=0.4, linestyle="--")
        chart.axes.axhline(1.3, color="black", linewidth=0.4, linestyle="--")
    if named:
        for place in np.argsort(-sure)[:4]:
            chart.text(change[place], sure[place], str(own.choice(GENES)), size=0.85)
    chart.few_ticks(4)
    chart.name_axes("log2 fold change", "-log10 p")
    return chart.done()


@style(OTHER, size=(160, 150), weight=0.3)
def embedding(panel: Panel) -> Field:
    """Cells or samples in a plane that a computation found: coloured islands."""
    kin, own, look = panel.kin, panel.own, panel.look
    islands, size, by_value = int(kin.integers(3, 10)), kin.uniform(0.5, 2.6), kin.random() < 0.3
    bare, named, colours = kin.random() < 0.4, kin.random() < 0.4, shuffled(kin, look.palette, 6)
    places, widths = kin.uniform(-8, 8, (islands, 2)), kin.uniform(0.4, 1.8, islands)
    chart = Chart(look, panel.width, panel.height, edges=(8 if bare else 29, 8 if bare else 22, 6, 6))
    for number in range(islands):
        points = places[number] + own.standard_normal((int(own.integers(20, 300)), 2)) @ own.normal(
            0, widths[number], (2, 2)
        )
        ink = tuple(colour_map("viridis", np.array([own.random()]))[0]) if by_value else colours[number % 6]
        chart.axes.plot(points[:, 0], points[:, 1], "o", color=ink, markersize=size, markeredgewidth=0)
        if named:
            x, y = places[number].tolist()
            chart.text(x, y, str(number), ha="center", va="center", size=1.2, weight="bold")
    if bare:
        chart.axes.xaxis.set_ticks([])
        chart.axes.yaxis.set_ticks([])
    chart.few_ticks(3)
    method = str(kin.choice(("UMAP", "tSNE", "PC")))
    chart.name_axes("" if bare else f"{method} 1", "" if bare else f"{method} 2")
    return chart.done()


@style(OTHER, size=(205, 130), weight=0.7)
def spectrum(panel: Panel) -> Field:
    """A chromatogram, a spectrum or a recorded trace: narrow peaks or spikes on a line."""
    kin, own, look = panel.kin, panel.own, panel.look
    kind, ink, offset = int(kin.integers(3)), shuffled(kin, look.palette, 3), kin.random() < 0.3
    places, thin = kin.uniform(0.05, 0.95, int(kin.integers(3, 16))), kin.uniform(0.003, 0.02)
    chart = Chart(look, panel.width, panel.height, edges=(25, 23, 5, 6))
    across = np.linspace(0, 1, 420)
    for number in range(int(kin.integers(1, 4))):
        up = 0.01 * own.standard_normal(len(across))
        if kind == 2:
            up = 4 * up + 0.1 * np.sin(across * own.uniform(20, 60))
            for spike in own.integers(0, len(across) - 3, int(own.integers(3, 25))):
                up[spike : spike + 3] += np.array([0.9, -0.4, 0.1]) * own.uniform(0.5, 1.2)
        else:
            for place in places:
                up = up + own.gamma(0.8, 0.5) * np.exp(
                    -0.5 * ((across - place - own.normal(0, 0.002)) / thin) ** 2
                )
        lift = 1.1 * number if offset or kind == 2 else 0
        chart.axes.plot(
            across * 40,
            up + lift,
            color=ink[number] if number else ("black" if kin.random() < 0.5 else ink[0]),
            linewidth=0.6 * look.line,
        )
    chart.axes.yaxis.set_ticks([])
    chart.few_ticks(5)
    chart.name_axes(
        str(kin.choice(("Time (min)", "m/z", "2\u03b8 (\u00b0)", "ppm", "Time (s)"))),
        str(kin.choice(("Intensity", "mAU", "mV"))),
    )
    return chart.done()


@style(OTHER, size=(165, 160), weight=0.3)
def contour_map(panel: Panel) -> Field:
    """A surface of a simulation or a landscape as filled contours with a scale."""
    kin, own, look = panel.kin, panel.own, panel.look
    scale, rough, lined = (
        str(kin.choice(("viridis", "jet", "RdYlBu_r", "terrain"))),
        kin.uniform(10, 26),
        kin.random() < 0.5,
    )
    bar = kin.random() < 0.6
    chart = Chart(look, panel.width, panel.height, edges=(22, 20, 6, 7))
    surface = blur(noise(own, 60, 60, rough), 1.5)
    drawn = chart.axes.contourf(surface, levels=int(kin.integers(6, 14)), cmap=scale)
    if lined:
        chart.axes.contour(surface, levels=8, colors="black", linewidths=0.3)
    if bar:
        side = chart.figure.colorbar(drawn, ax=chart.axes, fraction=0.07, pad=0.04)
        side.ax.tick_params(labelsize=chart.letter * 0.8, length=1, width=0.3, pad=1)
    chart.few_ticks(4)
    chart.name_axes("x (mm)", "y (mm)")
    return chart.done()
