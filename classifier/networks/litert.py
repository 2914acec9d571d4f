"""A published Keras model as LiteRT, for phones and small boards; run as a program, in a process of its own.

`python -m classifier.networks.litert KERAS_FILE TARGET [PIXELS.npy]` ends with one line of JSON.
"""

import json
import sys
import warnings
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from classifier.networks.artefacts import PARITY_BATCH, load_keras, sha256_of
from classifier.networks.limits import PARITY_LIMIT
from classifier.networks.storing import into_place

LIBRARIES = ("keras", "tensorflow", "numpy")
NOISE_IMAGES = 8
REFUSED = 3


def convert(keras_file: Path, target: Path, *, pixels: NDArray[np.uint8] | None = None) -> dict[str, Any]:
    """Write a Keras model as a LiteRT file, float32, whole or not at all; return what there is to record.

    `pixels` (N, S, S, 3) uint8 are classified by both (noise where there are none): `parity` is the largest
    difference of a probability. Where it is above PARITY_LIMIT nothing is left, and `refused` says so.
    """
    model = load_keras(keras_file)
    temporary = target.with_name(f".{target.name}")
    temporary.write_bytes(_converted(model))
    try:
        parity = measure_parity(model, temporary, pixels=_or_noise(model, pixels))
        if not parity <= PARITY_LIMIT:
            return {
                "refused": f"The LiteRT file differs from the trained network by {parity:.2g} in a "
                f"probability; at most {PARITY_LIMIT:g} is allowed. Nothing was exported."
            }
        recorded = {
            "sha256": sha256_of(temporary),
            "bytes": temporary.stat().st_size,
            "parity": parity,
            "libraries": {name: version(name) for name in LIBRARIES},
        }
        into_place(temporary, target)
        return recorded
    finally:
        temporary.unlink(missing_ok=True)


def measure_parity(model: keras.Model, litert_file: Path, *, pixels: NDArray[np.uint8]) -> float:
    """Return the largest difference, 0..1, between both forms' probabilities of (N, S, S, 3) uint8 pixels."""
    largest = 0.0
    for start in range(0, len(pixels), PARITY_BATCH):
        batch = pixels[start : start + PARITY_BATCH].astype(np.float32)
        difference = np.abs(model.predict_on_batch(batch) - probabilities(litert_file, batch))
        # max() would let a NaN pass for the other value.
        largest = float(np.maximum(largest, difference.max()))
    return largest


def probabilities(litert_file: Path, batch: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return what a LiteRT file says, (N, classes), of (N, S, S, 3) values 0..255."""
    with warnings.catch_warnings():
        # The interpreter of its successor package is the same; TensorFlow brings this one.
        warnings.simplefilter("ignore", UserWarning)
        interpreter = tf.lite.Interpreter(model_path=str(litert_file))
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, batch.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, batch)
    interpreter.invoke()
    said: NDArray[np.float32] = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return said


def _converted(model: keras.Model) -> bytes:
    """Return the bytes of a LiteRT file; a batch of any size goes in."""
    signature = [tf.TensorSpec((None, *model.input_shape[1:]), tf.float32, name="pixels")]
    called = tf.function(lambda pixels: model(pixels, training=False), input_signature=signature)
    # As variables the weights are left out of the file, which then says NaN of everything.
    frozen = convert_variables_to_constants_v2(called.get_concrete_function())
    converted: bytes = tf.lite.TFLiteConverter.from_concrete_functions([frozen]).convert()
    return converted


def _or_noise(model: keras.Model, pixels: NDArray[np.uint8] | None) -> NDArray[np.uint8]:
    """Return the pixels, or images of noise where there are none."""
    if pixels is not None and len(pixels):
        return pixels
    shape = (NOISE_IMAGES, *model.input_shape[1:])
    return np.random.default_rng(0).integers(0, 256, size=shape, dtype=np.uint8)


def main(words: Sequence[str]) -> int:
    """Convert as the words say; print what there is to record."""
    keras_file, target, *rest = (Path(word) for word in words)
    pixels = np.load(rest[0], allow_pickle=False) if rest else None
    recorded = convert(keras_file, target, pixels=pixels)
    sys.stdout.write(f"\n{json.dumps(recorded)}\n")
    return REFUSED if "refused" in recorded else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
