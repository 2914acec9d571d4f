"""What a training leaves behind: the Keras model, its ONNX export, its recipe; all or an error."""

import hashlib
import json
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from classifier.networks.architectures import build, features_of
from classifier.networks.config import TrainingConfig
from classifier.networks.errors import ParityFailed
from classifier.networks.limits import PARITY_LIMIT
from classifier.networks.storing import into_place, written_whole
from classifier.networks.weights import read_weights

PARITY_BATCH = 32
LIBRARIES = ("keras", "tensorflow", "numpy", "pillow", "onnx", "onnxruntime", "tf2onnx")
SCALING = {
    "cnn": "values 0..255, scaled inside the model",
    "resnet50": "values 0..255, red green blue, turned to caffe mode inside the model: blue green red, "
    "the mean of ImageNet subtracted",
}


@dataclass(frozen=True)
class Artefacts:
    """The published files of a model; `parity` is the largest difference of a probability between them."""

    keras: Path
    keras_sha256: str
    onnx: Path
    onnx_sha256: str
    recipe: Path
    parity: float
    libraries: dict[str, str]


def publish(
    weights: Path,
    *,
    config: TrainingConfig,
    classes: Sequence[str],
    directory: Path,
    parity_pixels: NDArray[np.uint8],
    notes: Mapping[str, Any] | None = None,
) -> Artefacts:
    """Write model.keras, model.onnx and recipe.json into a directory, each atomically, the recipe last.

    `parity_pixels` (N, S, S, 3) uint8 are classified by both files (noise where N is 0); raises ParityFailed
    where a probability differs by more than PARITY_LIMIT, and leaves no file then. `notes` join the recipe.
    """
    model = build(config, class_count=len(classes), base_weights=False)
    read_weights(model, weights)
    return publish_network(
        model,
        described=config.described(),
        classes=classes,
        geometry=config.geometry,
        scaling=SCALING[config.architecture],
        directory=directory,
        parity_pixels=parity_pixels,
        notes=notes,
    )


def publish_network(
    model: keras.Model,
    *,
    described: Mapping[str, Any],
    classes: Sequence[str],
    geometry: str,
    scaling: str,
    directory: Path,
    parity_pixels: NDArray[np.uint8],
    notes: Mapping[str, Any] | None = None,
) -> Artefacts:
    """As `publish`, for a network that has its weights; `described` are the settings it was built by."""
    directory.mkdir(parents=True, exist_ok=True)
    size = model.input_shape[1]
    with tempfile.TemporaryDirectory(prefix=".publishing-", dir=directory) as temporary:
        keras_file, onnx_file = Path(temporary) / "model.keras", Path(temporary) / "model.onnx"
        model.save(keras_file)
        # Keras exports only what has been called.
        model(np.zeros((1, size, size, 3), dtype=np.float32), training=False)
        _export(model, onnx_file)
        parity = measure_parity(keras_file, onnx_file, pixels=_or_noise(parity_pixels, size=size))
        if not parity <= PARITY_LIMIT:
            raise ParityFailed(
                f"The exported model differs from the trained one by {parity:.2g} in a probability; at most "
                f"{PARITY_LIMIT:g} is allowed. Nothing was published."
            )
        libraries = {name: version(name) for name in LIBRARIES}
        published = Artefacts(
            keras=directory / "model.keras",
            keras_sha256=sha256_of(keras_file),
            onnx=directory / "model.onnx",
            onnx_sha256=sha256_of(onnx_file),
            recipe=directory / "recipe.json",
            parity=parity,
            libraries=libraries,
        )
        recipe = {
            "config": dict(described),
            "classes": list(classes),
            "size": size,
            "geometry": geometry,
            "scaling": scaling,
            "keras_sha256": published.keras_sha256,
            "onnx_sha256": published.onnx_sha256,
            "parity": parity,
            "libraries": libraries,
            **(notes or {}),
        }
        recipe_file = Path(temporary) / "recipe.json"
        recipe_file.write_text(json.dumps(recipe, indent=2) + "\n", encoding="utf-8")
        into_place(keras_file, published.keras)
        into_place(onnx_file, published.onnx)
        into_place(recipe_file, published.recipe)
    return published


def export_features(network: keras.Model, path: Path, *, pixels: NDArray[np.uint8]) -> None:
    """Write what stands before a network's head as ONNX, whole or not at all.

    Raises ParityFailed where the file's features of `pixels` (N, S, S, 3) uint8 are not the network's.
    """
    import onnxruntime

    base = features_of(network)
    batch = pixels.astype(np.float32)
    told = base.predict_on_batch(batch)
    with written_whole(path) as temporary:
        _export(base, temporary)
        session = onnxruntime.InferenceSession(temporary, providers=["CPUExecutionProvider"])
        exported = session.run(None, {session.get_inputs()[0].name: batch})[0]
        difference = float(np.abs(told - exported).max() / max(1.0, float(np.abs(told).max())))
        if not difference <= PARITY_LIMIT:
            raise ParityFailed(
                f"The exported base differs from the trained one by {difference:.2g} of its range."
            )


def _export(model: keras.Model, path: Path) -> None:
    """Write a model that has been called as ONNX."""
    with warnings.catch_warnings():
        # Keras asks NumPy for a name that is about to change its meaning.
        warnings.simplefilter("ignore", FutureWarning)
        model.export(path, format="onnx", verbose=False)


def base_sha256(network: keras.Model) -> str:
    """Return a sha256 of the values in a network's ResNet50 base, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for variable in network.get_layer("resnet50").variables:
        digest.update(np.asarray(variable).tobytes())
    return digest.hexdigest()


def measure_parity(keras_file: Path, onnx_file: Path, *, pixels: NDArray[np.uint8]) -> float:
    """Return the largest difference, 0..1, between both files' probabilities of (N, S, S, 3) uint8 pixels."""
    import onnxruntime

    model = load_keras(keras_file)
    session = onnxruntime.InferenceSession(onnx_file, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    largest = 0.0
    for start in range(0, len(pixels), PARITY_BATCH):
        batch = pixels[start : start + PARITY_BATCH].astype(np.float32)
        difference = np.abs(model.predict_on_batch(batch) - session.run(None, {name: batch})[0])
        # max() would let a NaN pass for the other value.
        largest = float(np.maximum(largest, difference.max()))
    return largest


def load_keras(path: Path) -> keras.Model:
    """Load a published model for inference; code inside the file is refused."""
    return keras.models.load_model(path, compile=False, safe_mode=True)


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _or_noise(pixels: NDArray[np.uint8], *, size: int) -> NDArray[np.uint8]:
    """Return the pixels, or eight images of noise where there are none."""
    if len(pixels):
        return pixels
    return np.random.default_rng(0).integers(0, 256, size=(8, size, size, 3), dtype=np.uint8)
