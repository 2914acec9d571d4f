"""Pixels on their way to a network: stored, ordered, cut into batches, varied."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from classifier.networks.augmenting import Variations, augment
from classifier.networks.pipeline import (
    LabelledPixels,
    batches,
    class_weights,
    epoch_order,
    made_ahead,
)

SIZE = 32


def noise(count: int) -> np.ndarray:
    """Images (count, 32, 32, 3) uint8 without a pattern."""
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


def labelled(labels: Any, papers: Any = None) -> LabelledPixels:
    """Images of these classes, of these papers."""
    numbers = np.array(labels, dtype=np.int64)
    return LabelledPixels(noise(1)[np.zeros(len(numbers), int)], numbers, papers=papers)


def order(images: LabelledPixels, balance: str) -> Any:
    """One epoch's rows."""
    return epoch_order(images, balance=balance, generator=np.random.default_rng(0))


def test_oversampling_repeats_small_classes_up_to_ten_times() -> None:
    images = labelled([0] * 100 + [1] * 30 + [2] * 2)
    rows = order(images, "oversample")
    assert np.bincount(images.labels[rows]).tolist() == [100, 100, 20]
    assert set(rows) == set(range(132))


@pytest.mark.parametrize("balance", ["none", "weights"])
def test_otherwise_each_image_comes_once(balance: str) -> None:
    rows = order(labelled([0] * 100 + [1] * 3), balance)
    assert sorted(rows) == list(range(103))
    assert rows.tolist() != list(range(103))


def test_by_papers_each_class_comes_as_often_and_a_paper_by_the_root_of_its_size() -> None:
    # Of class 0 one paper of 900 images and one of 100; of class 1 one paper of 50.
    images = labelled([0] * 1000 + [1] * 50, np.array([0] * 900 + [1] * 100 + [2] * 50))
    rows = np.concatenate(
        [epoch_order(images, balance="papers", generator=np.random.default_rng(seed)) for seed in range(20)]
    )
    assert len(rows) == 20 * 1050
    classes = np.bincount(images.labels[rows]) / len(rows)
    assert classes == pytest.approx([0.5, 0.5], abs=0.02)
    papers = np.bincount(images.papers[rows])
    assert papers[0] / papers[1] == pytest.approx(3, rel=0.1)


def test_what_has_joined_comes_as_often_as_it_is_many_though_its_papers_are_more() -> None:
    own = labelled([0] * 60 + [1] * 40, np.array([0] * 60 + [1] * 40))
    # Sixty papers of one image each join class 0.
    more = np.arange(60)
    images = own.joined(own.pixels, rows=more % 100, labels=np.zeros(60, np.int64), papers=more)
    assert (len(images), images.own) == (160, 100)
    rows = np.concatenate(
        [epoch_order(images, balance="papers", generator=np.random.default_rng(seed)) for seed in range(40)]
    )
    shares = [((rows < 60).mean()), ((rows >= 100).mean()), ((images.labels[rows] == 1).mean())]
    assert shares == pytest.approx([0.25, 0.25, 0.5], abs=0.02)


def test_weights_are_in_inverse_proportion_to_the_class_and_one_on_average() -> None:
    labels = np.array([0] * 80 + [1] * 20 + [2] * 2)
    weights = class_weights(labels, class_count=4)
    assert weights[labels].mean() == pytest.approx(1)
    assert weights[1] / weights[0] == pytest.approx(4)
    # No class counts for more than ten times the largest.
    assert weights[2] / weights[0] == pytest.approx(10)


def test_batches_are_made_ahead_in_their_order_and_no_further_than_asked() -> None:
    made: list[int] = []

    def make(number: int) -> int:
        made.append(number)
        return number

    coming = made_ahead([partial(make, number) for number in range(10)], depth=2)
    assert next(coming) == 0
    assert len(made) <= 4
    assert list(coming) == list(range(1, 10))


def test_what_fails_while_a_batch_is_made_is_told_where_it_is_wanted() -> None:
    def broken() -> int:
        raise OSError("gone")

    coming = made_ahead([lambda: 1, broken, lambda: 3])
    assert next(coming) == 1
    with pytest.raises(OSError, match="gone"):
        next(coming)


def test_every_batch_is_full() -> None:
    cut = batches(np.arange(10), batch_size=4)
    assert cut.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]]


def test_augmentation_varies_images_within_their_range_and_repeats_with_its_seed() -> None:
    images = noise(8)
    before = images.copy()
    one, two = (augment(images, Variations(), generator=np.random.default_rng(seed)) for seed in (0, 1))
    assert one.shape == images.shape
    assert one.min() >= 0
    assert one.max() <= 255
    assert (augment(images, Variations(), generator=np.random.default_rng(0)) == one).all()
    assert all(np.abs(one[row] - two[row]).mean() > 1 for row in range(8))
    assert (images == before).all()
