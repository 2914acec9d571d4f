"""None of the above: text, tables, logos, screens and masks."""

import numpy as np

from datasets.sample.charts import colour_map
from datasets.sample.lettering import BLACK, WHITE, Pen
from datasets.sample.sheets import blank, inks, pale
from datasets.sample.styles import OTHER, Panel, style
from datasets.sample.textures import Field, blob, cells, scattered

PROSE = (
    "the protein was expressed in cells after treatment with each inhibitor and samples were taken at "
    "day seven for analysis of total RNA levels which increased by half "
    "while controls did not change in any group"
)
WORDS = PROSE.split()
BASES = "ACGT"
BASE_COLOURS = ((0.2, 0.65, 0.25), (0.15, 0.3, 0.8), (0.9, 0.65, 0.1), (0.85, 0.15, 0.15))
RESIDUES = "ACDEFGHIKLMNPQRSTVWY"


@style(OTHER, size=(200, 130), weight=0.8)
def paragraph(panel: Panel) -> Field:
    """Lines of text, sometimes with a heading or bullets."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    size, headed, bulleted, dark = (
        kin.uniform(7, 12),
        kin.random() < 0.4,
        kin.random() < 0.25,
        kin.random() < 0.08,
    )
    ink = WHITE if dark else BLACK
    pen = Pen(np.zeros((height, width, 3), np.float32) + 0.12, look.font) if dark else blank(panel)
    y = size
    if headed:
        pen.text(6, y, " ".join(own.choice(WORDS, 2)).title(), size=size * 1.5, colour=inks(panel)[0])
        y += size * 2
    while y < height - size / 2:
        line = "\u2022 " if bulleted else ""
        while pen.words_width(line, size) < width - 12 - 5 * size * own.random():
            line += str(own.choice(WORDS)) + " "
        while pen.words_width(line, size) > width - 8:
            line = line.strip().rpartition(" ")[0]
        pen.text(6, y, line, size=size, colour=ink)
        y += size * 1.45
    return pen.done()


@style(OTHER, size=(210, 130), weight=1.2)
def table(panel: Panel) -> Field:
    """Rows and columns of numbers, ruled, banded or boxed."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    rows, columns, kind = int(kin.integers(4, 12)), int(kin.integers(3, 7)), int(kin.integers(3))
    colour, pen = inks(panel)[0], blank(panel, tinted=False)
    high, wide = height / rows, width / columns
    size = min(high * 0.66, 10 * look.letter)
    for row in range(rows):
        top = row * high
        if row == 0 and kind:
            pen.box(0, top, width, top + high, fill=colour if kind == 1 else pale(colour, 0.7))
        elif kind == 1 and row % 2 == 0:
            pen.box(0, top, width, top + high, fill=pale(colour, 0.85))
        for column in range(columns):
            if row == 0:
                words = ("Group", "n", "Mean", "SD", "p", "OR", "CI")[column]
            elif column == 0:
                words = ("Ctrl", "Low", "High", "Age", "Sex", "BMI", "IL-6", "CRP", "TNF", "Hb", "WBC")[
                    (row - 1) % 11
                ]
            else:
                words = f"{own.gamma(2, 6):.{int(own.integers(0, 3))}f}"
            ink = WHITE if row == 0 and kind == 1 else BLACK
            pen.text(
                column * wide + wide * (0.08 if column == 0 else 0.5),
                top + high / 2,
                words,
                size=size,
                colour=ink,
                anchor="lm" if column == 0 else "mm",
            )
    if kind == 0:
        for y in (1, high, height - 2):
            pen.line((0, y), (width, y))
    elif kind == 2:
        for row in range(rows + 1):
            pen.line(
                (0, min(height - 1, row * high)), (width, min(height - 1, row * high)), colour=(0.6, 0.6, 0.6)
            )
        for column in range(columns + 1):
            pen.line(
                (min(width - 1, column * wide), 0),
                (min(width - 1, column * wide), height),
                colour=(0.6, 0.6, 0.6),
            )
    return pen.done()


@style(OTHER, size=(150, 110), weight=0.7)
def logo(panel: Panel) -> Field:
    """A sign and a name in two or three flat colours."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    colours, shape, reversed_ = inks(panel), int(kin.integers(4)), kin.random() < 0.3
    ground, ink = (colours[0], WHITE) if reversed_ else (WHITE, colours[0])
    pen = Pen(np.ones((height, width, 3), np.float32) * np.asarray(ground, np.float32), look.font)
    x, y, radius = width * 0.5, height * 0.38, min(width, height) * own.uniform(0.2, 0.3)
    turns = np.arange(6) * np.pi / 3 + own.uniform(0, 1)
    if shape == 0:
        pen.oval(x, y, radius, radius, fill=ink)
        pen.oval(x + radius * 0.3, y - radius * 0.2, radius * 0.55, radius * 0.55, fill=ground)
    elif shape == 1:
        corners = [(x + radius * np.cos(turn), y + radius * np.sin(turn)) for turn in turns]
        pen.polygon(corners, fill=ink)
        pen.text(
            x,
            y,
            str(own.choice(("A", "Q", "\u03b2", "N", "X"))),
            size=radius * 1.2,
            colour=ground,
            anchor="mm",
        )
    elif shape == 2:
        for place, turn in enumerate(turns):
            pen.oval(
                x + radius * 0.65 * np.cos(turn),
                y + radius * 0.65 * np.sin(turn),
                radius * 0.32,
                radius * 0.32,
                fill=colours[(place + 1) % 6],
            )
    else:
        for place in range(4):
            left = x - radius + place * radius * 0.55
            pen.box(
                left,
                y + radius - radius * (0.5 + 0.45 * place),
                left + radius * 0.4,
                y + radius,
                fill=colours[(place + 1) % 6],
                round_by=2,
            )
    name = str(own.choice(("BioCore", "OpenLab", "genix", "CELLWORKS", "PlasmID", "Nova", "Helix")))
    pen.text(width / 2, height * 0.82, name, size=height * 0.17, colour=ink, anchor="mm")
    return pen.done()


@style(OTHER, size=(230, 95), weight=0.5)
def sequence_alignment(panel: Panel) -> Field:
    """Letters of several sequences, aligned, the conserved ones shaded."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    rows, dna, shade = int(kin.integers(3, 9)), kin.random() < 0.4, int(kin.integers(3))
    alphabet = BASES if dna else RESIDUES
    pen = Pen(np.ones((height, width, 3), np.float32), "DejaVuSansMono")
    high = height / (rows + 0.5)
    size = min(high * 0.85, 11.0)
    pitch = pen.words_width("M", size) + 0.6
    aside = pen.words_width("Seq10", size * 0.95) + 4
    consensus = own.choice(list(alphabet), int((width - aside) / pitch))
    kept = own.random(len(consensus)) < kin.uniform(0.4, 0.85)
    tints = [pale(colour, 0.45) for colour in inks(panel)]
    for row in range(rows):
        y = (row + 0.75) * high
        pen.text(2, y, f"Seq{row + 1}", size=size * 0.95)
        for place, letter in enumerate(consensus):
            same = kept[place] or own.random() < 0.5
            x = aside + place * pitch
            if same and shade:
                tint = (
                    tints[alphabet.index(str(letter)) % 6]
                    if shade == 1
                    else ((0.1, 0.1, 0.1) if kept[place] else (0.7, 0.7, 0.7))
                )
                pen.box(x, y - high / 2, x + pitch, y + high / 2, fill=tint)
            ink = WHITE if same and shade == 2 and kept[place] else BLACK
            pen.text(
                x + pitch / 2,
                y,
                str(letter if same else own.choice(list(alphabet))),
                size=size,
                colour=ink,
                anchor="mm",
            )
    return pen.done()


@style(OTHER, size=(215, 140), weight=0.5)
def screen(panel: Panel) -> Field:
    """A window of a program: bars, lists, buttons, a small chart."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    colours, dark = inks(panel), kin.random() < 0.3
    ground, ink = ((0.13, 0.14, 0.17), (0.85, 0.86, 0.88)) if dark else ((0.97, 0.97, 0.98), (0.2, 0.2, 0.22))
    pen = Pen(np.ones((height, width, 3), np.float32) * np.asarray(ground, np.float32), look.font)
    pen.box(0, 0, width, height * 0.09, fill=colours[0] if kin.random() < 0.5 else (0.3, 0.32, 0.36))
    for light in range(3):
        pen.oval(
            7 + 8 * light,
            height * 0.045,
            2.3,
            2.3,
            fill=((0.95, 0.35, 0.3), (0.95, 0.75, 0.25), (0.3, 0.8, 0.35))[light],
        )
    aside = width * kin.uniform(0.22, 0.34)
    pen.box(0, height * 0.09, aside, height, fill=(0.2, 0.21, 0.25) if dark else (0.9, 0.91, 0.93))
    for row in range(int(height * 0.8 / 12)):
        y = height * 0.15 + row * 12
        if row == 1:
            pen.box(2, y - 5, aside - 3, y + 5, fill=pale(colours[0], 0.4), round_by=2)
        pen.text(6, y, str(own.choice(WORDS)), size=7.5, colour=ink)
    for row in range(4):
        y = height * (0.2 + 0.1 * row)
        pen.box(
            aside + 8,
            y - 4,
            width - 8 - own.uniform(0, 0.3) * width,
            y + 3,
            fill=pale(colours[row % 6], 0.5 if dark else 0.75),
            round_by=2,
        )
    for bar in range(7):
        x = aside + 12 + bar * (width - aside - 24) / 7
        pen.box(x, height * (0.92 - own.uniform(0.05, 0.32)), x + 8, height * 0.92, fill=colours[1])
    pen.box(width - 46, height * 0.12, width - 8, height * 0.12 + 10, fill=colours[2], round_by=3)
    return pen.done()


@style(OTHER, weight=0.3)
def segmentation_mask(panel: Panel) -> Field:
    """What a program cut out of a micrograph: flat shapes, white on black or each in a colour."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    kind, spacing = int(kin.integers(3)), kin.uniform(14, 42)
    scale = str(kin.choice(("nipy_spectral", "viridis", "tab20", "gray")))
    if kind == 0:
        border, _ = cells(own, width, height, spacing)
        return (border > 1.6).astype(np.float32) if kin.random() < 0.6 else (border < 1.2).astype(np.float32)
    image = np.zeros((height, width, 3), np.float32)
    if kind == 2:
        image += np.asarray(colour_map(scale, np.array([0.0]))[0], np.float32)
    for x, y in scattered(own, width, height, spacing, jitter=0.3):
        shape = blob(
            own,
            width,
            height,
            (x, y),
            (spacing * own.uniform(0.25, 0.45), spacing * own.uniform(0.2, 0.36)),
            angle=own.uniform(0, 3),
            waver=0.12,
        )
        if shape is None or own.random() < 0.15:
            continue
        colour = (
            np.ones(3, np.float32) if kind == 1 else colour_map(scale, np.array([own.uniform(0.25, 1)]))[0]
        )
        image[shape.place][shape.radius < 1] = colour
    return image


@style(OTHER, size=(215, 100), weight=0.3)
def sequence_logo(panel: Panel) -> Field:
    """Letters piled up by how often they occur at each place."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    places = int(kin.integers(7, 18))
    pen = Pen(np.ones((height, width, 3), np.float32), "DejaVuSans-Bold")
    foot, pitch = height * 0.88, (width - 16) / places
    pen.line((12, 4), (12, foot), (width - 2, foot))
    for place in range(places):
        shares = np.sort(own.dirichlet((0.35,) * 4))
        order, y = own.permutation(4), foot
        certain = 1 + float((shares * np.log(np.maximum(shares, 1e-6))).sum()) / np.log(4)
        for share, letter in zip(shares, order, strict=True):
            high = share * certain * height * 0.8
            if high > 4:
                pen.text(
                    14 + pitch * (place + 0.5),
                    y,
                    BASES[letter],
                    size=min(high * 1.3, pitch * 1.35),
                    colour=BASE_COLOURS[letter],
                    anchor="ms",
                )
            y -= high
        pen.text(14 + pitch * (place + 0.5), height * 0.94, str(place + 1), size=6, anchor="mm")
    return pen.done()
