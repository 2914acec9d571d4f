"""Labels of a subset and what versions said of its images, as arrays in the same order."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.models import ModelVersion, Prediction
from classifier.statistics.scores import Scored
from datasets.models import Image, Split

Numbers = NDArray[np.int64]
NOTHING = -1


@dataclass(frozen=True)
class Truths:
    """The labelled images of a subset: ids `images` (N,) ascending, `actual` (N,) as places in `classes`,
    and `papers` (N,), NOTHING where an image has none.
    """

    split: Split
    subset: str
    classes: tuple[str, ...]
    images: Numbers
    actual: Numbers
    papers: Numbers

    def __len__(self) -> int:
        return len(self.images)

    def only(self, which: NDArray[np.bool_]) -> "Truths":
        """Return some of them, by a mask (N,)."""
        return Truths(
            self.split,
            self.subset,
            self.classes,
            self.images[which],
            self.actual[which],
            self.papers[which],
        )

    def scored(self, predicted: Numbers) -> Scored:
        """Return them with the classes (N,) that a version said."""
        return Scored(self.actual, predicted, self.papers, len(self.classes))

    def places_of(self, images: Numbers) -> tuple[Numbers, NDArray[np.bool_]]:
        """Return where these ids stand among the images, and which of them do at all."""
        if not len(self.images):
            return np.zeros(len(images), np.int64), np.zeros(len(images), bool)
        places = np.minimum(np.searchsorted(self.images, images), len(self.images) - 1)
        return places, self.images[places] == images


def truths_of(split: Split, subset: str, cutoff: datetime, *, classes: Sequence[str]) -> Truths:
    """Return the images of a subset that were labelled and not excluded at the cut-off."""
    place = {name: number for number, name in enumerate(classes)}
    images: Any = Image.objects.in_subset(split, subset).usable_as_of(cutoff).order_by("pk")
    rows = images.values_list("pk", "label_then", "paper_id")
    table = [(pk, place[name], NOTHING if paper is None else paper) for pk, name, paper in rows]
    columns = np.array(table, dtype=np.int64).reshape(-1, 3)
    return Truths(split, subset, tuple(classes), columns[:, 0], columns[:, 1], columns[:, 2])


def predicted_by(version: ModelVersion, truths: Truths) -> Numbers:
    """Return the class that a version said of each image, (N,); NOTHING where it has said none."""
    place = {name: number for number, name in enumerate(truths.classes)}
    said = np.full(len(truths), NOTHING, dtype=np.int64)
    rows = _predictions(version, truths).values_list("image_id", "predicted")
    table = np.array([(pk, place[name]) for pk, name in rows.iterator()], dtype=np.int64).reshape(-1, 2)
    places, is_there = truths.places_of(table[:, 0])
    said[places[is_there]] = table[is_there, 1]
    return said


def probabilities_by(version: ModelVersion, truths: Truths) -> NDArray[np.float64]:
    """Return a version's probabilities in the order of `truths.classes`, (N, K); NaN where there are none."""
    order = [version.classes.index(name) for name in truths.classes]
    told = np.full((len(truths), len(truths.classes)), np.nan)
    rows = list(_predictions(version, truths).values_list("image_id", "probabilities").iterator())
    if not rows:
        return told
    places, is_there = truths.places_of(np.array([pk for pk, _ in rows], dtype=np.int64))
    values = np.array([probabilities for _, probabilities in rows])[:, order]
    told[places[is_there]] = values[is_there]
    return told


def _predictions(version: ModelVersion, truths: Truths) -> Any:
    """Return a version's predictions for images of the subset, whatever their label."""
    return Prediction.objects.of(version).filter(
        image__memberships__split=truths.split, image__memberships__subset=truths.subset
    )
