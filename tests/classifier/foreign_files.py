"""Files as Keras 2 wrote them, made by hand: no Keras is needed to make one."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Layer:
    """A layer of a network in a row."""

    kind: str
    name: str
    config: Mapping[str, Any] = field(default_factory=dict)
    weights: Arrays = field(default_factory=dict)


def write_h5(path: Path, layers: Sequence[Layer], *, size: int | None = None, whole: bool = True) -> Path:
    """Write a network in a row, or (`whole=False`) its weights alone, and return where."""
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole else file
        if whole:
            file.attrs["model_config"] = json.dumps(_config(layers, size))
        root.attrs["layer_names"] = np.array([layer.name.encode() for layer in layers])
        for layer in layers:
            group = root.create_group(layer.name)
            names = [f"{layer.name}/{variable}:0" for variable in layer.weights]
            group.attrs["weight_names"] = np.array([name.encode() for name in names], dtype="S80")
            for name, values in zip(names, layer.weights.values(), strict=True):
                group.create_dataset(name, data=values)
    return path


def _config(layers: Sequence[Layer], size: int | None) -> dict[str, Any]:
    listed = [{"class_name": layer.kind, "config": {"name": layer.name, **layer.config}} for layer in layers]
    first = {
        "class_name": "InputLayer",
        "config": {"name": "input_1", "batch_input_shape": [None, size, size, 3]},
    }
    return {"class_name": "Sequential", "config": {"name": "sequential", "layers": [first, *listed]}}


def colour_network(path: Path, *, classes: int = 5, size: int = 32) -> Path:
    """Write a network whose first outputs are red, green and blue: an image's strongest colour wins."""
    kernel = np.zeros((3, classes), dtype=np.float32)
    kernel[:, :3] = 20 * np.eye(3)
    bias = np.zeros(classes, dtype=np.float32)
    bias[3:] = -20
    same = np.eye(3, dtype=np.float32).reshape(1, 1, 3, 3)
    layers = [
        Layer("Conv2D", "conv2d", {"kernel_size": [1, 1], "padding": "same", "activation": "relu"},
              {"kernel": same, "bias": np.zeros(3, dtype=np.float32)}),
        Layer("MaxPooling2D", "max_pooling2d", {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid"}),
        Layer("GlobalAveragePooling2D", "global_average_pooling2d"),
        Layer("Dropout", "dropout", {"rate": 0.5}),
        Layer("Dense", "dense", {"activation": "softmax"}, {"kernel": kernel, "bias": bias}),
    ]  # fmt: skip
    return write_h5(path, layers, size=size)
