"""Grad-CAM from the exported file is what TensorFlow computes from the Keras model."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.explaining.backward import NoRule, Step, gradients
from classifier.explaining.maps import grad_cam
from classifier.explaining.opened import NotExplainable, OpenedNetwork
from classifier.networks.config import TrainingConfig
from tests.factories_models import write_onnx

SIZE = 64
CLASSES = 5


def pixels_of(seed: int, size: int = SIZE) -> np.ndarray:
    """Noise with a bright square in it, uint8 (size, size, 3)."""
    generator = np.random.default_rng(seed)
    pixels = generator.integers(0, 120, (size, size, 3), dtype=np.uint8)
    top, left = generator.integers(0, size // 2, 2)
    pixels[top : top + size // 3, left : left + size // 3] += 120
    return pixels


def with_random_weights(model: Any) -> Any:
    """Give the vectors of a model, such as biases, which begin all equal, values of their own."""
    generator = np.random.default_rng(7)
    model.set_weights(
        [
            each + generator.uniform(0, 0.05, each.shape).astype(np.float32) if each.ndim == 1 else each
            for each in model.get_weights()
        ]
    )
    return model


def exported(model: Any, path: Path, size: int = SIZE) -> OpenedNetwork:
    """Export a model as publishing does, and open the file."""
    from classifier.networks.artefacts import _export

    model(np.zeros((1, size, size, 3), dtype=np.float32), training=False)
    _export(model, path)
    return OpenedNetwork(path)


def by_tape(model: Any, inner: Any, scores: str, pixels: np.ndarray, number: int) -> np.ndarray:
    """Grad-CAM by TensorFlow: `inner` is the map's tensor, `scores` the name of the softmax layer."""
    import keras
    import tensorflow as tf

    last = model.get_layer(scores)
    cut = keras.Model(model.input, [inner, last.input])
    with tf.GradientTape() as tape:
        channels, hidden = cut(pixels[None].astype(np.float32), training=False)
        score = (hidden @ last.kernel + last.bias)[0, number]
    weights = tf.reduce_mean(tape.gradient(score, channels), axis=(1, 2))
    return tf.nn.relu(tf.reduce_sum(channels * weights[:, None, None, :], axis=-1))[0].numpy()


@pytest.mark.keras
@pytest.mark.parametrize(
    ("architecture", "layout", "layer"),
    [
        ("cnn", "shortcuts", "relu_5b"),
        ("cnn", "pooled", "relu_5"),
        ("cnn", "plain", "conv_3"),
        pytest.param("resnet50", "", "", marks=pytest.mark.slow),
    ],
)
def test_the_map_of_each_network_is_that_of_the_gradient_tape(
    architecture: str, layout: str, layer: str, tmp_path: Path
) -> None:
    from classifier.networks.architectures import build

    given = {"layout": layout} if architecture == "cnn" else {"train_base": True}
    config = TrainingConfig.defaults(architecture, weights="none").with_overrides(
        {"image_size": SIZE, **given}
    )
    model = with_random_weights(build(config, class_count=CLASSES, base_weights=False))
    inner = model.get_layer(layer).output if layer else model.get_layer("features").input
    network = exported(model, tmp_path / "model.onnx")
    told = 0
    for number in range(CLASSES):
        ours = grad_cam(network, pixels_of(number), number)
        theirs = by_tape(model, inner, "probabilities", pixels_of(number), number)
        assert ours.shape == theirs.shape
        assert np.abs(ours - theirs).max() <= 1e-4 * max(1e-9, np.abs(theirs).max())
        told += theirs.max() > 0
    assert told >= 1


@pytest.mark.keras
@pytest.mark.parametrize("pooling", ["Flatten", "GlobalAveragePooling2D", "GlobalMaxPooling2D"])
def test_a_head_of_any_depth_is_walked_through(pooling: str, tmp_path: Path) -> None:
    import keras
    from keras import layers

    inputs = keras.Input((16, 16, 3))
    hidden = layers.Rescaling(1 / 255)(inputs)
    inner = layers.Conv2D(6, 3, strides=2, padding="same", activation="relu")(hidden)
    hidden = layers.AveragePooling2D(3, strides=1, padding="same")(inner)
    hidden = getattr(layers, pooling)()(hidden)
    for activation in ("relu", "tanh", "sigmoid", "elu"):
        hidden = layers.Dense(9, activation=activation)(hidden)
    hidden = layers.BatchNormalization()(hidden)
    model = keras.Model(inputs, layers.Dense(CLASSES, activation="softmax", name="last")(hidden))
    with_random_weights(model)
    network = exported(model, tmp_path / "model.onnx", 16)
    for number in range(CLASSES):
        pixels = pixels_of(number, 16)
        theirs = by_tape(model, inner, "last", pixels, number)
        assert np.abs(grad_cam(network, pixels, number) - theirs).max() <= 1e-4 * max(1e-9, theirs.max())
        assert network.vectors([pixels]).shape == (1, 8 * 8 * 6 if pooling == "Flatten" else 6)


def test_a_network_without_convolutions_is_refused_by_what_it_lacks(tmp_path: Path) -> None:
    write_onnx(tmp_path / "model.onnx")
    network = OpenedNetwork(tmp_path / "model.onnx")
    with pytest.raises(NotExplainable, match="no convolutional map"):
        grad_cam(network, pixels_of(0, 8), 0)
    with pytest.raises(NotExplainable, match="nothing to compare"):
        network.vectors([pixels_of(0, 8)])


def test_an_operator_without_a_rule_is_named() -> None:
    with pytest.raises(NoRule, match="Hardmax"):
        gradients(Step("Hardmax", {}, [np.ones((1, 2))], np.ones((1, 2))), np.ones((1, 2)))


def ran(operator: str, values: np.ndarray, output: np.ndarray, **attributes: Any) -> Step:
    """An operator as it ran on one input."""
    return Step(operator, attributes, [values], output)


def test_a_pooling_gives_the_gradient_to_the_first_largest_of_each_window_once() -> None:
    values = np.zeros((1, 1, 4, 4))
    values[0, 0, 1, 1] = 5
    output = np.array([[[[5.0, 0.0], [0.0, 0.0]]]])
    step = ran("MaxPool", values, output, kernel_shape=[2, 2], strides=[2, 2])
    (found,) = gradients(step, np.arange(1.0, 5.0).reshape(1, 1, 2, 2))
    assert found is not None
    assert found[0, 0].tolist() == [[0, 0, 2, 0], [0, 1, 0, 0], [3, 0, 4, 0], [0, 0, 0, 0]]


def test_equal_maxima_share_the_gradient() -> None:
    values = np.array([[[[3.0, 3.0], [1.0, 0.0]]]])
    (found,) = gradients(ran("GlobalMaxPool", values, np.full((1, 1, 1, 1), 3.0)), np.ones((1, 1, 1, 1)))
    assert found is not None
    assert found.ravel().tolist() == [0.5, 0.5, 0, 0]
