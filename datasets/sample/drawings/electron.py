"""Electron micrographs: grey, grainy, sharp."""

import numpy as np

from datasets.sample.lettering import WHITE, Pen
from datasets.sample.styles import MICROSCOPY, Panel, style
from datasets.sample.textures import (
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
    wandering,
)


def finished(panel: Panel, image: Field, *, grain: float, data_bar: bool = False) -> Field:
    """Give a grey scene its grain, the paper's camera, a scale bar or the microscope's own black bar."""
    own, look, width, height = panel.own, panel.look, panel.width, panel.height
    image = look.photographed(image + grain * noise(own, width, height), own)
    if not data_bar and (not look.scale_bar or own.random() < 0.5):
        return image
    pen = Pen(image, "sans")
    if data_bar:
        top = height - max(12, height // 11)
        pen.box(0, top, width, height, fill=(0.05, 0.05, 0.05))
        middle = (top + height) / 2
        pen.text(4, middle, "15.0kV  x2,500", size=(height - top) * 0.7, colour=WHITE)
        pen.line((width * 0.7, middle), (width * 0.95, middle), colour=WHITE, width=2)
        return pen.done()
    pen.scale_bar(width * 0.2, colour=WHITE if look.scale_bar_colour == WHITE else (0, 0, 0))
    return pen.done()


@style(MICROSCOPY, weight=1.5)
def thin_section(panel: Panel) -> Field:
    """Transmission: membranes, mitochondria with their folds, vesicles, granules."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    spacing, grey, grain = kin.uniform(22, 60), kin.uniform(0.55, 0.75), kin.uniform(0.03, 0.09)
    organelles, dark = kin.uniform(0.4, 1.6), kin.uniform(0.35, 0.5)
    border, numbers = cells(own, width, height, spacing, jitter=0.38)
    warped = border + 1.6 * noise(own, width, height, 9.0)
    image = grey + 0.14 * (numbers - 0.5) + 0.05 * clouds(own, width, height, 16, 4)
    image = image - dark * np.exp(-(((warped - 0.6) / 1.0) ** 2))
    for x, y in scattered(own, width, height, 24 / organelles, jitter=0.4):
        chance = own.random()
        if chance < 0.3:
            radii = (own.uniform(7, 13), own.uniform(4, 6.5))
            body = blob(own, width, height, (x, y), radii, angle=own.uniform(0, np.pi), waver=0.1)
            if body is None:
                continue
            folds = np.sin(body.x * own.uniform(9, 16) + 2 * body.y + own.uniform(0, 6)) * body.mask(2)
            wall = np.exp(-(((body.radius - 0.93) / 0.1) ** 2))
            image[body.place] += -0.13 * body.mask(1.5) - 0.12 * folds - 0.25 * wall
        elif chance < 0.75:
            ring = blob(own, width, height, (x, y), (own.uniform(1.6, 3.2),) * 2, waver=0.05)
            if ring is not None:
                image[ring.place] += 0.12 * ring.mask(1) - 0.3 * np.exp(-(((ring.radius - 0.9) / 0.25) ** 2))
        elif chance < 0.85:
            granule = blob(own, width, height, (x, y), (own.uniform(2, 5),) * 2, waver=0.08)
            if granule is not None:
                image[granule.place] -= 0.35 * granule.mask(1.5)
    return finished(panel, blur(image, 0.5), grain=grain)


@style(MICROSCOPY, weight=0.6)
def scanned_surface(panel: Panel) -> Field:
    """Scanning: spheres, crystals or a rough surface with bright edges, lit from one side."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    kind, size, grain = int(kin.integers(3)), kin.uniform(6, 22), kin.uniform(0.02, 0.06)
    data_bar, base = kin.random() < 0.45, kin.uniform(0.15, 0.4)
    image = base + 0.07 * clouds(own, width, height, 12, 4)
    if kind == 0:
        for x, y in scattered(own, width, height, size * 1.5, jitter=0.4):
            ball = blob(own, width, height, (x, y), (size * own.uniform(0.5, 1),) * 2, waver=0.02)
            if ball is not None:
                lit = 0.35 + 0.45 * ball.radius**3 - 0.12 * (ball.x + ball.y)
                inside = ball.mask(1.2)
                image[ball.place] = image[ball.place] * (1 - inside) + lit * inside
    elif kind == 1:
        border, numbers = cells(own, width, height, size * 1.6, jitter=0.45)
        image = (
            0.25
            + 0.35 * numbers
            + 0.45 * np.exp(-((border / 1.3) ** 2))
            + 0.05 * noise(own, width, height, 2.0)
        )
    else:
        relief = clouds(own, width, height, size * 2, 5)
        slope = np.gradient(relief)
        image = 0.42 - 0.5 * (slope[0] + slope[1]) + 0.1 * np.hypot(*slope) * 3
        strokes = Strokes()
        for _ in range(int(own.integers(10, 60))):
            start = (own.uniform(-10, width), own.uniform(-10, height))
            strokes.line(
                wandering(own, start, own.uniform(0, 6.3), width * 0.6, bend=0.06), own.uniform(0.8, 3)
            )
        image = image * 0.7 + 0.5 * blur(drawn(width, height, strokes, finer=2), 0.5)
    return finished(panel, blur(image, 0.5), grain=grain, data_bar=data_bar)


@style(MICROSCOPY, weight=0.4)
def particles(panel: Panel) -> Field:
    """Negative stain or nanoparticles: dark or pale round bodies on a grainy grey film."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    pale, radius, grey = kin.random() < 0.5, kin.uniform(1.8, 11), kin.uniform(0.5, 0.72)
    grain, faceted, shell = kin.uniform(0.04, 0.12), kin.random() < 0.3, kin.random() < 0.4
    image = grey + 0.03 * clouds(own, width, height, 40) + 0.04 * noise(own, width, height, 2.0)
    clumps = noise(own, width, height, 45.0)
    for x, y in scattered(own, width, height, radius * 2.6 + 2, jitter=0.4):
        column, row = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
        if clumps[row, column] < own.uniform(-1, 1.2):
            continue
        size = radius * own.uniform(0.75, 1.2)
        body = blob(
            own,
            width,
            height,
            (x, y),
            (size, size * own.uniform(0.8, 1)),
            angle=own.uniform(0, 3),
            waver=0.2 if faceted else 0.03,
        )
        if body is None:
            continue
        mask = body.mask(1.4)
        if pale:
            image[body.place] += 0.2 * mask - 0.22 * np.exp(-(((body.radius - 1.15) / 0.2) ** 2))
        else:
            depth = 0.6 * (step(body.radius, 0.55, 0.3) + 0.3) if shell else 0.42
            image[body.place] -= depth * mask
    return finished(panel, blur(image, 0.4), grain=grain)
