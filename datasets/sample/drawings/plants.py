"""Macroscopy: leaves, seedlings, seeds and fruits."""

import numpy as np

from datasets.sample.lettering import BLACK, WHITE, Pen
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
    step,
    vignette,
    wandering,
)

GROUNDS: tuple[Colour, ...] = (
    (0.03, 0.03, 0.03),
    (0.95, 0.95, 0.95),
    (0.16, 0.18, 0.24),
    (0.78, 0.78, 0.74),
    (0.85, 0.8, 0.7),
)
GREENS: tuple[Colour, ...] = (
    (0.28, 0.5, 0.16),
    (0.4, 0.62, 0.2),
    (0.16, 0.36, 0.14),
    (0.55, 0.66, 0.3),
    (0.5, 0.52, 0.16),
)


def _ground(panel: Panel, colour: Colour) -> Field:
    """Draw the cloth, paper or tray behind a plant."""
    own, width, height = panel.own, panel.width, panel.height
    light = vignette(width, height, 0.2, (0.4, 0.4)) * (1 + 0.02 * clouds(own, width, height, 20, 4))
    return np.asarray(colour, np.float32) * light[..., None]


def _leaf(
    panel: Panel,
    image: Field,
    base: tuple[float, float],
    angle: float,
    length: float,
    wide: float,
    green: Colour,
    *,
    toothed: float,
    sick: float,
) -> None:
    """Lay a leaf with its veins upon an image, from its stalk outwards."""
    own, width, height = panel.own, panel.width, panel.height
    x, y = grid(width, height)
    along = ((x - base[0]) * np.cos(angle) + (y - base[1]) * np.sin(angle)) / length
    across = ((y - base[1]) * np.cos(angle) - (x - base[0]) * np.sin(angle)) / length
    bend = own.normal(0, 0.12)
    across = across - bend * along * (along - 1)
    share = np.clip(along, 0, 1)
    half = wide * np.sin(np.pi * share**0.8) ** 0.9 * (1 + toothed * np.sin(share * 60))
    inside = step(half - np.abs(across), 0, 1.6 / length) * (along > 0) * (along < 1)
    if not inside.any():
        return
    veins = np.exp(-((across / 0.008) ** 2))
    side = np.abs(np.sin((along - np.abs(across) * 0.9) * 32))
    veins = np.maximum(veins, 0.5 * np.exp(-((side / 0.12) ** 2)))
    tone = (
        1
        + 0.1 * clouds(own, width, height, max(4.0, length / 8), 3)
        - 0.15 * np.sign(across) * np.minimum(np.abs(across) / wide, 1)
    )
    leaf = np.asarray(green, np.float32) * tone[..., None]
    paler = np.minimum(np.asarray(green, np.float32) * 1.45 + 0.08, 1)
    leaf = mixed(leaf, np.broadcast_to(paler, leaf.shape), veins * 0.45)
    if sick > 0:
        spots = step(clouds(own, width, height, max(3.0, length / 9)), 1.9 - 1.6 * sick, 0.4)
        leaf = mixed(leaf, (0.72, 0.62, 0.22), spots * 0.8)
        leaf = mixed(
            leaf, (0.35, 0.2, 0.08), step(clouds(own, width, height, max(3.0, length / 14)), 2.2 - sick, 0.3)
        )
    image[:] = mixed(image, leaf, inside)


@style(MACROSCOPY, size=(150, 150), weight=2.3)
def leaves(panel: Panel) -> Field:
    """One leaf or a row of them, healthy or spotted, on black, white or cloth."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    ground, green = GROUNDS[kin.integers(len(GROUNDS))], GREENS[kin.integers(len(GREENS))]
    count, wide = int(kin.choice((1, 1, 2, 3, 5))), kin.uniform(0.1, 0.34)
    toothed, sickly, barred = kin.choice((0, 0, 0.06)), kin.random() < 0.5, kin.random() < 0.4
    image = _ground(panel, ground)
    for place in range(count):
        base = (width * (place + 0.5) / count + own.normal(0, 2), height * 0.95)
        length = height * own.uniform(0.78, 0.9)
        sick = own.uniform(0, 1.2) if sickly else 0
        stalk = Strokes()
        stalk.line([(base[0], height), (base[0], base[1] - length * 0.1)], 2.2)
        image = mixed(image, green, drawn(width, height, stalk, finer=2))
        _leaf(
            panel,
            image,
            base,
            -np.pi / 2 + own.normal(0, 0.12),
            length,
            min(wide, 0.45 * width / count / length),
            green,
            toothed=toothed,
            sick=sick,
        )
    image = panel.look.photographed(image, own)
    if not barred:
        return image
    pen = Pen(image, panel.look.font)
    pen.scale_bar(width * 0.2, colour=BLACK if sum(ground) > 1.5 else WHITE)
    return pen.done()


@style(MACROSCOPY, size=(145, 140), weight=0.7)
def rosettes(panel: Panel) -> Field:
    """Young plants from above in pots of soil: rosettes of small leaves."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    rows, columns = [(1, 1), (2, 2), (2, 3), (3, 4)][kin.integers(4)]
    green, wide = GREENS[kin.integers(len(GREENS))], kin.uniform(0.2, 0.36)
    soil = [(0.2, 0.15, 0.11), (0.3, 0.24, 0.18), (0.12, 0.11, 0.12)][kin.integers(3)]
    tray = [(0.1, 0.1, 0.1), (0.75, 0.75, 0.75), (0.25, 0.3, 0.4)][kin.integers(3)]
    grains = 1 + 0.35 * noise(own, width, height, 1.8) * 0.6 + 0.15 * noise(own, width, height, 5.0)
    image = np.asarray(soil, np.float32) * np.clip(grains, 0.3, 2.2)[..., None]
    x, y = grid(width, height)
    w, h = width / columns, height / rows
    edge = np.maximum(np.abs((x % w) / w - 0.5), np.abs((y % h) / h - 0.5))
    image = mixed(image, tray, step(edge, 0.47, 0.02))
    for row in range(rows):
        for column in range(columns):
            at = (w * (column + 0.5), h * (row + 0.5))
            size = min(w, h) * 0.45 * own.uniform(0.45, 1)
            for leaf in range(int(own.integers(5, 11))):
                angle = leaf * 2.4 + own.normal(0, 0.15)
                tone = own.uniform(0.85, 1.15)
                shade = (green[0] * tone, green[1] * tone, green[2] * tone)
                _leaf(panel, image, at, angle, size * own.uniform(0.6, 1), wide, shade, toothed=0, sick=0)
    return panel.look.photographed(image, own)


@style(MACROSCOPY, size=(130, 160), weight=0.7)
def seedlings(panel: Panel) -> Field:
    """Seedlings in a row on a square plate: cotyledons above, roots below."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    dark = kin.random() < 0.5
    ground = (
        [(0.05, 0.05, 0.06), (0.2, 0.21, 0.22)][kin.integers(2)]
        if dark
        else [(0.88, 0.88, 0.85), (0.75, 0.78, 0.8)][kin.integers(2)]
    )
    root = (0.9, 0.88, 0.8) if dark else (0.98, 0.97, 0.92)
    count, long, bushy = int(kin.integers(2, 10)), kin.uniform(0.3, 0.75), kin.uniform(0, 9)
    green, top = GREENS[kin.integers(len(GREENS))], height * kin.uniform(0.1, 0.25)
    strokes, shoots = Strokes(), Strokes()
    for plant in range(count):
        x = width * (plant + 0.5) / count + own.normal(0, 1.5)
        path = wandering(
            own,
            (x, top),
            np.pi / 2 + own.normal(0, 0.08),
            height * long * own.uniform(0.6, 1),
            bend=0.09,
            pace=3,
        )
        strokes.line(path, own.uniform(1.0, 1.8))
        for _ in range(int(own.poisson(bushy))):
            joint = path[int(own.integers(1, len(path)))]
            strokes.line(
                wandering(
                    own,
                    joint,
                    np.pi / 2 + own.choice((-1, 1)) * 1.0,
                    height * own.uniform(0.03, 0.16),
                    bend=0.12,
                    pace=2,
                ),
                0.7,
            )
        shoots.line([(x, top), (x, top - height * 0.05)], 1.3)
    image = _ground(panel, ground)
    roots = blur(drawn(width, height, strokes), 0.4)
    image = image * (1 - (0 if dark else 0.35) * blur(roots, 1.2))[..., None]
    image = mixed(image, root, np.clip(roots * 1.1, 0, 1))
    image = mixed(image, green, drawn(width, height, shoots))
    for points, _, _ in shoots.lines:
        for turn in (-0.6, -np.pi + 0.6):
            _leaf(
                panel, image, points[1], turn, height * own.uniform(0.05, 0.08), 0.3, green, toothed=0, sick=0
            )
    return panel.look.photographed(image, own)


@style(MACROSCOPY, size=(175, 120), weight=0.4)
def seeds_and_fruits(panel: Panel) -> Field:
    """Seeds, fruits or pods laid out in rows and photographed from above."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    ground = GROUNDS[kin.integers(len(GROUNDS))]
    skins = [
        (0.75, 0.12, 0.1),
        (0.85, 0.55, 0.15),
        (0.5, 0.35, 0.2),
        (0.4, 0.55, 0.2),
        (0.88, 0.82, 0.62),
        (0.25, 0.15, 0.12),
        (0.5, 0.15, 0.35),
    ]
    skin, rows, columns = skins[kin.integers(len(skins))], int(kin.integers(1, 5)), int(kin.integers(2, 9))
    slender, tidy, glossy = kin.uniform(0.35, 1.0), kin.uniform(0.01, 0.12), kin.uniform(0, 0.8)
    pitch = min(width / columns, height / rows)
    image = _ground(panel, ground)
    ripening = kin.random() < 0.4
    for row in range(rows):
        for column in range(columns):
            at = (
                width * (column + 0.5) / columns + own.normal(0, tidy * pitch),
                height * (row + 0.5) / rows + own.normal(0, tidy * pitch),
            )
            size = pitch * 0.4 * own.uniform(0.8, 1.05)
            angle = own.normal(1.5 if slender < 0.6 else 0, 0.15)
            shadow = blob(
                own, width, height, (at[0] + 1.5, at[1] + 2.5), (size, size * slender), angle=angle, waver=0
            )
            if shadow is not None:
                image[shadow.place] *= (1 - 0.4 * shadow.mask(size * 0.4))[..., None]
            fruit = blob(own, width, height, at, (size, size * slender), angle=angle, waver=0.05)
            if fruit is None:
                continue
            ripe = column / max(1, columns - 1) if ripening else 1
            tint = np.asarray(skin, np.float32) * ripe + np.asarray((0.45, 0.6, 0.2), np.float32) * (1 - ripe)
            dome = np.sqrt(np.clip(1 - np.clip(fruit.radius, 0, 1) ** 2, 0, 1))
            grown, broad = fruit.radius.shape
            tone = (
                tint
                * (
                    (0.45 + 0.6 * dome - 0.15 * (fruit.x + fruit.y))
                    * (1 + 0.07 * noise(own, broad, grown, 2.5))
                )[..., None]
            )
            glint = np.exp(-(((fruit.x + 0.35) ** 2 + (fruit.y + 0.35) ** 2) / 0.05)) * glossy
            image[fruit.place] = mixed(image[fruit.place], mixed(tone, (1, 1, 1), glint), fruit.mask(1.5))
    return panel.look.photographed(image, own)
