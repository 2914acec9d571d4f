"""Transmitted light: stained sections of tissue."""

import numpy as np

from datasets.sample.lettering import BLACK, Pen
from datasets.sample.styles import MICROSCOPY, Panel, style
from datasets.sample.textures import (
    Colour,
    Field,
    blob,
    blur,
    cells,
    clouds,
    mixed,
    noise,
    scattered,
    step,
)

GLASS: Colour = (0.96, 0.95, 0.96)


def finished(panel: Panel, image: Field) -> Field:
    """Give a bright scene the paper's camera and perhaps a scale bar."""
    own, look = panel.own, panel.look
    image = image + own.standard_normal(image.shape, dtype=np.float32) * np.float32(0.012)
    image = look.photographed(image, own)
    if not look.scale_bar or own.random() < 0.5:
        return image
    pen = Pen(image, look.font)
    pen.scale_bar(panel.width * 0.18, colour=BLACK)
    return pen.done()


def flat(panel: Panel, colour: Colour) -> Field:
    """Return an even image (h, w, 3)."""
    return np.ones((panel.height, panel.width, 3), np.float32) * np.asarray(colour, np.float32)


def _nuclei(
    panel: Panel, spacing: float, radius: float, *, flow: Field | None = None, crowd: Field | None = None
) -> Field:
    """Draw nuclei as a mask (h, w) 0..1; long along `flow` (radians), denser where `crowd` is high."""
    own, width, height = panel.own, panel.width, panel.height
    layer = np.zeros((height, width), np.float32)
    for x, y in scattered(own, width, height, spacing, jitter=0.4):
        column, row = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
        if own.random() < (0.15 if crowd is None else 1 - crowd[row, column]):
            continue
        size = radius * own.uniform(0.7, 1.25)
        longer = own.uniform(1.0, 1.4) if flow is None else own.uniform(1.5, 2.6)
        angle = own.uniform(0, np.pi) if flow is None else float(flow[row, column]) + own.normal(0, 0.2)
        shape = blob(own, width, height, (x, y), (size * longer, size * 0.8), angle=angle, waver=0.12)
        if shape is not None:
            clumps = 0.75 + 0.25 * np.cos(5 * shape.x + own.uniform(0, 6)) * np.cos(
                5 * shape.y + own.uniform(0, 6)
            )
            layer[shape.place] = np.maximum(
                layer[shape.place], shape.mask(1.5) * clumps * own.uniform(0.6, 1)
            )
    return blur(layer, 0.4)


def _ground(panel: Panel, pale: Colour, deep: Colour, scale: float) -> Field:
    """Draw cytoplasm and fibres as a mottled ground between two colours."""
    own, width, height = panel.own, panel.width, panel.height
    mottle = 0.5 + 0.2 * clouds(own, width, height, scale, 4) + 0.08 * noise(own, width, height, 1.5)
    share = np.clip(mottle, 0, 1)
    return mixed(flat(panel, pale), flat(panel, deep), share)


@style(MICROSCOPY, weight=3)
def pink_purple_tissue(panel: Panel) -> Field:
    """Haematoxylin and eosin at high magnification: purple nuclei on pink, clefts, red cells."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    pale = [(0.95, 0.8, 0.88), (0.93, 0.72, 0.84), (0.9, 0.78, 0.9), (0.97, 0.84, 0.86)][kin.integers(4)]
    deep = [(0.82, 0.42, 0.66), (0.86, 0.5, 0.68), (0.74, 0.46, 0.72), (0.88, 0.56, 0.62)][kin.integers(4)]
    ink = [(0.3, 0.13, 0.45), (0.22, 0.12, 0.42), (0.36, 0.2, 0.5)][kin.integers(3)]
    spacing, radius = kin.uniform(8, 17), kin.uniform(2.4, 5.5)
    spindly, open_share = kin.random() < 0.45, kin.uniform(-2.5, -1.0)
    flow = 1.2 * noise(own, width, height, width / 2) if spindly else None
    crowd = np.clip(0.75 + 0.25 * noise(own, width, height, 40.0), 0.1, 1)
    image = _ground(panel, pale, deep, 14)
    clefts = step(open_share - clouds(own, width, height, 22), 0, 0.3)
    image = mixed(image, GLASS, clefts * 0.9)
    for x, y in scattered(own, width, height, 26):
        if own.random() < 0.12:
            red = blob(own, width, height, (x, y), (3.2, 2.8), waver=0.1)
            if red is not None:
                image[red.place] = mixed(image[red.place], (0.85, 0.25, 0.3), red.mask(1.2) * 0.8)
    nuclei = _nuclei(panel, spacing, radius, flow=flow, crowd=crowd) * (1 - clefts)
    return finished(panel, mixed(image, ink, np.clip(nuclei * 0.95, 0, 1)))


@style(MICROSCOPY, weight=1)
def glands(panel: Panel) -> Field:
    """Crypts or tubules cut across: rings of nuclei about pale lumens, stroma between."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    spacing, thick = kin.uniform(28, 62), kin.uniform(0.11, 0.2)
    brown = kin.random() < 0.3
    pale = (0.93, 0.92, 0.94) if brown else [(0.95, 0.8, 0.88), (0.96, 0.86, 0.88)][kin.integers(2)]
    deep = (0.7, 0.72, 0.84) if brown else [(0.84, 0.5, 0.7), (0.8, 0.42, 0.6)][kin.integers(2)]
    ink = (0.42, 0.24, 0.1) if brown else (0.32, 0.16, 0.48)
    border, numbers = cells(own, width, height, spacing, jitter=0.22)
    border = border + 0.06 * spacing * noise(own, width, height, spacing / 3)
    image = _ground(panel, pale, deep, 10)
    lumen = step(border, spacing * (thick + 0.13), 2.5) * (numbers > 0.12)
    epithelium = step(border, spacing * 0.09, 2) * (1 - lumen)
    cytoplasm = np.asarray(deep, np.float32) * 0.7 + np.asarray(pale, np.float32) * 0.3
    image = mixed(image, np.broadcast_to(cytoplasm, image.shape), epithelium * 0.8)
    image = mixed(image, GLASS, lumen * (0.55 + 0.45 * (numbers > 0.5)))
    ring = np.exp(-(((border - spacing * (0.11 + thick * 0.2)) / (spacing * 0.05)) ** 2))
    nuclei = _nuclei(panel, 4.6, 1.9, crowd=np.clip(0.07 + 1.2 * ring, 0, 1))
    return finished(panel, mixed(image, ink, nuclei * 0.9))


@style(MICROSCOPY, weight=1.5)
def brown_stain(panel: Panel) -> Field:
    """Immunohistochemistry: some cells brown, all nuclei pale blue."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    spacing, radius = kin.uniform(7, 15), kin.uniform(2.2, 4.5)
    membranous, positive = kin.random() < 0.4, kin.uniform(0.02, 0.75)
    paper, blue = (0.93, 0.92, 0.93), [(0.45, 0.5, 0.72), (0.55, 0.62, 0.78)][kin.integers(2)]
    brown = [(0.45, 0.25, 0.1), (0.35, 0.18, 0.08), (0.55, 0.32, 0.14)][kin.integers(3)]
    image = _ground(panel, paper, (0.82, 0.82, 0.86), 16)
    regions = np.clip(own.uniform(0.4, 1.6) * positive + 0.4 * noise(own, width, height, 45.0), 0, 1)
    image = mixed(image, blue, 0.9 * _nuclei(panel, spacing, radius, crowd=1 - 0.6 * regions))
    if membranous:
        border, numbers = cells(own, width, height, spacing)
        stain = np.exp(-((border / 1.3) ** 2)) * (numbers < regions) + 0.3 * regions * step(border, 0, 2)
    else:
        stain = _nuclei(panel, spacing, radius * 1.1, crowd=regions)
    stain = stain + 0.15 * regions * np.clip(1 + 0.5 * noise(own, width, height, 3.0), 0, 2)
    return finished(panel, mixed(image, brown, np.clip(stain, 0, 0.95)))


@style(MICROSCOPY, weight=0.7)
def fibres(panel: Panel) -> Field:
    """Muscle or scar in a trichrome or red stain: bundles of fibres with blue or pale between."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    pairs = (
        ((0.75, 0.2, 0.3), (0.3, 0.42, 0.75)),
        ((0.8, 0.35, 0.5), (0.96, 0.9, 0.92)),
        ((0.92, 0.8, 0.6), (0.75, 0.12, 0.15)),
        ((0.86, 0.5, 0.56), (0.45, 0.62, 0.75)),
    )
    flesh, between = pairs[kin.integers(4)]
    across = kin.random() < 0.5
    scar, spacing, angle = kin.uniform(0.1, 0.6), kin.uniform(9, 26), kin.uniform(0, np.pi)
    if across:
        border, numbers = cells(own, width, height, spacing, jitter=0.2)
        gap = 1 - step(border, 1.2 + 1.2 * scar, 1.2)
        tone = 0.85 + 0.3 * numbers
    else:
        x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
        bent = 7 * noise(own, width, height, width / 2)
        wave = (y + bent) * np.cos(angle) + (x + bent) * np.sin(angle)
        stripes = np.sin(wave * 2 * np.pi / (spacing * 0.7)) + 0.7 * noise(
            own, width, height, spacing / 2, stretch=2.0
        )
        gap, tone = step(stripes, 1.1 - scar, 0.4), 0.95 + 0.06 * np.sin(wave * 2)
    image = flat(panel, flesh) * (tone * (1 + 0.05 * noise(own, width, height, 2.0)))[..., None]
    gap = np.maximum(gap, step(clouds(own, width, height, spacing * 2), 1.9 - scar * 1.5, 0.3))
    fibrous = (
        np.asarray(between, np.float32) * (1 + 0.07 * noise(own, width, height, 1.5, stretch=3.0))[..., None]
    )
    nuclei = _nuclei(panel, 15, 1.8, flow=np.full((height, width), angle, np.float32))
    return finished(panel, mixed(mixed(image, fibrous, gap), (0.25, 0.12, 0.4), nuclei * 0.85))


@style(MICROSCOPY, weight=0.25)
def whole_section(panel: Panel) -> Field:
    """A section at lowest magnification on bare glass: a piece of tissue with lobes and holes."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    tones = (
        ((0.88, 0.6, 0.75), (0.5, 0.25, 0.6)),
        ((0.86, 0.82, 0.86), (0.45, 0.28, 0.14)),
        ((0.8, 0.78, 0.86), (0.3, 0.28, 0.6)),
        ((0.95, 0.88, 0.86), (0.75, 0.2, 0.22)),
    )
    flesh, dense = tones[kin.integers(4)]
    radii = (width * kin.uniform(0.32, 0.48), height * kin.uniform(0.3, 0.46))
    lobed, holes = kin.uniform(0.15, 0.4), kin.uniform(0.8, 2.0)
    image = flat(panel, GLASS) + 0.008 * clouds(own, width, height, 60)[..., None]
    piece = blob(
        own, width, height, (width / 2, height / 2), radii, angle=own.normal(0, 0.3), waver=lobed, lobes=7
    )
    if piece is None:
        return finished(panel, image)
    rows, columns = piece.radius.shape
    inner = clouds(own, columns, rows, min(width, height) / 5, 5)
    tissue = mixed(
        np.ones((rows, columns, 3), np.float32) * np.asarray(flesh, np.float32),
        dense,
        np.clip(0.35 + 0.3 * inner, 0, 1),
    )
    rim = np.exp(-(((1 - piece.radius) / 0.07) ** 2)) * 0.6
    tissue = mixed(tissue, dense, np.clip(rim, 0, 1)) + 0.05 * noise(own, columns, rows, 1.2)[..., None]
    open_space = step(clouds(own, columns, rows, min(width, height) / 7), holes, 0.3)
    image[piece.place] = mixed(image[piece.place], tissue, piece.mask(1.5) * (1 - open_space))
    return finished(panel, image)
