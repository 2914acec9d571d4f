"""A dataset taken away whole: its images, what was said of them, and the bytes that nobody else needs."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from django.db import connection, models, transaction
from django.db.models import Exists, OuterRef, QuerySet

from datasets import store
from datasets.chunks import chunks
from datasets.errors import Refused
from datasets.models import Dataset, Image, ImageCount, LabelBatch, Maintenance, Split


class DatasetInUse(Refused):
    """Raised where something that outlives the dataset came from it."""

    code = "dataset_in_use"
    status = 409


def contents_of(dataset: Dataset) -> dict[str, int]:
    """Count what a purge takes: rows by kind (`images`, `labels`, `predictions`, ...), `files` of the store.

    Raises DatasetInUse where it would be refused.
    """
    counts: dict[str, int] = {}
    holding = []
    for rows, holds in _leaning(dataset):
        kind = str(rows.model._meta.verbose_name_plural).replace(" ", "_")
        if holds:
            holding.append(rows)
        elif count := rows.count():
            counts[kind] = max(count, counts.get(kind, 0))
    _refuse_in_use(dataset, holding)
    return {**counts, "files": _bytes_of(dataset).count()}


def purge_dataset(dataset: Dataset, *, progress: Callable[[int, int], None] | None = None) -> dict[str, int]:
    """Remove a dataset for good, all of it or nothing; return its `contents_of`.

    Whoever writes to images or labels waits until it is done. Files go after the commit; those whose bytes
    another dataset has too stay. Bytes that an import stores in that very moment can go with them: importing
    again puts them back. Raises DatasetInUse.
    """
    with Maintenance.open():
        _hold_off_others()
        dataset = Dataset.objects.select_for_update().get(pk=dataset.pk)
        splits = Split.objects.filter(dataset=dataset)
        list(splits.select_for_update())
        contents = contents_of(dataset)
        files = list(_bytes_of(dataset))
        splits.delete()
        ids = list(dataset.images.values_list("pk", flat=True))
        done = 0
        for some in chunks(ids):
            Image.objects.filter(pk__in=some).delete()
            done += len(some)
            if progress:
                progress(done, len(ids))
        # Raw: an undoing protects the batch that it undoes, and both go.
        LabelBatch.objects.filter(dataset=dataset)._raw_delete(connection.alias)
        dataset.delete()
        transaction.on_commit(partial(remove_files, files), robust=True)
    return contents


def _leaning(dataset: Dataset) -> Iterator[tuple["QuerySet[Any]", bool]]:
    """Yield the rows of each model that point at the dataset, its splits or its images.

    With each: whether they hold it, which rows of the rooms above do that protect what they point at.
    """
    for target, path in ((Dataset, ""), (Split, "__dataset"), (Image, "__dataset")):
        for relation in target._meta.get_fields(include_hidden=True):
            # The database's own counts go by themselves.
            if isinstance(relation, models.ManyToOneRel) and relation.related_model is not ImageCount:
                model = relation.related_model
                rows = model._base_manager.filter(**{f"{relation.field.name}{path}": dataset})
                above = model._meta.app_label != Dataset._meta.app_label
                yield rows, above and relation.on_delete is models.PROTECT


def _refuse_in_use(dataset: Dataset, holding: Sequence["QuerySet[Any]"]) -> None:
    """Raise DatasetInUse where there are rows that hold the dataset; name them."""
    told = []
    for rows in holding:
        meta, count = rows.model._meta, rows.count()
        if count:
            told.append(f"{count:,} {meta.verbose_name if count == 1 else meta.verbose_name_plural}")
    if told:
        raise DatasetInUse(
            f"The dataset {dataset.slug} is in use: made from its splits were {', '.join(told)}. Keep it: "
            "without it nobody could tell what those have learnt from and were scored on."
        )


def _hold_off_others() -> None:
    """Wait for those who write to images, let no other begin; SQLite does so from a transaction's begin."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f'LOCK TABLE "{Image._meta.db_table}" IN EXCLUSIVE MODE')


def _bytes_of(dataset: Dataset) -> "QuerySet[Any, str]":
    """The sha256s that only this dataset has."""
    elsewhere = Image.objects.filter(sha256=OuterRef("sha256")).exclude(dataset=dataset)
    own = Image.objects.filter(~Exists(elsewhere), dataset=dataset)
    return own.order_by().values_list("sha256", flat=True).distinct()


def remove_files(files: Sequence[str]) -> None:
    """Remove bytes from the store, but those that an image has (again)."""
    for some in chunks(files):
        needed = set(Image.objects.filter(sha256__in=some).values_list("sha256", flat=True))
        for sha256 in set(some) - needed:
            store.remove(sha256)
