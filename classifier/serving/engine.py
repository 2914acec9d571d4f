"""One exported network, loaded to classify, by OpenVINO where it is installed, else by ONNX Runtime."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol, Self

import numpy as np
from numpy.typing import NDArray

from classifier.geometry import fit_pixels
from classifier.serving.onnx import OnnxRuntime
from classifier.serving.openvino import OpenVino

THREADS = 2
STREAMS = 1
# Fitted images that are held at a time.
AT_ONCE = 32
FLOAT32, INT8 = "float32", "int8"
RUNTIMES = (OpenVino.name, OnnxRuntime.name)


class ArtefactMissing(Exception):
    """The exported file of a model version is not where it should be."""

    code = "artefact_missing"
    status = 503


class ArtefactUnreadable(Exception):
    """The exported file of a model version can not be loaded, or answers in another shape."""

    code = "artefact_unreadable"
    status = 503


class Runtime(Protocol):
    """What computes a network's answers; it may be asked by many threads at once."""

    name: str

    def answers(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Return (images, classes) float32 of at least one image, each uint8 (size, size, 3)."""


@dataclass(frozen=True)
class Classified:
    """What an engine says of one image: the most probable class, its probability, and all of them."""

    label: str
    confidence: float
    probabilities: dict[str, float]


class Engine:
    """A loaded network that turns images into probabilities of its classes.

    `runtime` is the name of the library that computes them, `precision` what it computes in.
    """

    def __init__(
        self, runtime: Runtime, *, classes: Sequence[str], size: int, geometry: str, precision: str = FLOAT32
    ) -> None:
        self.classes = tuple(classes)
        self.size = size
        self.geometry = geometry
        self.precision = precision
        self._runtime = runtime

    @property
    def runtime(self) -> str:
        """The library that answers: "openvino" or "onnxruntime"."""
        return self._runtime.name

    @classmethod
    def load(
        cls,
        path: Path,
        *,
        classes: Sequence[str],
        size: int,
        geometry: str,
        precision: str = FLOAT32,
        runtime: str = "",
        threads: int = THREADS,
        streams: int = STREAMS,
    ) -> Self:
        """Load a version's file: ONNX, or for INT8 the `.xml` of OpenVINO, whose weights lie beside it.

        Without a `runtime` it is the one of `runtime_here`. `threads` compute in all, `streams` images at
        once. Raises ArtefactMissing, or ArtefactUnreadable if the file is no such network.
        """
        if not path.is_file():
            raise ArtefactMissing(
                f"The file {path.name} of this model is missing. Restore the data directory from a backup, "
                "or train again."
            )
        try:
            loaded = _loaded(path, runtime or runtime_here(), size=size, threads=threads, streams=streams)
            engine = cls(loaded, classes=classes, size=size, geometry=geometry, precision=precision)
            answer = engine.probabilities([np.zeros((size, size, 3), dtype=np.uint8)])
        except Exception as error:
            raise ArtefactUnreadable(
                f"The file {path.name} of this model can not be loaded. Restore it from a backup, or train "
                "again."
            ) from error
        if answer.shape != (1, len(engine.classes)):
            raise ArtefactUnreadable(
                f"The file {path.name} answers {answer.shape[1:]} values for {len(engine.classes)} classes."
            )
        return engine

    def probabilities(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        """Classify images, each uint8 (height, width, 3); returns (images, classes) float32 0..1."""
        if not images:
            return np.empty((0, len(self.classes)), dtype=np.float32)
        return np.concatenate(
            [self._answers(images[start : start + AT_ONCE]) for start in range(0, len(images), AT_ONCE)]
        )

    def _answers(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.float32]:
        return self._runtime.answers(
            [fit_pixels(image, size=self.size, geometry=self.geometry) for image in images]
        )

    def classify(self, image: NDArray[np.uint8]) -> Classified:
        """Classify one image, uint8 (height, width, 3)."""
        row = self.probabilities([image])[0]
        best = int(row.argmax())
        probabilities = {name: float(value) for name, value in zip(self.classes, row, strict=True)}
        return Classified(self.classes[best], float(row[best]), probabilities)


def runtime_here() -> str:
    """Return the runtime that is used where none is named: OpenVINO where it is installed."""
    return OpenVino.name if find_spec("openvino") else OnnxRuntime.name


def _loaded(path: Path, runtime: str, *, size: int, threads: int, streams: int) -> Runtime:
    if runtime == OpenVino.name:
        return OpenVino(path, size=size, threads=threads, streams=streams)
    return OnnxRuntime(path, threads=threads)
