"""Below which confidence a version abstains: chosen by a person, with a reason, and kept for good."""

from math import isfinite
from typing import Any

from django.db import transaction

from classifier.models import ModelVersion, Threshold
from classifier.reasons import checked_reason
from datasets.errors import Refused

_DIGITS = 4


class ThresholdReasonMissing(Refused):
    """Raised where a threshold is to be set without saying why."""

    code = "reason_missing"


class BadThreshold(Refused):
    """Raised for what is no confidence."""

    code = "bad_threshold"


class ThresholdStands(Refused):
    """Raised where a version abstains below that confidence already."""

    code = "threshold_stands"
    status = 409


@transaction.atomic
def set_threshold(
    version: ModelVersion, *, abstain_below: float | None, reason: str, author: Any = None
) -> Threshold:
    """Let a version abstain below a confidence, or never (None), and record who said so and why.

    The confidence is as the network gives it, before any temperature: that is what is stored everywhere.
    It is kept with four digits. Raises ThresholdReasonMissing, BadThreshold, ThresholdStands, and `Refused`
    (reason_too_long, bad_reason).
    """
    missing = ThresholdReasonMissing("Say why: the history of thresholds keeps the reason.")
    reason = checked_reason(reason, missing=missing)
    wanted = _checked(abstain_below)
    locked = ModelVersion.objects.select_for_update().get(pk=version.pk)
    before = locked.abstain_below
    if before == wanted:
        raise ThresholdStands(f"{version} {told_threshold(wanted)} already.")
    locked.abstain_below = version.abstain_below = wanted
    locked.save(update_fields=["abstain_below"])
    return Threshold.objects.create(
        version=version, abstain_below=wanted, previous=before, reason=reason, author=author
    )


def told_threshold(abstain_below: float | None) -> str:
    """Say what a version does: `abstains below 0.72`, `never abstains`."""
    return "never abstains" if abstain_below is None else f"abstains below {abstain_below:g}"


def read_threshold(text: str) -> float | None:
    """Return the confidence that a person typed; None for nothing typed, or `none`. Raises BadThreshold."""
    typed = text.strip().lower()
    if typed in ("", "none", "never"):
        return None
    try:
        return float(typed.replace(",", "."))
    except ValueError as error:
        raise BadThreshold(f"{text.strip()!r:.40} is no confidence: give a number from 0 to 1.") from error


def _checked(abstain_below: float | None) -> float | None:
    """Return the confidence with four digits; None for 0, below which nothing lies. Raises BadThreshold."""
    if abstain_below is None:
        return None
    if not isfinite(abstain_below) or not 0 <= abstain_below <= 1:
        raise BadThreshold(f"{abstain_below:g} is no confidence: give a number from 0 to 1.")
    return round(abstain_below, _DIGITS) or None
