"""Weights on the disk, as NumPy's archive: HDF5 ends the process where the disk is full."""

from pathlib import Path

import keras
import numpy as np

from classifier.networks.storing import written_whole

SUFFIX = ".npz"


def write_weights(model: keras.Model, path: Path) -> None:
    """Write a network's weights, whole or not at all; OSError where the disk is full."""
    named = {f"{place:05d}": array for place, array in enumerate(model.get_weights())}
    with written_whole(path) as temporary, temporary.open("wb") as file:
        np.savez(file, **named)  # type: ignore[arg-type]


def read_weights(model: keras.Model, path: Path) -> None:
    """Set a network's weights to those written; ValueError where they are of another network."""
    with np.load(path, allow_pickle=False) as file:
        model.set_weights([file[name] for name in sorted(file.files)])
