"""A job's predictions as CSV or JSON Lines, line by line, however many there are."""

import csv
import json
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.calibrating import calibrated_confidence, temperature_of
from classifier.models import Prediction
from datasets.chunks import CHUNK
from training_jobs.models import InferenceChunk, InferenceJob

_FETCHED = 2000
_COLUMNS = (
    "image",
    "image__paper__identifier",
    "image__file_name",
    "image__label__name",
    "image__excluded",
    "predicted",
    "confidence",
    "probabilities",
)
_FORMULA = re.compile(r"[=+\-@\t\r]")


class _Line:
    """Hands each written line straight on."""

    def write(self, line: str) -> str:
        """Return the line to whom wrote it."""
        return line


@dataclass(frozen=True)
class Told:
    """What a job tells of one image: its label in force and what the version said of it."""

    image: int
    paper: str | None
    file: str
    label: str | None
    excluded: bool
    predicted: str
    confidence: float
    probabilities: list[float]
    calibrated_confidence: float | None
    abstained: bool


def told_of(job: InferenceJob, user: Any) -> Iterator[Told]:
    """Yield what the job's version said of its images, by their ids, whichever job stored it.

    The calibrated confidence (None without a temperature) and whether it abstains are as the version stands.
    """
    temperature = temperature_of(job.version)
    for image, paper, file, label, excluded, predicted, confidence, probabilities in _rows(job, user):
        calibrated = calibrated_confidence(np.array(probabilities), temperature)
        abstained = bool(job.version.abstains_at(confidence))
        said = (predicted, confidence, probabilities, calibrated, abstained)
        yield Told(image, paper, file, label, excluded, *said)


def csv_lines(job: InferenceJob, user: Any) -> Iterator[str]:
    """Yield a head, then a line per image: its label in force, the prediction, each class's probability."""
    writer = csv.writer(_Line())
    head = ["image", "dataset", "paper", "file", "label", "excluded", "predicted", "confidence"]
    shares = [f"p_{name}" for name in job.version.classes]
    yield writer.writerow([*head, *shares, "calibrated_confidence", "abstained"])  # type: ignore[misc]
    for told in told_of(job, user):
        texts = (job.dataset.slug, told.paper, told.file, told.label, told.predicted)
        names = [_plain(text or "") for text in texts]
        calibrated = "" if told.calibrated_confidence is None else told.calibrated_confidence
        said = [names[-1], told.confidence, *told.probabilities, calibrated, int(told.abstained)]
        yield writer.writerow([told.image, *names[:-1], int(told.excluded), *said])  # type: ignore[misc]


def json_lines(job: InferenceJob, user: Any) -> Iterator[str]:
    """Yield a JSON object per line: one for each image with a prediction, then those with an `error`."""
    for told in told_of(job, user):
        named = dict(zip(job.version.classes, told.probabilities, strict=True))
        yield _as_line({"dataset": job.dataset.slug, **asdict(told), "probabilities": named})
    for failure in job.every_failure():
        error = {"code": failure["code"], "detail": failure["detail"]}
        yield _as_line({"image": failure["image"], "file": failure["file"], "error": error})


def _as_line(told: dict[str, Any]) -> str:
    return json.dumps(told, ensure_ascii=False) + "\n"


def _rows(job: InferenceJob, user: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the columns of predictions, by image: of the list that the job was given, else of its dataset."""
    said = Prediction.objects.visible_to(user).filter(version=job.version_id)
    if job.filter is not None:
        ids = _images_of(job)
        for start in range(0, len(ids), CHUNK):
            piece = ids[start : start + CHUNK].tolist()
            yield from said.filter(image__in=piece).order_by("image").values_list(*_COLUMNS)
        return
    said = said.filter(image__dataset=job.dataset_id)
    if job.split_id:
        said = said.filter(image__memberships__split=job.split_id, image__memberships__subset=job.subset)
    yield from said.order_by("image").values_list(*_COLUMNS).iterator(chunk_size=_FETCHED)


def _images_of(job: InferenceJob) -> NDArray[np.int64]:
    """Return the ids of the images that a job was given, in order: 8 bytes each, however many there are."""
    lists = InferenceChunk.objects.filter(job=job).values_list("images", flat=True)
    pieces = [np.array(ids, dtype=np.int64) for ids in lists.iterator(chunk_size=10)]
    return np.sort(np.concatenate(pieces)) if pieces else np.empty(0, dtype=np.int64)


def _plain(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula: one that begins like it gets an apostrophe."""
    return f"'{text}" if _FORMULA.match(text) else text
