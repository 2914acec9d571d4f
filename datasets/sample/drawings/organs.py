"""Macroscopy: organs, tumours, skin and whole animals."""

import numpy as np

from datasets.sample.lettering import BLACK, WHITE, Pen
from datasets.sample.styles import MACROSCOPY, Panel, style
from datasets.sample.textures import (
    Blob,
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
    step,
    vignette,
    wandering,
)

CLOTHS: tuple[Colour, ...] = (
    (0.2, 0.4, 0.68),
    (0.93, 0.93, 0.92),
    (0.1, 0.1, 0.11),
    (0.25, 0.5, 0.42),
    (0.8, 0.83, 0.86),
    (0.55, 0.6, 0.66),
)
FLESHES: tuple[Colour, ...] = (
    (0.5, 0.12, 0.1),
    (0.72, 0.3, 0.26),
    (0.85, 0.62, 0.55),
    (0.42, 0.16, 0.14),
    (0.8, 0.45, 0.4),
    (0.86, 0.76, 0.62),
)


def _cloth(panel: Panel, colour: Colour) -> Field:
    """Draw drapes or paper under an object."""
    own, width, height = panel.own, panel.width, panel.height
    light = vignette(width, height, 0.25, (0.4, 0.35)) * (
        1 + 0.025 * clouds(own, width, height, 35) + 0.012 * noise(own, width, height)
    )
    return np.asarray(colour, np.float32) * light[..., None]


def _lay(panel: Panel, image: Field, shape: Blob, flesh: Colour, *, veins: float, gloss: float) -> None:
    """Lay a wet, rounded piece of flesh upon an image."""
    own = panel.own
    rows, columns = shape.radius.shape
    dome = np.sqrt(np.clip(1 - np.clip(shape.radius, 0, 1) ** 2, 0, 1))
    light = 0.5 + 0.5 * dome - 0.2 * (shape.x + shape.y) * (1 - dome * 0.5)
    mottle = 1 + 0.08 * clouds(own, columns, rows, max(3.0, columns / 6), 4)
    tone = np.asarray(flesh, np.float32) * (light * mottle)[..., None]
    if veins > 0:
        strokes = Strokes()
        for _ in range(int(3 + 8 * veins)):
            start = (own.uniform(0.2, 0.8) * columns, own.uniform(0.1, 0.9) * rows)
            strokes.line(
                wandering(own, start, own.uniform(0, 6.3), columns * 0.5, bend=0.2), own.uniform(0.6, 1.8)
            )
        tone = mixed(tone, (0.36, 0.04, 0.07), blur(drawn(columns, rows, strokes, finer=2), 0.5) * 0.55)
    wet = step(
        noise(own, columns, rows, max(2.0, columns / 14)) + 1.5 * (-shape.x - shape.y), 2.6 - gloss, 0.5
    )
    tone = mixed(tone, (1.0, 0.97, 0.95), wet * 0.7 * dome)
    image[shape.place] = mixed(image[shape.place], tone, shape.mask(1.8))


def _shade(
    panel: Panel, image: Field, at: tuple[float, float], radii: tuple[float, float], angle: float
) -> None:
    """Darken the ground under an object."""
    shadow = blob(
        panel.own,
        panel.width,
        panel.height,
        (at[0] + 3, at[1] + 4),
        (radii[0] * 1.08, radii[1] * 1.08),
        angle=angle,
        waver=0,
        reach=1.6,
    )
    if shadow is not None:
        image[shadow.place] *= (1 - 0.45 * shadow.mask(radii[1] * 0.4))[..., None]


def _ruler(panel: Panel, image: Field) -> Field:
    """Lay a ruler along the lower edge."""
    width, height = panel.width, panel.height
    pen = Pen(image, panel.look.font)
    top = height * 0.87
    pen.box(0, top, width, height, fill=(0.93, 0.92, 0.86))
    for place in range(0, width, 4):
        pen.line((place, top), (place, top + (height - top) * (0.6 if place % 20 == 0 else 0.3)))
    return pen.done()


@style(MACROSCOPY, weight=2.5)
def dissected_organ(panel: Panel) -> Field:
    """An organ or two on a cloth: kidney, liver, heart or spleen-like, wet and veined."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    cloth, flesh = CLOTHS[kin.integers(len(CLOTHS))], FLESHES[kin.integers(len(FLESHES))]
    count, ruled, veins, gloss = (
        int(kin.choice((1, 1, 2, 3))),
        kin.random() < 0.3,
        kin.uniform(0, 1),
        kin.uniform(0.2, 1.4),
    )
    slender, lesions = kin.uniform(0.45, 0.95), kin.random() < 0.35
    image = _cloth(panel, cloth)
    for place in range(count):
        at = (width * ((place + 0.5) / count + own.normal(0, 0.02)), height * (0.47 + own.normal(0, 0.03)))
        longest = min(width / count, height) * 0.42
        radii, angle = (longest, longest * slender), own.normal(1.2 if count > 1 else 0.2, 0.35)
        _shade(panel, image, at, radii, angle)
        shape = blob(own, width, height, at, radii, angle=angle, waver=0.22, lobes=4)
        if shape is None:
            continue
        _lay(panel, image, shape, flesh, veins=veins, gloss=gloss)
        if lesions:
            for _ in range(int(own.integers(1, 9))):
                spot = blob(
                    own,
                    width,
                    height,
                    (at[0] + own.normal(0, longest / 4), at[1] + own.normal(0, longest / 5)),
                    (own.uniform(1.5, 5),) * 2,
                )
                if spot is not None:
                    image[spot.place] = mixed(image[spot.place], (0.9, 0.8, 0.68), spot.mask(2.5) * 0.5)
    image = panel.look.photographed(image, own)
    return _ruler(panel, image) if ruled else image


@style(MACROSCOPY, size=(195, 120), weight=2.2)
def tumours_in_rows(panel: Panel) -> Field:
    """Excised tumours or organs of a treatment series, laid out in rows on white or blue."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    rows, columns = int(kin.integers(1, 4)), int(kin.integers(3, 8))
    cloth, flesh = CLOTHS[kin.choice((0, 1, 1, 4, 2))], FLESHES[kin.integers(len(FLESHES))]
    ruled, named = kin.random() < 0.4, kin.random() < 0.3
    image = _cloth(panel, cloth)
    aside = 30 * look.letter if named else 0.0
    pitch = min((width - aside) / columns, height / rows)
    for row in range(rows):
        size = pitch * 0.45 * own.uniform(0.4, 1)
        for column in range(columns):
            at = (
                aside + (width - aside) * (column + 0.5) / columns,
                height * (row + 0.5) / rows * (0.88 if ruled else 1),
            )
            radii = (size * own.uniform(0.75, 1.05), size * own.uniform(0.6, 0.9))
            _shade(panel, image, at, radii, 0)
            lump = blob(own, width, height, at, radii, angle=own.uniform(0, 3), waver=0.2)
            if lump is not None:
                _lay(panel, image, lump, flesh, veins=0.3, gloss=0.5)
    image = look.photographed(image, own)
    if ruled:
        image = _ruler(panel, image)
    if not named:
        return image
    pen = Pen(image, look.font)
    for row in range(rows):
        pen.text(
            3,
            height * (row + 0.5) / rows * (0.88 if ruled else 1),
            ("Ctrl", "Low", "High")[row],
            size=9 * look.letter,
            colour=WHITE if sum(cloth) < 1 else BLACK,
        )
    return pen.done()


@style(MACROSCOPY, size=(110, 165), weight=0.4)
def glowing_mouse(panel: Panel) -> Field:
    """Mice seen from above in grey, a glowing spot in false colours on each."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    count, organ = int(kin.integers(1, 4)), kin.uniform(0.3, 0.7)
    image = np.full((height, width), kin.uniform(0.02, 0.2), np.float32) + 0.01 * noise(own, width, height)
    heat = np.zeros((height, width), np.float32)
    for mouse in range(count):
        middle, pitch = width * (mouse + 0.5) / count, width / count
        limbs = Strokes()
        for side in (-1, 1):
            for reach, down in ((0.3, 0.33), (0.32, 0.72)):
                foot = (middle + side * pitch * 0.42, height * (down + own.normal(0, 0.02)))
                limbs.line(
                    [(middle + side * pitch * (reach - 0.12), height * (down + 0.03)), foot], pitch * 0.07
                )
        limbs.line(
            wandering(own, (middle, height * 0.84), np.pi / 2, height * 0.16, bend=0.15),
            max(1.2, pitch * 0.03),
        )
        body = drawn(width, height, limbs, finer=2) * 0.8
        parts = ((0.55, 0.25, 0.3), (0.24, 0.18, 0.13), (0.14, 0.1, 0.08))
        for down, wide, high in parts:
            part = blob(
                own, width, height, (middle, height * down), (pitch * wide, height * high), waver=0.03
            )
            if part is not None:
                body[part.place] = np.maximum(
                    body[part.place], part.mask(2) * (0.65 + 0.3 * np.sqrt(np.clip(1 - part.radius**2, 0, 1)))
                )
        image = np.maximum(image, body * (0.75 + 0.06 * clouds(own, width, height, 5)))
        at = (middle + own.normal(0, pitch * 0.08), height * (organ + own.normal(0, 0.04)))
        x, y = grid(width, height)
        heat += own.uniform(0, 1.3) * np.exp(
            -(((x - at[0]) / (pitch * 0.17)) ** 2 + ((y - at[1]) / (height * 0.08)) ** 2)
        )
    hot = np.clip(heat, 0, 1)
    rainbow = np.stack(
        [
            np.clip(3 * hot - 1.2, 0, 1),
            np.clip(2 - np.abs(4 * hot - 2.2), 0, 1),
            np.clip(1.6 - 3 * hot, 0, 1),
        ],
        axis=-1,
    )
    return panel.look.photographed(
        mixed(np.repeat(image[..., None], 3, axis=2), rainbow, step(hot, 0.2, 0.06)), own
    )
