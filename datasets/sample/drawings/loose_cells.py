"""Transmitted light: smears, living cultures, and plants cut across."""

import numpy as np

from datasets.sample.drawings.stained_tissue import finished, flat
from datasets.sample.styles import MICROSCOPY, Panel, style
from datasets.sample.textures import (
    Field,
    Strokes,
    blob,
    blur,
    cells,
    clouds,
    drawn,
    mixed,
    noise,
    scattered,
    step,
    wandering,
)


@style(MICROSCOPY, weight=0.5)
def blood_smear(panel: Panel) -> Field:
    """Red cells with pale centres and a few white cells."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    radius, paper = (
        kin.uniform(5, 11),
        [(0.93, 0.9, 0.88), (0.9, 0.88, 0.93), (0.95, 0.92, 0.83)][kin.integers(3)],
    )
    red = [(0.85, 0.55, 0.55), (0.78, 0.52, 0.6), (0.82, 0.62, 0.5)][kin.integers(3)]
    image, crowd = flat(panel, paper), kin.uniform(1.9, 3.2)
    for x, y in scattered(own, width, height, radius * crowd, jitter=0.25):
        white = own.random() < 0.04
        size = radius * (1.6 if white else own.uniform(0.9, 1.08))
        cell = blob(
            own,
            width,
            height,
            (x, y),
            (size, size * own.uniform(0.88, 1)),
            angle=own.uniform(0, 3),
            waver=0.05,
        )
        if cell is None:
            continue
        if white:
            image[cell.place] = mixed(image[cell.place], (0.78, 0.72, 0.86), cell.mask(1.5) * 0.8)
            for _ in range(int(own.integers(2, 5))):
                at = (x + own.normal(0, size / 3.2), y + own.normal(0, size / 3.2))
                lobe = blob(own, width, height, at, (size * 0.4, size * 0.36), waver=0.1)
                if lobe is not None:
                    image[lobe.place] = mixed(image[lobe.place], (0.36, 0.18, 0.52), lobe.mask(1.5) * 0.9)
            continue
        pallor = 1 - 0.6 * np.exp(-((cell.radius / 0.45) ** 2))
        image[cell.place] = mixed(image[cell.place], red, cell.mask(1.3) * pallor)
    return finished(panel, image)


@style(MICROSCOPY, weight=1.2)
def phase_contrast(panel: Panel) -> Field:
    """Living cells without stain: grey, each with a halo; sometimes a scratch through the layer."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    grey, spacing, relief = kin.uniform(0.42, 0.66), kin.uniform(9, 26), kin.uniform(0.12, 0.35)
    scratched, long = kin.random() < 0.35, kin.uniform(1.0, 3.2)
    half, light, tinted = kin.uniform(0.12, 0.3), kin.uniform(0, 2 * np.pi), kin.random() < 0.3
    image = grey + 0.015 * clouds(own, width, height, 80) + 0.012 * noise(own, width, height, 1.5)
    gap = half * own.uniform(0.5, 1.1)
    for x, y in scattered(own, width, height, spacing, jitter=0.32):
        if (scratched and abs(x / width - 0.5 + own.normal(0, 0.02)) < gap) or own.random() < 0.12:
            continue
        round_up = own.random() < 0.12
        radii = (spacing * 0.22,) * 2 if round_up else (spacing * 0.32 * long, spacing * 0.3)
        cell = blob(
            own, width, height, (x, y), (radii[0], radii[1]), angle=own.uniform(0, np.pi), waver=0.25, reach=2
        )
        if cell is None:
            continue
        halo = np.exp(-(((cell.radius - 1.12) / 0.2) ** 2)) * (1.6 if round_up else 1)
        slope = (cell.x * np.cos(light) + cell.y * np.sin(light)) * cell.mask(2)
        core = np.exp(-((cell.radius / 0.4) ** 2)) * own.uniform(-0.3, 0.6)
        image[cell.place] += np.float32(relief) * (0.8 * halo - 0.6 * cell.mask(2.5) + 0.6 * slope + core)
    image = blur(image, 0.5)
    return finished(
        panel, image[..., None] * np.asarray((1.0, 0.97, 0.88) if tinted else (1, 1, 1), np.float32)
    )


@style(MICROSCOPY, weight=0.4)
def stained_droplets(panel: Panel) -> Field:
    """Cultures with red fat droplets, or with cells that migrated through a filter, violet on white."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    violet, spacing = kin.random() < 0.5, kin.uniform(9, 22)
    ink = (0.35, 0.2, 0.55) if violet else (0.75, 0.12, 0.12)
    paper, pores = [(0.93, 0.92, 0.94), (0.88, 0.88, 0.86)][kin.integers(2)], kin.random() < 0.5
    image, share = flat(panel, paper), own.uniform(0.15, 0.9)
    border, _ = cells(own, width, height, spacing * 2.2)
    image = image * (1 - 0.1 * np.exp(-((border / 1.5) ** 2)))[..., None]
    for x, y in scattered(own, width, height, spacing, jitter=0.45):
        if own.random() > share:
            continue
        parts = 1 if violet else int(own.integers(2, 9))
        for _ in range(parts):
            at = (x + own.normal(0, spacing * 0.2), y + own.normal(0, spacing * 0.2))
            radii = (spacing * 0.45, spacing * 0.26) if violet else (spacing * own.uniform(0.05, 0.16),) * 2
            drop = blob(
                own,
                width,
                height,
                at,
                (radii[0], radii[1]),
                angle=own.uniform(0, 3),
                waver=0.35 if violet else 0.04,
            )
            if drop is not None:
                image[drop.place] = mixed(image[drop.place], ink, drop.mask(1.5) * own.uniform(0.5, 0.9))
    if violet and pores:
        for _ in range(int(width * height / 300)):
            pore = blob(
                own, width, height, (own.uniform(0, width), own.uniform(0, height)), (1.5, 1.5), waver=0
            )
            if pore is not None:
                image[pore.place] = mixed(image[pore.place], (0.55, 0.53, 0.58), pore.mask(1) * 0.6)
    image = image + 0.012 * clouds(own, width, height, 30)[..., None]
    return finished(panel, image)


@style(MICROSCOPY, weight=0.3)
def plant_section(panel: Panel) -> Field:
    """A stem or a root cut across: walls of cells, vessels, in green and red or as bright lines."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    kind, spacing = int(kin.integers(3)), kin.uniform(7, 15)
    border, numbers = cells(own, width, height, spacing, jitter=0.34)
    wall = np.exp(-((border / 1.1) ** 2))
    strokes = Strokes()
    for _ in range(int(own.integers(1, 4))):
        start = (own.uniform(0, width), own.uniform(0, height))
        strokes.line(wandering(own, start, own.uniform(0, 6), width * 0.8, bend=0.15), spacing * 0.7)
    vessels = np.clip(drawn(width, height, strokes, finer=2), 0, 1)
    if kind == 0:
        image = mixed(flat(panel, (0.9, 0.93, 0.85)), (0.25, 0.5, 0.42), wall)
        return finished(panel, mixed(image, (0.75, 0.2, 0.3), np.clip(vessels * (0.4 + 0.6 * wall), 0, 1)))
    if kind == 1:
        grain = blur((numbers > 0.6).astype(np.float32) * step(border, 2, 1), 0.6)
        image = mixed(flat(panel, (0.94, 0.94, 0.94)), (0.3, 0.3, 0.45), wall * 0.9)
        return finished(panel, mixed(image, (0.3, 0.2, 0.5), grain * 0.7))
    glow = wall * (0.5 + 0.5 * vessels) + 0.05
    return finished(panel, np.stack([glow * 0.25 + 0.5 * vessels * wall, glow, glow * 0.35], axis=-1))
