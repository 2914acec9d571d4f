"""A network in ONNX Runtime, where OpenVINO is missing; the library is imported only to load one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

BATCH = 16


class OnnxRuntime:
    """A session of ONNX Runtime; any number of threads may ask it at once."""

    name = "onnxruntime"

    def __init__(self, path: Path, *, threads: int) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Memory given back after a batch matters more to a web process than a saved allocation.
        options.enable_cpu_mem_arena = False
        self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        self._input = self._session.get_inputs()[0].name

    def answers(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return what the network says, (images, classes), of images uint8 (size, size, 3)."""
        rows = []
        for start in range(0, len(images), BATCH):
            batch = np.stack(images[start : start + BATCH]).astype(np.float32)
            rows.append(self._session.run(None, {self._input: batch})[0])
        return np.concatenate(rows)
