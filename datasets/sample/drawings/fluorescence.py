"""Fluorescence micrographs: what glows on black."""

import numpy as np

from datasets.sample.lettering import Pen
from datasets.sample.styles import MICROSCOPY, Panel, style
from datasets.sample.textures import (
    Colour,
    Field,
    Strokes,
    blob,
    blur,
    cells,
    clouds,
    drawn,
    noise,
    scattered,
    step,
    vignette,
    wandering,
)

GREY: Colour = (1.0, 1.0, 1.0)
STAINS: tuple[Colour, ...] = (
    (0.1, 1.0, 0.15),
    (1.0, 0.12, 0.08),
    (0.1, 0.95, 0.95),
    (1.0, 0.15, 0.95),
    (1.0, 0.75, 0.1),
)
BLUES: tuple[Colour, ...] = ((0.12, 0.2, 1.0), (0.25, 0.4, 1.0), (0.05, 0.05, 0.95))


def finished(panel: Panel, image: Field, *, noisy: float = 0.015) -> Field:
    """Give a glowing scene its shot noise, the paper's camera and perhaps a scale bar."""
    own, look = panel.own, panel.look
    image = np.clip(image, 0, 1)
    shot = (
        own.standard_normal(image.shape, dtype=np.float32)
        * np.sqrt(image + np.float32(0.02))
        * np.float32(noisy * 3)
    )
    image = np.clip(
        look.photographed(image + shot * (image.max(axis=-1, keepdims=True) if image.ndim == 3 else 1), own),
        0,
        1,
    )
    if not look.scale_bar or own.random() < 0.5:
        return image
    pen = Pen(image, look.font)
    pen.scale_bar(panel.width * 0.18, colour=look.scale_bar_colour)
    return pen.done()


def _dyed(layers: list[tuple[Field, Colour]]) -> Field:
    """Add layers (h, w), each in its colour, as (h, w, 3)."""
    return np.sum([layer[..., None] * np.asarray(colour, np.float32) for layer, colour in layers], axis=0)


def _dye(panel: Panel, *, nuclear: bool = False) -> Colour:
    """Choose a colour of a group: often grey, as single channels are printed."""
    kin = panel.kin
    if kin.random() < 0.35:
        return GREY
    choices = BLUES if nuclear and kin.random() < 0.7 else STAINS
    return choices[kin.integers(len(choices))]


def _nucleus(
    panel: Panel, at: tuple[float, float], radius: float, layer: Field, bright: float, *, textured: float
) -> None:
    """Add a nucleus to a layer: even, or clumped as chromatin is."""
    own = panel.own
    radii = (radius * own.uniform(0.95, 1.35), radius * own.uniform(0.75, 1.0))
    shape = blob(own, panel.width, panel.height, at, radii, angle=own.uniform(0, np.pi), waver=0.06)
    if shape is None:
        return
    inside = shape.mask(1.6)
    if textured and radius > 4:
        rows, columns = inside.shape
        chromatin = 1 + textured * noise(own, columns, rows, max(1.5, radius / 3))
        inside = inside * np.clip(chromatin, 0.2, 1.8)
    layer[shape.place] = np.maximum(layer[shape.place], bright * inside)


@style(MICROSCOPY, weight=3)
def stained_nuclei(panel: Panel) -> Field:
    """Nuclei alone, in clusters or apart, some out of focus."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    radius, bright = kin.uniform(2.5, 12), kin.uniform(0.35, 0.95)
    crowding, haze, textured = kin.uniform(1.5, 4.5), kin.uniform(0.0, 0.12), kin.uniform(0, 0.3)
    dye, clustered = _dye(panel, nuclear=True), kin.random() < 0.4
    islands = noise(own, width, height, max(width, height) / 3)
    sharp, deep = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for x, y in scattered(own, width, height, radius * crowding, jitter=0.4):
        column, row = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
        if own.random() < 0.1 or (clustered and islands[row, column] < 0.2):
            continue
        layer = deep if own.random() < 0.2 else sharp
        mitotic = own.random() < 0.04
        glow = bright * own.uniform(0.6, 1.1) * (1.5 if mitotic else 1)
        _nucleus(
            panel,
            (x, y),
            radius * (0.6 if mitotic else own.uniform(0.8, 1.15)),
            layer,
            glow,
            textured=textured,
        )
    image = np.maximum(blur(sharp, 0.5), blur(deep, radius / 3) * np.float32(0.8))
    image = image + haze * (0.5 + blur(sharp, radius * 2))
    return finished(panel, _dyed([(image, dye)]), noisy=0.012)


@style(MICROSCOPY, weight=3)
def cultured_cells(panel: Panel) -> Field:
    """Spread cells in two or three colours: nuclei, cytoplasm with filaments, granules."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    spacing = kin.uniform(26, 62)
    nuclear, dye = BLUES[kin.integers(3)], STAINS[kin.integers(len(STAINS))]
    third = STAINS[kin.integers(len(STAINS))] if kin.random() < 0.5 else None
    filaments, split = kin.uniform(0, 0.9), kin.random() < 0.35
    bodies, nuclei = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    grains, threads = np.zeros((height, width), np.float32), Strokes()
    for x, y in scattered(own, width, height, spacing, jitter=0.25, margin=spacing / 2):
        if own.random() < 0.12:
            continue
        angle, bright = own.uniform(0, np.pi), own.uniform(0.35, 1.0)
        radii = (spacing * own.uniform(0.5, 0.8), spacing * own.uniform(0.28, 0.5))
        body = blob(own, width, height, (x, y), radii, angle=angle, waver=0.28, lobes=6)
        if body is None:
            continue
        fall = body.mask(3) * (0.35 + 0.65 * np.exp(-1.5 * body.radius**2))
        bodies[body.place] = np.maximum(bodies[body.place], bright * fall)
        for _ in range(int(14 * filaments)):
            start = (x + own.normal(0, radii[0] / 3), y + own.normal(0, radii[1] / 2))
            threads.line(wandering(own, start, angle + own.normal(0, 0.35), radii[0], bend=0.08), 0.7, bright)
        _nucleus(
            panel, (x + own.normal(0, 2), y + own.normal(0, 2)), spacing * 0.17, nuclei, 0.85, textured=0.15
        )
        for _ in range(int(own.integers(4, 30))):
            dot = blob(
                own,
                width,
                height,
                (x + own.normal(0, radii[0] / 3), y + own.normal(0, radii[1] / 3)),
                (1.3, 1.3),
            )
            if dot is not None:
                grains[dot.place] += dot.mask(1.0) * own.uniform(0.4, 1)
    texture = np.clip(1 + 0.3 * noise(own, width, height, 3.0), 0.3, 1.8)
    body = 0.75 * bodies * texture * (1 - 0.5 * nuclei) + 0.4 * blur(
        drawn(width, height, threads, finer=2), 0.4
    )
    layers = [(body, dye), (nuclei, nuclear)]
    if third:
        layers.append((np.clip(blur(grains, 0.5), 0, 1), third))
    if split and own.random() < 0.65:
        layers = [layers[own.integers(len(layers))]]
    return finished(panel, _dyed(layers))


@style(MICROSCOPY, weight=1.2)
def cell_borders(panel: Panel) -> Field:
    """An epithelium whose borders glow, with or without nuclei."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    spacing, thin = kin.uniform(9, 34), kin.uniform(0.6, 1.6)
    dye, with_nuclei, broken = _dye(panel), kin.random() < 0.6, kin.uniform(0.1, 0.5)
    border, numbers = cells(own, width, height, spacing)
    bright = np.clip(1 + broken * noise(own, width, height, 8.0), 0.1, 1.6)
    edges = np.exp(-((border / (thin * 1.2)) ** 2)) * bright * 0.85
    inside = 0.12 * (0.4 + numbers) * step(border, thin, 2)
    layers = [(edges + inside, dye)]
    if with_nuclei:
        core = step(border, spacing * 0.2, spacing * 0.12) * (0.5 + 0.5 * numbers)
        grain = np.clip(1 + 0.15 * noise(own, width, height, 2.5), 0, 2)
        layers.append((blur(core * grain, 0.8), BLUES[0] if dye != GREY else GREY))
    return finished(panel, _dyed(layers))


@style(MICROSCOPY, weight=0.8)
def neurons(panel: Panel) -> Field:
    """Cell bodies with branching neurites, on black."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    dye, count = _dye(panel), int(kin.integers(3, 14))
    size, branching = kin.uniform(3, 8), kin.uniform(2, 6)
    nuclei_too = kin.random() < 0.5
    strokes, bodies = Strokes(), np.zeros((height, width), np.float32)
    nuclei = np.zeros((height, width), np.float32)
    for _ in range(count):
        at = (own.uniform(0, width), own.uniform(0, height))
        soma = blob(own, width, height, at, (size * 1.2, size * 0.9), angle=own.uniform(0, 3), waver=0.2)
        if soma is not None:
            bodies[soma.place] = np.maximum(bodies[soma.place], soma.mask(2) * 0.9)
            _nucleus(panel, at, size * 0.55, nuclei, 0.9, textured=0.1)
        for angle in own.uniform(0, 2 * np.pi, int(branching)):
            path = wandering(own, at, angle, own.uniform(0.2, 0.7) * width, bend=0.16)
            strokes.line(path, 1.4, own.uniform(0.4, 0.9))
            for fork in own.integers(0, len(path), 3):
                twig = wandering(
                    own, path[fork], angle + own.normal(0, 0.9), own.uniform(0.05, 0.3) * width, bend=0.2
                )
                strokes.line(twig, 0.8, own.uniform(0.25, 0.7))
    threads = blur(drawn(width, height, strokes, finer=3), 0.5)
    beads = np.clip(1 + 0.4 * noise(own, width, height, 2.0), 0.2, 2)
    image = np.maximum(threads * beads, blur(bodies, 0.8)) + 0.25 * blur(threads + bodies, 5) + 0.03
    return finished(panel, _dyed([(image, dye), (nuclei, BLUES[1])] if nuclei_too else [(image, dye)]))


@style(MICROSCOPY, weight=1)
def glowing_section(panel: Panel) -> Field:
    """A section through an organ: layers of nuclei, one marker along a fold, at low magnification."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    dye, other = STAINS[kin.integers(len(STAINS))], STAINS[kin.integers(len(STAINS))]
    folds, density = kin.uniform(0.25, 0.7) * width, kin.uniform(3.0, 5.5)
    angle, lift = kin.uniform(0, np.pi), kin.uniform(-0.3, 0.5)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    slope = (x * np.cos(angle) + y * np.sin(angle)) / folds
    landscape = np.sin(2 * np.pi * slope + own.uniform(0, 6)) + 0.9 * clouds(
        own, width, height, folds * 0.8, 2
    )
    tissue = step(landscape, lift - 0.9, 0.25)
    border, numbers = cells(own, width, height, density)
    present = tissue * (numbers < 0.55 + 0.4 * (landscape > lift))
    nuclei = blur(step(border, density * 0.14, density * 0.2) * present * (0.5 + 0.5 * numbers), 0.4)
    band = np.exp(-((landscape - lift) ** 2) / 0.05) * np.clip(1 + 0.6 * noise(own, width, height, 2.5), 0, 2)
    sparse = np.clip(noise(own, width, height, 2.5) - 1.7, 0, 1) * tissue
    auto = 0.07 * tissue * np.clip(1 + 0.4 * clouds(own, width, height, 12), 0, 2)
    layers = [(0.8 * nuclei, BLUES[kin.integers(3)]), (0.7 * band + auto, dye), (0.9 * sparse, other)]
    return finished(panel, _dyed(layers))


@style(MICROSCOPY, weight=0.5)
def bright_specks(panel: Panel) -> Field:
    """Bacteria or vesicles: many rods or specks, hardly resolved."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    dye, rods, count = _dye(panel), kin.random() < 0.5, int(kin.integers(15, 260))
    size, two = kin.uniform(0.8, 2.4), kin.random() < 0.35
    colours = [dye, STAINS[kin.integers(len(STAINS))]]
    layers = [np.zeros((height, width), np.float32) for _ in range(2)]
    for _ in range(count):
        at = (own.uniform(0, width), own.uniform(0, height))
        radii = (size * own.uniform(2, 5), size) if rods else (size * own.uniform(0.7, 1.6),) * 2
        speck = blob(
            own, width, height, at, (radii[0], radii[1]), angle=own.uniform(0, np.pi), waver=0.02, reach=2
        )
        if speck is not None:
            layers[int(own.random() < 0.4) if two else 0][speck.place] += own.uniform(0.3, 1) * np.exp(
                -(speck.radius**2)
            )
    haze = 0.03 + 0.04 * np.clip(clouds(own, width, height, 50), 0, 3)
    return finished(
        panel,
        _dyed(
            [
                (np.clip(layer, 0, 1) + haze * 0.7, colour)
                for layer, colour in zip(layers, colours, strict=True)
            ]
        ),
    )


@style(MICROSCOPY, weight=0.3)
def glowing_larva(panel: Panel) -> Field:
    """A worm, an embryo or a larva under the fluorescence stereoscope: one body, bright organs."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    dye, slender = STAINS[kin.integers(2)] if kin.random() < 0.6 else GREY, kin.random() < 0.5
    count = int(kin.integers(1, 4)) if slender else 1
    outline, organs = Strokes(), np.zeros((height, width), np.float32)
    for _ in range(count):
        thick = height * (0.05 if slender else 0.22) * own.uniform(0.8, 1.2)
        length = width * own.uniform(0.55, 0.9)
        start = (width * own.uniform(0.05, 0.25), height * own.uniform(0.25, 0.75))
        path = wandering(own, start, own.normal(0, 0.4), length, bend=0.16 if slender else 0.05)
        for place, point in enumerate(path):
            share = place / len(path)
            taper = np.sin(np.pi * (0.08 + 0.87 * share)) ** 0.6
            outline.line([point, path[min(place + 1, len(path) - 1)]], thick * float(taper) + 1)
            if own.random() < 0.3:
                spot = blob(own, width, height, point, (thick * own.uniform(0.1, 0.3),) * 2, reach=2)
                if spot is not None:
                    organs[spot.place] += own.uniform(0.3, 0.9) * np.exp(-1.5 * spot.radius**2)
    body = blur(drawn(width, height, outline, finer=2), 1.2)
    texture = np.clip(1 + 0.3 * clouds(own, width, height, 8), 0, 2)
    image = body * (0.22 * texture + 0.8 * np.clip(organs, 0, 1)) + 0.05 * blur(body, 9)
    background = 0.03 * vignette(width, height, 0.6)
    return finished(panel, _dyed([(image + background, dye), (0.12 * body, GREY)]))
