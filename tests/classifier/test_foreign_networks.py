"""Networks that plain Keras made and saved answer the same once rebuilt here, to 1e-4."""

import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from classifier.networks.foreign.children import open_foreign
from classifier.networks.foreign.errors import ForeignRefused
from classifier.networks.foreign.opening import WEIGHTS
from classifier.networks.foreign.plan import planned
from classifier.networks.foreign.stated import Stated

pytestmark = pytest.mark.keras

# What ResNet50 takes at least.
SIZE = 32
CLASSES = ["BlotGel", "FAC", "Macroscopy", "Microscopy", "Noneoftheabove"]
CLOSE = 1e-4


@pytest.fixture(scope="module")
def pixels() -> NDArray[np.uint8]:
    """Images of noise, some darker than others."""
    return noise()


def noise() -> NDArray[np.uint8]:
    """Images of noise, some darker than others."""
    random = np.random.default_rng(0)
    even = random.integers(0, 256, (6, SIZE, SIZE, 3)).astype(np.float64)
    return (even * np.linspace(0.1, 1, 6).reshape(-1, 1, 1, 1)).astype(np.uint8)


def resnet(*head: Any, nested: bool) -> Any:
    """ResNet50 with random weights and moments, and a head; as one model or with the base inside."""
    import keras

    keras.utils.set_random_seed(1)
    base = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    random = np.random.default_rng(1)
    for layer in base.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            # As after a training: values that no other layer's could be taken for.
            moments = [random.normal(1, 0.1, each.shape) for each in layer.get_weights()]
            layer.set_weights([abs(each) for each in moments])
    if nested:
        return telling(keras.Sequential([base, *head]))
    hidden = base.output
    for layer in head:
        hidden = layer(hidden)
    return telling(keras.Model(base.input, hidden))


def telling(model: Any) -> Any:
    """Bring a model's last layer to where its answers differ from image to image, as after a training."""
    from keras import activations
    from keras.applications.resnet50 import preprocess_input

    last = model.layers[-1]
    last.activation = activations.linear
    logits = np.asarray(model(preprocess_input(noise().astype(np.float32)), training=False))
    kernel, _ = last.get_weights()
    last.set_weights([kernel / logits.std(axis=0), -logits.mean(axis=0) / logits.std(axis=0)])
    last.activation = activations.softmax
    return model


@cache
def averaged() -> Any:
    """GlobalAveragePooling and a dense layer, in one model with the base."""
    from keras import layers

    return resnet(layers.GlobalAveragePooling2D(), layers.Dense(5, activation="softmax"), nested=False)


@cache
def flattened() -> Any:
    """Flatten and dense layers, the base a model inside."""
    from keras import layers

    head = (layers.Flatten(), layers.Dense(8, activation="relu"), layers.Dropout(0.5))
    return resnet(*head, layers.Dense(5, activation="softmax"), nested=True)


def called(model: Any, batch: NDArray[Any]) -> NDArray[np.float32]:
    """What a model says of a batch; without `predict`, which compiles for one batch."""
    return np.asarray(model(batch.astype(np.float32), training=False))


def answers(model: Any, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """What Keras' own model says, by Keras' own preprocessing."""
    from keras.applications.resnet50 import preprocess_input

    said = called(model, preprocess_input(pixels.astype(np.float32)))
    # Else any network would do.
    assert said.std(axis=0).min() > 0.05
    return said


def rebuilt_from(path: Path, folder: Path, **stated: Any) -> Any:
    """The network that is built here for a file."""
    from classifier.networks.foreign.building import rebuilt
    from classifier.networks.foreign.rebuilding import _arrays

    settings = Stated(**{"architecture": "resnet50", **stated})
    told = open_foreign(path, folder)
    plan = planned(told, settings, class_count=len(CLASSES))
    return rebuilt(
        plan,
        _arrays(told, folder / WEIGHTS),
        architecture=settings.architecture,
        class_count=len(CLASSES),
    )


def as_keras_2(model: Any, path: Path) -> None:
    """Write the weights of a model with a base inside as Keras 2 laid them out, trainable ones first."""
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights")
        root.attrs["layer_names"] = np.array([layer.name.encode() for layer in model.layers])
        for layer in model.layers:
            group = root.create_group(layer.name)
            inner = getattr(layer, "layers", [layer])
            listed = [
                (f"{each.name}/{variable.name}:0", variable)
                for trainable in (True, False)
                for each in inner
                for variable in each.weights
                if ("moving" not in variable.name) == trainable
            ]
            group.attrs["weight_names"] = np.array([name.encode() for name, _ in listed], dtype="S60")
            for name, variable in listed:
                group.create_dataset(name, data=np.asarray(variable))


def without_names(path: Path) -> None:
    """Take the names of layers out of a file of weights, as early versions of Keras 3 left them out."""

    def forget(_name: str, found: Any) -> None:
        found.attrs.pop("name", None)

    with h5py.File(path, "r+") as file:
        file.visititems(forget)


def as_early_keras_3(whole: Path, path: Path) -> None:
    """Write a whole model again, its weights without the names of their layers."""
    with zipfile.ZipFile(whole) as read, zipfile.ZipFile(path, "w") as written:
        inner = Path(read.extract("model.weights.h5", path.parent))
        without_names(inner)
        written.write(inner, "model.weights.h5")
        written.writestr("config.json", read.read("config.json"))


@pytest.mark.slow
@pytest.mark.parametrize("make", [averaged, flattened])
def test_a_resnet50_answers_the_same_from_every_kind_of_file(
    make: Callable[[], Any], tmp_path: Path, pixels: NDArray[np.uint8]
) -> None:
    model = make()
    expected = answers(model, pixels)
    model.save(tmp_path / "m.h5")
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    model.save_weights(tmp_path / "unnamed.weights.h5")
    without_names(tmp_path / "unnamed.weights.h5")
    as_keras_2(model, tmp_path / "keras2.h5")
    as_early_keras_3(tmp_path / "m.keras", tmp_path / "early.keras")
    for name in ("m.h5", "m.keras", "m.weights.h5", "unnamed.weights.h5", "keras2.h5", "early.keras"):
        network = rebuilt_from(tmp_path / name, tmp_path, image_size=SIZE)
        said = called(network, pixels)
        assert np.abs(said - expected).max() < CLOSE, name
        assert len(network.get_layer("features").output.shape) == 2
        assert network.get_layer("resnet50")


@pytest.mark.slow
@pytest.mark.parametrize("make", [averaged, flattened])
def test_an_old_resnet50_answers_the_same_through_the_serving_engine(
    make: Callable[[], Any], tmp_path: Path, pixels: NDArray[np.uint8]
) -> None:
    from classifier.networks.artefacts import publish_network
    from classifier.serving.engine import Engine

    model = make()
    model.save(tmp_path / "old.h5")
    network = rebuilt_from(tmp_path / "old.h5", tmp_path)
    published = publish_network(
        network,
        described={},
        classes=CLASSES,
        geometry="stretch",
        scaling="",
        directory=tmp_path / "published",
        parity_pixels=pixels,
    )
    engine = Engine.load(published.onnx, classes=CLASSES, size=SIZE, geometry="stretch")
    assert np.abs(engine.probabilities(list(pixels)) - answers(model, pixels)).max() < CLOSE


def small_cnn() -> Any:
    """A network in a row with all that can be rebuilt."""
    import keras
    from keras import layers

    keras.utils.set_random_seed(2)
    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.RandomFlip(),
            layers.Rescaling(1 / 127.5, offset=-1),
            layers.Conv2D(8, 5, strides=2, padding="same", use_bias=False),
            layers.BatchNormalization(epsilon=0.01),
            layers.LeakyReLU(negative_slope=0.1),
            layers.MaxPooling2D(3, strides=2),
            layers.Conv2D(8, 3, activation="elu"),
            layers.AveragePooling2D(2),
            layers.Flatten(),
            layers.Dense(16),
            layers.BatchNormalization(scale=False),
            layers.Activation("tanh"),
            layers.Dropout(0.3, seed=1),
            layers.Dense(5),
            layers.Softmax(),
        ]
    )
    random = np.random.default_rng(3)
    for layer in model.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.set_weights([abs(random.normal(1, 0.2, each.shape)) for each in layer.get_weights()])
    return model


def test_a_cnn_answers_the_same_from_whole_models(tmp_path: Path, pixels: NDArray[np.uint8]) -> None:
    model = small_cnn()
    expected = called(model, pixels)
    model.save(tmp_path / "m.h5")
    network = rebuilt_from(tmp_path / "m.h5", tmp_path, architecture="cnn")
    assert np.abs(called(network, pixels) - expected).max() < CLOSE


def test_moments_without_names_that_are_not_all_there_are_refused(tmp_path: Path) -> None:
    model = small_cnn()
    model.save(tmp_path / "m.keras")
    with pytest.raises(ForeignRefused, match="3 arrays of weights"):
        rebuilt_from(tmp_path / "m.keras", tmp_path, architecture="cnn")


@pytest.mark.parametrize("preprocessing", ["unit", "tf", "none"])
def test_values_are_scaled_as_stated(preprocessing: str, tmp_path: Path, pixels: NDArray[np.uint8]) -> None:
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            layers.Conv2D(4, 3, activation="relu"),
            layers.GlobalMaxPooling2D(),
            layers.Dense(5, activation="softmax"),
        ]
    )
    model.save(tmp_path / "m.keras")
    fed = {"unit": pixels / 255, "tf": pixels / 127.5 - 1, "none": pixels / 1}[preprocessing]
    network = rebuilt_from(tmp_path / "m.keras", tmp_path, architecture="cnn", preprocessing=preprocessing)
    said = called(network, pixels)
    assert np.abs(said - called(model, fed)).max() < CLOSE


def test_a_layer_of_the_base_that_is_missing_is_named(tmp_path: Path) -> None:
    averaged().save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        root = file["model_weights"]
        names = [name for name in root.attrs["layer_names"] if "conv3_block2_1_conv" not in str(name)]
        del root.attrs["layer_names"]
        root.attrs["layer_names"] = np.array([str(name) for name in names], dtype="S60")
    with pytest.raises(ForeignRefused, match="no weights for the layer conv3_block2_1_conv of ResNet50"):
        rebuilt_from(tmp_path / "m.h5", tmp_path)
