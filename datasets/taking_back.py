"""An image that was stored by mistake is taken back, as long as nobody has worked on it."""

from functools import partial

from django.db import transaction

from datasets.errors import Refused
from datasets.models import Image
from datasets.purging import remove_files


class ImageInUse(Refused):
    """Raised where an image has a history, or stands in a split or a queue."""

    code = "image_in_use"
    status = 409


@transaction.atomic
def take_back(image: Image) -> None:
    """Remove an image with what models said of it, and its bytes where no other image has them.

    Raises ImageInUse where it was ever labelled, or is in a split or a queue.
    """
    image = Image.objects.select_for_update().get(pk=image.pk)
    if image.version or image.memberships.exists() or image.queue_items.exists():
        raise ImageInUse(
            f"{image} was labelled, or stands in a split or a queue: it stays. Exclude it instead."
        )
    transaction.on_commit(partial(remove_files, [image.sha256]), robust=True)
    image.delete()
