"""The reason that a person gives for a deed that is kept for good."""

from datasets.errors import Refused

LONGEST_REASON = 500


def checked_reason(reason: str | None, *, missing: Refused | None = None) -> str:
    """Return a reason without blanks around it.

    Raises `missing` where there is none (without it a reason may be empty), and `Refused` (reason_too_long,
    bad_reason).
    """
    reason = (reason or "").strip()
    if not reason and missing is not None:
        raise missing
    if len(reason) > LONGEST_REASON:
        raise Refused(f"The reason is longer than {LONGEST_REASON} characters.", code="reason_too_long")
    if "\0" in reason:
        raise Refused("The reason holds a NUL character, which no database takes.", code="bad_reason")
    return reason
