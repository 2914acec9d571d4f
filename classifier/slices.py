"""Scores of parts of a subset: by paper, size, shape, source of the label, how long ago it was given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Case, Value, When
from numpy.typing import NDArray

from classifier.answers import Numbers, Truths
from classifier.statistics.scores import accuracy_interval, scores_of
from datasets.intervals import wilson
from datasets.models import Image, Label

Mask = NDArray[np.bool_]
# A paper of fewer images says little of itself.
FEWEST_IN_PAPER = 3
Bounds = Sequence[tuple[float, float, str]]
SIDES: Bounds = (
    (0, 128, "under 128 px"),
    (128, 256, "128 to 255 px"),
    (256, 512, "256 to 511 px"),
    (512, 1024, "512 to 1,023 px"),
    (1024, float("inf"), "1,024 px and more"),
)
# Days since the label in force was given.
RECENT: Sequence[tuple[int | None, str]] = (
    (7, "in the last 7 days"),
    (30, "in the last 30 days"),
    (None, "earlier"),
)
# Width by height.
SHAPES: Bounds = (
    (0.0, 0.5, "tall, over 1:2"),
    (0.5, 0.8, "upright"),
    (0.8, 1.25, "about square"),
    (1.25, 2.0, "lying"),
    (2.0, float("inf"), "wide, over 2:1"),
)


@dataclass(frozen=True)
class Slice:
    """Some images of an evaluation: how many, of how many papers, how many are right and what that comes to.

    `interval` of the accuracy is over papers, None of a single one; `macro_f1` is over the classes there are.
    `query` are filters of the workbench that show the images, where there are such.
    """

    name: str
    images: int
    papers: int
    wrong: int
    accuracy: float
    interval: tuple[float, float] | None
    macro_f1: float
    query: dict[str, str]


@dataclass(frozen=True)
class PaperScore:
    """A paper with its wrong images; `interval` is Wilson's, for the images of this very paper."""

    identifier: str
    images: int
    wrong: int
    accuracy: float
    interval: tuple[float, float]


@dataclass(frozen=True)
class Facts:
    """What is known of the images beside their labels, each (N,) in the order of the truths."""

    longest: Numbers
    aspect: NDArray[np.float64]
    sources: NDArray[np.str_]
    recency: Numbers


def facts_of(truths: Truths, *, now: datetime) -> Facts:
    """Return what slices go by; `aspect` is width by height, `recency` is a place in RECENT."""
    rows = (
        Image.objects.in_subset(truths.split, truths.subset)
        .order_by("pk")
        .annotate(recency=_recency(now))
        .values_list("pk", "width", "height", "label_source", "recency")
    )
    table = list(rows.iterator())
    is_there = truths.places_of(np.array([row[0] for row in table], dtype=np.int64))[1]
    kept = [row for row, there in zip(table, is_there, strict=True) if there]
    sides = np.array([row[1:3] for row in kept], dtype=np.int64).reshape(-1, 2)
    return Facts(
        longest=sides.max(axis=1) if len(sides) else sides[:, 0],
        aspect=sides[:, 0] / sides[:, 1],
        sources=np.array([row[3] for row in kept], dtype=str),
        recency=np.array([row[4] for row in kept], dtype=np.int64),
    )


def slices(truths: Truths, said: Numbers, facts: Facts) -> list[tuple[str, list[Slice]]]:
    """Return the parts by what they go by; those without an image are left out."""

    def cut(named: Iterable[tuple[str, Mask, dict[str, str]]]) -> list[Slice]:
        return [
            slice_of(truths, said, mask, name=name, query=query) for name, mask, query in named if mask.any()
        ]

    sources = [
        (str(source.label).capitalize(), facts.sources == source.value, {"source": str(source.value)})
        for source in Label.Source
    ]
    recent: list[tuple[str, Mask, dict[str, str]]] = [
        (name, facts.recency == place, {}) for place, (_, name) in enumerate(RECENT)
    ]
    return [
        ("Longest side", cut(_between(facts.longest, SIDES))),
        ("Shape", cut(_between(facts.aspect, SHAPES))),
        ("Source of the label", cut(sources)),
        ("Labelled", cut(recent)),
    ]


def slice_of(
    truths: Truths, said: Numbers, mask: Mask, *, name: str, query: dict[str, str] | None = None
) -> Slice:
    """Return the scores of the images under a mask (N,); ValueError without one."""
    some, answers = truths.only(mask), said[mask]
    is_right = answers == some.actual
    counts, papers = some.scored(answers).by_paper()
    ends = accuracy_interval(is_right, some.papers)
    return Slice(
        name=name,
        images=len(some),
        papers=papers,
        wrong=int((~is_right).sum()),
        accuracy=float(is_right.mean()),
        interval=None if np.isnan(ends.low) else (ends.low, ends.high),
        macro_f1=float(scores_of(counts.sum(axis=0, keepdims=True))[0, 0]),
        query=query or {},
    )


def worst_papers(truths: Truths, said: Numbers, *, names: dict[int, str], most: int) -> list[PaperScore]:
    """Return the papers that are most surely bad: by the lower end of Wilson's interval of their errors.

    `names` are the identifiers of papers by id. Papers of fewer than FEWEST_IN_PAPER images are left out.
    """
    is_wrong = said != truths.actual
    found = []
    papers, place, sizes = np.unique(truths.papers, return_inverse=True, return_counts=True)
    wrong = np.bincount(place, weights=is_wrong, minlength=len(papers)).astype(int)
    for paper, images, errors in zip(papers.tolist(), sizes.tolist(), wrong.tolist(), strict=True):
        if paper in names and images >= FEWEST_IN_PAPER and errors:
            low, high = wilson(images - errors, images)
            found.append(PaperScore(names[paper], images, errors, 1 - errors / images, (low, high)))
    return sorted(found, key=lambda each: (each.interval[1], -each.wrong, each.identifier))[:most]


def _recency(now: datetime) -> Case:
    """Return which of RECENT the label in force falls into: reckoned by the database, as dates are slow."""
    return Case(
        *(
            When(labelled_at__gte=now - timedelta(days=days), then=Value(place))
            for place, (days, _) in enumerate(RECENT)
            if days is not None
        ),
        default=Value(len(RECENT) - 1),
    )


def _between(values: NDArray[Any], bounds: Bounds) -> list[tuple[str, Mask, dict[str, str]]]:
    return [(name, (values >= low) & (values < high), {}) for low, high, name in bounds]
