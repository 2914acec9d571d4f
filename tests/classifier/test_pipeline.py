"""Pixels on their way to a network: stored, ordered, cut into batches, varied."""

from pathlib import Path

import numpy as np
import pytest

from classifier.networks.pipeline import augment, batches, epoch_order, open_store

SIZE = 32


def noise(count: int) -> np.ndarray:
    """Images (count, 32, 32, 3) uint8 without a pattern."""
    return np.random.default_rng(0).integers(0, 256, (count, SIZE, SIZE, 3), dtype=np.uint8)


def test_a_store_keeps_rows_on_disk_for_another_process(tmp_path: Path) -> None:
    pixels = noise(3)
    store = open_store(tmp_path / "pixels", count=3, size=SIZE)
    for row in range(3):
        store.write(row, pixels[row])
    assert (tmp_path / "pixels").stat().st_size == 3 * SIZE * SIZE * 3
    assert (open_store(tmp_path / "pixels", count=3, size=SIZE).pixels == pixels).all()
    with pytest.raises(ValueError, match="row"):
        store.write(0, pixels[0].astype(np.float32))


def test_an_empty_store_holds_no_rows(tmp_path: Path) -> None:
    assert open_store(tmp_path / "pixels", count=0, size=SIZE).pixels.shape == (0, SIZE, SIZE, 3)


def test_oversampling_repeats_small_classes_up_to_ten_times() -> None:
    labels = np.array([0] * 100 + [1] * 30 + [2] * 2)
    order = epoch_order(labels, oversample=True, generator=np.random.default_rng(0))
    assert np.bincount(labels[order]).tolist() == [100, 100, 20]
    assert set(order) == set(range(132))


def test_without_oversampling_each_image_comes_once() -> None:
    labels = np.array([0] * 100 + [1] * 3)
    order = epoch_order(labels, oversample=False, generator=np.random.default_rng(0))
    assert sorted(order) == list(range(103))
    assert order.tolist() != list(range(103))


def test_every_batch_is_full() -> None:
    cut = batches(np.arange(10), batch_size=4)
    assert cut.tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 0, 1]]


def test_augmentation_varies_images_within_their_range_and_repeats_with_its_seed() -> None:
    images = noise(8)
    before = images.copy()
    one, two = (augment(images, generator=np.random.default_rng(seed)) for seed in (0, 1))
    assert one.shape == images.shape
    assert one.min() >= 0
    assert one.max() <= 255
    assert (augment(images, generator=np.random.default_rng(0)) == one).all()
    assert all(np.abs(one[row] - two[row]).mean() > 1 for row in range(8))
    assert (images == before).all()
