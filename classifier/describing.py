"""What people say of a version: notes in plain text, and tags to find it by."""

import re
from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from classifier.models import ModelVersion, VersionTag
from datasets.errors import Refused

MOST_TAGS = 20
LONGEST_TAG = 64
LONGEST_NOTES = 10_000
_TAG = re.compile(rf"[-\w]{{1,{LONGEST_TAG}}}", re.ASCII)


class BadTag(Refused):
    """Raised for a word that can be no tag, or too many of them."""

    code = "bad_tag"


class BadNotes(Refused):
    """Raised for notes that cannot be kept."""

    code = "bad_notes"


@transaction.atomic
def describe(
    version: ModelVersion,
    *,
    notes: str | None = None,
    tags: Sequence[str] | None = None,
    author: Any = None,
) -> ModelVersion:
    """Set the notes of a version, or its tags, or both; None leaves them. Who last wrote notes is kept.

    Raises BadTag, BadNotes.
    """
    if notes is not None:
        _write_notes(version, notes, author)
    if tags is not None:
        _set_tags(version, tags)
    return version


def tags_in(text: str) -> list[str]:
    """Return the tags of a text that separates them by commas or blanks."""
    return [tag for tag in re.split(r"[\s,]+", text) if tag]


def _write_notes(version: ModelVersion, notes: str, author: Any) -> None:
    """Write notes with who and when, where they differ."""
    notes = notes.replace("\r\n", "\n").strip()
    if len(notes) > LONGEST_NOTES:
        raise BadNotes(f"The notes are longer than {LONGEST_NOTES:,} characters.")
    if "\0" in notes:
        raise BadNotes("The notes hold a NUL character, which no database takes.")
    if notes == version.notes:
        return
    version.notes, version.noted_at, version.noted_by = notes, timezone.now(), author
    version.save(update_fields=["notes", "noted_at", "noted_by"])


def _set_tags(version: ModelVersion, tags: Sequence[str]) -> None:
    """Let a version have these tags and no others."""
    wanted = set(tags)
    for tag in sorted(wanted):
        if not _TAG.fullmatch(tag):
            raise BadTag(
                f"{tag!r:.80} cannot be a tag: use up to {LONGEST_TAG} letters, digits, hyphens, underscores."
            )
    if len(wanted) > MOST_TAGS:
        raise BadTag(f"A version has at most {MOST_TAGS} tags.")
    # Whoever sets tags of this version at the same time waits.
    ModelVersion.objects.select_for_update().get(pk=version.pk)
    there = set(version.tags.values_list("name", flat=True))
    version.tags.filter(name__in=there - wanted).delete()
    VersionTag.objects.bulk_create(VersionTag(version=version, name=name) for name in sorted(wanted - there))
    # What was fetched before would still show the old ones.
    getattr(version, "_prefetched_objects_cache", {}).pop("tags", None)
