"""What a deed did in queues is taken back, or brought back, with the labels it gave."""

from collections.abc import Collection
from typing import Any

from django.utils import timezone

from datasets.models import LabelBatch, QueueItem
from datasets.queues.settling import settle

# Deeds that change no label.
UNLABELLING = (LabelBatch.Kind.CONFIRM, LabelBatch.Kind.OPINION, LabelBatch.Kind.SKIP)


def lock_items(batch: LabelBatch) -> None:
    """Keep others from what a batch decided in queues until this transaction ends."""
    list(batch.queue_items.select_for_update().order_by("image_id").values_list("pk"))


def turn_items(batch: LabelBatch, *, back: bool, author: Any, but: Collection[int]) -> int:
    """Open again (`back`), or decide again, what a batch decided in queues, `but` for some images.

    What somebody decided anew since belongs to the later batch and stays; so does what another person took
    since, unless a label changes. Returns how many there were.
    """
    at = timezone.now()
    items = QueueItem.objects.filter(batch=batch).exclude(image__in=but)
    if not back:
        unlabelling = batch.kind in UNLABELLING
        again = items.left_to(author, batch.author, at=at) if unlabelling else items.open()
        count = _locked(again).decide_again(batch, author, at=at)
    else:
        # Who came back to a skipped image has it now.
        turned = items.left_to(author, at=at) if batch.kind == LabelBatch.Kind.SKIP else items
        QueueItem.objects.open().filter(about__in=turned.values("pk")).delete()
        count = _locked(turned).reopen(author, at=at)
    if batch.kind == LabelBatch.Kind.OPINION and not back:
        for queue in {item.queue for item in items.select_related("queue")}:
            settle(queue, list(items.filter(queue=queue)))
    return count


def _locked(items: Any) -> Any:
    """Return the same items by their ids, locked, so that nobody takes them in between."""
    return QueueItem.objects.filter(
        pk__in=[item.pk for item in items.select_for_update(of=("self",)).order_by("id")]
    )
