"""The engines that a process holds: the two used last, keyed by the checksum of their files."""

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from classifier.serving.engine import ArtefactMissing, ArtefactUnreadable, Engine

HELD = 2


@dataclass(frozen=True)
class EngineSpec:
    """What is needed to load the engine of a model version; `sha256` is of the ONNX file."""

    path: Path
    sha256: str
    classes: tuple[str, ...]
    size: int
    geometry: str


Key = tuple[str, tuple[str, ...], int, str]

_engines: OrderedDict[Key, Engine] = OrderedDict()
_lock = threading.Lock()


def get_engine(artefact: EngineSpec) -> Engine:
    """Return the engine of an artefact, loading it at most once.

    Raises ArtefactMissing without its file, ArtefactUnreadable where the file has another checksum. A file
    that is gone is an error even while its engine is held: what answers must be on the disk.
    """
    key = (artefact.sha256, tuple(artefact.classes), artefact.size, artefact.geometry)
    with _lock:
        if not artefact.path.is_file():
            _engines.pop(key, None)
            raise ArtefactMissing(
                f"The file {artefact.path.name} of this model is missing. Restore the data directory from a "
                "backup, or train again."
            )
        if key not in _engines:
            # Room is made first, so that three engines are never held at once.
            while len(_engines) >= HELD:
                _engines.popitem(last=False)
            _engines[key] = _load(artefact)
        _engines.move_to_end(key)
        return _engines[key]


def _load(artefact: EngineSpec) -> Engine:
    """Load an engine whose file has the checksum that was registered; raises ArtefactUnreadable."""
    with artefact.path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != artefact.sha256:
        raise ArtefactUnreadable(
            f"The file {artefact.path.name} of this model is not the one that was registered: its checksum "
            "differs. Restore it from a backup, or train again."
        )
    return Engine.load(
        artefact.path, classes=artefact.classes, size=artefact.size, geometry=artefact.geometry
    )


def forget_engines() -> None:
    """Drop all held engines, and with them their memory."""
    with _lock:
        _engines.clear()
