"""Queues are made: a list of images, fixed, with how each was labelled at that moment."""

import random
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet

from datasets.chunks import chunks
from datasets.errors import Refused
from datasets.models import Dataset, Image, Queue, QueueItem

MOST_ITEMS = 10_000


class NothingToDo(Refused):
    """Raised where a queue would hold no image."""

    code = "nothing_to_do"
    status = 409


def draw_sample(images: "QuerySet[Image]", *, size: int, seed: int) -> tuple[list[int], int]:
    """Return the ids of a simple random sample without replacement, in random order, and how many there were.

    The same images and the same seed give the same sample, whatever order they are found in.
    """
    ids = sorted(images.order_by().values_list("pk", flat=True))
    return random.Random(seed).sample(ids, min(size, len(ids))), len(ids)


def labels_among(images: "QuerySet[Image]") -> dict[str, int]:
    """Count images by the name of their class; those without are left out."""
    rows = images.order_by().values("label__name").annotate(count=Count("pk", distinct=True))
    return {row["label__name"]: row["count"] for row in rows if row["label__name"]}


@transaction.atomic
def make_queue(
    dataset: Dataset,
    *,
    kind: str,
    name: str,
    images: Sequence[tuple[int, float | None]],
    population: int,
    population_by_class: Mapping[str, int] | None = None,
    author: Any,
    query: Mapping[str, str] | None = None,
    model: str = "",
    seed: int | None = None,
    blind: bool = False,
) -> Queue:
    """Make a queue of images (ids, each with what it was ranked by) in their order; `NothingToDo` of none."""
    if not images:
        raise NothingToDo("No image is to be decided on there: the queue would be empty.")
    queue = Queue.objects.create(
        dataset=dataset,
        kind=kind,
        name=name,
        query=dict(query or {}),
        model=model,
        seed=seed,
        population=population,
        population_by_class=dict(population_by_class or {}),
        blind=blind,
        created_by=author,
    )
    add_items(queue, images[:MOST_ITEMS])
    return queue


def add_items(queue: Queue, images: Sequence[tuple[int, float | None]], *, first: int = 0) -> int:
    """Put images at the end of a queue, from a place on; those that are gone are left out."""
    scores = dict(images)
    found: dict[int, Image] = {}
    for ids in chunks(list(scores)):
        found |= Image.objects.filter(dataset=queue.dataset_id).in_bulk(ids)
    items = [
        item_of(queue, found[pk], place=place, score=scores[pk])
        for place, pk in enumerate(scores, start=first)
        if pk in found
    ]
    QueueItem.objects.bulk_create(items, batch_size=500)
    return len(items)


def item_of(queue: Queue, image: Image, *, place: int, score: float | None = None) -> QueueItem:
    """Return the item that asks a queue's question of an image as it is labelled now."""
    return QueueItem(
        queue=queue,
        image=image,
        place=place,
        score=score,
        label_then_id=image.label_id,
        excluded_then=image.excluded,
        version_then=image.version,
        author_then_id=image.labelled_by_id,
    )
