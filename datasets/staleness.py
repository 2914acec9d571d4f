"""Images that somebody changed since a person looked at them: who made what of them."""

from collections.abc import Mapping
from typing import Any

from django.db.models import F

from datasets.errors import Refused
from datasets.models import Image, Label


class StaleLabel(Refused):
    """Raised where somebody changed the image since the person looked at it."""

    code = "stale_label"
    status = 412

    def __init__(self, text: str, *, who: str, what: str, current_version: int) -> None:
        super().__init__(text)
        self.who = who
        self.what = what
        self.current_version = current_version


def stale_told(ids: list[int], seen: Mapping[int, int]) -> list[dict[str, Any]]:
    """Say of each image who changed it to what; images that are gone have no version."""
    if not ids:
        return []
    newest = {
        row.image_id: row
        for row in Label.objects.filter(image_id__in=ids, version=F("image__version")).select_related(
            "label_class", "author"
        )
    }
    versions = dict(Image.objects.filter(pk__in=ids).values_list("pk", "version"))
    return [_one_told(pk, seen[pk], versions.get(pk), newest.get(pk)) for pk in ids]


def _one_told(pk: int, expected: int, version: int | None, row: Label | None) -> dict[str, Any]:
    return {
        "id": pk,
        "expected": expected,
        "version": version,
        "label": row.label_class.name if row and row.label_class else None,
        "excluded": bool(row and row.excluded),
        "by": row.author.get_username() if row and row.author else None,
        "at": row.created_at.isoformat() if row else None,
    }


def stale_label(told: dict[str, Any]) -> Refused:
    """Turn what is told of one image into the refusal of correcting it."""
    if told["version"] is None:
        gone = Refused("The image is gone: it was deleted since you looked at it.", code="not_found")
        gone.status = 404
        return gone
    who = told["by"] or "an import"
    what = "excluded" if told["excluded"] else told["label"] or "no label"
    return StaleLabel(
        f"{who} set this image to {what} (version {told['version']}) since you looked at it. Look again.",
        who=who,
        what=what,
        current_version=told["version"],
    )
