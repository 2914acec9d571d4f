"""Deeds that a client sends again because the answer to the first was lost: done once."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError

from datasets.errors import Refused
from datasets.labelling import Relabelled
from datasets.models import Image, LabelBatch
from datasets.staleness import stale_told


class KeyTaken(Refused):
    """Raised where somebody else did a deed under this key."""

    code = "key_taken"
    status = 409


def once(
    key: UUID | None, do: Callable[[], Relabelled], *, author: Any, seen: Mapping[int, int] | None = None
) -> Relabelled:
    """Return what came of a deed: `do` does it and gives its batch this key, unless the author did it before.

    `seen` maps the ids of images named one by one to the versions seen. A deed that changed nothing left no
    batch and is done again, to the same end. `KeyTaken` where somebody else's deed bears the key.
    """
    if key is None:
        return do()
    mine = LabelBatch.objects.filter(key=key, author=author)
    if batch := mine.first():
        return _told_again(batch, seen or {})
    try:
        return do()
    except IntegrityError:
        # The same deed ran beside this one and was quicker.
        if batch := mine.first():
            return _told_again(batch, seen or {})
        if LabelBatch.objects.filter(key=key).exists():
            raise KeyTaken("Somebody else used this key. Make a random UUID for each deed.") from None
        raise


def _told_again(batch: LabelBatch, seen: Mapping[int, int]) -> Relabelled:
    """Say what a batch did, and which of the images seen somebody else had changed before it."""
    changed = set(batch.labels.values_list("image", flat=True))
    changed |= set(batch.queue_items.values_list("image", flat=True))
    others = sorted(set(seen) - changed)
    versions = dict(Image.objects.filter(pk__in=others).values_list("pk", "version"))
    stale = [pk for pk in others if versions.get(pk) != seen[pk]]
    return Relabelled(
        batch=batch,
        changed=len(changed),
        unchanged=len(others) - len(stale),
        stale=stale_told(stale, seen),
    )
