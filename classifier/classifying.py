"""Classify files that are not stored: the one function behind REST, the page and the command."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from django.db.models import prefetch_related_objects
from numpy.typing import NDArray

from classifier.admission import get_admission
from classifier.calibrating import calibrated_probabilities, temperature_of
from classifier.engines import engine_of
from classifier.models import ModelVersion
from classifier.registry import find_model
from classifier.remembering import Remembered
from classifier.serving.decoding import Pixels, get_pool
from classifier.serving.engine import Engine
from datasets.decoding import ImageRefused
from datasets.errors import Refused

MOST_FILES = 32
# For all files of a request together, so that it has an end whatever they hold.
REQUEST_SECONDS = 60.0

# A file by its name, with what reads its bytes.
File = tuple[str, Callable[[], bytes]]

_versions: Remembered[tuple[ModelVersion, float | None]] = Remembered()


class NoFiles(Refused):
    """Raised where there is nothing to classify."""

    code = "no_files"


class TooManyFiles(Refused):
    """Raised where more files come at once than are taken."""

    code = "too_many_files"
    status = 413


def check_file_count(count: int) -> None:
    """Raise NoFiles or TooManyFiles; a door asks before it reads the files."""
    if count == 0:
        raise NoFiles(
            f"No file was given. Give 1 to {MOST_FILES} images; by REST as multipart form data, in the field "
            "'images'."
        )
    if count > MOST_FILES:
        raise TooManyFiles(f"{count} files were given; at most {MOST_FILES} are classified at once.")


def classify_files(
    files: Sequence[File], *, model: str | int | None = None, top: int | None = None, user: Any = None
) -> dict[str, Any]:
    """Classify files given as (name, what reads its bytes); return the shape of REST `classify/`.

    `abstained` says that the confidence lies below the version's threshold; `calibrated_confidence` and
    `calibrated_probabilities` are those at its temperature, None without one. `top` keeps only the most
    probable classes of each. `timing` is in milliseconds. A file that is no acceptable image, or that could
    not be decoded in time, has its error in the answer.

    Raises NoFiles, TooManyFiles, Busy, UnknownModel, NoModel, ModelUnusable, `Refused` (bad_top).
    """
    check_file_count(len(files))
    if top is not None and top < 1:
        raise Refused("top is a whole number from 1.", code="bad_top")
    begun = time.monotonic()
    with get_admission().place() as waited:
        get_pool().warm()
        version, temperature = _answering(model, user=user)
        engine = engine_of(version)
        ready = time.monotonic()
        read = _read_all(files, engine)
        decoded = time.monotonic()
        rows = iter(engine.probabilities([each for each in read if not isinstance(each, ImageRefused)]))
        inferred = time.monotonic()
    return {
        "model": {
            "id": version.pk,
            "name": version.name,
            "version": version.version,
            "sha256": version.onnx_sha256,
        },
        "engine": {"runtime": engine.runtime, "precision": engine.precision},
        "abstain_below": version.abstain_below,
        "temperature": temperature,
        "results": [
            {"file": name, "error": {"code": each.code, "detail": str(each)}}
            if isinstance(each, ImageRefused)
            else _answer(name, next(rows), version, temperature=temperature, top=top)
            for (name, _), each in zip(files, read, strict=True)
        ],
        "timing": {
            "waiting": _milliseconds(waited),
            "decoding": _milliseconds(decoded - ready),
            "inference": _milliseconds(inferred - decoded),
            "total": _milliseconds(time.monotonic() - begun),
        },
    }


def any_classified(answer: dict[str, Any]) -> bool:
    """Whether at least one file of an answer was classified; where none was, REST says 422."""
    return any("error" not in result for result in answer["results"])


def _answering(model: str | int | None, *, user: Any) -> tuple[ModelVersion, float | None]:
    """Return the version that answers and its temperature, as they are or were a moment ago."""

    def find() -> tuple[ModelVersion, float | None]:
        version = find_model(model, user=user)
        # Which engine answers is asked of them each time.
        prefetch_related_objects([version], "exports")
        return version, temperature_of(version)

    return _versions.get((str(model), user and user.pk), find)


def _read_all(files: Sequence[File], engine: Engine) -> list[Pixels | ImageRefused]:
    """Return of each file its pixels for the engine, uint8 (size, size, 3), or why there are none."""
    pool = get_pool()
    deadline = time.monotonic() + REQUEST_SECONDS

    def read(file: File) -> Pixels | ImageRefused:
        _, read_bytes = file
        try:
            return pool.decode(read_bytes(), size=engine.size, geometry=engine.geometry, deadline=deadline)
        except ImageRefused as refusal:
            return refusal

    if len(files) == 1:
        return [read(files[0])]
    # No more threads than decoders: the bytes of all files at once would fill the memory.
    with ThreadPoolExecutor(min(len(files), pool.count)) as threads:
        return list(threads.map(read, files))


def _answer(
    name: str, row: NDArray[np.float32], version: ModelVersion, *, temperature: float | None, top: int | None
) -> dict[str, Any]:
    """Return what is said of one file."""
    best = int(row.argmax())
    confidence = float(row[best])
    order = range(len(row)) if top is None else np.argsort(-row, kind="stable")[:top]
    calibrated = calibrated_probabilities(row, temperature)

    def by_class(values: NDArray[Any]) -> dict[str, float]:
        return {version.classes[int(place)]: float(values[place]) for place in order}

    return {
        "file": name,
        "label": version.classes[best],
        "confidence": confidence,
        "calibrated_confidence": None if calibrated is None else float(calibrated.max()),
        "abstained": version.abstains_at(confidence),
        "probabilities": by_class(row),
        "calibrated_probabilities": None if calibrated is None else by_class(calibrated),
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 2)
