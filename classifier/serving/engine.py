"""One exported network, loaded to classify; ONNX Runtime is imported only when an engine is loaded."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from classifier.geometry import fit_pixels

BATCH = 16
THREADS = 2


class ArtefactMissing(Exception):
    """The exported file of a model version is not where it should be."""

    code = "artefact_missing"
    status = 503


class ArtefactUnreadable(Exception):
    """The exported file of a model version can not be loaded, or answers in another shape."""

    code = "artefact_unreadable"
    status = 503


@dataclass(frozen=True)
class Classified:
    """What an engine says of one image: the most probable class, its probability, and all of them."""

    label: str
    confidence: float
    probabilities: dict[str, float]


class Engine:
    """A loaded network that turns images into probabilities of its classes."""

    def __init__(self, session: Any, *, classes: Sequence[str], size: int, geometry: str) -> None:
        self.classes = tuple(classes)
        self.size = size
        self.geometry = geometry
        self._session = session
        self._input = session.get_inputs()[0].name

    @property
    def runtime(self) -> str:
        """What computes: `onnxruntime`."""
        return "onnxruntime"

    @property
    def precision(self) -> str:
        """In which numbers: `float32`."""
        return "float32"

    @classmethod
    def load(
        cls, path: Path, *, classes: Sequence[str], size: int, geometry: str, threads: int = THREADS
    ) -> Self:
        """Load an ONNX file; raises ArtefactMissing, or ArtefactUnreadable if it is no such network."""
        if not path.is_file():
            raise ArtefactMissing(
                f"The file {path.name} of this model is missing. Restore the data directory from a backup, "
                "or train again."
            )
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Memory given back after a batch matters more to a web process than a saved allocation.
        options.enable_cpu_mem_arena = False
        try:
            session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            engine = cls(session, classes=classes, size=size, geometry=geometry)
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
        answers = []
        for start in range(0, len(images), BATCH):
            fitted = [
                fit_pixels(image, size=self.size, geometry=self.geometry)
                for image in images[start : start + BATCH]
            ]
            batch = np.stack(fitted).astype(np.float32)
            answers.append(self._session.run(None, {self._input: batch})[0])
        return np.concatenate(answers)

    def classify(self, image: NDArray[np.uint8]) -> Classified:
        """Classify one image, uint8 (height, width, 3)."""
        row = self.probabilities([image])[0]
        best = int(row.argmax())
        probabilities = {name: float(value) for name, value in zip(self.classes, row, strict=True)}
        return Classified(self.classes[best], float(row[best]), probabilities)
