"""A network in OpenVINO: one image in each of its streams; the library is imported only to load one."""

import queue
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Importing the first by itself tells another host, and leaves files in the home directory.
_REPORTING = ("openvino_telemetry", "openvino.tools.ovc")


def silent_openvino() -> ModuleType:
    """Import OpenVINO without what reports its use; nncf, imported after it, does without, too."""
    for name in _REPORTING:
        # An import of it now fails, and both libraries take that for a package that is not installed.
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    import openvino

    return openvino


class OpenVino:
    """A compiled network; any number of threads may ask it at once."""

    name = "openvino"

    def __init__(self, path: Path, *, size: int, threads: int, streams: int) -> None:
        openvino = silent_openvino()
        core = openvino.Core()
        model = core.read_model(path)
        # A fixed shape is planned for once; many images are many requests.
        model.reshape([1, size, size, 3])
        prepared = openvino.preprocess.PrePostProcessor(model)
        prepared.input().tensor().set_element_type(openvino.Type.u8)
        compiled = core.compile_model(
            prepared.build(),
            "CPU",
            {
                "INFERENCE_NUM_THREADS": threads,
                "NUM_STREAMS": streams,
                # Processors that can would round to 16 bits, further from Keras than is allowed.
                "INFERENCE_PRECISION_HINT": "f32",
                # Workers and web processes share the cores: threads tied to the same one wait for each other.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._streams = streams
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(streams):
            self._idle.put(compiled.create_infer_request())

    def answers(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return what the network says, (images, classes), of images uint8 (size, size, 3)."""
        rows = []
        with self._borrowed(min(len(images), self._streams)) as requests:
            for start in range(0, len(images), len(requests)):
                together = list(zip(requests, images[start : start + len(requests)], strict=False))
                for request, image in together:
                    request.start_async([image[np.newaxis]], share_inputs=True)
                for request, _ in together:
                    request.wait()
                    rows.append(request.get_output_tensor(0).data[0].copy())
        return np.stack(rows)

    @contextmanager
    def _borrowed(self, most: int) -> Iterator[list[Any]]:
        """Lend one request, by waiting for it, and as many more as are idle."""
        requests = [self._idle.get()]
        try:
            # To wait for a second with the first in hand could be to wait for one who does the same.
            while len(requests) < most:
                requests.append(self._idle.get_nowait())
        except queue.Empty:
            pass
        try:
            yield requests
        finally:
            for request in requests:
                self._idle.put(request)
