"""Labels of a subset and what versions said of its images, as arrays in the same order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import TextField
from django.db.models.functions import Cast
from numpy.typing import NDArray

from classifier.models import ModelVersion, Prediction
from classifier.statistics.scores import Scored
from datasets.errors import Refused
from datasets.models import Image, Split, SplitMember

Numbers = NDArray[np.int64]
NOTHING = -1
_AT_ONCE = 10_000


class EmptySubset(Refused):
    """Raised where a subset holds no labelled image."""

    code = "empty_subset"

    def __init__(self, split: Split, subset: str) -> None:
        super().__init__(
            f"The subset {subset} of {split} holds no labelled image. Choose another subset or split."
        )


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
    """Return the images of a subset that were labelled and not excluded at the cut-off.

    Raises EmptySubset.
    """
    place = {name: number for number, name in enumerate(classes)}
    images: Any = Image.objects.in_subset(split, subset).usable_as_of(cutoff).order_by("pk")
    rows = images.values_list("pk", "label_then", "paper_id")
    table = list(rows.iterator(chunk_size=_AT_ONCE))
    if not table:
        raise EmptySubset(split, subset)
    columns = (
        (pk for pk, _, _ in table),
        (place[name] for _, name, _ in table),
        (NOTHING if paper is None else paper for _, _, paper in table),
    )
    ids, actual, papers = (np.fromiter(column, np.int64, len(table)) for column in columns)
    return Truths(split, subset, tuple(classes), ids, actual, papers)


def predicted_by(version: ModelVersion, truths: Truths) -> Numbers:
    """Return the class that a version said of each image, (N,); NOTHING where it has said none."""
    place = {name: number for number, name in enumerate(truths.classes)}
    said = np.full(len(truths), NOTHING, dtype=np.int64)
    rows = _predictions(version, truths).values_list("image_id", "predicted")
    there = list(rows.iterator(chunk_size=_AT_ONCE))
    images = np.fromiter((pk for pk, _ in there), np.int64, len(there))
    named = np.fromiter((place[name] for _, name in there), np.int64, len(there))
    places, is_there = truths.places_of(images)
    said[places[is_there]] = named[is_there]
    return said


def probabilities_by(version: ModelVersion, truths: Truths) -> NDArray[np.float64]:
    """Return a version's probabilities in the order of `truths.classes`, (N, K); NaN where there are none."""
    order = [version.classes.index(name) for name in truths.classes]
    told = np.full((len(truths), len(truths.classes)), np.nan)
    # As texts, read at once: a field of JSON reads each by itself.
    texts = _predictions(version, truths).annotate(text=Cast("probabilities", TextField()))
    rows = list(texts.values_list("image_id", "text").iterator(chunk_size=_AT_ONCE))
    if not rows:
        return told
    places, is_there = truths.places_of(np.array([pk for pk, _ in rows], dtype=np.int64))
    values = np.array(json.loads(f"[{','.join(text for _, text in rows)}]"))[:, order]
    told[places[is_there]] = values[is_there]
    return told


def _predictions(version: ModelVersion, truths: Truths) -> Any:
    """Return a version's predictions for images of the subset, whatever their label."""
    members = SplitMember.objects.filter(split=truths.split, subset=truths.subset)
    return Prediction.objects.of(version).filter(image__in=members.order_by().values("image")).order_by()
