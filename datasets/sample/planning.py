"""What a sample will hold: papers, figures, panel groups, images, and the errors planted in them.

A plan is made whole before anything is drawn, so that papers can be drawn in any order and process.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.random import Generator

from datasets.sample.styles import BLOT, FLOW, LABELS, MACROSCOPY, MICROSCOPY, OTHER, Style, styles_of

FEWEST_PAPERS, MOST_PAPERS, DEFAULT_PAPERS = 6, 1000, 60
SEVERAL = 3
WRONG_SHARE = COPY_SHARE = 0.03

# In how many of the papers a class occurs, how many panel groups of it a paper has, how many images a group.
PAPER_SHARE = {BLOT: 0.8, MICROSCOPY: 0.75, OTHER: 0.75, MACROSCOPY: 0.58, FLOW: 0.52}
GROUPS = {BLOT: (2, 4), MICROSCOPY: (2, 3), OTHER: (2, 4), MACROSCOPY: (2, 3), FLOW: (2, 3)}
GROUP_SIZES = {
    BLOT: (1, 2, 2, 2, 3, 3, 4, 4, 5),
    MICROSCOPY: (2, 2, 2, 3, 3),
    OTHER: (1, 1, 1, 2, 2),
    MACROSCOPY: (1, 2, 2, 2, 3),
    FLOW: (1, 2, 2, 2, 3),
}
# What a person in a hurry takes a class for, and how often.
TAKEN_FOR = {
    BLOT: ((MICROSCOPY, OTHER, MACROSCOPY, FLOW), (0.55, 0.3, 0.1, 0.05)),
    FLOW: ((OTHER, MICROSCOPY, BLOT), (0.8, 0.1, 0.1)),
    MACROSCOPY: ((MICROSCOPY, OTHER, BLOT), (0.75, 0.15, 0.1)),
    MICROSCOPY: ((MACROSCOPY, BLOT, OTHER), (0.45, 0.35, 0.2)),
    OTHER: ((FLOW, BLOT, MICROSCOPY, MACROSCOPY), (0.5, 0.2, 0.15, 0.15)),
}
CHANGES = ("crop", "brightness", "recompression", "flip", "scale", "turn", "blur")


@dataclass(frozen=True)
class PlannedImage:
    """One image to draw: the numbers that its paper's look, its panel group and itself are drawn from.

    A near-copy is drawn as its original is, then changed.
    """

    paper: int
    figure: int
    group: int
    place: int
    label: str
    style: str
    look: int
    kin: int
    own: int
    given: str = ""
    copy_of: "PlannedImage | None" = None
    changes: tuple[str, ...] = ()

    @property
    def paper_name(self) -> str:
        """The paper's identifier, as BioFors numbers them."""
        return str(self.paper)

    @property
    def file_name(self) -> str:
        """BioFors' `FFPPNN.png`."""
        return f"{self.figure:02}{self.group:02}{self.place:02}.png"


@dataclass
class _Group:
    """A panel group being planned."""

    label: str
    images: list[PlannedImage] = field(default_factory=list)


@dataclass
class Plan:
    """A whole sample, image by image, paper by paper."""

    seed: int
    papers: list[list[PlannedImage]]

    def images(self) -> Iterator[PlannedImage]:
        """Walk over all images in the order of their papers and names."""
        for paper in self.papers:
            yield from paper


def plan_sample(*, papers: int, seed: int) -> Plan:
    """Plan a sample of so many papers; the same seed gives the same plan."""
    rng = np.random.default_rng([seed, 0])
    classes = _classes_of_papers(rng, papers)
    decks = {label: _dealt(rng, styles_of(label)) for label in LABELS}
    planned = [_plan_paper(rng, number, labels, decks) for number, labels in enumerate(classes, start=1)]
    _plant_copies(rng, planned)
    flat = [[image for figure in paper for group in figure for image in group.images] for paper in planned]
    return Plan(seed, _with_labels(rng, flat))


def _classes_of_papers(rng: Generator, papers: int) -> list[list[str]]:
    """Deal classes to papers: each to its share of them, to SEVERAL at least, and to every paper one."""
    held: list[list[str]] = [[] for _ in range(papers)]
    for label in LABELS:
        wanted = max(SEVERAL, round(PAPER_SHARE[label] * papers))
        for paper in rng.permutation(papers)[:wanted]:
            held[paper].append(label)
    return [labels or [BLOT] for labels in held]


def _dealt(rng: Generator, styles: list[Style]) -> Iterator[str]:
    """Deal a class's styles without end: by weight, and each before any comes too often."""
    hand = [one.name for one in styles for _ in range(max(1, round(4 * one.weight)))]
    while True:
        yield from (hand[card] for card in rng.permutation(len(hand)))


def _plan_paper(
    rng: Generator, number: int, labels: list[str], decks: dict[str, Iterator[str]]
) -> list[list[_Group]]:
    """Plan one paper's figures as lists of panel groups."""
    look = int(rng.integers(2**31))
    groups: list[_Group] = []
    for label in labels:
        fewest, most = GROUPS[label]
        for _ in range(int(rng.integers(fewest, most + 1))):
            one = next(decks[label])
            kin, size = int(rng.integers(2**31)), int(rng.choice(GROUP_SIZES[label]))
            image = PlannedImage(number, 0, 0, 0, label, one, look, kin, 0)
            own = rng.integers(2**31, size=size)
            groups.append(
                _Group(label, [replace(image, place=place, own=int(own[place])) for place in range(size)])
            )
    figures: list[list[_Group]] = []
    for place in rng.permutation(len(groups)):
        if not figures or len(figures[-1]) >= rng.integers(1, 5):
            figures.append([])
        figures[-1].append(groups[place])
    for figure, held in enumerate(figures, start=1):
        for group, one_group in enumerate(held):
            one_group.images = [replace(image, figure=figure, group=group) for image in one_group.images]
    return figures


def _plant_copies(rng: Generator, papers: list[list[list[_Group]]]) -> None:
    """Add near-copies of some images: to the same figure, to another figure or to another paper."""
    images = [image for paper in papers for figure in paper for group in figure for image in group.images]
    count = round(len(images) * COPY_SHARE / (1 - COPY_SHARE))
    for place in rng.choice(len(images), count, replace=False):
        original = images[int(place)]
        where = rng.random()
        others = [paper for paper in range(len(papers)) if paper != original.paper - 1]
        number = int(rng.choice(others)) if where > 0.8 else original.paper - 1
        figures = papers[number]
        if where <= 0.4 or len(figures) == 1:
            chosen = min(original.figure, len(figures)) - 1
        else:
            elsewhere = [n for n in range(len(figures)) if where > 0.8 or n != original.figure - 1]
            chosen = int(rng.choice(elsewhere))
        _append_copy(rng, original, figures[chosen], paper=number + 1, figure=chosen + 1)


def _append_copy(
    rng: Generator, original: PlannedImage, groups: list[_Group], *, paper: int, figure: int
) -> None:
    """Add a near-copy to a figure: to a panel group of its class, or as a group of its own."""
    fitting = [place for place, group in enumerate(groups) if group.label == original.label]
    if not fitting:
        groups.append(_Group(original.label))
        fitting = [len(groups) - 1]
    chosen = int(rng.choice(fitting))
    changes = tuple(
        str(name) for name in np.sort(rng.choice(CHANGES, int(rng.integers(1, 4)), replace=False))
    )
    groups[chosen].images.append(
        replace(
            original,
            paper=paper,
            figure=figure,
            group=chosen,
            place=len(groups[chosen].images),
            copy_of=original,
            changes=changes,
        )
    )


def _with_labels(rng: Generator, papers: list[list[PlannedImage]]) -> list[list[PlannedImage]]:
    """Give every image its label, some a wrong one; near-copies and their originals keep the right one."""
    everything = [image for paper in papers for image in paper]
    spared = {image.copy_of for image in everything if image.copy_of} | {i for i in everything if i.copy_of}
    open_to_error = [image for image in everything if image not in spared]
    count = round(len(everything) * WRONG_SHARE)
    wrong = {}
    for place in rng.choice(len(open_to_error), count, replace=False):
        image = open_to_error[int(place)]
        choices, shares = TAKEN_FOR[image.label]
        wrong[image] = str(rng.choice(choices, p=shares))
    return [[replace(image, given=wrong.get(image, image.label)) for image in paper] for paper in papers]
