"""Which layers are to be built for a file's weights: as its configuration says, else as its shapes allow."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from classifier.networks.foreign.errors import ForeignRefused
from classifier.networks.foreign.shapes import BASE_CHANNELS, BASE_REDUCTION, Shapes, check_shapes
from classifier.networks.foreign.stated import AS_STORED, SMALLEST, Stated
from classifier.networks.foreign.steps import MOMENTS, PASSED_OVER, Step, step_of

USUAL_SIZE = 224
LARGEST = 512
VECTOR = ("flatten", "average", "maximum")
BASE_NORMS = 53
# What keras.applications calls the layers of ResNet50.
OF_BASE = re.compile(
    r"conv1_(pad|conv|bn|relu)|pool1_(pad|pool)|conv[2-5]_block\d_(\d_(conv|bn|relu)|add|out)"
)
_WINDOW = {"size": [2, 2], "strides": [2, 2], "padding": "valid"}


@dataclass(frozen=True)
class Plan:
    """The layers to build in order, a step `base` standing for all of ResNet50's; for images of `image_size`.

    `by_name`: weights find their layer by its name, else by their order. `assumed`: what the file did not
    tell, as sentences.
    """

    steps: tuple[Step, ...]
    image_size: int
    preprocessing: str
    by_name: bool
    assumed: tuple[str, ...] = ()

    def described(self, stated: Stated) -> dict[str, Any]:
        """Return the settings of the version, as its row and its recipe keep them."""
        return {
            "architecture": stated.architecture,
            "image_size": self.image_size,
            "geometry": stated.geometry,
            "preprocessing": self.preprocessing,
            "layers": [str(step) for step in self.steps],
            "weights_matched_by": "name" if self.by_name else "order",
            "assumed": list(self.assumed),
        }


def planned(foreign: dict[str, Any], stated: Stated, *, class_count: int) -> Plan:
    """Return the layers for what `opening` told of a file; raises ForeignRefused with what does not fit."""
    shapes: Shapes = {layer["name"]: layer["variables"] for layer in foreign["layers"]}
    size = _image_size(foreign["outline"], stated)
    assumed: list[str] = []
    if foreign["outline"] is not None:
        steps = _from_outline(foreign["outline"], stated)
        _check_stated(steps, stated)
    elif stated.architecture == "resnet50":
        steps = _resnet_from_shapes(foreign, shapes, stated, assumed)
        if not stated.image_size and steps[1].kind == "flatten":
            size = _size_by_width(steps, shapes, assumed) or size
    else:
        steps = _cnn_from_shapes(foreign, shapes, stated, assumed, size=size, class_count=class_count)
    steps = _ending_in_softmax(steps)
    check_shapes(steps, shapes, image_size=size, class_count=class_count)
    return Plan(
        steps=tuple(steps),
        image_size=size,
        preprocessing=_preprocessing(steps, stated),
        by_name=bool(foreign["named"]),
        assumed=tuple(assumed),
    )


def _from_outline(outline: list[dict[str, Any]], stated: Stated) -> list[Step]:
    """Return the steps that a configuration lists; the layers of a ResNet50 base become one."""
    steps: list[Step] = []
    has_base = False
    for layer in outline:
        if stated.architecture == "resnet50" and OF_BASE.fullmatch(layer["name"]):
            if not has_base:
                steps.append(Step("base"))
            has_base = True
        elif layer["class"] not in PASSED_OVER:
            steps.append(step_of(layer))
    if stated.architecture == "resnet50" and not has_base:
        raise ForeignRefused(
            "No layer of the file bears a name of keras.applications' ResNet50, such as conv1_conv: it is "
            "another network.",
            code="not_resnet50",
        )
    return steps


def _resnet_from_shapes(
    foreign: dict[str, Any], shapes: Shapes, stated: Stated, assumed: list[str]
) -> list[Step]:
    """Return base, pooling and the dense layers that the weights alone show."""
    if foreign["named"]:
        if not any(OF_BASE.fullmatch(name) for name in shapes):
            raise ForeignRefused(
                "No weights of the file bear a name of keras.applications' ResNet50, such as conv1_conv: "
                "they are of another network.",
                code="not_resnet50",
            )
        head = [name for name in shapes if not OF_BASE.fullmatch(name)]
    else:
        head = [name for name, variables in shapes.items() if len(variables.get("kernel", ())) == 2]
        norms = sum(set(variables) == set(MOMENTS) for variables in shapes.values())
        if norms > BASE_NORMS:
            raise _order_unknown()
    steps = _head_from_shapes(foreign, head, shapes, stated, assumed)
    if not steps:
        raise ForeignRefused("The file holds no dense layer behind ResNet50.", code="does_not_fit")
    return [Step("base"), *_vector(steps, shapes, stated, assumed, pooled=BASE_CHANNELS), *steps]


def _size_by_width(steps: Sequence[Step], shapes: Shapes, assumed: list[str]) -> int:
    """Return the largest side of images whose features are as many as the first dense layer takes; else 0."""
    first = next(step for step in steps if step.kind == "dense")
    side = math.isqrt(shapes[first.source]["kernel"][0] // BASE_CHANNELS)
    if side**2 * BASE_CHANNELS != shapes[first.source]["kernel"][0]:
        return 0
    size = side * BASE_REDUCTION
    assumed.append(
        f"The file does not tell the image size: {size} was taken, {size - BASE_REDUCTION + 1} to {size} fit."
    )
    return size


def _head_from_shapes(
    foreign: dict[str, Any], names: Sequence[str], shapes: Shapes, stated: Stated, assumed: list[str]
) -> list[Step]:
    """Return the dense layers, and normalisations between them, in the file's order."""
    steps = []
    hidden = "relu" if stated.activation == AS_STORED else stated.activation
    for name in names:
        if len(shapes[name].get("kernel", ())) == 2:
            steps.append(Step("dense", name, {"activation": hidden}))
        elif not foreign["ordered"]:
            raise _order_unknown()
        else:
            steps.append(Step("norm", name, {"epsilon": 1e-3}))
    if len(steps) > 1 and stated.activation == AS_STORED:
        assumed.append("The file does not tell the activation of its hidden layers: relu was taken.")
    if steps and steps[-1].kind == "dense":
        steps[-1] = replace(steps[-1], values={"activation": "softmax"})
    return steps


def _vector(
    head: Sequence[Step], shapes: Shapes, stated: Stated, assumed: list[str], *, pooled: int
) -> list[Step]:
    """Return what turns the image into a vector: as stated, else as the first dense layer is wide."""
    if stated.pooling != AS_STORED:
        return [Step(stated.pooling)]
    first = next((step for step in head if step.kind == "dense"), head[0])
    arriving = next(iter(shapes[first.source].values()))[0]
    if arriving != pooled:
        return [Step("flatten")]
    assumed.append("The file does not tell how the image is pooled: the average was taken.")
    return [Step("average")]


def _cnn_from_shapes(
    foreign: dict[str, Any],
    shapes: Shapes,
    stated: Stated,
    assumed: list[str],
    *,
    size: int,
    class_count: int,
) -> list[Step]:
    """Return convolutions, each pooled 2 by 2, then dense layers; the padding is that which fits."""
    convolutions = [name for name, each in shapes.items() if len(each.get("kernel", ())) == 4]
    others = [name for name in shapes if name not in convolutions]
    if not convolutions or any(len(shapes[name].get("kernel", ())) != 2 for name in others):
        raise ForeignRefused(
            "Weights alone do not tell how convolutions and normalisations follow one another: save the "
            "whole model (model.save), or import a plain network of convolutions and dense layers.",
            code="ambiguous_layers",
        )
    head = _head_from_shapes(foreign, others, shapes, stated, assumed)
    hidden = "relu" if stated.activation == AS_STORED else stated.activation
    refusal: ForeignRefused | None = None
    for padding in ("valid", "same") if stated.padding == AS_STORED else (stated.padding,):
        steps: list[Step] = []
        for name in convolutions:
            values = {"strides": [1, 1], "padding": padding, "activation": hidden}
            steps += [Step("conv", name, values), Step("max_pool", values=dict(_WINDOW))]
        told: list[str] = []
        steps += _vector(head, shapes, stated, told, pooled=shapes[convolutions[-1]]["kernel"][3])
        try:
            check_shapes([*steps, *head], shapes, image_size=size, class_count=class_count)
        except ForeignRefused as error:
            refusal = refusal or error
            continue
        assumed += [
            *told,
            f"The file does not tell its layers: padding {padding} and pooling 2 by 2 were taken.",
        ]
        return [*steps, *head]
    assert refusal is not None
    raise refusal


def _ending_in_softmax(steps: list[Step]) -> list[Step]:
    """Return the steps, the last of them a dense layer that ends in probabilities."""
    *rest, last = steps
    if last.kind == "act" and rest and rest[-1].values.get("activation") == "linear":
        *rest, ends_in = rest
        last = replace(ends_in, values=dict(last.values))
    if last.kind != "dense":
        raise ForeignRefused(
            "The network does not end in a dense layer for its classes.", code="unsupported_layer"
        )
    # Without an activation a network was trained on logits: their softmax is what they meant.
    if last.values["activation"] not in ("softmax", "linear"):
        raise ForeignRefused(
            f"The network ends in {last.values['activation']}, not in softmax: its values are no "
            "probabilities of one class out of several.",
            code="unsupported_output",
        )
    return [*rest, replace(last, values={"activation": "softmax"})]


def _preprocessing(steps: Sequence[Step], stated: Stated) -> str:
    """Return what is done to the values of pixels before the first layer."""
    if stated.preprocessing != "usual":
        return stated.preprocessing
    if any(step.kind == "rescale" for step in steps):
        return "none"
    return "caffe" if stated.architecture == "resnet50" else "unit"


def _image_size(outline: list[dict[str, Any]] | None, stated: Stated) -> int:
    """Return the side of the images: as stated, else what the file says, else the usual."""
    shapes = [layer.get("batch_shape") or layer.get("batch_input_shape") for layer in outline or ()]
    shape = next((each for each in shapes if isinstance(each, list)), None)
    if shape is None:
        return stated.image_size or USUAL_SIZE
    if len(shape) != 4 or shape[3] not in (3, None):
        raise ForeignRefused(
            "The network does not take images of three colours, the last dimension being the colour.",
            code="unsupported_input",
        )
    height, width = shape[1], shape[2]
    if height != width:
        raise ForeignRefused(
            f"The network takes images of {height} by {width} pixels; here they are square.",
            code="unsupported_input",
        )
    size = stated.image_size or height or USUAL_SIZE
    if type(size) is not int or not SMALLEST <= size <= LARGEST:
        raise ForeignRefused(
            f"The network takes images of {str(size)[:20]} pixels' side; {SMALLEST} to {LARGEST} can be.",
            code="unsupported_input",
        )
    return size


def _check_stated(steps: Sequence[Step], stated: Stated) -> None:
    """Refuse what a person states against what the file says."""
    found = {
        "pooling": {step.kind for step in steps if step.kind in VECTOR},
        "padding": {step.values["padding"] for step in steps if step.kind == "conv"},
        "activation": {
            str(step.values["activation"])
            for step in steps[:-1]
            if step.kind in ("dense", "conv", "act") and step.values["activation"] != "linear"
        },
    }
    for name, told in found.items():
        wanted = getattr(stated, name)
        if wanted != AS_STORED and told and wanted not in told:
            raise ForeignRefused(
                f"{name} {wanted} was stated, but the file says {', '.join(sorted(told))}. Leave it to it.",
                code="settings_contradict",
            )


def _order_unknown() -> ForeignRefused:
    return ForeignRefused(
        "The file does not tell where its normalisations stand among the other layers: save the whole model "
        "(model.save), and import that.",
        code="ambiguous_layers",
    )
