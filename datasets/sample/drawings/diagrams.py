"""None of the above: diagrams, maps, trees and formulas."""

import numpy as np

from datasets.sample.lettering import BLACK, WHITE, Pen
from datasets.sample.sheets import blank, inks, pale
from datasets.sample.styles import OTHER, Panel, style
from datasets.sample.textures import Field

STEPS = (
    "Patients",
    "Screen",
    "Exclude",
    "Randomize",
    "Control",
    "Treated",
    "Follow-up",
    "Analysis",
    "RNA-seq",
    "Culture",
    "Harvest",
    "Assay",
)
PARTS = ("AKT", "mTOR", "PI3K", "RAS", "ERK", "NF-kB", "p53", "STAT", "JAK", "TGF", "SMAD", "Wnt")


@style(OTHER, size=(180, 165), weight=1.5)
def flow_diagram(panel: Panel) -> Field:
    """Boxes with words, joined by arrows."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    rows, split, rounded = int(kin.integers(3, 6)), kin.random() < 0.6, kin.choice((0, 4))
    colours, filled, letters = inks(panel), kin.random() < 0.6, 8.5 * look.letter
    pen, words = blank(panel), own.permutation(np.array(STEPS))
    high, step = height / rows * 0.55, height / rows
    number = 0
    for row in range(rows):
        places = (0.27, 0.73) if split and row >= rows - 2 else (0.5,)
        for place in places:
            x, y, half = width * place, step * (row + 0.45), width * (0.2 if len(places) > 1 else 0.3)
            fill = pale(colours[(row + number) % 6], 0.55) if filled else WHITE
            pen.box(x - half, y - high / 2, x + half, y + high / 2, fill=fill, edge=BLACK, round_by=rounded)
            pen.text(x, y, str(words[number % len(words)]), size=letters, anchor="mm")
            number += 1
            if row:
                start = (width * (0.5 if len(places) == 1 or row == rows - 2 else place), y - step + high / 2)
                pen.arrow(start, (x, y - high / 2))
    return pen.done()


@style(OTHER, size=(155, 155), weight=0.4)
def plasmid_map(panel: Panel) -> Field:
    """A ring with coloured genes and their names."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    colours, genes, thick = inks(panel), int(kin.integers(3, 8)), kin.uniform(3, 8)
    pen = blank(panel)
    x, y, radius = width / 2, height / 2, min(width, height) * 0.32
    pen.oval(x, y, radius, radius, edge=BLACK)
    starts = np.sort(own.uniform(0, 2 * np.pi, genes))
    for gene, start in enumerate(starts):
        end = start + own.uniform(0.25, 0.8)
        turns = np.linspace(start, end, 12)
        ring = [
            (x + r * np.cos(t), y + r * np.sin(t))
            for r, row in ((radius - thick / 2, turns), (radius + thick / 2, turns[::-1]))
            for t in row
        ]
        pen.polygon([(float(a), float(b)) for a, b in ring], fill=colours[gene % 6], edge=BLACK)
        middle = (start + end) / 2
        pen.text(
            x + radius * 1.32 * np.cos(middle),
            y + radius * 1.25 * np.sin(middle),
            ("ori", "AmpR", "lacZ", "CMV", "GFP", "NeoR", "pA")[gene % 7],
            size=7.5 * look.letter,
            anchor="mm",
        )
    pen.text(
        x,
        y,
        f"pX{own.integers(10, 99)}\n{own.integers(3, 11)}.{own.integers(10)} kb",
        size=8 * look.letter,
        anchor="mm",
    )
    return pen.done()


@style(OTHER, size=(170, 165), weight=0.3)
def family_tree(panel: Panel) -> Field:
    """A phylogeny or a clustering: right-angled branches with names or bare."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    leaves, named, upright = int(kin.integers(6, 24)), kin.random() < 0.7, kin.random() < 0.3
    colours, coloured = inks(panel), kin.random() < 0.4
    pen = blank(panel)
    long, wide = (height, width) if upright else (width, height)
    reach = long * (0.72 if named else 0.92)

    def turned(along: float, across: float) -> tuple[float, float]:
        return (across, long - along) if upright else (along, across)

    nodes = [(reach * own.uniform(0.85, 1), wide * (leaf + 0.5) / leaves) for leaf in range(leaves)]
    if named:
        for leaf, (along, across) in enumerate(nodes):
            if not upright:
                pen.text(
                    along + 3,
                    across,
                    f"{'ABCDEFGH'[leaf % 8]}. sp{leaf + 1}",
                    size=min(8.0, wide / leaves) * look.letter,
                )
    while len(nodes) > 1:
        pair = int(own.integers(len(nodes) - 1))
        (first, upper), (second, lower) = nodes[pair], nodes[pair + 1]
        joint = min(first, second) - reach * own.uniform(
            0.02, 1.6 / len(nodes) ** 0.8 if len(nodes) > 4 else 0.2
        )
        joint = max(joint, 5.0)
        ink = colours[len(nodes) % 6] if coloured else BLACK
        pen.line(
            turned(first, upper),
            turned(joint, upper),
            turned(joint, lower),
            turned(second, lower),
            colour=ink,
        )
        nodes[pair : pair + 2] = [(joint, (upper + lower) / 2)]
    pen.line(turned(nodes[0][0], nodes[0][1]), turned(2, nodes[0][1]))
    return pen.done()


@style(OTHER, size=(165, 150), weight=0.4)
def network(panel: Panel) -> Field:
    """Nodes and edges: interactions between genes."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    count, colours, size = int(kin.integers(8, 40)), inks(panel), kin.uniform(2.5, 8)
    named, dark = size > 5.5, kin.random() < 0.15
    pen = Pen(np.zeros((height, width, 3), np.float32), look.font) if dark else blank(panel)
    places = np.column_stack([own.normal(0.5, 0.2, count) * width, own.normal(0.5, 0.2, count) * height])
    places = np.clip(places, 8, (width - 8, height - 8))
    for node in range(1, count):
        for other in own.choice(node, min(node, int(own.integers(1, 4))), replace=False):
            pen.line(tuple(places[node]), tuple(places[int(other)]), colour=(0.65, 0.65, 0.65))
    for node, (x, y) in enumerate(places.tolist()):
        radius = size * own.uniform(0.6, 1.4)
        pen.oval(x, y, radius, radius, fill=colours[node % 6], edge=WHITE if dark else (0.25, 0.25, 0.25))
        if named and own.random() < 0.4:
            pen.text(
                x, y, PARTS[node % 12], size=7 * look.letter, colour=WHITE if dark else BLACK, anchor="mm"
            )
    return pen.done()


@style(OTHER, size=(170, 125), weight=0.4)
def molecule(panel: Panel) -> Field:
    """A structural formula: joined rings, side chains, letters."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    rings, size = int(kin.integers(2, 5)), min(width, height) * kin.uniform(0.11, 0.17)
    coloured = kin.random() < 0.5
    pen = blank(panel, tinted=False)
    step = size * np.sqrt(3)
    x, y = width / 2 - step * (rings - 1) / 2, height / 2
    for _ in range(rings):
        corners = [(x + size * np.sin(turn), y + size * np.cos(turn)) for turn in np.arange(6) * np.pi / 3]
        pen.line(*corners, corners[0], width=1.3 * look.line)
        inner = [
            (x + size * 0.78 * np.sin(turn), y + size * 0.78 * np.cos(turn))
            for turn in np.arange(6) * np.pi / 3
        ]
        for side in (0, 2, 4):
            pen.line(inner[side], inner[(side + 1) % 6], width=look.line)
        for corner in own.choice((0, 2, 3, 5), 2, replace=False):
            at = corners[int(corner)]
            out = (at[0] + (at[0] - x) * 0.75, at[1] + (at[1] - y) * 0.75)
            pen.line(at, out, width=1.3 * look.line)
            words, ink = (
                (("OH"), (0.8, 0.1, 0.1)),
                ("NH2", (0.1, 0.2, 0.8)),
                ("O", (0.8, 0.1, 0.1)),
                ("CH3", BLACK),
                ("Cl", (0, 0.55, 0)),
            )[own.integers(5)]
            beyond = (at[0] + (at[0] - x) * 1.15, at[1] + (at[1] - y) * 1.15)
            pen.text(*beyond, words, size=9 * look.letter, colour=ink if coloured else BLACK, anchor="mm")
        zig = own.choice((0, 0, 1))
        x, y = (x + step, y) if not zig else (x + step / 2, y - size * 1.5)
    return pen.done()
