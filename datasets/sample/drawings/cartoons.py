"""None of the above: drawn cells, organs and experiments."""

import numpy as np

from datasets.sample.drawings.blots import chemiluminescence_strip
from datasets.sample.lettering import BLACK, Pen
from datasets.sample.sheets import blank, inks, pale
from datasets.sample.styles import OTHER, Panel, style
from datasets.sample.textures import Field, wandering

PARTS = ("AKT", "mTOR", "PI3K", "RAS", "ERK", "NF-kB", "p53", "STAT", "JAK", "TGF", "SMAD", "Wnt")


@style(OTHER, size=(190, 150), weight=1)
def pathway_cartoon(panel: Panel) -> Field:
    """A membrane, ovals with the names of proteins, arrows, a nucleus."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    colours, count, nucleus = inks(panel), int(kin.integers(3, 7)), kin.random() < 0.7
    pen = blank(panel)
    level = height * kin.uniform(0.14, 0.22)
    for x in range(2, width, 5):
        for y in (level, level + 9):
            pen.oval(x, y, 2, 2, fill=pale(colours[0], 0.3))
        pen.line((x, level + 2), (x, level + 7), colour=(0.6, 0.6, 0.6))
    if nucleus:
        pen.oval(
            width * 0.5,
            height * 0.86,
            width * 0.36,
            height * 0.2,
            fill=pale(colours[1], 0.8),
            edge=colours[1],
        )
    names = own.permutation(np.array(PARTS))
    step = (height * 0.95 - level) / count
    last: tuple[float, float] | None = None
    for part in range(count):
        at = (width * own.uniform(0.22, 0.78), level + step * (part + 0.35))
        if last:
            pen.arrow((last[0], last[1] + 9), (at[0], at[1] - 9), colour=(0.2, 0.2, 0.2), size=6)
        rx = max(14.0, pen.words_width(str(names[part]), 8 * look.letter) * 0.75)
        pen.oval(at[0], at[1], rx, 8.5, fill=pale(colours[(part + 2) % 6], 0.35), edge=(0.3, 0.3, 0.3))
        pen.text(at[0], at[1], str(names[part]), size=8 * look.letter, anchor="mm")
        last = at
    return pen.done()


@style(OTHER, size=(205, 120), weight=0.4)
def blot_in_a_diagram(panel: Panel) -> Field:
    """A sketch of an experiment with a small picture of its blot."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    colours, w, h = inks(panel), int(width * kin.uniform(0.36, 0.5)), int(height * kin.uniform(0.18, 0.3))
    pen = blank(panel)
    left, top = int(width * 0.46), int(height * kin.uniform(0.3, 0.5))
    for tube in range(int(kin.integers(2, 5))):
        x = width * (0.08 + 0.09 * tube)
        pen.box(
            x - 4,
            height * 0.3,
            x + 4,
            height * 0.62,
            fill=pale(colours[tube % 6], 0.4),
            edge=BLACK,
            round_by=4,
        )
        pen.text(x, height * 0.72, str(tube + 1), size=8 * look.letter, anchor="mm")
    pen.arrow((width * 0.36, height * 0.46), (left - 4, height * 0.46), size=7)
    pen.text(
        width * 0.24,
        height * 0.15,
        str(own.choice(("lysate", "IP: HA", "+ drug", "pull-down"))),
        size=9 * look.letter,
        anchor="mm",
    )
    canvas = pen.done()
    strip = chemiluminescence_strip(Panel(w, h, kin, own, look))
    canvas[top : top + h, left : left + w] = np.clip(strip, 0, 1)[..., None]
    pen = Pen(canvas, look.font)
    pen.box(left - 1, top - 1, left + w, top + h, edge=BLACK)
    pen.text(
        left + w / 2, top - 9, str(own.choice(("WB", "anti-HA", "p-ERK"))), size=9 * look.letter, anchor="mm"
    )
    return pen.done()


@style(OTHER, size=(160, 140), weight=0.3)
def anatomy_sketch(panel: Panel) -> Field:
    """A drawn outline of an organ, a cell or a worm with parts in flat colours and pointers to them."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    colours, parts = inks(panel), int(kin.integers(2, 6))
    pen = blank(panel)
    turns = np.linspace(0, 2 * np.pi, 40)
    waves = kin.normal(0, 0.08, 4)
    outline = 1 + sum(wave * np.cos((order + 2) * turns + order) for order, wave in enumerate(waves))
    body = [
        (width * (0.45 + 0.33 * r * np.cos(t)), height * (0.5 + 0.38 * r * np.sin(t)))
        for r, t in zip(outline, turns, strict=True)
    ]
    pen.polygon(body, fill=pale(colours[0], 0.75))
    pen.line(*body, width=1.5)
    for part in range(parts):
        x, y = width * own.uniform(0.28, 0.6), height * own.uniform(0.28, 0.72)
        rx, ry = width * own.uniform(0.04, 0.1), height * own.uniform(0.04, 0.12)
        pen.oval(x, y, rx, ry, fill=pale(colours[(part + 1) % 6], 0.3), edge=(0.2, 0.2, 0.2))
        end = (width * 0.84, height * (part + 0.7) / (parts + 0.6))
        pen.line((x, y), end)
        pen.text(end[0] + 2, end[1], ("nuc", "ER", "vac", "LV", "RA", "gut")[part], size=8 * look.letter)
    if kin.random() < 0.4:
        pen.line(
            *wandering(own, (width * 0.2, height * 0.5), 0, width * 0.5, bend=0.3),
            colour=colours[2],
            width=1.5,
        )
    return pen.done()
