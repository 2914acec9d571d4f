"""What people decide in a queue: a label kept or changed, an opinion given, an image skipped."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from datasets.labelling import Relabelled
from datasets.models import Image, LabelBatch, LabelClass, Queue, QueueItem
from datasets.queues.settling import settle
from datasets.queues.taking import check_open

Seen = Mapping[int, int]
# Labels images by pairs of id and version seen.
Record = Callable[[Sequence[tuple[int, int]]], Relabelled]


@dataclass
class Decided(Relabelled):
    """What came of a deed in a queue: `changed` counts its images.

    taken: the ids of images that another person has, or decided on; they are left alone.
    """

    taken: list[int] = field(default_factory=list)


@transaction.atomic
def decide(
    queue: Queue, seen: Seen, *, author: Any, record: Record, reason: str = "", key: UUID | None = None
) -> Decided:
    """Decide on images of a queue, seen in these versions ({id: version}), in one batch.

    `record` labels them, or finds them right as they are. What somebody else changed since is told in
    `stale`, what somebody else has in `taken`; the rest is decided. `QueueClosed`.
    """
    items, taken = _allowed(queue, seen, author)
    labelled = record([(pk, seen[pk]) for pk in items])
    stale = {told["id"] for told in labelled.stale}
    decided = [item for pk, item in items.items() if pk not in stale]
    batch = labelled.batch
    if batch is None and decided:
        batch = _batch(queue, LabelBatch.Kind.CONFIRM, author=author, reason=reason, key=key)
    if batch is not None:
        at = timezone.now()
        for (label_id, excluded), ids in _by_label(decided).items():
            queue.items.filter(pk__in=ids).decide(label_id, excluded=excluded, batch=batch, at=at)
    return Decided(batch, len(decided), 0, labelled.stale, taken)


@transaction.atomic
def give_opinion(
    queue: Queue,
    images: Sequence[int],
    *,
    label: LabelClass | None,
    excluded: bool,
    author: Any,
    reason: str = "",
    key: UUID | None = None,
) -> Decided:
    """Say what images of a blind queue show; no label changes. What differs is to be settled."""
    items, taken = _allowed(queue, dict.fromkeys(images, 0), author)
    batch = None
    if items:
        batch = _batch(queue, LabelBatch.Kind.OPINION, author=author, reason=reason, key=key)
        decided = queue.items.filter(pk__in=[item.pk for item in items.values()])
        decided.decide(label.pk if label else None, excluded=excluded, batch=batch, at=timezone.now())
        settle(queue, list(decided))
    return Decided(batch, len(items), 0, [], taken)


@transaction.atomic
def skip_items(queue: Queue, images: Sequence[int], *, author: Any, key: UUID | None = None) -> Decided:
    """Lay images aside: others may get them, and this person when coming back to what was skipped."""
    items, taken = _allowed(queue, dict.fromkeys(images, 0), author, undecided=True)
    batch = None
    if items:
        batch = _batch(queue, LabelBatch.Kind.SKIP, author=author, key=key)
        queue.items.filter(pk__in=[item.pk for item in items.values()]).update(
            skipped_by=author, claimed_by=None, claimed_until=None, batch=batch
        )
    return Decided(batch, len(items), 0, [], taken)


def _allowed(
    queue: Queue, seen: Seen, author: Any, *, undecided: bool = False
) -> tuple[dict[int, QueueItem], list[int]]:
    """Return the items that a person may decide on, by image, and the images that others have.

    A person may decide anew on what that person decided. Images that are not in the queue are left out.
    """
    check_open(queue)
    at = timezone.now()
    items: dict[int, QueueItem] = {}
    taken = []
    rows = queue.items.select_for_update().filter(image__in=seen).order_by("image_id", "-outcome", "id")
    for item in rows:
        is_open = item.outcome == QueueItem.Outcome.OPEN
        is_mine = item.claimed_by_id in (None, author.pk) or (item.claimed_until or at) < at
        own = not (queue.blind and item.author_then_id == author.pk)
        decided_by_me = item.decided_by_id == author.pk and not undecided
        if (is_open and is_mine and own) or decided_by_me:
            first = items.get(item.image_id)
            # What is open goes before what was decided: two opinions of one image are settled in turn.
            if first is None or (is_open and first.outcome != QueueItem.Outcome.OPEN):
                items[item.image_id] = item
        elif item.image_id not in items:
            taken.append(item.image_id)
    return items, [pk for pk in taken if pk not in items]


def _by_label(items: Sequence[QueueItem]) -> dict[tuple[int | None, bool], list[int]]:
    """Return the ids of items by how their images are labelled now."""
    images = Image.objects.filter(pk__in=[item.image_id for item in items])
    labels = {pk: (label, out) for pk, label, out in images.values_list("pk", "label", "excluded")}
    found: defaultdict[tuple[int | None, bool], list[int]] = defaultdict(list)
    for item in items:
        found[labels[item.image_id]].append(item.pk)
    return found


def _batch(queue: Queue, kind: str, *, author: Any, reason: str = "", key: UUID | None = None) -> LabelBatch:
    return LabelBatch.objects.create(
        dataset_id=queue.dataset_id, kind=kind, author=author, reason=reason, key=key
    )
