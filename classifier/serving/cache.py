"""The engines that a process holds: the two used last, and after a while without use only the last."""

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

from classifier.serving.checksums import checksum
from classifier.serving.engine import (
    FLOAT32,
    STREAMS,
    THREADS,
    ArtefactMissing,
    ArtefactUnreadable,
    Engine,
)

HELD = 2
# After a switch the engine of before is let go of so many seconds after its last answer.
IDLE_SECONDS = 60.0


@dataclass(frozen=True)
class EngineSpec:
    """What is needed to load the engine of a model version, as `Engine.load` says.

    `sha256` is of the file, and of the weights beside it where it is an `.xml`; equal bytes are one engine.
    """

    path: Path = field(compare=False)
    sha256: str
    classes: tuple[str, ...]
    size: int
    geometry: str
    precision: str = FLOAT32
    runtime: str = ""
    threads: int = THREADS
    streams: int = STREAMS

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that it is loaded from."""
        return (self.path, self.path.with_suffix(".bin")) if self.path.suffix == ".xml" else (self.path,)


@dataclass
class _Held:
    engine: Engine
    used_at: float


_held: OrderedDict[EngineSpec, _Held] = OrderedDict()
_loading: dict[EngineSpec, "Future[Engine]"] = {}
_lock = threading.Lock()
_dropping: threading.Timer | None = None


def get_engine(spec: EngineSpec) -> Engine:
    """Return the engine of a version's files, loading it at most once; meanwhile others answer.

    Raises ArtefactMissing without its files, ArtefactUnreadable where they have another checksum. A file that
    is gone is an error even while its engine is held: what answers must be on the disk.
    """
    gone = next((path for path in spec.files if not path.is_file()), None)
    if gone is not None:
        with _lock:
            _held.pop(spec, None)
        raise ArtefactMissing(
            f"The file {gone.name} of this model is missing. Restore the data directory from a backup, or "
            "train again."
        )
    with _lock:
        if (held := _held.get(spec)) is not None:
            held.used_at = time.monotonic()
            _held.move_to_end(spec)
            return held.engine
        loading = _loading.get(spec)
        if is_first := loading is None:
            loading = _loading[spec] = Future()
            # Room is made first, so that three engines are never held at once.
            while _held and len(_held) + len(_loading) > HELD:
                _held.popitem(last=False)
    if is_first:
        _load(spec, loading)
    return loading.result()


def forget_engines() -> None:
    """Drop all held engines, and with them their memory."""
    global _dropping
    with _lock:
        _held.clear()
        if _dropping is not None:
            _dropping.cancel()
            _dropping = None


def _load(spec: EngineSpec, loading: "Future[Engine]") -> None:
    """Load an engine for all that wait for it; what fails they are told, and the next may try again."""
    try:
        engine = _loaded(spec)
    except BaseException as error:
        with _lock:
            del _loading[spec]
        loading.set_exception(error)
        return
    with _lock:
        del _loading[spec]
        _held[spec] = _Held(engine, time.monotonic())
        _drop_later()
    loading.set_result(engine)


def _loaded(spec: EngineSpec) -> Engine:
    """Load an engine whose files have the checksum that was registered; raises ArtefactUnreadable."""
    if checksum(*spec.files) != spec.sha256:
        raise ArtefactUnreadable(
            f"The file {spec.path.name} of this model is not the one that was registered: its checksum "
            "differs. Restore it from a backup, or train again."
        )
    return Engine.load(
        spec.path,
        classes=spec.classes,
        size=spec.size,
        geometry=spec.geometry,
        precision=spec.precision,
        runtime=spec.runtime,
        threads=spec.threads,
        streams=spec.streams,
    )


def _drop_later() -> None:
    """Look again in a while where more than one engine is held; the lock is the caller's."""
    global _dropping
    if _dropping is None and len(_held) > 1:
        _dropping = threading.Timer(IDLE_SECONDS, _drop_idle)
        _dropping.daemon = True
        _dropping.start()


def _drop_idle() -> None:
    """Drop what has not been used for a while, but for what was used last."""
    global _dropping
    with _lock:
        _dropping = None
        idle_since = time.monotonic() - IDLE_SECONDS
        for spec in list(_held)[:-1]:
            if _held[spec].used_at <= idle_since:
                del _held[spec]
        _drop_later()
