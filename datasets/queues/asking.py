"""A second person is asked what an image shows, without seeing what the first one said."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from datasets.chunks import chunks
from datasets.errors import Refused
from datasets.models import Dataset, Image, Queue
from datasets.queues.making import MOST_ITEMS, add_items
from datasets.queues.settling import next_place, standing_queue


@dataclass(frozen=True)
class Asked:
    """How many images go to a second person, and how many were asked for already or have no label."""

    queue: Queue
    asked: int
    already: int
    unlabelled: int


@transaction.atomic
def ask_second_opinion(dataset: Dataset, images: Sequence[int]) -> Asked:
    """Put labelled images into the dataset's queue of second opinions; `Refused` (too_many_images)."""
    ids = list(dict.fromkeys(images))
    if len(ids) > MOST_ITEMS:
        raise Refused(
            f"At most {MOST_ITEMS:,} images at once; make a queue of a sample instead.",
            code="too_many_images",
        )
    queue = standing_queue(dataset.pk, Queue.Kind.SECOND)
    # Two people may ask about the same images at once.
    queue = Queue.objects.select_for_update().get(pk=queue.pk)
    labelled: set[int] = set()
    already: set[int] = set()
    for some in chunks(ids):
        labelled |= set(
            Image.objects.filter(pk__in=some, dataset=dataset).labelled().values_list("pk", flat=True)
        )
        already |= set(queue.items.filter(image__in=some).values_list("image", flat=True))
    new = [(pk, None) for pk in ids if pk in labelled - already]
    asked = add_items(queue, new, first=next_place(queue))
    return Asked(queue, asked, len(already), len(set(ids) - labelled - already))
