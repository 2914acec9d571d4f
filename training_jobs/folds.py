"""Which images a run may learn from, with their labels; the same in folds by paper."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.reading import Wanted, wanted
from datasets.errors import Refused
from datasets.models import Image, Split, Subset

TAUGHT = (Subset.TRAIN, Subset.VAL)


class TooFewPapers(Refused):
    """Raised where papers do not suffice for the folds asked for."""

    code = "too_few_papers"


@dataclass(frozen=True)
class Known:
    """An image as it is learnt from: what to read, its class at the cut-off, its paper.

    `paper` is the paper's id; an image without one is a paper of its own, and has its own id below 0.
    """

    image: Wanted
    label: str
    paper: int


def in_folds(split: Split, cutoff: Any, *, folds: int, seed: int) -> list[list[Known]]:
    """Return the usable images of train and val together in folds: no paper in two, classes spread evenly.

    The same split, cut-off, folds and seed give the same. scikit-learn's StratifiedGroupKFold. Raises
    TooFewPapers.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    images = sorted(
        (each for subset in TAUGHT for each in usable_of(split, subset, cutoff)),
        key=lambda each: each.image.pk,
    )
    papers = [each.paper for each in images]
    if len(set(papers)) < folds:
        raise TooFewPapers(
            f"Train and val of {split} hold {len(set(papers)):,} papers: too few for {folds} folds by paper."
        )
    cut = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    held_out = cut.split(np.zeros(len(images)), [each.label for each in images], papers)
    return [[images[place] for place in places] for _, places in held_out]


def usable_of(split: Split, subset: Subset, cutoff: Any) -> list[Known]:
    """Return the usable images of a subset."""
    usable: Any = Image.objects.in_subset(split, subset).usable_as_of(cutoff)
    told = {pk: (label, paper) for pk, label, paper in usable.values_list("pk", "label_then", "paper_id")}
    found = [(image, *told[image.pk]) for image in wanted(usable)]
    return [Known(image, label, -image.pk if paper is None else paper) for image, label, paper in found]
