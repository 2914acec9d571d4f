"""The physical limit: what these cores multiply a second, and what one answer of a network needs of it.

    python -m benchmarks.served.limit --onnx FILE --size N --seconds S

Products of matrices large enough that memory does not hold them back: by NumPy, and by OpenVINO as a plain
product and as the convolutions of 1x1 and 3x3 that networks are made of, in float32 and with values and
weights of 8 bits; the best of each precision is the limit. The operations of the network are counted from its
exported file. Prints one JSON object.
"""

import argparse
import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SIDE = 2048
# Of a convolution's values: channels, height and width, side of its window.
CONVOLUTIONS = ((1024, 32, 1), (256, 28, 3))

Multiply = Callable[[], Any]


def operations_of(path: Path, *, size: int) -> int:
    """Return the additions and multiplications of one answer, of convolutions and dense layers."""
    import onnx

    model = onnx.load(path)
    for given in model.graph.input:
        for place, length in enumerate((1, size, size, 3)):
            given.type.tensor_type.shape.dim[place].dim_value = length
    graph = onnx.shape_inference.infer_shapes(model).graph
    shapes = {
        each.name: [one.dim_value for one in each.type.tensor_type.shape.dim]
        for each in (*graph.value_info, *graph.output)
    }
    shapes |= {each.name: list(each.dims) for each in graph.initializer}
    count = 0
    for node in graph.node:
        if node.op_type == "Conv":
            # Weights: (filters, channels of a group, height, width); values: (1, filters, height, width).
            count += 2 * math.prod(shapes[node.output[0]][1:]) * math.prod(shapes[node.input[1]][1:])
        elif node.op_type in ("MatMul", "Gemm"):
            count += 2 * math.prod(shapes[node.input[1]])
    return count


def openvino_here() -> Any:
    """Return OpenVINO as the product imports it, which reports to nobody; None where it is not installed."""
    try:
        from classifier.serving.openvino import silent_openvino

        return silent_openvino()
    except ImportError:
        return None


def by_numpy() -> tuple[Multiply, int]:
    """Return what multiplies two float32 matrices, and its operations."""
    one = np.random.default_rng(0).random((SIDE, SIDE), dtype=np.float32)
    return lambda: one @ one, 2 * SIDE**3


def by_openvino(*, eight_bits: bool) -> Iterator[tuple[Multiply, int]]:
    """Yield what multiplies in OpenVINO, with the operations of each; nothing where it is not installed."""
    if openvino_here() is None:
        return
    import openvino.opset13 as ops

    weights = np.random.default_rng(0).uniform(-1, 1, (SIDE, SIDE)).astype(np.float32)
    yield (
        compiled(
            (SIDE, SIDE), weights, lambda left, right: ops.matmul(left, right, False, False), eight_bits
        ),
        2 * SIDE**3,
    )
    for channels, side, window in CONVOLUTIONS:
        shape = (channels, channels, window, window)
        weights = np.random.default_rng(0).uniform(-1, 1, shape).astype(np.float32)
        pads = [window // 2] * 2
        yield (
            compiled(
                (1, channels, side, side),
                weights,
                lambda left, right, pads=pads: ops.convolution(left, right, [1, 1], pads, pads, [1, 1]),
                eight_bits,
            ),
            2 * weights.size * side**2,
        )


def compiled(
    shape: tuple[int, ...], weights: NDArray[np.float32], product: Callable[..., Any], eight_bits: bool
) -> Multiply:
    """Return what multiplies values of a shape by constant weights."""
    import openvino.opset13 as ops

    openvino = openvino_here()
    given = ops.parameter(list(shape), np.float32)
    left, right = given, ops.constant(weights)
    if eight_bits:
        # As nncf writes it: the runtime turns what lies behind two such steps into a product of 8 bits.
        left = ops.fake_quantize(left, *(np.float32(each) for each in (0, 1, 0, 1)), levels=256)
        right = ops.fake_quantize(right, *(np.float32(each) for each in (-1, 1, -1, 1)), levels=255)
    model = openvino.Model([product(left, right)], [given])
    hints = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(model, "CPU", hints).create_infer_request()
    values = np.random.default_rng(1).random(shape, dtype=np.float32)
    return lambda: request.infer({0: values}, share_inputs=True, share_outputs=True)


def rate_of(multiply: Multiply, operations: int, *, seconds: float) -> float:
    """Return operations a second."""
    multiply()
    count, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds or count < 2:
        multiply()
        count += 1
    return operations * count / (time.perf_counter() - began)


def most(*, eight_bits: bool, seconds: float) -> float | None:
    """Return the most operations a second; None where nothing installed multiplies in this precision."""
    products = [*by_openvino(eight_bits=eight_bits), *([] if eight_bits else [by_numpy()])]
    return max((rate_of(*each, seconds=seconds) for each in products), default=None)


def shares(limit: dict[str, Any], rates: dict[str, tuple[str, float]]) -> dict[str, float]:
    """Return of each rate (its precision, answers a second) the share of what the cores could do."""
    return {
        name: round(rate * limit["operations"] / limit[precision], 3)
        for name, (precision, rate) in rates.items()
        if limit[precision]
    }


def tell(limit: dict[str, Any], reached: dict[str, float]) -> None:
    """Say what the limit is, and what share of it each number reaches."""
    needed = limit["operations"]
    print(f"\nlimit: an answer takes {needed / 1e9:.2f} GFLOP; measured products of these cores:")
    for precision in ("float32", "int8"):
        if limit[precision]:
            answers = limit[precision] / needed
            print(f"  {precision:10}{limit[precision] / 1e9:8.0f} GFLOP/s, {answers:.1f} answers a second")
        else:
            print(f"  {precision:10} unknown: OpenVINO is not installed")
    for name, share in reached.items():
        print(f"  {name:40}{share:8.1%}")


def main() -> None:
    """Count and multiply."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--size", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    options = parser.parse_args()
    told = {
        "operations": operations_of(options.onnx, size=options.size),
        "float32": most(eight_bits=False, seconds=options.seconds),
        "int8": most(eight_bits=True, seconds=options.seconds),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
