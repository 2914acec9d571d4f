"""The images of a queue as the grid shows them; of a blind queue without what would give the label away."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects

from datasets.api.serializers import ImageSerializer
from datasets.api.views import VisibleRows
from datasets.models import Image, Queue, QueueItem

# What a blind queue does not tell.
HIDDEN: dict[str, Any] = {
    "label": None,
    "excluded": False,
    "state": Image.State.UNLABELLED,
    "version": 0,
    "prediction": None,
}


def why_here(queue: Queue, item: QueueItem) -> str:
    """Say in a few words what brought an image into its queue."""
    if queue.kind == Queue.Kind.SETTLE and item.about:
        first = item.author_then.get_username() if item.author_then else "import"
        second = item.about.decided_by.get_username() if item.about.decided_by else "?"
        said = "excluded" if item.about.said_excluded else item.about.said or "no label"
        return f"{first}: {item.label_then or 'no label'}, {second}: {said}"
    if item.score is None:
        return ""
    if queue.kind == Queue.Kind.SUSPECT:
        return f"label {100 * item.score:.0f} %"
    if queue.kind == Queue.Kind.UNCERTAIN:
        return f"lead {100 * item.score:.0f} %"
    return ""


class ShowsQueueImages(VisibleRows):
    """A door that shows images of queues."""

    def shown(self, queue: Queue, items: Sequence[QueueItem]) -> list[dict[str, Any]]:
        """Return the images of items as the grid shows them, in their order."""
        if queue.kind in (Queue.Kind.SETTLE, Queue.Kind.SUSPECT):
            prefetch_related_objects(items, "label_then", "author_then", "about__said", "about__decided_by")
        images = self.images_of(queue).filter(pk__in=[item.image_id for item in items])
        told = {row["id"]: row for row in self.told(images)}
        rows = [
            {**told[item.image_id], "why": why_here(queue, item)} for item in items if item.image_id in told
        ]
        return [{**row, **HIDDEN} for row in rows] if queue.blind else rows

    def images_of(self, queue: Queue) -> "QuerySet[Image]":
        """Return images with what a queue shows of them."""
        return Image.objects.visible_to(self.request.user).select_related("dataset", "paper", "label")

    def told(self, images: "QuerySet[Image]") -> list[dict[str, Any]]:
        """Return what is told of images, in any order."""
        return list(ImageSerializer(images, many=True, context=self.get_serializer_context()).data)
