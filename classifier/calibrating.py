"""Fit a temperature on what a version said of val, keep it, and apply it where a confidence is shown."""

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.models import Calibration, ModelVersion
from classifier.statistics.calibration import (
    expected_calibration_error,
    fit_temperature,
    negative_log_likelihood,
    tempered,
)
from classifier.stored_answers import Answers, answers_in
from datasets.errors import Refused
from datasets.models import Image, Split, SplitMember, Subset

FEWEST_IMAGES = 50
FEWEST_PAPERS = 5


class TooFewToCalibrate(Refused):
    """Raised where there are not images, papers or mistakes enough to fit a temperature on."""

    code = "too_few_to_calibrate"
    status = 409


class TrainedOnThese(Refused):
    """Raised where a version has learnt from the very images it is to be calibrated on."""

    code = "trained_on_these"
    status = 409


def calibrate(
    version: ModelVersion, *, split: Split, cutoff: datetime | None = None, author: Any = None
) -> Calibration:
    """Fit a temperature on the stored predictions of the split's val, and keep it: it counts from now on.

    Raises TooFewToCalibrate, TrainedOnThese, EvaluationIncomplete (not_evaluated: nothing was predicted
    there), and `Refused` (empty_subset, other_classes).
    """
    answers = answers_in(version, split=split, subset=Subset.VAL, cutoff=cutoff)
    _check(answers)
    before = answers.answered
    temperature = fit_temperature(before.probabilities, before.actual)
    after = before.at(temperature)
    return Calibration.objects.create(
        version=version,
        split=split,
        subset=Subset.VAL,
        label_cutoff=answers.cutoff,
        images=answers.images,
        papers=answers.papers,
        temperature=temperature,
        nll_before=negative_log_likelihood(before.probabilities, before.actual),
        nll_after=negative_log_likelihood(after.probabilities, after.actual),
        ece_before=expected_calibration_error(before),
        ece_after=expected_calibration_error(after),
        created_by=author,
    )


def calibrate_after(
    version: ModelVersion, *, split: Split, subset: str, cutoff: datetime | None = None, author: Any = None
) -> Calibration | Refused | None:
    """Calibrate a version that has just been scored on val of its own split; return why not where it cannot.

    None where it was scored elsewhere: what counts is not changed unasked by the images of another split.
    """
    if subset != Subset.VAL or version.split_id != split.pk:
        return None
    try:
        return calibrate(version, split=split, cutoff=cutoff, author=author)
    except Refused as refusal:
        return refusal


def standing_calibration(version: ModelVersion) -> Calibration | None:
    """Return the calibration of a version that counts, with its split; None where it has none."""
    return Calibration.objects.of(version).select_related("split__dataset", "created_by").first()


def temperature_of(version: ModelVersion) -> float | None:
    """Return the temperature of a version; None where it was never calibrated."""
    return Calibration.objects.of(version).values_list("temperature", flat=True).first()


def calibrated_probabilities(
    row: NDArray[np.floating[Any]], temperature: float | None
) -> NDArray[np.float64] | None:
    """Return probabilities (K,) at a temperature; None without one."""
    if temperature is None:
        return None
    return tempered(np.asarray(row, dtype=np.float64)[None], temperature)[0]


def calibrated_confidence(row: NDArray[np.floating[Any]], temperature: float | None) -> float | None:
    """Return the confidence of probabilities (K,) at a temperature; None without one."""
    calibrated = calibrated_probabilities(row, temperature)
    return None if calibrated is None else float(calibrated.max())


def _check(answers: Answers) -> None:
    """Raise TooFewToCalibrate, TrainedOnThese."""
    version, split = answers.version, answers.split
    if answers.images < FEWEST_IMAGES or answers.papers < FEWEST_PAPERS:
        raise TooFewToCalibrate(
            f"{version} has classified {answers.images:,} labelled images of {answers.papers:,} papers of "
            f"{split} val; a temperature needs {FEWEST_IMAGES} of {FEWEST_PAPERS}. Use a split with a larger "
            "val."
        )
    if answers.answered.is_right.all():
        raise TooFewToCalibrate(
            f"{version} is right on all {answers.images:,} images of {split} val: without a mistake there "
            "is no temperature to fit, only that its confidence is not too high. Use a larger val."
        )
    trained = _trained_on(version, split)
    if trained:
        raise TrainedOnThese(
            f"{version} was trained on {trained:,} images of {split} val, and is surer of them than of "
            "others. Use val of its own split, or of one that holds other images."
        )


def _trained_on(version: ModelVersion, split: Split) -> int:
    """Count the images of the split's val that the version was trained on."""
    if version.split_id is None or version.split_id == split.pk:
        return 0
    train = SplitMember.objects.filter(split=version.split_id, subset=Subset.TRAIN).values("image")
    return int(Image.objects.in_subset(split, Subset.VAL).filter(pk__in=train).count())
