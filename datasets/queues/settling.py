"""Opinions that differ from the label go to a curator; queues that grow by what people ask for."""

from collections.abc import Sequence

from django.db.models import Max

from datasets.models import Image, Queue, QueueItem
from datasets.queues.making import item_of


def settle(queue: Queue, opinions: Sequence[QueueItem]) -> None:
    """Put images whose opinion differs from the label where a curator settles them; take back the others."""
    differing = [item for item in opinions if item.outcome == QueueItem.Outcome.CHANGED]
    QueueItem.objects.open().filter(about__in=[item.pk for item in opinions]).exclude(
        about__in=[item.pk for item in differing]
    ).delete()
    already = set(
        QueueItem.objects.filter(about__in=[item.pk for item in differing]).values_list("about", flat=True)
    )
    new = [item for item in differing if item.pk not in already]
    if not new:
        return
    to = standing_queue(queue.dataset_id, Queue.Kind.SETTLE)
    first = next_place(to)
    images = Image.objects.in_bulk([item.image_id for item in new])
    new = [item for item in new if not _says_so(images[item.image_id], item)]
    made = [item_of(to, images[item.image_id], place=first + place) for place, item in enumerate(new)]
    for item, opinion in zip(made, new, strict=True):
        item.about = opinion
    QueueItem.objects.bulk_create(made)


def _says_so(image: Image, opinion: QueueItem) -> bool:
    """Whether the label in force is by now what the opinion says."""
    return (image.label_id, image.excluded) == (opinion.said_id, opinion.said_excluded)


def standing_queue(dataset_id: int, kind: Queue.Kind) -> Queue:
    """Return the dataset's open queue that grows by what people ask for, made where there is none."""
    queue, _ = Queue.objects.get_or_create(
        dataset_id=dataset_id,
        kind=kind,
        standing=True,
        closed_at=None,
        defaults={"name": kind.label, "blind": kind == Queue.Kind.SECOND},
    )
    return queue


def next_place(queue: Queue) -> int:
    """Return the place behind a queue's last image."""
    last = queue.items.aggregate(last=Max("place"))["last"]
    return 0 if last is None else last + 1
