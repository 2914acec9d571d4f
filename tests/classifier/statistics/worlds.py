"""Papers drawn from a world whose scores are known: each with its own classes and its own difficulty."""

from collections.abc import Iterator

import numpy as np

from classifier.statistics.resampling import Array
from classifier.statistics.scores import Scored, scores_of

CLASSES = ["a", "b", "c", "d", "e"]
COUNT = len(CLASSES)
_PRIOR = np.array([0.3, 0.1, 0.15, 0.25, 0.2])
_EASE = np.array([0.5, -0.6, 0.0, 0.3, -0.2])


def drawn(generator: np.random.Generator, *, papers: int, images: int = 20) -> Scored:
    """Return so many papers with `images` more or less each: answers right or wrong together in a paper."""
    parts = []
    for paper in range(papers):
        number = generator.poisson(images) + 1
        actual = generator.choice(COUNT, size=number, p=generator.dirichlet(_PRIOR * 3))
        skill = 1 / (1 + np.exp(-(1.2 + generator.normal(0, 1.2) + _EASE)))
        is_right = generator.random(number) < skill[actual]
        other = (actual + generator.choice([1, 2, 3, 4], size=number, p=[0.4, 0.3, 0.2, 0.1])) % COUNT
        parts.append((actual, np.where(is_right, actual, other), np.full(number, paper)))
    actual, predicted, numbers = (np.concatenate(part).astype(np.int64) for part in zip(*parts, strict=True))
    return Scored(actual, predicted, numbers, COUNT)


def truth() -> Array:
    """Return the scores of the whole world, all but exactly."""
    everything, _ = drawn(np.random.default_rng(0), papers=40_000).by_paper()
    return scores_of(everything.sum(axis=0, keepdims=True))[0]


def data_sets(number: int, *, papers: int, seed: int) -> Iterator[Scored]:
    """Yield data sets of so many papers."""
    generator = np.random.default_rng(seed)
    for _ in range(number):
        yield drawn(generator, papers=papers)


def without_papers(scored: Scored) -> Scored:
    """Return the same images as if they were independent."""
    return Scored(scored.actual, scored.predicted, np.full(len(scored.actual), -1), scored.class_count)
