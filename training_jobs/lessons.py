"""What a run learns from and is judged by: images of its subsets, or of its folds, with their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from classifier.drawn import drawn_panels
from classifier.networks.config import TrainingConfig
from classifier.networks.pipeline import LabelledPixels
from classifier.pixels import FittedImages, fitted_images, pixel_cache
from classifier.reading import Unreadable
from datasets.errors import Refused
from datasets.models import Subset
from training_jobs.folds import TAUGHT, Known, in_folds, usable_of
from training_jobs.leases import Claim, Reports, stop_if_asked
from training_jobs.models import TrainingRun

_NAMED = 5


class NoReadableImage(Refused):
    """Raised where nothing can be learnt from."""

    code = "no_readable_image"


@dataclass(frozen=True)
class Lesson:
    """What one run learns from: the images read, and how they are labelled; `taught` has drawn panels too."""

    classes: list[str]
    read: dict[Subset, FittedImages]
    train: LabelledPixels
    val: LabelledPixels
    taught: LabelledPixels


def lesson_of(run: TrainingRun, claim: Claim, config: TrainingConfig) -> Lesson:
    """Read what a run learns from; raises NoReadableImage, TooFewPapers, FittingCancelled, LeaseLost."""
    return _Reading(run, claim, config).lesson()


class _Reading:
    """The reading of what one run learns from."""

    def __init__(self, run: TrainingRun, claim: Claim, config: TrainingConfig) -> None:
        self.run = run
        self.claim = claim
        self.config = config
        self.reports = Reports(run)

    @cached_property
    def classes(self) -> list[str]:
        """The classes of the dataset, in their order."""
        return list(self.run.split.dataset.classes.order_by("position").values_list("name", flat=True))

    def lesson(self) -> Lesson:
        """Read both subsets; drawn panels join what is learnt from."""
        parts = {subset: self._part(subset, known) for subset, known in self._known().items()}
        (read_train, train), (read_val, val) = parts[Subset.TRAIN], parts[Subset.VAL]
        if not len(train):
            raise NoReadableImage(
                "None of the images of train could be read, so nothing can be learnt. The log says why."
            )
        return Lesson(
            classes=self.classes,
            read={Subset.TRAIN: read_train, Subset.VAL: read_val},
            train=train,
            val=val,
            taught=self._with_drawn(train) if self.config.drawn_papers else train,
        )

    def _known(self) -> dict[Subset, list[Known]]:
        """Return what the run learns from and what judges it: by its split, or by its fold."""
        run = self.run
        if not run.fold or run.candidate is None:
            return {subset: usable_of(run.split, subset, run.label_cutoff) for subset in TAUGHT}
        sweep = run.candidate.sweep
        folds = in_folds(run.split, run.label_cutoff, folds=sweep.folds, seed=sweep.seed)
        judging = folds.pop(run.fold - 1)
        return {Subset.TRAIN: [each for fold in folds for each in fold], Subset.VAL: judging}

    def _part(self, subset: Subset, known: Sequence[Known]) -> tuple[FittedImages, LabelledPixels]:
        """Read images from the cache that runs share; those that cannot be read are named in the log."""
        read = fitted_images(
            [each.image for each in known],
            size=self.config.image_size,
            geometry=self.config.geometry,
            progress=lambda done, total: self._say(done, total, f"Reading images of {subset}"),
        )
        if read.unreadable:
            self.run.note(_told_of(read.unreadable, subset))
        told = {each.image.pk: each for each in known}
        found = [told[image.pk] for image in read.images]
        numbers = np.array([self.classes.index(each.label) for each in found], dtype=np.int64)
        papers = _numbered([each.paper for each in found])
        return read, LabelledPixels(read.cache.rows, numbers, read.rows, papers)

    def _with_drawn(self, train: LabelledPixels) -> LabelledPixels:
        """Return training images and the drawn panels that join them."""
        known = {
            name: self.classes.index(each.name)
            for each in self.run.split.dataset.classes.all()
            for name in each.names
        }
        size, geometry = self.config.image_size, self.config.geometry
        drawn = drawn_panels(
            self.config.drawn_papers,
            numbers=known,
            size=size,
            geometry=geometry,
            progress=lambda done, total: self._say(done, total, "Drawing panels"),
        )
        self.run.note(f"{len(drawn.rows):,} drawn panels join the {len(train):,} training images")
        # Opened anew: it holds what was drawn.
        pixels = pixel_cache(size=size, geometry=geometry).rows
        return train.joined(pixels, rows=drawn.rows, labels=drawn.labels, papers=drawn.papers)

    def _say(self, done: int, total: int, deed: str) -> None:
        self.reports(done, total, f"{deed}: {done:,} of {total:,}")
        stop_if_asked(self.claim)


def _numbered(papers: Sequence[int]) -> NDArray[np.int64]:
    """Return papers as numbers from 0."""
    return np.unique(np.array(papers), return_inverse=True)[1].astype(np.int64)


def _told_of(unreadable: Sequence[Unreadable], subset: str) -> str:
    """Say which images were left out, and why."""
    named = "; ".join(f"{each.file}: {each.code}" for each in unreadable[:_NAMED])
    more = f"; and {len(unreadable) - _NAMED:,} more" if len(unreadable) > _NAMED else ""
    return f"{len(unreadable):,} of the images of {subset} could not be read: {named}{more}"
