"""Pixels on their way to a network: labelled rows of a file map, epoch orders, batches made ahead."""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

MOST_REPEATS = 10
UInt8Array = NDArray[np.uint8]
Made = TypeVar("Made")


@dataclass(frozen=True)
class LabelledPixels:
    """Images and their classes: `pixels` (M, S, S, 3) uint8, maybe a file map; `labels` (N,) int64.

    `rows` (N,) says where each image's pixels are; without it image n is in row n. `papers` (N,): a number
    for each paper; without it every image is a paper of its own. The first `own` are those of the data set
    itself, others have joined them; without it all are.
    """

    pixels: UInt8Array
    labels: NDArray[np.int64]
    rows: NDArray[np.int64] = None  # type: ignore[assignment]
    papers: NDArray[np.int64] = None  # type: ignore[assignment]
    own: int = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Number rows and papers that were not given; ValueError where images and labels differ in number."""
        for name in ("rows", "papers"):
            if getattr(self, name) is None:
                count = len(self.pixels) if name == "rows" else len(self.labels)
                object.__setattr__(self, name, np.arange(count, dtype=np.int64))
        if self.own is None:
            object.__setattr__(self, "own", len(self.labels))
        if not len(self.rows) == len(self.labels) == len(self.papers):
            raise ValueError(f"{len(self.rows)} images but {len(self.labels)} labels")

    def __len__(self) -> int:
        return len(self.labels)

    def joined(
        self,
        pixels: UInt8Array,
        *,
        rows: NDArray[np.int64],
        labels: NDArray[np.int64],
        papers: NDArray[np.int64],
    ) -> "LabelledPixels":
        """Return these images and more, of papers of their own; `pixels` holds both, each in its rows."""
        return LabelledPixels(
            pixels,
            np.concatenate([self.labels, labels]),
            np.concatenate([self.rows, rows]),
            np.concatenate([self.papers, self.papers.max() + 1 + papers]),
            self.own,
        )

    def take(self, which: NDArray[np.int64]) -> UInt8Array:
        """Return the pixels of some images, (len(which), S, S, 3) uint8."""
        return np.asarray(self.pixels[self.rows[which]])


def epoch_order(images: LabelledPixels, *, balance: str, generator: np.random.Generator) -> NDArray[np.int64]:
    """Return the rows of one epoch in random order.

    `oversample` repeats the rows of small classes until each class is as large as the largest, or has been
    repeated MOST_REPEATS times: beyond that an epoch would mostly show the same few images. `papers` draws as
    many rows as there are: each class as often, within it a paper by the root of its size; what has joined
    comes as often as it is many, for there are more of its papers. Otherwise each row comes once.
    """
    labels = images.labels
    rows = np.arange(len(labels), dtype=np.int64)
    if balance == "papers" and len(labels):
        return generator.choice(rows, size=len(rows), p=_chances(images))
    if balance == "oversample" and len(labels):
        counts = np.bincount(labels)
        parts = []
        for label in np.flatnonzero(counts):
            own = generator.permutation(rows[labels == label])
            parts.append(np.resize(own, min(int(counts.max()), len(own) * MOST_REPEATS)))
        rows = np.concatenate(parts)
    return generator.permutation(rows)


def _chances(images: LabelledPixels) -> NDArray[np.float64]:
    """Return how likely each row is drawn, (N,), sum 1."""
    _, group, sizes = np.unique(
        np.stack([images.papers, images.labels]), axis=1, return_inverse=True, return_counts=True
    )
    chances = 1 / np.sqrt(sizes[group])
    part = 2 * images.labels + (np.arange(len(images)) >= images.own)
    chances *= (np.bincount(part) / np.maximum(np.bincount(part, weights=chances), 1e-12))[part]
    of_class = np.bincount(images.labels, weights=chances)
    chances /= of_class[images.labels]
    return np.asarray(chances / chances.sum())


def class_weights(labels: NDArray[np.int64], *, class_count: int) -> NDArray[np.float32]:
    """Return how much an image of each class counts, (class_count,): the mean over all images is 1.

    In inverse proportion to the size of the class, at most MOST_REPEATS times as much as in the largest.
    """
    counts = np.bincount(labels, minlength=class_count)
    weights = np.minimum(counts.max() / np.maximum(counts, 1), MOST_REPEATS).astype(np.float32)
    return weights * np.float32(counts.sum() / (weights * counts).sum())


def batches(order: NDArray[np.int64], *, batch_size: int) -> NDArray[np.int64]:
    """Cut an order into (steps, batch_size) rows; the last batch is filled up from the start of the order.

    All batches alike spare a second compilation, and no batch is a single image without a variance.
    """
    steps = math.ceil(len(order) / batch_size)
    return np.resize(order, (steps, batch_size))


def made_ahead(tasks: Sequence[Callable[[], Made]], *, depth: int = 2) -> Iterator[Made]:
    """Yield what tasks make, in their order; a thread makes up to `depth` of them ahead."""
    with ThreadPoolExecutor(max_workers=1) as maker:
        coming: list[Future[Made]] = []
        try:
            for task in tasks:
                coming.append(maker.submit(task))
                if len(coming) > depth:
                    yield coming.pop(0).result()
            while coming:
                yield coming.pop(0).result()
        finally:
            for each in coming:
                each.cancel()
