"""What a version has said of a labelled subset, as arrays; nothing is classified for it."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np

from classifier.answers import probabilities_by, truths_of
from classifier.evaluation import EvaluationIncomplete, check_classes, check_subset
from classifier.models import ModelVersion
from classifier.statistics.calibration import Answered
from classifier.statistics.resampling import numbered
from datasets.errors import Refused
from datasets.label_times import label_cutoff
from datasets.models import Split


@dataclass(frozen=True)
class Answers:
    """Stored predictions of a subset beside its labels as they stood at `cutoff`.

    `left_out` counts labelled images that the version has said nothing of.
    """

    version: ModelVersion
    split: Split
    subset: str
    cutoff: datetime
    answered: Answered
    left_out: int

    @property
    def images(self) -> int:
        """How many images there are."""
        return len(self.answered.actual)

    @cached_property
    def papers(self) -> int:
        """How many papers they come from; an image without a paper is one of its own."""
        return numbered(self.answered.papers)[1]


def answers_in(
    version: ModelVersion, *, split: Split, subset: str, cutoff: datetime | None = None
) -> Answers:
    """Return what a version has said of a subset's images that were labelled at the cut-off (now).

    Raises EvaluationIncomplete (not_evaluated) where it has said nothing, and `Refused` (bad_subset,
    other_classes, empty_subset).
    """
    cutoff = cutoff or label_cutoff()
    check_subset(subset)
    check_classes(version, split)
    truths = truths_of(split, subset, cutoff, classes=version.classes)
    probabilities = probabilities_by(version, truths)
    is_there = ~np.isnan(probabilities[:, 0])
    if not is_there.any():
        raise EvaluationIncomplete(
            f"{version} has not classified {split} {subset} yet. Evaluate it there first: "
            f"evaluate {version} --split {split} --subset {subset}."
        )
    some = truths.only(is_there)
    answered = Answered(probabilities=probabilities[is_there], actual=some.actual, papers=some.papers)
    return Answers(version, split, subset, cutoff, answered, left_out=int((~is_there).sum()))


def own_split(version: ModelVersion) -> Split:
    """Return the split that a version was trained on; raises `Refused` (no_split) where there is none."""
    if version.split is None:
        raise Refused(f"{version} was trained elsewhere: name a split.", code="no_split")
    return version.split
