"""The layers that can be rebuilt: each from what a file's configuration says of it, or a refusal by name."""

from dataclasses import dataclass, field
from typing import Any

from classifier.networks.foreign.errors import ForeignRefused
from classifier.networks.foreign.stated import ACTIVATIONS

# They change nothing while a network answers.
PASSED_OVER = (
    "InputLayer",
    "Dropout",
    "SpatialDropout2D",
    "AlphaDropout",
    "GaussianDropout",
    "GaussianNoise",
    "ActivityRegularization",
    "RandomFlip",
    "RandomRotation",
    "RandomZoom",
    "RandomTranslation",
    "RandomContrast",
    "RandomBrightness",
    "RandomCrop",
)
# The variables of layers with a kernel, and of batch normalisation, as Keras orders them.
KERNELS = ("kernel", "bias")
MOMENTS = ("gamma", "beta", "moving_mean", "moving_variance")
MOST_STRIDE = 16
_KINDS = {
    "Flatten": "flatten",
    "GlobalAveragePooling2D": "average",
    "GlobalMaxPooling2D": "maximum",
    "Dense": "dense",
    "Conv2D": "conv",
    "BatchNormalization": "norm",
    "MaxPooling2D": "max_pool",
    "AveragePooling2D": "average_pool",
    "Activation": "act",
    "ReLU": "act",
    "LeakyReLU": "act",
    "Softmax": "act",
    "Rescaling": "rescale",
}
_WORDS = {
    "base": "ResNet50",
    "flatten": "flattened",
    "average": "average over the image",
    "maximum": "maximum over the image",
    "dense": "dense",
    "conv": "convolution",
    "norm": "batch normalisation",
    "max_pool": "maximum pooling",
    "average_pool": "average pooling",
    "act": "activation layer",
    "rescale": "rescaling",
}
_SAME_AS = {"swish": "silu", None: "linear"}


@dataclass(frozen=True)
class Step:
    """One layer to build; `source` is the layer of the file whose weights it takes."""

    kind: str
    source: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = [f"{name} {_shown(value)}" for name, value in self.values.items()]
        return ", ".join([_WORDS[self.kind], *told])


def step_of(layer: dict[str, Any]) -> Step:
    """Return the step that a layer of an outline is; raises ForeignRefused for one that cannot be rebuilt."""
    kind, name = _KINDS.get(layer["class"]), layer["name"]
    if kind is None:
        raise ForeignRefused(
            f"The layer {name} is of the class {layer['class']}, which cannot be rebuilt here: code in a "
            "file is never run. If it does nothing but scale pixels, save the weights alone (save_weights), "
            "import those and state the preprocessing.",
            code="unsupported_layer",
        )
    if layer.get("data_format", "channels_last") != "channels_last":
        raise _unsupported(name, "puts the colour channels first")
    match kind:
        case "dense":
            return Step(kind, name, {"activation": _activation(layer)})
        case "conv":
            if _pair(layer, "dilation_rate", [1, 1]) != [1, 1] or layer.get("groups", 1) != 1:
                raise _unsupported(name, "is dilated or grouped")
            values = {"strides": _pair(layer, "strides", [1, 1]), "padding": _padding(layer)}
            return Step(kind, name, {**values, "activation": _activation(layer)})
        case "norm":
            if layer.get("axis", -1) not in (-1, 3, [-1], [3], 1, [1]):
                raise _unsupported(name, "normalises along another axis than the last")
            return Step(kind, name, {"epsilon": _number(layer, "epsilon", 1e-3)})
        case "max_pool" | "average_pool":
            size = _pair(layer, "pool_size", [2, 2])
            values = {"size": size, "strides": _pair(layer, "strides", size), "padding": _padding(layer)}
            return Step(kind, values=values)
        case "rescale":
            scaling = {"scale": _number(layer, "scale", 1.0), "offset": _number(layer, "offset", 0.0)}
            return Step(kind, values=scaling)
        case "act":
            return Step(kind, values=_of_activation_layer(layer))
    return Step(kind)


def _shown(value: Any) -> str:
    """Return a value as people write it: both sides of a window, five digits of a number."""
    if isinstance(value, list):
        return " x ".join(str(each) for each in value)
    return f"{value:.5g}" if isinstance(value, float) else str(value)


def _of_activation_layer(layer: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a layer that is nothing but an activation."""
    match layer["class"]:
        case "Softmax":
            return {"activation": "softmax"}
        case "LeakyReLU":
            slope = "negative_slope" if "negative_slope" in layer else "alpha"
            return {"activation": "leaky_relu", "slope": _number(layer, slope, 0.3)}
        case "ReLU":
            if any(layer.get(each) for each in ("max_value", "negative_slope", "threshold")):
                raise _unsupported(layer["name"], "is a rectifier with a limit or a slope")
            return {"activation": "relu"}
    return {"activation": _activation(layer)}


def _activation(layer: dict[str, Any]) -> str:
    """Return the activation that a layer names."""
    named = layer.get("activation")
    known = str(_SAME_AS.get(named, named))
    if known not in (*ACTIVATIONS, "softmax"):
        raise _unsupported(layer["name"], f"has the activation {known[:40]!r}")
    return known


def _padding(layer: dict[str, Any]) -> str:
    padding = layer.get("padding", "valid")
    if padding not in ("valid", "same"):
        raise _unsupported(layer["name"], "has an unusual padding")
    return str(padding)


def _pair(layer: dict[str, Any], fact: str, otherwise: list[int]) -> list[int]:
    """Return two whole numbers that a layer states, such as its strides."""
    stated = layer.get(fact, otherwise)
    both = [stated, stated] if isinstance(stated, int) else stated
    if not (
        isinstance(both, list)
        and len(both) == 2
        and all(type(each) is int and 1 <= each <= MOST_STRIDE for each in both)
    ):
        raise _unsupported(layer["name"], f"has unusual {fact.replace('_', ' ')}")
    return both


def _number(layer: dict[str, Any], fact: str, otherwise: float) -> float:
    """Return a number that a layer states."""
    stated = layer.get(fact, otherwise)
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not abs(stated) < 1e6:
        raise _unsupported(layer["name"], f"has an unusual {fact.replace('_', ' ')}")
    return float(stated)


def _unsupported(name: str, why: str) -> ForeignRefused:
    return ForeignRefused(f"The layer {name} {why}: it cannot be rebuilt here.", code="unsupported_layer")
