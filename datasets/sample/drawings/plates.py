"""Macroscopy: culture plates and wells, photographed."""

import numpy as np

from datasets.sample.lettering import Pen
from datasets.sample.styles import MACROSCOPY, Panel, style
from datasets.sample.textures import (
    Colour,
    Field,
    Strokes,
    blob,
    blur,
    clouds,
    drawn,
    grid,
    mixed,
    noise,
    scattered,
    step,
    vignette,
)

BENCHES: tuple[Colour, ...] = (
    (0.08, 0.08, 0.09),
    (0.2, 0.21, 0.23),
    (0.55, 0.55, 0.53),
    (0.85, 0.85, 0.84),
    (0.3, 0.34, 0.42),
    (0.7, 0.66, 0.6),
)
AGARS: tuple[Colour, ...] = (
    (0.84, 0.78, 0.6),
    (0.7, 0.68, 0.55),
    (0.75, 0.25, 0.22),
    (0.6, 0.68, 0.72),
    (0.86, 0.84, 0.8),
    (0.35, 0.3, 0.2),
    (0.55, 0.62, 0.4),
)
COLONIES: tuple[Colour, ...] = (
    (0.95, 0.92, 0.82),
    (0.93, 0.85, 0.55),
    (0.25, 0.18, 0.14),
    (0.7, 0.25, 0.2),
    (0.2, 0.4, 0.65),
    (0.97, 0.97, 0.96),
)


def _bench(panel: Panel, colour: Colour) -> Field:
    """Draw what a dish stands on, unevenly lit."""
    own, width, height = panel.own, panel.width, panel.height
    light = vignette(
        width, height, panel.kin.uniform(0, 0.35), (panel.kin.uniform(0.2, 0.8), panel.kin.uniform(0.2, 0.8))
    )
    return (
        np.asarray(colour, np.float32) * (light * (1 + 0.03 * clouds(own, width, height, 12, 4)))[..., None]
    )


def _rim(image: Field, away: Field, radius: float, thick: float, shine: Field) -> Field:
    """Draw the glass or plastic wall of a round dish; `away` is the distance from its centre."""
    for place, bright in ((1.0, 0.9), (0.965, 0.35), (0.93, 0.75)):
        ring = np.exp(-(((away - radius * place) / thick) ** 2))
        image = mixed(image, (bright,) * 3, np.clip(ring * (0.25 + 0.6 * shine), 0, 1))
    return image


def _grow(
    panel: Panel, image: Field, inside: Field, count: int, size: float, colour: Colour, spread: float
) -> Field:
    """Add colonies where `inside` is 1."""
    own, width, height = panel.own, panel.width, panel.height
    for _ in range(count):
        at = (own.uniform(0, width), own.uniform(0, height))
        if inside[min(height - 1, int(at[1])), min(width - 1, int(at[0]))] < 0.9:
            continue
        radius = max(0.7, size * float(np.exp(own.normal(0, spread))))
        colony = blob(own, width, height, at, (radius, radius), waver=0.05, reach=1.7)
        if colony is None:
            continue
        mask = colony.mask(1.3)
        shadow = np.exp(-(((colony.radius - 1.1) / 0.25) ** 2)) * 0.12
        tone = (
            np.asarray(colour, np.float32)
            * (1 - 0.18 * colony.radius**2 - 0.1 * (colony.x + colony.y))[..., None]
        )
        image[colony.place] = mixed(image[colony.place] * (1 - shadow)[..., None], tone, mask * 0.92)
    return image


@style(MACROSCOPY, size=(150, 148), weight=3.5)
def agar_plate(panel: Panel) -> Field:
    """A dish of agar with colonies, streaks or a lawn with holes."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    bench, agar = BENCHES[kin.integers(len(BENCHES))], AGARS[kin.integers(len(AGARS))]
    colour = COLONIES[kin.integers(len(COLONIES))]
    kind, size, spread = int(kin.integers(4)), kin.uniform(1.0, 4.5), kin.uniform(0.1, 0.4)
    radius = min(width, height) * kin.uniform(0.42, 0.56)
    image = _bench(panel, bench)
    x, y = grid(width, height)
    centre = (width * (0.5 + own.normal(0, 0.015)), height * (0.5 + own.normal(0, 0.015)))
    away = np.hypot(x - centre[0], y - centre[1])
    inside = step(radius * 0.93 - away, 0, 1.5)
    ground = (
        np.asarray(agar, np.float32)
        * (1 + 0.04 * clouds(own, width, height, 30) - 0.15 * (away / radius) ** 4)[..., None]
    )
    image = mixed(image, ground, inside * 0.93)
    if kind == 0:
        image = _grow(panel, image, inside, int(own.integers(8, 420)), size, colour, spread)
    elif kind == 1:
        field = inside * step(noise(own, width, height, 5.0), own.uniform(-3.5, -1.8), 1.5)
        image = mixed(image, colour, field * 0.75)
        for px, py in scattered(own, width, height, radius / 1.6, jitter=0.1):
            hole = step(radius * own.uniform(0.06, 0.28) - np.hypot(x - px, y - py), 0, 2.0)
            image = mixed(image, ground, hole * inside)
            disc = step(radius * 0.055 - np.hypot(x - px, y - py), 0, 1)
            image = mixed(image, (0.97, 0.97, 0.97), disc * inside)
    elif kind == 2:
        streaks = Strokes()
        angle = own.uniform(0, 2 * np.pi)
        for sweep in range(int(kin.integers(2, 5))):
            turn = angle + sweep * 1.5
            for row in np.linspace(0.25, 0.85, int(kin.integers(4, 9))):
                reach = radius * 0.9 * np.sqrt(1 - row**2)
                ends = [
                    (row * radius, -reach * own.uniform(0.3, 0.9)),
                    (row * radius, reach * own.uniform(0.3, 0.9)),
                ]
                turned = [
                    (
                        centre[0] + u * np.cos(turn) - v * np.sin(turn),
                        centre[1] + u * np.sin(turn) + v * np.cos(turn),
                    )
                    for u, v in ends
                ]
                streaks.line(turned, own.uniform(1.5, 3.5) / (1 + 0.4 * sweep))
        film = blur(drawn(width, height, streaks, finer=2), 0.6) * np.clip(
            1 + 0.7 * noise(own, width, height, 2.0), 0, 1.6
        )
        image = mixed(image, colour, np.clip(film, 0, 0.9) * inside)
    else:
        for _ in range(int(own.integers(1, 4))):
            turf = blob(
                own,
                width,
                height,
                (centre[0] + own.normal(0, radius / 3), centre[1] + own.normal(0, radius / 3)),
                (radius * own.uniform(0.2, 0.5),) * 2,
                waver=0.06,
                lobes=9,
            )
            if turf is not None:
                rings = 0.8 + 0.2 * np.cos(turf.radius * own.uniform(9, 18))
                tone = np.asarray(colour, np.float32) * rings[..., None]
                image[turf.place] = mixed(image[turf.place], tone, turf.mask(4) * inside[turf.place] * 0.95)
    shine = np.clip(0.5 + 0.6 * np.cos(np.arctan2(y - centre[1], x - centre[0]) - kin.uniform(0, 6)), 0, 1)
    return panel.look.photographed(_rim(image, away, radius, radius * 0.012 + 0.5, shine), own)


@style(MACROSCOPY, size=(155, 140), weight=0.3)
def plate_close_up(panel: Panel) -> Field:
    """A part of a plate, the rim out of sight: colonies on even agar."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    agar, colour = AGARS[kin.integers(len(AGARS))], COLONIES[kin.integers(len(COLONIES))]
    size, spread, count = kin.uniform(2, 9), kin.uniform(0.1, 0.5), kin.integers(12, 90)
    light = vignette(width, height, kin.uniform(0.05, 0.4), (kin.uniform(0, 1), kin.uniform(0, 1)))
    ground = np.asarray(agar, np.float32) * (light * (1 + 0.02 * clouds(own, width, height, 25)))[..., None]
    everywhere = np.ones((height, width), np.float32)
    image = _grow(panel, ground, everywhere, int(count * own.uniform(0.4, 1.4)), size, colour, spread)
    return panel.look.photographed(image + 0.01 * noise(own, width, height)[..., None], own)


@style(MACROSCOPY, size=(178, 124), weight=0.9)
def well_plate(panel: Panel) -> Field:
    """Wells in rows: dyes, or colonies stained violet."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    rows, columns = [(2, 3), (3, 4), (4, 6), (8, 12), (1, 4)][kin.integers(5)]
    colonies, frame = rows <= 3 and kin.random() < 0.65, BENCHES[kin.integers(len(BENCHES))]
    dyes = [
        (0.9, 0.75, 0.2),
        (0.75, 0.2, 0.35),
        (0.3, 0.45, 0.8),
        (0.45, 0.25, 0.6),
        (0.35, 0.65, 0.4),
        (0.85, 0.45, 0.5),
    ]
    dye, glass = dyes[kin.integers(len(dyes))], kin.uniform(0.75, 0.95)
    image = _bench(panel, frame)
    x, y = grid(width, height)
    pitch = min(width / columns, height / rows)
    radius = pitch * kin.uniform(0.38, 0.47)
    image = mixed(image, (glass,) * 3, np.full((height, width), kin.uniform(0, 0.7), np.float32))
    for row in range(rows):
        for column in range(columns):
            at = (
                width / 2 + (column - (columns - 1) / 2) * pitch,
                height / 2 + (row - (rows - 1) / 2) * pitch,
            )
            left, right = max(0, int(at[0] - pitch / 2 - 1)), min(width, int(at[0] + pitch / 2 + 2))
            top, bottom = max(0, int(at[1] - pitch / 2 - 1)), min(height, int(at[1] + pitch / 2 + 2))
            window = (slice(top, bottom), slice(left, right))
            away = np.hypot(x[window] - at[0], y[window] - at[1])
            inside = step(radius - away, 0, 1.3)
            strength = own.uniform(0, 1) if own.random() < 0.8 else 0.05
            tint = tuple(0.95 - (0.95 - value) * (0.05 if colonies else strength) for value in dye)
            image[window] = mixed(
                image[window],
                np.asarray(tint, np.float32) * (1 - 0.15 * (away / radius) ** 4)[..., None],
                inside,
            )
            if colonies:
                for _ in range(int(strength * radius * 3)):
                    turn, far = own.uniform(0, 2 * np.pi), radius * 0.93 * np.sqrt(own.random())
                    dot = blob(
                        own,
                        width,
                        height,
                        (at[0] + far * np.cos(turn), at[1] + far * np.sin(turn)),
                        (own.uniform(0.6, 2.2),) * 2,
                        waver=0.2,
                    )
                    if dot is not None:
                        image[dot.place] = mixed(
                            image[dot.place], (0.3, 0.2, 0.5), dot.mask(1) * own.uniform(0.5, 0.95)
                        )
            image[window] = mixed(
                image[window], (0.25, 0.25, 0.27), 0.6 * np.exp(-(((away - radius) / 1.0) ** 2))
            )
            glint = np.exp(
                -(
                    ((x[window] - at[0] + radius * 0.45) ** 2 + (y[window] - at[1] + radius * 0.5) ** 2)
                    / (radius * 0.16) ** 2
                )
            )
            image[window] = mixed(image[window], (1.0, 1.0, 1.0), glint * 0.5)
    return panel.look.photographed(image, own)


@style(MACROSCOPY, size=(190, 96), weight=0.3)
def spot_assay(panel: Panel) -> Field:
    """Drops of a dilution grown on agar, strain by strain."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    rows, columns = int(kin.integers(2, 6)), int(kin.integers(4, 7))
    ground, colour = AGARS[kin.integers(len(AGARS))], COLONIES[kin.choice((0, 1, 5))]
    grey, named = kin.random() < 0.4, kin.random() < 0.3
    if grey:
        ground, colour = (kin.uniform(0.08, 0.35),) * 3, (0.85, 0.85, 0.85)
    pitch = min(width / columns, height / rows)
    radius = pitch * kin.uniform(0.28, 0.42)
    image = np.asarray(ground, np.float32) * (1 + 0.04 * clouds(own, width, height, 40))[..., None]
    for row in range(rows):
        fall = own.choice((1.0, 0.8, 0.5, 0.25))
        for column in range(columns):
            at = (width * (column + 0.5) / columns, height * (row + 0.5) / rows)
            amount = fall * 0.45**column * 3
            if amount > 0.5:
                lawn = blob(own, width, height, at, (radius, radius), waver=0.04)
                if lawn is not None:
                    grainy = 1 - 0.12 * np.abs(own.standard_normal(lawn.radius.shape))
                    image[lawn.place] = mixed(
                        image[lawn.place],
                        np.asarray(colour, np.float32) * grainy[..., None],
                        lawn.mask(2) * min(1, amount),
                    )
                continue
            for _ in range(int(own.poisson(amount * 30))):
                turn, far = own.uniform(0, 2 * np.pi), radius * np.sqrt(own.random())
                dot = blob(
                    own,
                    width,
                    height,
                    (at[0] + far * np.cos(turn), at[1] + far * np.sin(turn)),
                    (own.uniform(0.8, 1.5),) * 2,
                    waver=0,
                )
                if dot is not None:
                    image[dot.place] = mixed(image[dot.place], colour, dot.mask(1))
    image = look.photographed(image, own)
    if not named:
        return image
    pen = Pen(image, look.font)
    for row in range(rows):
        pen.text(
            2, height * (row + 0.5) / rows, ("WT", "mut", "a1", "b2", "dko")[row], size=8, colour=(1, 1, 1)
        )
    return pen.done()
