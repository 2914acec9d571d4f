"""A job's predictions as CSV, row by row, however many there are."""

import csv
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from classifier.calibrating import calibrated_confidence, temperature_of
from classifier.models import Prediction
from training_jobs.models import InferenceJob

_CHUNK = 2000
_FORMULA = re.compile(r"[=+\-@\t\r]")


class _Line:
    """Hands each written line straight on."""

    def write(self, line: str) -> str:
        """Return the line to whom wrote it."""
        return line


def csv_lines(job: InferenceJob, user: Any) -> Iterator[str]:
    """Yield a head, then a line per image: its label in force, the prediction, each class's probability.

    Last come the confidence at the version's temperature (empty without one), and whether it abstains: both
    as the version stands now.
    """
    writer = csv.writer(_Line())
    classes = list(job.version.classes)
    head = ["image", "dataset", "paper", "file", "label", "excluded", "predicted", "confidence"]
    shares = [f"p_{name}" for name in classes]
    yield writer.writerow([*head, *shares, "calibrated_confidence", "abstained"])  # type: ignore[misc]
    temperature = temperature_of(job.version)
    rows = Prediction.objects.visible_to(user).filter(version=job.version_id, image__dataset=job.dataset_id)
    if job.split_id:
        rows = rows.filter(image__memberships__split=job.split_id, image__memberships__subset=job.subset)
    for row in (
        rows.order_by("image")
        .values_list(
            "image",
            "image__paper__identifier",
            "image__file_name",
            "image__label__name",
            "image__excluded",
            "predicted",
            "confidence",
            "probabilities",
        )
        .iterator(chunk_size=_CHUNK)
    ):
        image, paper, file_name, label, excluded, predicted, confidence, probabilities = row
        names = [_plain(text or "") for text in (job.dataset.slug, paper, file_name, label, predicted)]
        calibrated = calibrated_confidence(np.array(probabilities), temperature)
        worth = ["" if calibrated is None else calibrated, int(job.version.abstains_at(confidence))]
        told = [image, *names[:-1], int(excluded), names[-1], confidence, *probabilities, *worth]
        yield writer.writerow(told)  # type: ignore[misc]


def _plain(text: str) -> str:
    """Return a text that no spreadsheet runs as a formula: one that begins like it gets an apostrophe."""
    return f"'{text}" if _FORMULA.match(text) else text
