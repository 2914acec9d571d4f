"""Flow cytometry in two dimensions: dots, density, contours, gates."""

import numpy as np

from datasets.sample.charts import colour_map
from datasets.sample.cytometry import add_gate, binned, events, flow_chart, populations
from datasets.sample.styles import FLOW, Panel, style
from datasets.sample.textures import Field, blur


@style(FLOW, weight=5)
def pseudocolour_dots(panel: Panel) -> Field:
    """Dots coloured by density, from blue to red, with a gate."""
    kin, own = panel.kin, panel.own
    clouds, count, bins = populations(kin), int(kin.integers(1500, 14000)), int(kin.integers(60, 120))
    scale, gate, colour = (
        str(kin.choice(("jet", "jet", "turbo", "viridis"))),
        int(kin.integers(4)),
        str(kin.choice(("black", "black", "red", "#444444"))),
    )
    chart = flow_chart(panel)
    points = events(panel, clouds, int(count * own.uniform(0.7, 1.3)))
    counts = binned(points, bins)
    dense = blur(counts, 1.4)
    share = np.clip(np.log1p(dense) / np.log1p(dense.max()), 0, 1)
    picture = np.where((counts > 0)[..., None], colour_map(scale, share), np.float32(1))
    chart.axes.imshow(picture, origin="lower", extent=(0, 1, 0, 1), aspect="auto", interpolation="nearest")
    add_gate(panel, chart, points, gate, around=clouds, colour=colour)
    return chart.done()


@style(FLOW, weight=2)
def black_dots(panel: Panel) -> Field:
    """Plain dots in one ink, quadrants and their shares."""
    kin, own = panel.kin, panel.own
    clouds, count, bins = populations(kin), int(kin.integers(400, 6000)), int(kin.integers(70, 130))
    ink = {"black": (0, 0, 0), "red": (0.85, 0.1, 0.1), "blue": (0.1, 0.15, 0.7), "green": (0, 0.5, 0.2)}[
        str(kin.choice(("black", "black", "red", "blue", "green")))
    ]
    gate = int(kin.choice((0, 0, 0, 1, 3)))
    chart = flow_chart(panel)
    points = events(panel, clouds, int(count * own.uniform(0.6, 1.4)))
    picture = np.where((binned(points, bins) > 0)[..., None], np.asarray(ink, np.float32), np.float32(1))
    chart.axes.imshow(picture, origin="lower", extent=(0, 1, 0, 1), aspect="auto", interpolation="nearest")
    add_gate(panel, chart, points, gate, around=clouds)
    return chart.done()


@style(FLOW, weight=1.5)
def contours(panel: Panel) -> Field:
    """Contour lines of density, with or without the outliers as dots, lines grey or coloured."""
    kin, own = panel.kin, panel.own
    clouds, levels, bins = populations(kin), int(kin.integers(5, 12)), 64
    outliers, filled, gate = kin.random() < 0.6, kin.random() < 0.25, int(kin.integers(4))
    scale = str(kin.choice(("", "", "jet", "viridis", "Blues")))
    chart = flow_chart(panel)
    points = events(panel, clouds, int(6000 * own.uniform(0.7, 1.3)))
    dense = blur(binned(points, bins), kin.uniform(1.6, 2.6))
    marks = dense.max() * np.geomspace(0.02, 0.9, levels)
    middle = (np.arange(bins) + 0.5) / bins
    if outliers:
        column, row = (np.clip(points[:, axis] * bins, 0, bins - 1).astype(np.int64) for axis in (0, 1))
        outside = dense[row, column] < marks[0]
        chart.axes.plot(points[outside, 0], points[outside, 1], "k,", alpha=0.8)
    options = {"cmap": scale} if scale else {"colors": "black"}
    if filled:
        chart.axes.contourf(
            middle, middle, dense, levels=[*marks, dense.max() * 1.1], cmap=scale or "Greys", alpha=0.8
        )
    chart.axes.contour(middle, middle, dense, levels=marks, linewidths=0.45 * panel.look.line, **options)
    add_gate(panel, chart, points, gate, around=clouds)
    return chart.done()


@style(FLOW, size=(160, 150), weight=1)
def hexagons(panel: Panel) -> Field:
    """Density in coarse bins on grey, as statistics packages draw it, gates in red."""
    kin, own = panel.kin, panel.own
    clouds, bins, scale = (
        populations(kin),
        int(kin.integers(24, 48)),
        str(kin.choice(("Spectral_r", "viridis", "jet", "YlGnBu_r"))),
    )
    gate, bar = int(kin.choice((1, 2, 3))), kin.random() < 0.4
    chart = flow_chart(panel)
    points = events(panel, clouds, int(3500 * own.uniform(0.5, 1.5)))
    chart.axes.set_facecolor("#ebebeb")
    chart.axes.grid(True, color="white", linewidth=0.5)
    drawn = chart.axes.hexbin(
        points[:, 0],
        points[:, 1],
        gridsize=bins,
        mincnt=1,
        bins="log",
        cmap=scale,
        extent=(0, 1, 0, 1),
        linewidths=0.1,
    )
    if bar:
        side = chart.figure.colorbar(drawn, ax=chart.axes, fraction=0.08, pad=0.03)
        side.ax.tick_params(labelsize=chart.letter * 0.8, length=1, width=0.3, pad=1)
    add_gate(panel, chart, points, gate, around=clouds, colour="red")
    return chart.done()


@style(FLOW, weight=0.4)
def density_on_dark(panel: Panel) -> Field:
    """A two-dimensional histogram that fills the square with the darkest colour of its map."""
    kin, own = panel.kin, panel.own
    clouds, scale, bins = (
        populations(kin),
        str(kin.choice(("viridis", "inferno", "magma", "jet"))),
        int(kin.integers(40, 90)),
    )
    chart = flow_chart(panel)
    dense = blur(
        binned(events(panel, clouds, int(9000 * own.uniform(0.5, 1.5))), bins), kin.uniform(0.0, 1.2)
    )
    share = np.log1p(dense) / np.log1p(dense.max())
    chart.axes.imshow(
        colour_map(scale, share), origin="lower", extent=(0, 1, 0, 1), aspect="auto", interpolation="nearest"
    )
    if kin.random() < 0.5:
        add_gate(panel, chart, events(panel, clouds, 1000), 1, around=clouds, colour="white")
    return chart.done()


@style(FLOW, weight=0.35)
def coloured_populations(panel: Panel) -> Field:
    """Dots in the colours of their gates, with a legend of populations."""
    kin, own, look = panel.kin, panel.own, panel.look
    clouds, size = populations(kin), kin.uniform(0.3, 1.6)
    named, rings = kin.random() < 0.4, kin.random() < 0.35
    chart = flow_chart(panel)
    for number, cloud in enumerate(clouds):
        points = cloud.events(own, int(40 + 900 * min(cloud.share, 1.5) * own.uniform(0.4, 1.4)))
        colour = look.palette[number]
        chart.axes.plot(
            points[:, 0],
            points[:, 1],
            "o",
            markersize=size,
            color=colour,
            markeredgewidth=0,
            alpha=0.7,
            label=f"P{number + 1}",
        )
        if rings:
            from matplotlib.patches import Ellipse

            for reach in (2, 3.5):
                chart.axes.add_patch(
                    Ellipse(
                        (cloud.x, cloud.y),
                        cloud.wide * 2 * reach,
                        cloud.high * 2 * reach,
                        angle=float(np.degrees(cloud.tilt)),
                        fill=False,
                        edgecolor=colour,
                        linewidth=0.6,
                    )
                )
    if named:
        chart.legend(loc="upper right", markerscale=2)
    return chart.done()


@style(FLOW, size=(235, 130), weight=0.5)
def series_of_plots(panel: Panel) -> Field:
    """Two to four dot plots side by side, one a treatment."""
    kin = panel.kin
    columns, rows = int(kin.integers(2, 5)), int(kin.choice((1, 1, 2)))
    clouds, bins = populations(kin), int(kin.integers(36, 60))
    scale, x = str(kin.choice(("jet", "jet", "turbo", "Greys"))), kin.uniform(0.4, 0.5)
    chart = flow_chart(panel, rows=rows, columns=columns, letter=4.6)
    for axes in chart.all_axes:
        points = events(panel, clouds, 2500)
        counts = binned(points, bins)
        dense = np.log1p(blur(counts, 1.2))
        share = np.ones_like(dense) if scale == "Greys" else dense / dense.max()
        picture = np.where((counts > 0)[..., None], colour_map(scale, share), np.float32(1))
        axes.imshow(picture, origin="lower", extent=(0, 1, 0, 1), aspect="auto", interpolation="nearest")
        axes.axvline(x, color="black", linewidth=0.5)
        chart.text(0.95, 0.9, f"{100 * float(np.mean(points[:, 0] > x)):.0f}%", axes=axes, ha="right")
    return chart.done()
