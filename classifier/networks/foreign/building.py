"""A network for weights of elsewhere, built of our own layers, and the weights put into it."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from classifier.networks.architectures import EXACT, caffe, resnet_base
from classifier.networks.foreign.errors import ForeignRefused
from classifier.networks.foreign.plan import VECTOR, Plan
from classifier.networks.foreign.shapes import shown
from classifier.networks.foreign.steps import Step

SCALING = {
    "caffe": "values 0..255, red green blue, turned to caffe mode inside the model: blue green red, the "
    "mean of ImageNet subtracted",
    "unit": "values 0..255, divided by 255 inside the model",
    "tf": "values 0..255, brought to -1..1 inside the model",
    "none": "values 0..255, as they are",
}
# What a batch normalisation that goes without a variable has in its place.
_WITHOUT = {"gamma": 1.0, "beta": 0.0}

Arrays = Mapping[str, Mapping[str, NDArray[np.float32]]]


def rebuilt(plan: Plan, arrays: Arrays, *, architecture: str, class_count: int) -> keras.Model:
    """Build a plan's network with {layer: {variable: values}} of a file as its weights.

    (N, size, size, 3) pixels 0..255 in, (N, class_count) probabilities out; what stands before the first
    dense layer is called `features`. Raises ForeignRefused.
    """
    inputs = keras.Input((plan.image_size, plan.image_size, 3), dtype="float32", name="pixels")
    hidden = _scaled(inputs, plan.preprocessing)
    made: list[tuple[Step, Any]] = []
    features = max((place for place, step in enumerate(plan.steps) if step.kind in VECTOR), default=None)
    for place, step in enumerate(plan.steps):
        if place == features:
            name = "features"
        elif place == len(plan.steps) - 1:
            name = "probabilities"
        else:
            name = _name(step, 1 + sum(earlier.kind == step.kind for earlier, _ in made))
        layer = _layer(step, arrays, name=name, image_size=plan.image_size, class_count=class_count)
        # The moments of its batch normalisations stay as they are, in whatever mode the network is called.
        hidden = layer(hidden, training=False) if step.kind == "base" else layer(hidden)
        made.append((step, layer))
    network = keras.Model(inputs, hidden, name=architecture)
    for step, layer in made:
        if step.kind == "base":
            _fill_base(layer, arrays, by_name=plan.by_name)
        elif step.source:
            _fill(layer, arrays[step.source], source=step.source)
    return network


def _scaled(inputs: Any, preprocessing: str) -> Any:
    """Return pixels with the values that the network was trained on."""
    match preprocessing:
        case "caffe":
            return caffe(inputs)
        case "unit":
            return layers.Rescaling(1 / 255, name="scaled")(inputs)
        case "tf":
            return layers.Rescaling(1 / 127.5, offset=-1.0, name="scaled")(inputs)
    return inputs


def _name(step: Step, number: int) -> str:
    if step.kind == "base":
        return "resnet50"
    return f"{'head_dense' if step.kind == 'dense' else step.kind}{'' if number == 1 else f'_{number}'}"


def _layer(step: Step, arrays: Arrays, *, name: str, image_size: int, class_count: int) -> Any:
    """Return the layer of a step, without its weights."""
    values = step.values
    match step.kind:
        case "base":
            base = resnet_base(image_size, "none")
            base.trainable = False
            return base
        case "flatten":
            return layers.Flatten(name=name)
        case "average":
            return layers.GlobalAveragePooling2D(name=name)
        case "maximum":
            return layers.GlobalMaxPooling2D(name=name)
        case "max_pool" | "average_pool":
            kind = layers.MaxPooling2D if step.kind == "max_pool" else layers.AveragePooling2D
            return kind(values["size"], strides=values["strides"], padding=values["padding"], name=name)
        case "rescale":
            return layers.Rescaling(values["scale"], offset=values["offset"], name=name)
        case "norm":
            return layers.BatchNormalization(epsilon=values["epsilon"], name=name)
        case "act" if values["activation"] == "leaky_relu":
            return layers.LeakyReLU(negative_slope=values["slope"], name=name)
        case "act":
            return layers.Activation(values["activation"], name=name)
    kernel, has_bias = arrays[step.source]["kernel"], "bias" in arrays[step.source]
    if step.kind == "dense":
        units, exact = kernel.shape[1], {"dtype": EXACT} if name == "probabilities" else {}
        return layers.Dense(units, activation=values["activation"], use_bias=has_bias, name=name, **exact)
    return layers.Conv2D(
        kernel.shape[3],
        kernel.shape[:2],
        strides=values["strides"],
        padding=values["padding"],
        activation=values["activation"],
        use_bias=has_bias,
        name=name,
    )


def _fill_base(base: keras.Model, arrays: Arrays, *, by_name: bool) -> None:
    """Put weights into ResNet50, each layer's by its name; without names in the order of each kind."""
    wanted = [layer for layer in base.layers if layer.weights]
    if by_name:
        sources = {layer.name: layer.name for layer in wanted}
    else:
        sources = {}
        for kind, dimensions in ((layers.Conv2D, 4), (layers.BatchNormalization, 1)):
            of_kind = [layer.name for layer in wanted if isinstance(layer, kind)]
            given = [name for name, each in arrays.items() if _dimensions(each) == dimensions]
            sources |= dict(zip(of_kind, given, strict=False))
    for layer in wanted:
        source = sources.get(layer.name, "")
        if source not in arrays:
            raise ForeignRefused(
                f"The file has no weights for the layer {layer.name} of ResNet50.", code="does_not_fit"
            )
        _fill(layer, arrays[source], source=source)


def _fill(layer: Any, values: Mapping[str, NDArray[np.float32]], *, source: str) -> None:
    """Set the weights of one layer; raises ForeignRefused (does_not_fit) with both shapes."""
    wanted = []
    for variable in layer.weights:
        given = values.get(variable.name)
        if given is None and variable.name in _WITHOUT:
            given = np.full(variable.shape, _WITHOUT[variable.name], dtype=np.float32)
        if given is None:
            raise ForeignRefused(
                f"The file has no {variable.name} for the layer {source}.", code="does_not_fit"
            )
        if tuple(given.shape) != tuple(variable.shape):
            raise ForeignRefused(
                f"The {variable.name} of the layer {source} is {shown(given.shape)} in the file; "
                f"{shown(variable.shape)} would fit.",
                code="does_not_fit",
            )
        wanted.append(given)
    if strangers := sorted(set(values) - {variable.name for variable in layer.weights}):
        raise ForeignRefused(
            f"The layer {source} has a {strangers[0][:80]}, which the layer of that kind here has not.",
            code="does_not_fit",
        )
    layer.set_weights(wanted)


def _dimensions(variables: Mapping[str, NDArray[np.float32]]) -> int:
    return max(values.ndim for values in variables.values())
