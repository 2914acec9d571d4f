"""Classify files that are not stored: the one function behind REST, the page and the command."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.calibrating import calibrated_confidence, temperature_of
from classifier.evaluation import engine_of
from classifier.geometry import fit_pixels
from classifier.models import ModelVersion
from classifier.registry import find_model
from classifier.serving.engine import Engine
from datasets.decoding import ImageRefused, decode
from datasets.errors import Refused

MOST_FILES = 32

File = tuple[str, Callable[[], bytes]]


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

    `abstained` says that the confidence lies below the version's threshold; `calibrated_confidence` is the
    confidence at its temperature, None without one. `top` keeps only the most probable classes of
    each. A file that is no acceptable image has its error in the answer.

    Raises NoFiles, TooManyFiles, UnknownModel, NoModel, ModelUnusable, `Refused` (bad_top).
    """
    check_file_count(len(files))
    if top is not None and top < 1:
        raise Refused("top is a whole number from 1.", code="bad_top")
    version = find_model(model, user=user)
    engine = engine_of(version)
    # One after the other: the bytes of all would fill the memory.
    read = [_read(name, read_bytes, engine) for name, read_bytes in files]
    rows = iter(engine.probabilities([each for each in read if not isinstance(each, dict)]))
    temperature = temperature_of(version)
    return {
        "model": {
            "id": version.pk,
            "name": version.name,
            "version": version.version,
            "sha256": version.onnx_sha256,
        },
        "abstain_below": version.abstain_below,
        "temperature": temperature,
        "results": [
            each
            if isinstance(each, dict)
            else _answer(name, next(rows), version, temperature=temperature, top=top)
            for (name, _), each in zip(files, read, strict=True)
        ],
    }


def any_classified(answer: dict[str, Any]) -> bool:
    """Whether at least one file of an answer was classified; where none was, REST says 422."""
    return any("error" not in result for result in answer["results"])


def _read(name: str, read_bytes: Callable[[], bytes], engine: Engine) -> NDArray[np.uint8] | dict[str, Any]:
    """Return pixels as the engine wants them, uint8 (size, size, 3), or the file's error."""
    try:
        # Fitted at once: 32 photographs in full size would fill the memory.
        return fit_pixels(decode(read_bytes()).pixels, size=engine.size, geometry=engine.geometry)
    except ImageRefused as refusal:
        return {"file": name, "error": {"code": refusal.code, "detail": str(refusal)}}


def _answer(
    name: str, row: NDArray[np.float32], version: ModelVersion, *, temperature: float | None, top: int | None
) -> dict[str, Any]:
    """Return what is said of one file."""
    best = int(row.argmax())
    confidence = float(row[best])
    order = range(len(row)) if top is None else np.argsort(-row, kind="stable")[:top]
    return {
        "file": name,
        "label": version.classes[best],
        "confidence": confidence,
        "calibrated_confidence": calibrated_confidence(row, temperature),
        "abstained": version.abstains_at(confidence),
        "probabilities": {version.classes[int(place)]: float(row[place]) for place in order},
    }
