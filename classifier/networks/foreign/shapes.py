"""What passes from step to step: each layer's weights must fit what arrives, else the layer is named."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from classifier.networks.foreign.errors import ForeignRefused
from classifier.networks.foreign.steps import Step

BASE_CHANNELS = 2048
BASE_REDUCTION = 32

Shapes = Mapping[str, Mapping[str, Sequence[int]]]


@dataclass(frozen=True)
class Passing:
    """The shape of what passes: a square of `side` with channels, or a vector where `side` is 0."""

    side: int
    channels: int

    def __str__(self) -> str:
        return f"{self.side} x {self.side} x {self.channels}" if self.side else f"{self.channels} values"


def check_shapes(steps: Sequence[Step], shapes: Shapes, *, image_size: int, class_count: int) -> None:
    """Raise ForeignRefused (does_not_fit, class_count_differs) where weights do not fit their step."""
    passing = Passing(image_size, 3)
    for step in steps:
        passing = after(step, passing, shapes, image_size=image_size)
    if passing.side:
        raise ForeignRefused("The network does not end in a dense layer.", code="unsupported_layer")
    if passing.channels != class_count:
        raise ForeignRefused(
            f"The network tells {passing.channels} classes apart, but {class_count} are named. Name its "
            "classes in the order in which it was trained on them.",
            code="class_count_differs",
        )


def after(step: Step, passing: Passing, shapes: Shapes, *, image_size: int) -> Passing:
    """Return what leaves a step; raises ForeignRefused (does_not_fit) where its weights do not fit."""
    match step.kind:
        case "base":
            return Passing(math.ceil(passing.side / BASE_REDUCTION), BASE_CHANNELS)
        case "average" | "maximum":
            return Passing(0, passing.channels)
        case "flatten":
            return Passing(0, max(passing.side, 1) ** 2 * passing.channels)
        case "max_pool" | "average_pool":
            return _reduced(step, passing, window=step.values["size"])
        case "conv":
            kernel = _kernel(step, shapes, dimensions=4)
            _check(step, kernel, [*kernel[:2], passing.channels, kernel[3]], passing, image_size)
            _check_bias(step, shapes, kernel[3])
            return Passing(_reduced(step, passing, window=list(kernel[:2])).side, kernel[3])
        case "dense":
            kernel = _kernel(step, shapes, dimensions=2)
            if passing.side:
                raise ForeignRefused(
                    f"The dense layer {step.source} stands before the image is flattened or pooled: such "
                    "networks cannot be rebuilt here.",
                    code="unsupported_layer",
                )
            _check(step, kernel, [passing.channels, kernel[1]], passing, image_size)
            _check_bias(step, shapes, kernel[1])
            return Passing(0, kernel[1])
        case "norm":
            for name, shape in shapes[step.source].items():
                if list(shape) != [passing.channels]:
                    raise _does_not_fit(step, name, shape, [passing.channels], passing, image_size)
    return passing


def _reduced(step: Step, passing: Passing, *, window: Sequence[int]) -> Passing:
    """Return what leaves a convolution or pooling; its channels are those that arrived."""
    if not passing.side:
        raise ForeignRefused(f"A {step.kind} stands behind the vector.", code="unsupported_layer")
    sides = {
        math.ceil((passing.side - (0 if step.values["padding"] == "same" else size - 1)) / stride)
        for size, stride in zip(window, step.values["strides"], strict=True)
    }
    if len(sides) > 1 or min(sides) < 1:
        raise ForeignRefused(
            f"Images of {passing.side} pixels' side are too small here, or cease to be square"
            f"{f' in {step.source}' if step.source else ''}. State the image size.",
            code="does_not_fit",
        )
    return Passing(sides.pop(), passing.channels)


def _kernel(step: Step, shapes: Shapes, *, dimensions: int) -> list[int]:
    """Return the shape of a step's kernel."""
    kernel = shapes.get(step.source, {}).get("kernel")
    if kernel is None or len(kernel) != dimensions:
        raise ForeignRefused(
            f"The file has no kernel with {dimensions} dimensions for the layer {step.source}.",
            code="does_not_fit",
        )
    return list(kernel)


def _check(
    step: Step, found: Sequence[int], expected: Sequence[int], passing: Passing, image_size: int
) -> None:
    if list(found) != list(expected):
        raise _does_not_fit(step, "kernel", found, expected, passing, image_size)


def _check_bias(step: Step, shapes: Shapes, count: int) -> None:
    bias = shapes[step.source].get("bias")
    if bias is not None and list(bias) != [count]:
        raise _does_not_fit(step, "bias", bias, [count])


def _does_not_fit(
    step: Step,
    variable: str,
    found: Sequence[int],
    expected: Sequence[int],
    passing: Passing | None = None,
    image_size: int = 0,
) -> ForeignRefused:
    """Return the refusal that names layer, the shape found and the one expected."""
    arrives = f", because {passing} arrive there from images of {image_size} pixels" if passing else ""
    hint = " Is the image size right?" if step.kind == "dense" and passing else ""
    return ForeignRefused(
        f"The {variable} of the layer {step.source} is {shown(found)} in the file; {shown(expected)} would "
        f"fit{arrives}.{hint}",
        code="does_not_fit",
    )


def shown(shape: Sequence[int]) -> str:
    """Return a shape as people write it."""
    return " x ".join(str(each) for each in shape) or "a single number"
