"""Gels: nucleic acids and proteins in the gel itself, stained or glowing."""

import numpy as np

from datasets.sample.lanes import LADDER, PAIRS, Lanes, add_band, add_smear, ladder_heights, membrane
from datasets.sample.lettering import BLACK, WHITE, Pen
from datasets.sample.styles import BLOT, Panel, style
from datasets.sample.textures import Field, blob, blur, clouds, coloured, grid, mixed, noise, vignette


@style(BLOT, size=(185, 140), weight=4)
def agarose_gel(panel: Panel) -> Field:
    """Glowing DNA on a dark gel: wells, a ladder, one or two products a lane, primers at the foot."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    count = int(kin.integers(4, 14))
    lanes = Lanes.across(kin, width, count, gap=kin.uniform(0.2, 0.4), margin=kin.uniform(0.02, 0.1))
    ladder_lane = int(kin.choice((0, 0, 0, count - 1, -1)))
    rungs, base = ladder_heights(kin, height, int(kin.integers(6, 11)), top=0.22), kin.uniform(0.04, 0.28)
    product, fronts = height * kin.uniform(0.3, 0.8), kin.random() < 0.45
    thickness, wells, lettered = height * kin.uniform(0.01, 0.02), kin.random() < 0.5, kin.random() < 0.3
    genomic, exposure = kin.random() < 0.3, kin.uniform(0.5, 2)
    glow = np.zeros((height, width), np.float32)
    for lane in range(count):
        if lane == ladder_lane:
            for rung, y in enumerate(rungs):
                bright = 1.3 if rung in (2, 5) else 0.6
                add_band(glow, lanes, lane, y, thickness * 0.8, bright * exposure, own)
            continue
        if own.random() < 0.8:
            add_band(
                glow, lanes, lane, product + own.normal(0, 1), thickness, exposure * own.gamma(2.2, 0.5), own
            )
        if own.random() < 0.25:
            add_band(
                glow,
                lanes,
                lane,
                height * own.uniform(0.25, 0.9),
                thickness,
                exposure * own.uniform(0.1, 0.8),
                own,
            )
        if genomic:
            add_band(glow, lanes, lane, height * 0.2, thickness * 1.4, exposure * own.uniform(0.5, 1.5), own)
            add_smear(glow, lanes, lane, height * 0.2, height * 0.6, 0.12 * exposure, own)
        if fronts:
            add_band(
                glow, lanes, lane, height * 0.93, thickness * 2.4, exposure * own.uniform(0.1, 0.35), own
            )
        if wells:
            add_band(glow, lanes, lane, height * 0.09, height * 0.008, own.uniform(0.1, 0.4), own)
    light = base * vignette(
        width, height, kin.uniform(0, 0.7), (kin.uniform(0.3, 0.7), kin.uniform(0.3, 0.7))
    )
    signal = membrane(own, width, height, unevenness=0.02, speckle=0.02) + 1 - np.exp(-blur(glow, 0.6))
    image = look.photographed(light + signal, own)
    if not lettered:
        return image
    pen = Pen(image, look.font)
    for y, pairs in zip(rungs, PAIRS, strict=False):
        pen.text(2, y, pairs, size=7 * look.letter, colour=WHITE)
    for lane, x in enumerate(lanes.centres):
        pen.text(
            x, 7, "M" if lane == ladder_lane else str(lane), size=8 * look.letter, colour=WHITE, anchor="mm"
        )
    return pen.done()


def _protein_lanes(panel: Panel, *, crowded: float) -> tuple[Field, Lanes, list[float]]:
    """Draw lanes full of protein as a density, a marker at the left; return it, the lanes, the rungs."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    count = int(kin.integers(3, 11))
    lanes = Lanes.across(kin, width, count, gap=kin.uniform(0.1, 0.3), margin=kin.uniform(0.01, 0.06))
    rungs = ladder_heights(kin, height, 8, top=0.06)
    proteins = [
        (height * kin.uniform(0.04, 0.97), height * kin.uniform(0.005, 0.014), kin.gamma(0.9, 0.35))
        for _ in range(int(crowded * kin.integers(14, 30)))
    ]
    pure = [bool(kin.random() < 0.3) for _ in range(count)]
    induced = height * kin.uniform(0.3, 0.85)
    density = np.zeros((height, width), np.float32)
    for lane in range(count):
        if lane == 0:
            for y in rungs:
                add_band(density, lanes, lane, y, height * 0.01, own.uniform(0.5, 1.1), own)
            continue
        amount = own.uniform(0.4, 1.3)
        add_band(density, lanes, lane, induced, height * 0.016, amount * own.gamma(1.5, 0.8), own)
        if pure[lane]:
            continue
        for y, thickness, strength in proteins:
            add_band(density, lanes, lane, y, thickness, amount * strength * own.uniform(0.6, 1.4), own)
        add_smear(density, lanes, lane, height * 0.1, height * 0.9, 0.12 * amount, own)
    return density, lanes, rungs


@style(BLOT, size=(160, 160), weight=2)
def coomassie_gel(panel: Panel) -> Field:
    """Proteins stained blue on a pale gel."""
    kin, own, look, width, height = panel.kin, panel.own, panel.look, panel.width, panel.height
    paper = [(0.93, 0.94, 0.98), (0.8, 0.84, 0.97), (0.62, 0.68, 0.96), (0.9, 0.92, 0.9)][kin.integers(4)]
    ink = [(0.1, 0.14, 0.52), (0.16, 0.12, 0.6), (0.08, 0.25, 0.5)][kin.integers(3)]
    lettered = kin.random() < 0.35
    density, lanes, rungs = _protein_lanes(panel, crowded=1.0)
    stain = 1 - np.exp(-blur(density, 0.5)) + membrane(own, width, height, unevenness=0.03, speckle=0.01)
    image = look.photographed(coloured(np.clip(stain, 0, 1), paper, ink), own)
    if not lettered:
        return image
    pen = Pen(image, look.font)
    for y, weight in zip(rungs, LADDER, strict=True):
        pen.text(1, y, weight, size=7 * look.letter)
    for lane, x in enumerate(lanes.centres):
        pen.text(x, 6, "M" if lane == 0 else str(lane), size=8 * look.letter, anchor="mm")
    return pen.done()


@style(BLOT, size=(150, 165), weight=0.5)
def silver_gel(panel: Panel) -> Field:
    """Proteins stained with silver: brown on amber."""
    kin, own = panel.kin, panel.own
    paper = [(0.95, 0.86, 0.62), (0.88, 0.8, 0.68), (0.97, 0.93, 0.8), (0.8, 0.66, 0.45)][kin.integers(4)]
    density, _, _ = _protein_lanes(panel, crowded=1.4)
    stain = 1 - np.exp(-blur(density * 1.4, 0.4))
    stain = stain + membrane(own, panel.width, panel.height, unevenness=0.05, speckle=0.015)
    return panel.look.photographed(coloured(np.clip(stain, 0, 1), paper, (0.17, 0.08, 0.03)), own)


@style(BLOT, size=(150, 175), weight=1)
def mobility_shift(panel: Panel) -> Field:
    """An autoradiograph: free probe at the foot, complexes above, streaks between; dark on light or grey."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    count = int(kin.integers(4, 12))
    lanes = Lanes.across(kin, width, count, gap=kin.uniform(0.1, 0.3), margin=0.03)
    foot, shifted = height * kin.uniform(0.82, 0.95), height * kin.uniform(0.15, 0.5)
    paper, streaky, second = kin.uniform(0.6, 0.95), kin.uniform(0.05, 0.35), kin.random() < 0.5
    density = np.zeros((height, width), np.float32)
    for lane in range(count):
        bound = np.clip(lane / (count - 1) + own.normal(0, 0.15), 0, 1)
        add_band(density, lanes, lane, foot, height * 0.03, 3.5 * (1.15 - bound), own)
        add_band(density, lanes, lane, shifted, height * 0.016, 2.5 * bound, own)
        if second:
            add_band(density, lanes, lane, shifted * 1.4, height * 0.014, 1.2 * bound * own.random(), own)
        add_smear(density, lanes, lane, shifted, foot, streaky * own.uniform(0.3, 1.4), own)
    image = (paper + membrane(own, width, height, unevenness=0.03, speckle=0.02)) * np.exp(
        -blur(density, 0.9)
    )
    return panel.look.photographed(image + 0.02, own)


@style(BLOT, size=(170, 150), weight=0.3)
def two_dimensional_gel(panel: Panel) -> Field:
    """Hundreds of spots of two-dimensional electrophoresis, with streaks."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    paper = [(0.92, 0.92, 0.92), (0.86, 0.86, 0.84), (0.95, 0.9, 0.78), (0.9, 0.92, 0.98)][kin.integers(4)]
    ink = [(0.08, 0.08, 0.08), (0.1, 0.1, 0.12), (0.22, 0.12, 0.05), (0.12, 0.16, 0.5)][kin.integers(4)]
    spots = [
        (
            width * kin.beta(1.6, 1.6),
            height * kin.beta(1.4, 1.5),
            kin.gamma(1.5, 0.7) + 0.6,
            kin.gamma(0.8, 0.9),
        )
        for _ in range(int(kin.integers(60, 200)))
    ]
    density = np.zeros((height, width), np.float32)
    for x, y, radius, strength in spots:
        at = (x + own.normal(0, 0.8), y + own.normal(0, 0.8))
        spot = blob(own, width, height, at, (radius * 1.5, radius), waver=0.1, reach=3)
        if spot is not None:
            density[spot.place] += strength * own.uniform(0.5, 1.4) * np.exp(-1.2 * spot.radius**2)
    density += 0.1 * np.clip(noise(own, width, height, 3.0, stretch=16.0) - 0.6, 0, 2)
    density += 0.025 * clouds(own, width, height, 40)
    stain = (
        1 - np.exp(-np.clip(density, 0, 9)) + membrane(own, width, height, unevenness=0.015, speckle=0.012)
    )
    return panel.look.photographed(coloured(np.clip(stain, 0, 1), paper, ink), own)


@style(BLOT, size=(70, 170), weight=0.3)
def single_lane(panel: Panel) -> Field:
    """One or two lanes cut out upright: fine lines across, brown, grey or glowing."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    lanes = Lanes.across(kin, width, int(kin.integers(1, 3)), gap=kin.uniform(0.0, 0.15), margin=0.0)
    lines = [(height * kin.uniform(0.02, 0.98), kin.gamma(0.8, 0.4)) for _ in range(kin.integers(6, 26))]
    kind = int(kin.integers(3))
    density = np.zeros((height, width), np.float32)
    for lane in range(len(lanes.centres)):
        for y, strength in lines:
            add_band(density, lanes, lane, y, kin.uniform(0.7, 1.6), strength * own.uniform(0.3, 1.5), own)
    streaks = 0.04 * noise(own, width, height, 2.0, stretch=30.0)
    stain = np.clip(1 - np.exp(-density) + streaks + 0.05, 0, 1)
    if kind == 0:
        return panel.look.photographed(coloured(stain, (0.98, 0.95, 0.9), (0.62, 0.42, 0.22)), own)
    if kind == 1:
        return panel.look.photographed(coloured(stain, (0.93, 0.93, 0.93), (0.2, 0.2, 0.2)), own)
    return panel.look.photographed(stain * 0.9 + 0.06, own)


@style(BLOT, size=(190, 130), weight=0.4)
def digest_smears(panel: Panel) -> Field:
    """Degraded or digested nucleic acid: smears that slide down the lanes, in grey or false orange."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    count = int(kin.integers(4, 12))
    lanes = Lanes.across(kin, width, count, gap=kin.uniform(0.15, 0.35), margin=0.05)
    ribosomal, orange, inverted = kin.random() < 0.5, kin.random() < 0.4, kin.random() < 0.25
    start, slide = kin.uniform(0.15, 0.3), kin.uniform(0.0, 0.5)
    glow = np.zeros((height, width), np.float32)
    for lane in range(count):
        top = height * (start + slide * lane / count)
        add_smear(
            glow,
            lanes,
            lane,
            top,
            top + height * own.uniform(0.2, 0.45),
            own.uniform(0.3, 1.1),
            own,
            unevenness=0.22,
        )
        if ribosomal:
            add_band(glow, lanes, lane, height * 0.35, height * 0.016, own.uniform(0.6, 1.6), own)
            add_band(glow, lanes, lane, height * 0.52, height * 0.016, own.uniform(0.4, 1.1), own)
    image = 0.06 + membrane(own, width, height, unevenness=0.02, speckle=0.015) + 1 - np.exp(-blur(glow, 0.7))
    image = np.clip(image, 0, 1)
    if orange:
        return panel.look.photographed(coloured(image, (0.1, 0.02, 0.0), (1.0, 0.72, 0.25)), own)
    return panel.look.photographed(1 - image if inverted else image, own)


@style(BLOT, size=(185, 75), weight=1.2)
def product_strip(panel: Panel) -> Field:
    """A wide crop of an agarose gel: one row of glowing products."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    count = int(kin.integers(3, 13))
    lanes = Lanes.across(kin, width, count, gap=kin.uniform(0.15, 0.4), margin=0.02)
    base, thickness, exposure = (
        kin.uniform(0.03, 0.35),
        height * kin.uniform(0.04, 0.1),
        kin.uniform(0.4, 2.5),
    )
    glow = np.zeros((height, width), np.float32)
    y = height * own.uniform(0.35, 0.65)
    for lane in range(count):
        if own.random() < 0.85:
            add_band(glow, lanes, lane, y, thickness, exposure * own.gamma(1.8, 0.5), own)
    x, _ = grid(width, height)
    image = base * (1 + kin.uniform(-0.3, 0.3) * (x / width - 0.5)) + 1 - np.exp(-blur(glow, 0.7))
    image = image + membrane(own, width, height, unevenness=0.015, speckle=0.02)
    return panel.look.photographed(image, own)


@style(BLOT, size=(150, 150), weight=0.3)
def photographed_gel(panel: Panel) -> Field:
    """A stained gel laid on a tray and photographed: its edges are seen, it lies askew."""
    kin, own, width, height = panel.kin, panel.own, panel.width, panel.height
    tray = [(0.85, 0.86, 0.88), (0.35, 0.38, 0.42), (0.95, 0.95, 0.93), (0.2, 0.22, 0.3)][kin.integers(4)]
    paper, ink = (0.78, 0.84, 0.93), [(0.12, 0.18, 0.55), (0.3, 0.16, 0.45)][kin.integers(2)]
    turn, inset = kin.normal(0, 0.05), kin.uniform(0.06, 0.15)
    density, _, _ = _protein_lanes(panel, crowded=0.8)
    stain = np.clip(1 - np.exp(-blur(density, 0.8)), 0, 1)
    x, y = grid(width, height)
    u = (x / width - 0.5) * np.cos(turn) + (y / height - 0.5) * np.sin(turn)
    v = (y / height - 0.5) * np.cos(turn) - (x / width - 0.5) * np.sin(turn)
    inside = np.maximum(np.abs(u), np.abs(v)) < 0.5 - inset
    column = np.clip((u / (1 - 2 * inset) + 0.5) * width, 0, width - 1).astype(np.int64)
    row = np.clip((v / (1 - 2 * inset) + 0.5) * height, 0, height - 1).astype(np.int64)
    gel = coloured(stain[row, column], paper, ink)
    shade = 0.08 * clouds(own, width, height, 60)[..., None]
    scene = mixed(
        np.ones((height, width, 3), np.float32) * np.asarray(tray, np.float32),
        gel,
        blur(inside * np.float32(1), 0.7),
    )
    shine = np.clip(noise(own, width, height, 8.0, stretch=5.0) - 1.8, 0, 1)[..., None] * 0.25
    image = scene + shade * 0.5 + shine
    pen = Pen(panel.look.photographed(image, own), panel.look.font)
    if kin.random() < 0.3:
        pen.text(width * 0.5, height * 0.04, "gel 1", size=8, colour=BLACK, anchor="mm")
    return pen.done()
