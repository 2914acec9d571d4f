"""The chain rule through the operators that stand between a convolutional map and a class's score."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]


class NoRule(Exception):
    """Raised where an operator has no rule here."""


@dataclass(frozen=True)
class Step:
    """One operator as it ran: its name, attributes, inputs (None: left out) and output."""

    operator: str
    attributes: Mapping[str, Any]
    inputs: Sequence[Any]
    output: Array


def gradients(step: Step, gradient: Array) -> list[Array | None]:
    """Return the gradient by each input, given that by the output; None where there is none. `NoRule`."""
    rule = _RULES.get(step.operator)
    if rule is None:
        raise NoRule(step.operator)
    return rule(step, gradient)


def _same(step: Step, gradient: Array) -> list[Array | None]:
    return [gradient]


def _reshaped(step: Step, gradient: Array) -> list[Array | None]:
    return [gradient.reshape(step.inputs[0].shape)]


def _times(slope: Callable[[Step], Any]) -> Callable[[Step, Array], list[Array | None]]:
    """Make the rule of a function of single values from its slope."""
    return lambda step, gradient: [gradient * slope(step)]


def _sum(step: Step, gradient: Array) -> list[Array | None]:
    sign = -1 if step.operator == "Sub" else 1
    first, second = step.inputs
    return [_narrowed(gradient, first), sign * _narrowed(gradient, second)]


def _product(step: Step, gradient: Array) -> list[Array | None]:
    first, second = step.inputs
    if step.operator == "Div":
        by_second = -gradient * first / second**2
        return [_narrowed(gradient / second, first), _narrowed(by_second, second)]
    return [_narrowed(gradient * second, first), _narrowed(gradient * first, second)]


def _matmul(step: Step, gradient: Array) -> list[Array | None]:
    first, second = step.inputs
    return [gradient @ np.swapaxes(second, -1, -2), np.swapaxes(first, -1, -2) @ gradient]


def _gemm(step: Step, gradient: Array) -> list[Array | None]:
    if step.attributes.get("transA"):
        raise NoRule("Gemm of a transposed input")
    weights = step.inputs[1] if step.attributes.get("transB") else step.inputs[1].T
    return [step.attributes.get("alpha", 1.0) * gradient @ weights, None, None]


def _concat(step: Step, gradient: Array) -> list[Array | None]:
    axis = step.attributes["axis"]
    ends = np.cumsum([each.shape[axis] for each in step.inputs])[:-1]
    return list(np.split(gradient, ends, axis=axis))


def _transpose(step: Step, gradient: Array) -> list[Array | None]:
    order = step.attributes.get("perm") or list(range(gradient.ndim))[::-1]
    return [gradient.transpose(np.argsort(order))]


def _reduced(step: Step, gradient: Array) -> list[Array | None]:
    values = step.inputs[0]
    axes = _axes(step)
    kept = [1 if axis in axes else side for axis, side in enumerate(values.shape)]
    spread = np.broadcast_to(gradient.reshape(kept), values.shape)
    match step.operator:
        case "ReduceSum":
            return [spread]
        case "ReduceMax" | "GlobalMaxPool":
            # Equal maxima share: the sum over places, which is all that Grad-CAM asks for, stays.
            largest = values == values.max(axis=axes, keepdims=True)
            return [spread * largest / largest.sum(axis=axes, keepdims=True)]
    return [spread * (np.prod(kept) / values.size)]


def _axes(step: Step) -> tuple[int, ...]:
    """Return which axes an operator goes over."""
    rank = step.inputs[0].ndim
    if step.operator.startswith("Global"):
        return tuple(range(2, rank))
    given = step.inputs[1] if len(step.inputs) > 1 else step.attributes.get("axes")
    return tuple(range(rank)) if given is None else tuple(int(axis) % rank for axis in given)


def _max_pool(step: Step, gradient: Array) -> list[Array | None]:
    values = step.inputs[0]
    spread, taken = np.zeros(values.shape), np.zeros(gradient.shape, dtype=bool)
    for inside, outside in _windows(step, values.shape[2:], gradient.shape[2:]):
        is_largest = (values[inside] == step.output[outside]) & ~taken[outside]
        spread[inside] += gradient[outside] * is_largest
        taken[outside] |= is_largest
    return [spread]


def _average_pool(step: Step, gradient: Array) -> list[Array | None]:
    shape = step.inputs[0].shape
    spread, counts = np.zeros(shape), np.zeros(gradient.shape)
    windows = list(_windows(step, shape[2:], gradient.shape[2:]))
    for _, outside in windows:
        counts[outside] += 1
    if step.attributes.get("count_include_pad"):
        counts[:] = np.prod(step.attributes["kernel_shape"])
    for inside, outside in windows:
        spread[inside] += gradient[outside] / counts[outside]
    return [spread]


def _windows(step: Step, before: Sequence[int], after: Sequence[int]) -> Iterator[tuple[Any, Any]]:
    """Yield, for each place in the window of a pooling, where it lies in the input and in the output."""
    if step.attributes.get("auto_pad", b"NOTSET") not in (b"NOTSET", b"VALID"):
        raise NoRule(f"{step.operator} with automatic padding")
    if any(each != 1 for each in step.attributes.get("dilations", ())):
        raise NoRule(f"{step.operator} with dilation")
    kernel = step.attributes["kernel_shape"]
    strides = step.attributes.get("strides") or [1] * len(kernel)
    pads = step.attributes.get("pads") or [0] * (2 * len(kernel))
    for place in np.ndindex(*kernel):
        inside, outside = [slice(None)] * 2, [slice(None)] * 2
        for axis, offset in enumerate(place):
            start = np.arange(after[axis]) * strides[axis] + offset - pads[axis]
            valid = np.flatnonzero((start >= 0) & (start < before[axis]))
            if not len(valid):
                break
            first, last = valid[0], valid[-1]
            inside.append(slice(start[first], start[last] + 1, strides[axis]))
            outside.append(slice(first, last + 1))
        else:
            yield tuple(inside), tuple(outside)


def _normalised(step: Step, gradient: Array) -> list[Array | None]:
    scale, variance = step.inputs[1], step.inputs[4]
    slope = scale / np.sqrt(variance + step.attributes.get("epsilon", 1e-5))
    return [gradient * slope.reshape(1, -1, *[1] * (gradient.ndim - 2)), None, None, None, None]


def _clipped(step: Step) -> Any:
    values = step.inputs[0]
    low, high = [*step.inputs[1:], None, None][:2]
    low = step.attributes.get("min", -np.inf) if low is None else low
    high = step.attributes.get("max", np.inf) if high is None else high
    return (values > low) & (values < high)


def _narrowed(gradient: Array, values: Any) -> Array:
    """Sum over what was broadcast to reach the output's shape."""
    shape = np.shape(values)
    summed = gradient.sum(axis=tuple(range(gradient.ndim - len(shape))))
    widened = tuple(axis for axis, side in enumerate(shape) if side == 1 and summed.shape[axis] != 1)
    return summed.sum(axis=widened, keepdims=True)


_SLOPES: dict[str, Callable[[Step], Any]] = {
    "Relu": lambda step: step.inputs[0] > 0,
    "LeakyRelu": lambda step: np.where(step.inputs[0] > 0, 1.0, step.attributes.get("alpha", 0.01)),
    "Elu": lambda step: np.where(
        step.inputs[0] > 0, 1.0, step.attributes.get("alpha", 1.0) * np.exp(np.minimum(step.inputs[0], 0))
    ),
    "Tanh": lambda step: 1 - step.output**2,
    "Sigmoid": lambda step: step.output * (1 - step.output),
    "Softplus": lambda step: 1 / (1 + np.exp(-step.inputs[0])),
    "Clip": _clipped,
    "Neg": lambda step: -1.0,
    "Exp": lambda step: step.output,
}
_RULES: dict[str, Callable[[Step, Array], list[Array | None]]] = {
    **{operator: _times(slope) for operator, slope in _SLOPES.items()},
    **dict.fromkeys(("Identity", "Dropout", "Cast"), _same),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _reshaped),
    **dict.fromkeys(("Add", "Sub"), _sum),
    **dict.fromkeys(("Mul", "Div"), _product),
    **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax", "GlobalAveragePool", "GlobalMaxPool"), _reduced),
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Concat": _concat,
    "Transpose": _transpose,
    "MaxPool": _max_pool,
    "AveragePool": _average_pool,
    "BatchNormalization": _normalised,
}
