"""Macroscopy: what scanners see of a body, in grey."""

import numpy as np

from datasets.sample.lettering import WHITE, Pen
from datasets.sample.styles import MACROSCOPY, Panel, style
from datasets.sample.textures import Field, Point, Strokes, blob, blur, clouds, drawn, grid, noise, step


def _finished(panel: Panel, image: Field) -> Field:
    """Give a scan the paper's softness and perhaps a letter or an arrow."""
    image, kin, own = panel.look.photographed(image, panel.own), panel.kin, panel.own
    if kin.random() > 0.25:
        return image
    pen = Pen(image, panel.look.font)
    if own.random() < 0.5:
        pen.text(4, 9, str(own.choice(("R", "L", "T2", "#4"))), size=9, colour=WHITE)
    else:
        x, y = panel.width * own.uniform(0.3, 0.7), panel.height * own.uniform(0.3, 0.7)
        pen.arrow((x - 14, y - 10), (x, y), colour=WHITE, size=6)
    return pen.done()


@style(MACROSCOPY, size=(135, 155), weight=2)
def head_scan(panel: Panel) -> Field:
    """A slice through a head: scalp, skull, folded cortex, ventricles, sometimes a lesion."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    bright_bone, contrast = kin.random() < 0.35, kin.uniform(0.1, 0.25)
    fluid_bright, lesion = kin.random() < 0.4, kin.random() < 0.6
    radii = (width * 0.42, height * 0.44)
    x, y = grid(width, height)
    u, v = (x - width / 2) / radii[0], (y - height / 2) / radii[1]
    wobble = 0.02 * np.cos(3 * np.arctan2(v, u) + own.uniform(0, 6))
    away = np.hypot(u * (1 + 0.1 * v), v) + wobble
    image = np.full((height, width), 0.02, np.float32)
    scalp = np.exp(-(((away - 0.97) / 0.03) ** 2))
    bone = np.exp(-(((away - 0.89) / 0.035) ** 2))
    folds = np.sin(18 * clouds(own, width, height, width / 6, 2) / 3 + 14 * away)
    brain = step(0.82 - away, 0, 0.03)
    cortex = step(away, 0.58, 0.2)
    image += brain * (0.42 + contrast * folds * (0.25 + 0.75 * cortex) + 0.03 * clouds(own, width, height, 6))
    image += 0.55 * scalp + (0.95 if bright_bone else -0.02) * bone
    image -= brain * 0.25 * np.exp(-((u / 0.018) ** 2)) * (np.abs(v) < 0.8)
    open_up = own.uniform(0.7, 1.3)
    for side in (-1, 1):
        horn = ((u - side * (0.11 + 0.12 * v**2)) / (0.06 * open_up)) ** 2 + (
            (v + 0.03) / (0.3 * open_up)
        ) ** 2
        image += (0.5 if fluid_bright else -0.36) * np.exp(-(horn**2))
    if lesion:
        at = (width * (0.5 + own.choice((-1, 1)) * own.uniform(0.12, 0.24)), height * own.uniform(0.3, 0.68))
        mass = blob(own, width, height, at, (width * own.uniform(0.05, 0.12),) * 2, waver=0.25)
        if mass is not None:
            ring = np.exp(-(((mass.radius - 0.9) / 0.2) ** 2))
            image[mass.place] += own.choice((0.4, 0.4, -0.3)) * mass.mask(4) * (0.6 + 0.5 * ring)
    image = blur(image, 0.7) + 0.015 * noise(own, width, height)
    return _finished(panel, image)


@style(MACROSCOPY, size=(165, 130), weight=0.5)
def ultrasound(panel: Panel) -> Field:
    """Layers in speckle, a dark mass with a shadow or a bright wall; a fan or a rectangle."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    fan, layers, gain = kin.random() < 0.4, int(kin.integers(3, 8)), kin.uniform(0.5, 1.1)
    x, y = grid(width, height)
    bent = y + 5 * noise(own, width, height, width / 3)
    image = 0.3 + 0.07 * clouds(own, width, height, 18)
    for _ in range(layers):
        level, thick = height * own.uniform(0.02, 0.95), height * own.uniform(0.008, 0.035)
        image += (
            own.uniform(0.1, 0.5)
            * np.exp(-(((bent - level) / thick) ** 2))
            * np.clip(1 + 0.7 * noise(own, width, height, 20.0), 0, 2)
        )
    image *= 1.1 - 0.75 * y / height
    for _ in range(int(own.integers(1, 3))):
        at = (width * own.uniform(0.25, 0.75), height * own.uniform(0.3, 0.6))
        radii = (width * own.uniform(0.07, 0.19), height * own.uniform(0.07, 0.17))
        mass = blob(own, width, height, at, radii, waver=0.18)
        if mass is not None:
            image[mass.place] *= 1 - 0.85 * mass.mask(5)
            below = step(y, at[1] + radii[1] * 0.5, 6) * np.exp(-(((x - at[0]) / radii[0]) ** 2))
            image *= 1 + own.choice((0.5, -0.5)) * below
    speckle = own.gamma(1.6, 0.62, (height, width)).astype(np.float32)
    image = (
        image
        * gain
        * blur(speckle, 0.6)
        * np.clip(1 + 0.12 * noise(own, width, height, 1.5, stretch=4.0), 0.2, 2)
    )
    if fan:
        angle = np.arctan2(x - width / 2, y + height * 0.22)
        reach = np.hypot(x - width / 2, y + height * 0.22)
        image *= (np.abs(angle) < 0.62) & (reach < height * 1.17) & (reach > height * 0.3)
    return _finished(panel, image)


def _bone(panel: Panel, image: Field, start: Point, end: Point, thick: float) -> None:
    """Add a long bone with knobs at both ends: bright walls, a spongy, darker inside."""
    own, width, height = panel.own, panel.width, panel.height
    x, y = grid(width, height)
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    angle = np.arctan2(end[1] - start[1], end[0] - start[0])
    along = ((x - start[0]) * np.cos(angle) + (y - start[1]) * np.sin(angle)) / length
    across = (
        (y - start[1]) * np.cos(angle)
        - (x - start[0]) * np.sin(angle)
        - own.normal(0, 0.03) * length * along * (1 - along)
    )
    ends = np.exp(-((along / 0.12) ** 2)) + np.exp(-(((along - 1) / 0.12) ** 2))
    half = thick * (0.55 + 0.6 * ends)
    within = half - np.abs(across)
    solid = step(within, 0, 2) * step(along, -0.03, 0.05) * step(1.03 - along, 0, 0.05)
    wall = np.exp(-((within / (0.32 * thick + 0.5)) ** 2))
    spongy = 0.8 + 0.25 * noise(own, width, height, 2.0)
    image += solid * (0.22 + 0.4 * wall + 0.14 * ends * spongy)


@style(MACROSCOPY, size=(120, 165), weight=0.3)
def bones(panel: Panel) -> Field:
    """An X-ray of a hand or a limb, or a spongy section of bone."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    kind, negative = int(kin.integers(3)), kin.random() < 0.12
    image = np.full((height, width), kin.uniform(0.03, 0.12), np.float32)
    flesh = Strokes()
    if kind == 0:
        fingers = int(kin.integers(3, 6))
        for finger in range(fingers):
            lean = (finger - (fingers - 1) / 2) * 0.17 + own.normal(0, 0.02)
            at = (width * (0.5 + (finger - (fingers - 1) / 2) * 0.11), height * 0.74)
            reach = height * (0.66 - 0.06 * abs(finger - fingers / 2))
            flesh.line([at, (at[0] + np.sin(lean) * reach, at[1] - np.cos(lean) * reach)], width * 0.13)
            for link in (0.38, 0.26, 0.2, 0.13):
                end = (at[0] + np.sin(lean) * reach * link, at[1] - np.cos(lean) * reach * link)
                _bone(panel, image, at, end, width * 0.03)
                at = (end[0] + np.sin(lean) * 2.5, end[1] - np.cos(lean) * 2.5)
        flesh.line([(width * 0.5, height * 0.66), (width * 0.5, height * 0.8)], width * 0.5)
        flesh.line([(width * 0.5, height * 0.75), (width * 0.5, height)], width * 0.34)
        for side in (-0.07, 0.08):
            _bone(
                panel,
                image,
                (width * (0.5 + side), height * 0.84),
                (width * (0.5 + side * 1.3), height * 1.3),
                width * 0.06,
            )
    elif kind == 1:
        flesh.line([(width * 0.5, 0), (width * 0.5, height)], width * 0.72)
        joint, lean = height * own.uniform(0.42, 0.58), width * own.normal(0, 0.04)
        _bone(panel, image, (width * 0.5 + lean, -height * 0.3), (width * 0.5, joint - 2), width * 0.14)
        _bone(panel, image, (width * 0.5, joint + 2), (width * 0.48 - lean, height * 1.4), width * 0.13)
        _bone(panel, image, (width * 0.68, joint + 12), (width * 0.64, height * 1.3), width * 0.05)
    else:
        web = np.exp(-((clouds(own, width, height, kin.uniform(5, 11), 2) / 0.28) ** 2))
        section = blob(own, width, height, (width / 2, height / 2), (width * 0.44, height * 0.44), waver=0.12)
        if section is not None:
            shell = np.exp(-(((section.radius - 0.94) / 0.06) ** 2))
            image[section.place] += section.mask(1.5) * (0.08 + 0.7 * web[section.place]) + 0.85 * shell
    image += 0.2 * blur(drawn(width, height, flesh, finer=2), 3) * (1 + 0.08 * clouds(own, width, height, 14))
    image = blur(image, 0.6) + 0.015 * noise(own, width, height)
    return _finished(panel, 1 - np.clip(image, 0, 1) if negative else image)


@style(MACROSCOPY, size=(170, 130), weight=0.3)
def body_slice(panel: Panel) -> Field:
    """A tomogram across a trunk: ribs, spine, dark lungs or grey bowels."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    lungs, window = kin.random() < 0.55, kin.uniform(0.8, 1.25)
    x, y = grid(width, height)
    u, v = (x - width / 2) / (width * 0.46), (y - height / 2) / (height * 0.44)
    away = np.hypot(u, v) + 0.02 * np.cos(2 * np.arctan2(v, u) + own.uniform(0, 6))
    image = 0.02 + step(1 - away, 0, 0.02) * (0.24 + 0.02 * clouds(own, width, height, 8))
    image += 0.22 * step(0.9 - away, 0, 0.04)
    for side in (-1, 1):
        if lungs:
            lung = blob(
                own,
                width,
                height,
                (width * (0.5 + side * 0.21), height * 0.47),
                (width * 0.15, height * 0.27),
                waver=0.1,
            )
            if lung is not None:
                tree = np.clip(clouds(own, lung.radius.shape[1], lung.radius.shape[0], 7) - 1.1, 0, 1)
                image[lung.place] *= 1 - 0.88 * lung.mask(3)
                image[lung.place] += 0.35 * tree * lung.mask(3)
    for _ in range(0 if lungs else 9):
        organ = blob(
            own,
            width,
            height,
            (width * own.normal(0.5, 0.16), height * own.normal(0.47, 0.13)),
            (width * own.uniform(0.04, 0.13), height * own.uniform(0.05, 0.14)),
            angle=own.uniform(0, 3),
            waver=0.2,
        )
        if organ is not None:
            image[organ.place] += own.uniform(-0.18, 0.22) * organ.mask(3)
    spine = blob(own, width, height, (width / 2, height * 0.76), (width * 0.05, height * 0.08), waver=0.1)
    if spine is not None:
        image[spine.place] += 0.5 * spine.mask(2)
    for turn in np.linspace(0, 2 * np.pi, 13)[:-1] + own.uniform(0, 0.4):
        at = (
            width / 2 + 0.82 * width * 0.46 * np.cos(turn),
            height / 2 + 0.82 * height * 0.44 * np.sin(turn),
        )
        rib = blob(own, width, height, at, (width * 0.03, height * 0.018), angle=turn + np.pi / 2, waver=0.1)
        if rib is not None:
            image[rib.place] += 0.55 * rib.mask(1.5)
    return _finished(panel, window * blur(image, 0.6) + 0.018 * noise(own, width, height))
