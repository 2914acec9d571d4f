"""An inference job as a plan: its images cut into lists, a chunk each."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.conf import settings

from training_jobs.models import InferenceChunk, InferenceJob


def cut(images: Iterable[tuple[int, str]], *, size: int) -> Iterator[list[int]]:
    """Yield lists of about `size` ids of images, given as (id, sha256) in the order of their sha256.

    Images of the same bytes stay in one list, however many they are: whoever has it classifies them once.
    """
    ids: list[int] = []
    for _, same in groupby(images, key=itemgetter(1)):
        alike = [pk for pk, _ in same]
        if ids and len(ids) + len(alike) > size:
            yield sorted(ids)
            ids = []
        ids += alike
    if ids:
        yield sorted(ids)


def lists_of(images: Any) -> list[list[int]]:
    """Return the ids of a queryset's images, cut into the lists of chunks."""
    rows = images.order_by("sha256", "pk").values_list("pk", "sha256")
    return list(cut(rows.iterator(chunk_size=5000), size=settings.INFERENCE_CHUNK_IMAGES))


def write_chunks(job: InferenceJob, lists: Sequence[list[int]]) -> None:
    """Write the chunks of a job; nobody takes one before the job is shared."""
    planned = (
        InferenceChunk(job=job, place=place, images=ids, size=len(ids), created_by=job.created_by)
        for place, ids in enumerate(lists, start=1)
    )
    InferenceChunk.objects.bulk_create(planned, batch_size=50)
