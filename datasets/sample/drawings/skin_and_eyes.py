"""Macroscopy: skin and the back of the eye."""

import numpy as np

from datasets.sample.styles import MACROSCOPY, Panel, style
from datasets.sample.textures import (
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


@style(MACROSCOPY, weight=1)
def skin_lesion(panel: Panel) -> Field:
    """Skin with a mole, a rash or a wound, sometimes hairs."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    skin = [(0.93, 0.7, 0.62), (0.9, 0.6, 0.58), (0.82, 0.6, 0.46), (0.95, 0.72, 0.72)][kin.integers(4)]
    wound, hairy = kin.random() < 0.35, kin.random() < 0.4
    size = min(width, height) * kin.uniform(0.15, 0.33)
    light = vignette(width, height, kin.uniform(0.05, 0.45)) * (
        1 + 0.03 * clouds(own, width, height, 25, 4) + 0.015 * noise(own, width, height, 1.5)
    )
    image: Field = np.asarray(skin, np.float32) * light[..., None]
    at = (width * own.normal(0.5, 0.05), height * own.normal(0.5, 0.05))
    mark = blob(
        own,
        width,
        height,
        at,
        (size, size * own.uniform(0.7, 1)),
        angle=own.uniform(0, 3),
        waver=0.25,
        lobes=8,
        reach=1.9,
    )
    if mark is not None:
        rows, columns = mark.radius.shape
        pattern = clouds(own, columns, rows, size / 4, 4)
        deep = (
            (0.55, 0.08, 0.1)
            if wound
            else [(0.42, 0.22, 0.14), (0.6, 0.22, 0.2), (0.3, 0.17, 0.14)][kin.integers(3)]
        )
        redness = np.exp(-((np.clip(mark.radius - 0.8, 0, None) / 0.5) ** 2)) * 0.4
        image[mark.place] = mixed(image[mark.place], (0.85, 0.35, 0.35), redness)
        image[mark.place] = mixed(
            image[mark.place], deep, np.clip(mark.mask(size * 0.5) * (0.75 + 0.25 * pattern), 0, 1)
        )
        if wound:
            image[mark.place] = mixed(
                image[mark.place], (0.93, 0.8, 0.55), np.clip(pattern - 0.9, 0, 1) * mark.mask(size * 0.3)
            )
    if hairy:
        hairs = Strokes()
        for _ in range(int(own.integers(6, 30))):
            hairs.line(
                wandering(
                    own,
                    (own.uniform(0, width), own.uniform(0, height)),
                    own.normal(0.8, 0.5),
                    width * 0.5,
                    bend=0.06,
                ),
                own.uniform(0.5, 1.1),
            )
        image = mixed(image, (0.2, 0.12, 0.1), drawn(width, height, hairs, finer=2) * 0.7)
    return panel.look.photographed(image, own)


@style(MACROSCOPY, weight=0.4)
def eye_fundus(panel: Panel) -> Field:
    """The back of an eye: an orange disc on black with vessels and the bright nerve head."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    grey, hue = kin.random() < 0.25, [(0.85, 0.4, 0.18), (0.72, 0.28, 0.12), (0.9, 0.5, 0.3)][kin.integers(3)]
    x, y = grid(width, height)
    radius = min(width, height) * kin.uniform(0.45, 0.54)
    away = np.hypot(x - width / 2, y - height / 2)
    side = own.choice((-1, 1))
    nerve = (width / 2 + side * radius * 0.55, height / 2 + own.normal(0, 3))
    strokes = Strokes()
    for direction in own.uniform(0, 2 * np.pi, 9):
        path = wandering(own, nerve, direction, radius * 1.5, bend=0.13)
        for place in range(len(path) - 1):
            strokes.line(path[place : place + 2], 2.2 * (1 - 0.7 * place / len(path)))
        for fork in own.integers(1, max(2, len(path) - 2), 3):
            strokes.line(
                wandering(own, path[fork], direction + own.normal(0, 0.8), radius * 0.6, bend=0.15), 0.8
            )
    image = (
        np.asarray(hue, np.float32)
        * (1.0 - 0.45 * (away / radius) ** 2 + 0.05 * clouds(own, width, height, 18))[..., None]
    )
    image = mixed(image, (0.45, 0.08, 0.05), blur(drawn(width, height, strokes), 0.5) * 0.75)
    disc = np.exp(-(((x - nerve[0]) ** 2 + (y - nerve[1]) ** 2) / (radius * 0.15) ** 2))
    image = mixed(image, (1.0, 0.9, 0.6), np.clip(disc * 1.2, 0, 1) * 0.85)
    macula = np.exp(
        -(((x - width / 2 + side * radius * 0.2) ** 2 + (y - height / 2) ** 2) / (radius * 0.16) ** 2)
    )
    image = image * (1 - 0.4 * macula)[..., None] * step(radius - away, 0, 2)[..., None]
    return panel.look.photographed(image.mean(axis=2) if grey else image, own)
