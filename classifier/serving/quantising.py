"""A version's ONNX file in INT8, for OpenVINO; run as a program, in a process of its own.

`python -m classifier.serving.quantising ONNX TARGET.xml CALIBRATION.npy` ends with one line of JSON. Static
post-training quantisation by nncf: the ranges of values are those that real images call forth.
"""

import json
import sys
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.serving.checksums import checksum
from classifier.serving.openvino import silent_openvino
from classifier.serving.processor import sums_in_32_bits

LIBRARIES = ("openvino", "nncf", "numpy")
_WEIGHTED = ("Convolution", "GroupConvolution", "MatMul")


def quantise(onnx_file: Path, target: Path, *, calibration: NDArray[np.uint8]) -> dict[str, Any]:
    """Write `target`, an `.xml`, and its weights beside it as `.bin`; return what there is to record.

    Weights take all of 8 bits where the processor here does not cut their sums off: `full_range`.
    `calibration` (N, S, S, 3) uint8: images as the network sees them, N at least 1.
    """
    full_range = sums_in_32_bits()
    openvino = silent_openvino()
    import nncf
    from nncf.quantization.range_estimator import RangeEstimatorParametersSet

    model = openvino.Core().read_model(onnx_file)
    shown = nncf.Dataset(calibration, lambda image: image[np.newaxis].astype(np.float32))
    quantised = nncf.quantize(
        model,
        shown,
        subset_size=len(calibration),
        target_device=nncf.TargetDevice.CPU,
        ignored_scope=nncf.IgnoredScope(names=_kept_in_float32(model), validate=False),
        advanced_parameters=nncf.AdvancedQuantizationParameters(
            # With it weights take half of their range: sums that a processor may cut off have room.
            overflow_fix=nncf.OverflowFix.DISABLE if full_range else nncf.OverflowFix.ENABLE,
            # All that was seen: the mean of the images' ranges cuts off what some of them call forth.
            activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX,
        ),
    )
    openvino.save_model(quantised, target, compress_to_fp16=False)
    weights = target.with_suffix(".bin")
    return {
        "sha256": checksum(target, weights),
        "bytes": target.stat().st_size + weights.stat().st_size,
        "full_range": full_range,
        "libraries": {name: version(name) for name in LIBRARIES},
    }


def _kept_in_float32(model: Any) -> list[str]:
    """Return the names of what INT8 harms most and quickens least.

    These are the first and the last layer with weights, and what stands before the first, where an image is
    scaled and its light evened out: where a variance was rounded to 8 bits half the answers of a CNN changed.
    """
    behind: set[str] = set()
    before, layers = [], []
    for node in model.get_ordered_ops():
        name = node.get_friendly_name()
        sources = {put.get_source_output().get_node().get_friendly_name() for put in node.inputs()}
        if node.get_type_name() in _WEIGHTED:
            layers.append(name)
            behind.add(name)
        elif sources & behind:
            behind.add(name)
        elif node.get_type_name() not in ("Constant", "Parameter"):
            before.append(name)
    return [*before, *layers[:1], *layers[1:][-1:]]


def main(words: Sequence[str]) -> int:
    """Quantise as the words say; print what there is to record."""
    onnx_file, target, calibration = (Path(word) for word in words)
    recorded = quantise(onnx_file, target, calibration=np.load(calibration, mmap_mode="r"))
    sys.stdout.write(f"\n{json.dumps(recorded)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
