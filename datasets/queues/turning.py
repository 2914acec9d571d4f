"""What a deed did in queues is taken back, or brought back, with the labels it gave."""

from collections.abc import Collection
from typing import Any

from django.utils import timezone

from datasets.models import LabelBatch, QueueItem
from datasets.queues.settling import settle


def turn_items(batch: LabelBatch, *, back: bool, author: Any, but: Collection[int]) -> int:
    """Open again (`back`), or decide again, what a batch decided in queues, `but` for some images.

    What somebody decided anew since belongs to the later batch and stays. Returns how many there were.
    """
    items = QueueItem.objects.filter(batch=batch).exclude(image__in=but)
    if not back:
        count = items.decide_again(batch, author, at=timezone.now())
    else:
        QueueItem.objects.open().filter(about__in=items.values("pk")).delete()
        count = items.reopen(author, at=timezone.now())
    if batch.kind == LabelBatch.Kind.OPINION and not back:
        for queue in {item.queue for item in items.select_related("queue")}:
            settle(queue, list(items.filter(queue=queue)))
    return count
