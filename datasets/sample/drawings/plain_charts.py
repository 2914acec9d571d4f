"""None of the above: the charts of everyday statistics."""

import numpy as np

from datasets.sample.charts import Chart, shuffled
from datasets.sample.styles import OTHER, Panel, style
from datasets.sample.textures import Field

UP = (
    "Relative expression",
    "Cell viability (%)",
    "Fold change",
    "Tumor volume",
    "OD 450 nm",
    "Area (%)",
    "Intensity",
    "Cells / field",
    "Score",
)
ACROSS = ("Time (h)", "Day", "Dose (\u00b5M)", "Weeks", "Distance (\u00b5m)", "Cycle", "Age", "log2 FC")
GROUPS = ("Ctrl", "siA", "siB", "WT", "KO", "Low", "Mid", "High", "Veh", "Drug", "D1", "D7")


def _groups(panel: Panel, count: int) -> list[str]:
    """Choose names of groups."""
    return [str(name) for name in panel.kin.choice(GROUPS, count, replace=False)]


@style(OTHER, weight=3.5)
def bar_chart(panel: Panel) -> Field:
    """Bars with error bars and stars, single, grouped or stacked."""
    kin, own, look = panel.kin, panel.own, panel.look
    kind, count, series = int(kin.choice((0, 0, 1, 2))), int(kin.integers(2, 8)), int(kin.integers(2, 5))
    colours, flat, hatched = shuffled(kin, look.palette, 6), kin.random() < 0.3, kin.random() < 0.12
    names, turned, dotted = _groups(panel, count), kin.random() < 0.35, kin.random() < 0.3
    chart = Chart(look, panel.width, panel.height, edges=(29, 26 if turned else 16, 5, 14))
    axes, places = chart.axes, np.arange(count)
    error = {"elinewidth": 0.6, "capsize": 1.6, "capthick": 0.6, "ecolor": "black"}
    edge = {
        "edgecolor": "black",
        "linewidth": 0.5 if flat or hatched else 0,
        "hatch": "////" if hatched else None,
    }
    if kind == 0:
        up = own.gamma(3, 1, count)
        ink = [colours[0]] * count if flat else [colours[place % 6] for place in range(count)]
        axes.bar(places, up, 0.65, color=ink, yerr=up * own.uniform(0.03, 0.2, count), error_kw=error, **edge)
        if dotted:
            for place in places:
                axes.plot(
                    place + own.normal(0, 0.08, 5),
                    up[place] * own.normal(1, 0.12, 5),
                    "ko",
                    markersize=1.3,
                    alpha=0.7,
                )
    else:
        foot = np.zeros(count)
        for number in range(series):
            up = own.gamma(3, 1, count)
            if kind == 1:
                wide = 0.8 / series
                axes.bar(
                    places + (number - (series - 1) / 2) * wide,
                    up,
                    wide * 0.92,
                    color=colours[number],
                    yerr=up * 0.1,
                    error_kw=error,
                    **edge,
                )
            else:
                axes.bar(
                    places,
                    up,
                    0.7,
                    bottom=foot,
                    color=colours[number],
                    label=GROUPS[(number + count) % len(GROUPS)],
                    **edge,
                )
                foot += up
        if kind == 2 and own.random() < 0.6:
            chart.legend(loc="upper right")
    axes.xaxis.set_ticks(places, names, rotation=45 if turned else 0, ha="right" if turned else "center")
    low, high = axes.get_ylim()
    if kind == 0 and own.random() < 0.6:
        first, last = sorted(int(place) for place in own.choice(count, 2, replace=False))
        axes.plot(
            [first, first, last, last], np.array([0.93, 0.96, 0.96, 0.93]) * high * 1.1, "k-", linewidth=0.6
        )
        chart.text((first + last) / 2, high * 1.06, str(own.choice(("*", "**", "***", "ns"))), ha="center")
    axes.set_ylim(min(0, low), high * 1.15)
    chart.axes.locator_params(axis="y", nbins=4)
    chart.name_axes("", str(kin.choice(UP)))
    return chart.done()


@style(OTHER, weight=3)
def line_chart(panel: Panel) -> Field:
    """Time courses with markers and error bars, or smooth dose curves."""
    kin, own, look = panel.kin, panel.own, panel.look
    count, points, smooth = int(kin.integers(1, 5)), int(kin.integers(4, 12)), kin.random() < 0.4
    colours, named, shaded = shuffled(kin, look.palette, 6), kin.random() < 0.5, kin.random() < 0.25
    rising, marks = kin.random() < 0.6, kin.permutation(np.array(("o", "s", "^", "D", "v")))
    chart = Chart(look, panel.width, panel.height, edges=(29, 24, 6, 6))
    for number in range(count):
        across = np.linspace(0, 10, 60 if smooth else points)
        middle, pace = own.uniform(2, 8), own.uniform(0.4, 2)
        up = own.uniform(0.4, 1) / (
            1 + np.exp(-(across - middle) / pace if rising else (across - middle) / pace)
        )
        if not smooth:
            up = up + own.normal(0, 0.03, len(across))
        ink = colours[number]
        if shaded:
            chart.axes.fill_between(across, up - 0.05, up + 0.05, color=ink, alpha=0.25, linewidth=0)
        if smooth:
            chart.axes.plot(across, up, color=ink, linewidth=look.line, label=GROUPS[number])
            if own.random() < 0.6:
                some = across[:: 60 // points]
                chart.axes.plot(
                    some,
                    np.interp(some, across, up) + own.normal(0, 0.03, len(some)),
                    str(marks[number]),
                    color=ink,
                    markersize=2.4,
                )
        else:
            chart.axes.errorbar(
                across,
                up,
                yerr=own.uniform(0.02, 0.08),
                color=ink,
                marker=str(marks[number]),
                markersize=2.6,
                linewidth=0.8 * look.line,
                elinewidth=0.5,
                capsize=1.3,
                capthick=0.5,
                label=GROUPS[number],
            )
    if named:
        chart.legend(loc="upper left" if rising else "upper right")
    chart.few_ticks(5)
    chart.name_axes(str(kin.choice(ACROSS)), str(kin.choice(UP)))
    return chart.done()


@style(OTHER, weight=0.8)
def scatter_with_fit(panel: Panel) -> Field:
    """Points and a straight line through them."""
    kin, own, look = panel.kin, panel.own, panel.look
    count, ink, fitted = int(kin.integers(15, 260)), shuffled(kin, look.palette, 2), kin.random() < 0.75
    size, spread, open_marks = kin.uniform(1.0, 3.2), kin.uniform(0.05, 0.5), kin.random() < 0.3
    chart = Chart(look, panel.width, panel.height, edges=(27, 24, 6, 6))
    across = own.normal(0, 1, count)
    slope = own.choice((-1, 1)) * own.uniform(0.3, 1)
    up = slope * across + own.normal(0, spread, count)
    chart.axes.plot(
        across,
        up,
        "o",
        color=ink[0],
        markersize=size,
        fillstyle="none" if open_marks else "full",
        markeredgewidth=0.5 if open_marks else 0,
        alpha=0.8,
    )
    if fitted:
        ends = np.array([across.min(), across.max()])
        chart.axes.plot(
            ends, slope * ends, color=ink[1] if own.random() < 0.5 else "black", linewidth=0.8 * look.line
        )
        chart.text(0.05, 0.9, f"R = {slope:.2f}", transform=chart.axes.transAxes)
    chart.few_ticks(4)
    chart.name_axes(str(kin.choice(ACROSS)), str(kin.choice(UP)))
    return chart.done()


@style(OTHER, weight=1.5)
def box_plot(panel: Panel) -> Field:
    """Boxes, violins or columns of points, group by group."""
    kin, own, look = panel.kin, panel.own, panel.look
    count, kind, colours = int(kin.integers(2, 7)), int(kin.integers(3)), shuffled(kin, look.palette, 6)
    names, filled = _groups(panel, count), kin.random() < 0.7
    chart = Chart(look, panel.width, panel.height, edges=(28, 16, 5, 8))
    samples = [
        own.normal(own.uniform(2, 6), own.uniform(0.4, 1.3), int(own.integers(8, 50))) for _ in range(count)
    ]
    thin = {"linewidth": 0.6 * look.line}
    if kind == 0:
        drawn = chart.axes.boxplot(
            samples,
            widths=0.55,
            patch_artist=True,
            medianprops={"color": "black", **thin},
            boxprops=thin,
            whiskerprops=thin,
            capprops=thin,
            flierprops={"markersize": 1.5, "markeredgewidth": 0.4},
        )
        for box, ink in zip(drawn["boxes"], colours, strict=False):
            box.set_facecolor(ink if filled else "white")
    elif kind == 1:
        drawn = chart.axes.violinplot(samples, widths=0.8, showmedians=True)
        for body, ink in zip(drawn["bodies"], colours, strict=False):
            body.set_facecolor(ink)
            body.set_alpha(0.75)
        for part in ("cmedians", "cbars", "cmins", "cmaxes"):
            drawn[part].set(linewidth=0.5, color="black")
    if kind == 2 or own.random() < 0.3:
        for place, sample in enumerate(samples, start=1):
            ink = colours[(place - 1) % 6] if kind == 2 else "black"
            chart.axes.plot(
                place + own.uniform(-0.18, 0.18, len(sample)),
                sample,
                "o",
                color=ink,
                markersize=1.6,
                markeredgewidth=0,
            )
            if kind == 2:
                chart.axes.plot([place - 0.25, place + 0.25], [np.mean(sample)] * 2, "k-", linewidth=0.8)
    chart.axes.xaxis.set_ticks(range(1, count + 1), names)
    chart.axes.locator_params(axis="y", nbins=4)
    chart.name_axes("", str(kin.choice(UP)))
    return chart.done()


@style(OTHER, size=(150, 140), weight=1)
def pie_chart(panel: Panel) -> Field:
    """A pie or a ring with shares."""
    kin, own, look = panel.kin, panel.own, panel.look
    count, ring, shares = int(kin.integers(2, 7)), kin.random() < 0.4, kin.random() < 0.5
    colours, named = shuffled(kin, look.palette, 6), kin.random() < 0.5
    chart = Chart(look, panel.width, panel.height, edges=(6, 6, 38 if named else 8, 8))
    wedges, *_ = chart.axes.pie(
        own.gamma(2, 1, count),
        colors=colours,
        startangle=90,
        autopct="%.0f%%" if shares else None,
        textprops={"fontsize": chart.letter, "fontfamily": chart.family},
        wedgeprops={"width": 0.42 if ring else 1, "edgecolor": "white", "linewidth": 0.6},
    )
    if named:
        chart.axes.legend(
            wedges,
            _groups(panel, count),
            loc="center left",
            bbox_to_anchor=(0.98, 0.5),
            prop={"size": chart.letter * 0.9, "family": chart.family},
            frameon=False,
            handlelength=0.9,
            handletextpad=0.4,
        )
    if ring:
        chart.text(0, 0, f"n={own.integers(20, 900)}", ha="center", va="center")
    return chart.done()


@style(OTHER, weight=0.5)
def plain_histogram(panel: Panel) -> Field:
    """Counts of one quantity in bins, perhaps with a bell curve or a second group."""
    kin, own, look = panel.kin, panel.own, panel.look
    bins, colours, two = int(kin.integers(10, 45)), shuffled(kin, look.palette, 3), kin.random() < 0.35
    bell, skewed = kin.random() < 0.4, kin.random() < 0.4
    chart = Chart(look, panel.width, panel.height, edges=(29, 24, 6, 8))
    for number in range(2 if two else 1):
        middle = own.uniform(40, 60) + 18 * number
        values = middle - 30 + own.gamma(2.2, 9, 1200) if skewed else own.normal(middle, 9, 1200)
        chart.axes.hist(
            values,
            bins=bins,
            color=colours[number],
            alpha=0.65 if two else 1,
            edgecolor="white" if bins < 25 else "none",
            linewidth=0.3,
        )
        if bell and not skewed:
            across = np.linspace(middle - 30, middle + 30, 80)
            spread = np.ptp(values) / bins
            chart.axes.plot(
                across,
                1200 * spread * np.exp(-0.5 * ((across - middle) / 9) ** 2) / (9 * 2.507),
                "k-",
                linewidth=0.8 * look.line,
            )
    chart.few_ticks(4)
    chart.name_axes(
        str(kin.choice(("Length (mm)", "Age (years)", "Size (nm)", "Score"))),
        str(kin.choice(("Frequency", "Count", "Number"))),
    )
    return chart.done()
