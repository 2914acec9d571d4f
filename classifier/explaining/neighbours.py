"""The training images that lie nearest to an image in what a version makes of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.explaining.heat import as_seen, opened_network
from classifier.explaining.opened import NotExplainable, OpenedNetwork
from classifier.models import ModelVersion
from classifier.pixels import PREPROCESSING, caches, seen_pixels
from classifier.predicting import PredictingStopped
from classifier.reading import Unreadable, Wanted, wanted
from classifier.row_cache import RowCache, make_room
from datasets.errors import Refused
from datasets.models import Image, Subset

BATCH = 16
# Rows that are compared at a time: of 2,048 numbers each that is 32 MiB.
CHUNK = 4096
MOST = 50
NEAREST = 12


class NoTrainingSet(Refused):
    """Raised where it is not known what a version was trained on."""

    code = "no_training_set"
    status = 409


@dataclass(frozen=True)
class Neighbour:
    """A training image, its label at the version's cut-off, and the cosine of the angle to it, -1 to 1."""

    image: Image
    label_then: str
    similarity: float
    same_paper: bool


class TrainingVectors:
    """The vectors of a version's training images, in their one home: by content of image and network."""

    def __init__(self, version: ModelVersion) -> None:
        self.version = version
        self.network = opened_network(version)
        self.cache = _cache(version, self.network)

    def missing(self, images: Sequence[Wanted]) -> list[Wanted]:
        """Return the images that have no vector yet, one for equal bytes."""
        by_content = {image.sha256: image for image in images}
        places = self.cache.places([bytes.fromhex(sha256) for sha256 in by_content])
        return [image for image, place in zip(by_content.values(), places, strict=True) if place < 0]

    def make(
        self,
        images: Sequence[Wanted],
        *,
        progress: Callable[[int, int], None] = lambda done, total: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> list[Unreadable]:
        """Make the vectors that are missing; return which images could not be read.

        `progress` gets (images seen to, all of them). Raises PredictingStopped; `Refused` (disk_full).
        """
        missing = self.missing(images)
        if not missing:
            progress(len(images), len(images))
            return []
        make_room(caches(), needed=len(missing) * self.cache.row_bytes, keep=self.cache.directory)
        done, unreadable = len(images) - len(missing), []
        progress(done, len(images))
        size, geometry = self.version.input_size, self.version.geometry
        for batch in seen_pixels(missing, size=size, geometry=geometry):
            read = [(image, pixels) for image, pixels in batch if not isinstance(pixels, Unreadable)]
            for start in range(0, len(read), BATCH):
                some = read[start : start + BATCH]
                keys = [bytes.fromhex(image.sha256) for image, _ in some]
                self.cache.add(keys, self.network.vectors([pixels for _, pixels in some]))
            unreadable += [each for _, each in batch if isinstance(each, Unreadable)]
            done += len(batch)
            progress(done, len(images))
            if should_stop():
                raise PredictingStopped(f"Stopped after {done} of {len(images)} images.")
        return unreadable

    def nearest(
        self, vector: NDArray[np.float32], images: Sequence[Wanted], *, k: int
    ) -> list[tuple[Wanted, float]]:
        """Return the k images whose vectors point most nearly as this one, nearest first, with the cosine."""
        places = self.cache.places([bytes.fromhex(image.sha256) for image in images])
        known = np.flatnonzero(places >= 0)
        rows, own = self.cache.rows, _to_length_one(vector[None])[0]
        similarity = np.empty(len(known), dtype=np.float32)
        # In the order of the file, a piece at a time: it may be larger than the memory.
        known = known[np.argsort(places[known], kind="stable")]
        for start in range(0, len(known), CHUNK):
            some = known[start : start + CHUNK]
            similarity[start : start + CHUNK] = _to_length_one(rows[places[some]]) @ own
        first = np.lexsort((known, -similarity))[:k]
        return [(images[int(known[each])], float(similarity[each])) for each in first]


def training_images(version: ModelVersion, user: Any = None) -> list[Wanted]:
    """Return what a version learnt from, by id; with a user only what that person may see. NoTrainingSet."""
    if version.split is None or version.label_cutoff is None:
        raise NoTrainingSet(
            f"{version} was not trained here: which images it learnt from is not known, so none can be shown."
        )
    seen: Any = Image.objects.all() if user is None else Image.objects.visible_to(user)
    usable = seen.in_subset(version.split, Subset.TRAIN).usable_as_of(version.label_cutoff)
    return wanted(usable)


def check_count(k: int) -> None:
    """Raise `Refused` (bad_count) where so many cannot be asked for."""
    if not 1 <= k <= MOST:
        raise Refused(f"k is a whole number from 1 to {MOST}.", code="bad_count")


def nearest_training_images(
    image: Image, vectors: TrainingVectors, images: Sequence[Wanted], *, k: int = NEAREST
) -> list[Neighbour]:
    """Return the training images that a version makes most nearly the same of, nearest first.

    Nearness is the cosine between what stands before its dense layers. Copies of the image itself are left
    out. Raises BytesMissing, ImageRefused.
    """
    own = vectors.network.vectors([as_seen(image, vectors.version)])[0]
    others = [each for each in images if each.sha256 != image.sha256]
    found = vectors.nearest(own, others, k=k)
    shown: Any = Image.objects.filter(pk__in=[each.pk for each, _ in found])
    shown = shown.select_related("dataset", "paper", "label").with_label_as_of(vectors.version.label_cutoff)
    by_id = shown.in_bulk()
    return [
        Neighbour(
            image=by_id[each.pk],
            label_then=by_id[each.pk].label_then,
            similarity=similarity,
            same_paper=image.paper_id is not None and by_id[each.pk].paper_id == image.paper_id,
        )
        for each, similarity in found
        if each.pk in by_id
    ]


def _cache(version: ModelVersion, network: OpenedNetwork) -> RowCache:
    """Return the home of a version's vectors. `Refused` (not_explainable)."""
    try:
        length = network.vector_length(version.input_size)
    except NotExplainable as refusal:
        raise Refused(f"{version}: {refusal}", code=refusal.code) from refusal
    named = f"{version.onnx_sha256[:32]}-{version.geometry}-{PREPROCESSING}-{length}"
    return RowCache(caches() / "vectors" / named, shape=(length,), dtype=np.float32)


def _to_length_one(rows: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return rows (N, features) of length 1 each; one that is all zeros stays so, and is near to none."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.where(lengths > 0, lengths, np.float32(1)))
