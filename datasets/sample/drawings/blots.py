"""Blots: bands of protein on a membrane or a film."""

import numpy as np

from datasets.sample.lanes import LADDER, Lanes, add_band, add_smear, ladder_heights, membrane
from datasets.sample.lettering import BLACK, WHITE, Pen
from datasets.sample.styles import BLOT, Panel, style
from datasets.sample.textures import Field, blob, blur, clouds, coloured, noise

PROTEINS = (
    "p53",
    "GAPDH",
    "Actin",
    "AKT",
    "pERK",
    "ERK",
    "Bax",
    "LC3",
    "H3",
    "Tub",
    "FLAG",
    "HA",
    "IgG",
    "Myc",
)


def _strip_density(panel: Panel, width: int, height: int) -> Field:
    """Draw one row of bands as an optical density (height, width)."""
    kin, own = panel.kin, panel.own
    count = int(kin.integers(3, 11)) if kin.random() < 0.85 else int(kin.integers(1, 3))
    lanes = Lanes.across(
        kin, width, count, gap=float(kin.uniform(0.08, 0.4)), margin=float(kin.uniform(0, 0.06))
    )
    thickness = height * float(kin.uniform(0.06, 0.16))
    exposure = float(kin.uniform(0.7, 3.2))
    loading = bool(kin.random() < 0.3)
    doublet = bool(kin.random() < 0.25)
    pattern = own.gamma(1.1, 0.8, count) * (own.random(count) < 0.9)
    if loading:
        pattern = own.normal(1.6, 0.12, count)
    elif own.random() < 0.4:
        pattern = np.linspace(own.uniform(0, 1), own.uniform(0.5, 2.2), count) * own.normal(1, 0.12, count)
    density = np.zeros((height, width), np.float32)
    y = height * float(own.uniform(0.38, 0.62))
    for lane in range(count):
        at = y + float(own.normal(0, 0.02 * height))
        add_band(density, lanes, lane, at, thickness, exposure * max(0.0, pattern[lane]), own)
        if doublet:
            other = exposure * max(0.0, pattern[lane]) * own.uniform(0.2, 0.9)
            add_band(density, lanes, lane, at - 2.6 * thickness, thickness * 0.8, other, own)
        if own.random() < 0.12:
            faint = at + height * float(own.uniform(-0.45, 0.45))
            add_band(density, lanes, lane, faint, thickness * 0.6, 0.15 * exposure, own)
    return density


def _exposed(panel: Panel, density: Field, *, paper: float, unevenness: float, speckle: float) -> Field:
    """Turn a density into a dark-on-light picture (height, width) with the membrane's own unevenness."""
    height, width = density.shape
    own = panel.own
    background = membrane(own, width, height, unevenness=unevenness, speckle=speckle)
    if own.random() < 0.3:
        background = background - np.float32(0.06) * np.clip(clouds(own, width, height, height), 0, 2)
    return (paper + background) * np.exp(-density) + np.float32(0.03)


@style(BLOT, weight=8)
def chemiluminescence_strip(panel: Panel) -> Field:
    """A wide crop of one row of dark bands."""
    paper, uneven = panel.kin.uniform(0.62, 0.98), panel.kin.uniform(0.004, 0.05)
    speckle, soft = panel.kin.uniform(0.004, 0.03), panel.kin.uniform(0.2, 1.4)
    density = _strip_density(panel, panel.width, panel.height)
    image = _exposed(panel, density, paper=paper, unevenness=uneven, speckle=speckle)
    return panel.look.photographed(blur(image, soft), panel.own)


@style(BLOT, size=(120, 62), weight=1.5)
def blot_close_up(panel: Panel) -> Field:
    """A tight crop of a band or two, blurred as if blown up."""
    kin, own = panel.kin, panel.own
    paper, speckle = kin.uniform(0.55, 0.95), kin.uniform(0.006, 0.04)
    count, thickness = int(kin.integers(1, 4)), kin.uniform(0.08, 0.17) * panel.height
    lanes = Lanes.across(
        kin, panel.width, count, gap=kin.uniform(0.1, 0.45), margin=float(kin.uniform(-0.2, 0.05))
    )
    density = np.zeros((panel.height, panel.width), np.float32)
    y = panel.height * own.uniform(0.3, 0.7)
    for lane in range(count):
        add_band(density, lanes, lane, y, thickness * own.uniform(0.8, 1.3), own.uniform(0.3, 3.5), own)
        if own.random() < 0.35:
            far = y + panel.height * own.uniform(-0.35, 0.35)
            add_band(density, lanes, lane, far, thickness * 0.7, own.uniform(0.1, 1.2), own)
    image = _exposed(panel, density, paper=paper, unevenness=0.03, speckle=speckle * 2)
    return panel.look.photographed(blur(image, kin.uniform(0.8, 1.8)), own)


@style(BLOT, size=(165, 185), weight=2)
def whole_membrane(panel: Panel) -> Field:
    """A whole blot: several rows of bands, a ladder, smears, sometimes the film's dark edge."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    count = int(kin.integers(4, 11))
    lanes = Lanes.across(kin, width, count, gap=kin.uniform(0.12, 0.35), margin=kin.uniform(0.03, 0.12))
    paper, speckle, dirt = kin.uniform(0.68, 0.97), kin.uniform(0.005, 0.03), kin.random() < 0.5
    rows = [
        (height * kin.uniform(0.1, 0.92), kin.uniform(0.01, 0.022), kin.gamma(1.2, 0.6))
        for _ in range(kin.integers(2, 8))
    ]
    marked, edged = kin.random() < 0.6, kin.random() < 0.25
    density = np.zeros((height, width), np.float32)
    rungs = ladder_heights(kin, height, 7)
    for lane in range(count):
        amount = own.gamma(2.0, 0.5)
        for y, thickness, strength in rows:
            if own.random() < 0.85:
                add_band(
                    density,
                    lanes,
                    lane,
                    y,
                    thickness * height,
                    strength * amount * own.uniform(0.4, 1.6),
                    own,
                )
        if own.random() < 0.35:
            top = height * own.uniform(0.05, 0.5)
            add_smear(
                density, lanes, lane, top, top + height * own.uniform(0.1, 0.4), own.uniform(0.05, 0.35), own
            )
    if marked:
        density *= np.where(np.arange(width) < lanes.centres[0] + lanes.width / 2, 0, 1)
        for y in rungs:
            add_band(density, lanes, 0, y, height * 0.009, kin.uniform(0.3, 1.5), own)
    if dirt:
        density += np.clip(clouds(own, width, height, 30) - 1.4, 0, 1) * 0.2
    if edged:
        y, x = np.mgrid[0:height, 0:width]
        density += np.maximum(0, 1.4 - np.minimum(np.minimum(x, width - x), np.minimum(y, height - y)) / 3.0)
    image = _exposed(panel, density, paper=paper, unevenness=0.03, speckle=speckle)
    return panel.look.photographed(blur(image, kin.uniform(0.3, 0.9)), own)


@style(BLOT, size=(220, 150), weight=0.4)
def labelled_strips(panel: Panel) -> Field:
    """Strips one above the other with the names of proteins and treatments, as a figure shows them."""
    kin, own, look = panel.kin, panel.own, panel.look
    width, height = panel.width, panel.height
    rows = int(kin.integers(2, 5))
    aside = width * kin.uniform(0.14, 0.21)
    on_left, over = kin.random() < 0.6, height * kin.uniform(0.07, 0.14)
    pen = Pen(np.ones((height, width, 3), np.float32), look.font)
    names = [str(name) for name in kin.choice(PROTEINS, rows, replace=False)]
    widest = max(pen.words_width(name, 10) for name in names) / 10
    letters = min(9.5 * look.letter, (aside - 7) / widest)
    strip_height = (height - over) / rows
    paper, speckle = kin.uniform(0.7, 0.95), kin.uniform(0.004, 0.02)
    kin_state = kin.bit_generator.state
    w, h = int(width - aside - 4), max(8, int(strip_height - 4))
    left = aside if on_left else 2
    canvas = pen.done()
    for row in range(rows):
        # Every strip has the same lanes.
        kin.bit_generator.state = kin_state
        strip = _exposed(panel, _strip_density(panel, w, h), paper=paper, unevenness=0.01, speckle=speckle)
        top = int(over + row * strip_height)
        strip = look.photographed(blur(strip, 0.5), own)
        canvas[top : top + h, int(left) : int(left) + w] = np.clip(strip, 0, 1)[..., None]
    pen = Pen(canvas, look.font)
    for row, name in enumerate(names):
        top = int(over + row * strip_height)
        pen.box(left - 1, top - 1, left + w, top + h, edge=BLACK)
        at = (aside - 5, "rm") if on_left else (left + w + 5, "lm")
        pen.text(at[0], top + h / 2, name, size=letters, anchor=at[1])
    signs = int(kin.integers(3, 8))
    for place in range(signs):
        sign = "+" if own.random() < 0.5 else "-"
        pen.text(left + w * (place + 0.5) / signs, over / 2, sign, size=letters * 1.15, anchor="mm")
    return pen.done()


@style(BLOT, size=(200, 80), weight=0.4)
def blue_film(panel: Panel) -> Field:
    """Bands on X-ray film that was photographed over a light table: blue or cyan, sometimes green."""
    kin = panel.kin
    light = [(0.35, 0.75, 0.92), (0.45, 0.66, 0.9), (0.55, 0.8, 0.72), (0.62, 0.66, 0.86)][kin.integers(4)]
    dark = (0.03, 0.05, 0.1)
    density = _strip_density(panel, panel.width, panel.height)
    image = _exposed(panel, density, paper=0.95, unevenness=0.03, speckle=0.015)
    return panel.look.photographed(coloured(np.clip(blur(image, 0.8), 0, 1), dark, light), panel.own)


@style(BLOT, size=(200, 110), weight=0.6)
def fluorescent_blot(panel: Panel) -> Field:
    """Two dyes on a scanned membrane: red and green bands on black, or one of them in grey on black."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    count = int(kin.integers(4, 10))
    lanes = Lanes.across(kin, width, count, gap=kin.uniform(0.15, 0.4), margin=0.04)
    heights = [height * kin.uniform(0.2, 0.85) for _ in range(kin.integers(1, 4))]
    grey, glow = kin.random() < 0.35, kin.uniform(0.02, 0.1)
    dyes = [np.zeros((height, width), np.float32) for _ in range(2)]
    for y in heights:
        dye = dyes[int(kin.integers(2))]
        for lane in range(count):
            add_band(dye, lanes, lane, y, height * 0.035, own.gamma(1.5, 0.6), own)
    for lane in range(count):
        if own.random() < 0.3:
            add_smear(dyes[0], lanes, lane, height * 0.2, height * 0.7, own.uniform(0.05, 0.3), own)
    haze = glow + membrane(own, width, height, unevenness=0.012, speckle=0.015)
    red, green = (
        1 - np.exp(-blur(dye, 0.6)) + haze * share for dye, share in zip(dyes, (1.0, 0.6), strict=True)
    )
    if grey:
        return panel.look.photographed(red + green, own)
    blue = haze * 0.4
    return panel.look.photographed(np.stack([red, green, blue], axis=-1), own)


@style(BLOT, size=(190, 85), weight=0.4)
def dot_blot(panel: Panel) -> Field:
    """Rows of spots on a membrane, fading along a dilution."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    columns, rows = int(kin.integers(3, 9)), int(kin.integers(1, 5))
    pitch = min(width / columns, height / rows)
    radius, paper = pitch * kin.uniform(0.22, 0.42), kin.uniform(0.7, 0.95)
    inverted, strength = kin.random() < 0.2, kin.uniform(1.2, 4)
    density = np.zeros((height, width), np.float32)
    for row in range(rows):
        amount, fall = own.uniform(0.3, 1), own.uniform(0.5, 0.9)
        for column in range(columns):
            at = (
                width * (column + 0.5) / columns + own.normal(0, 1),
                height * (row + 0.5) / rows + own.normal(0, 1),
            )
            spot = blob(own, width, height, at, (radius, radius), waver=0.06, reach=1.6)
            if spot is not None:
                ring = 1 + 0.35 * own.random() * spot.radius**2
                density[spot.place] += strength * amount * fall**column * spot.mask(3) * ring
    density += np.abs(noise(own, width, height, 2.0)) * 0.02
    image = _exposed(panel, blur(density, 0.9), paper=paper, unevenness=0.02, speckle=0.012)
    return panel.look.photographed(1 - image if inverted else image, own)


@style(BLOT, size=(175, 160), weight=0.25)
def annotated_membrane(panel: Panel) -> Field:
    """A blot beside the weights of its marker, on white."""
    kin, own, look = panel.kin, panel.own, panel.look
    width, height = panel.width, panel.height
    aside, over = int(width * kin.uniform(0.12, 0.16)), int(height * kin.uniform(0.06, 0.11))
    inner = Panel(width - aside, height - over, kin, own, look)
    dark = kin.random() < 0.25
    image = np.ones((height, width), np.float32)
    blot = whole_membrane(inner)
    image[over:, aside:] = np.clip(1 - blot if dark else blot, 0, 1)
    pen = Pen(image, look.font)
    for y, weight in zip(ladder_heights(kin, height - over, len(LADDER)), LADDER, strict=True):
        pen.text(aside - 6, over + y, weight, size=8 * look.letter, anchor="rm")
        pen.line((aside - 4, over + y), (aside, over + y))
    lanes = int(kin.integers(3, 8))
    for lane in range(lanes):
        x = aside + (width - aside) * (lane + 0.5) / lanes
        pen.text(x, over / 2, str(lane + 1), size=8 * look.letter, anchor="mm")
    if own.random() < 0.4:
        y = over + (height - over) * own.uniform(0.2, 0.8)
        pen.arrow((width - 2, y), (width - 14, y), colour=WHITE if dark else BLACK)
    return pen.done()
