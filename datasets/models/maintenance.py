"""The maintenance row: while it stands, labels may be deleted, by the transaction that wrote it alone."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import models, transaction


class Maintenance(models.Model):
    """The one row that the triggers on labels look for before they let a label be deleted.

    It is written at the start of a transaction and deleted before its end, so no other transaction ever sees
    it: for everybody else labels stay append-only meanwhile. The database itself refuses to commit it. `id`
    is always 1 and `end` always 0, a row that cannot be; that is checked when the transaction ends.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    end = models.ForeignKey("self", on_delete=models.DO_NOTHING, default=0, related_name="+")

    class Meta:
        # Its table comes with the triggers; a flush, which empties the managed ones, leaves it alone.
        managed = False
        db_table = "datasets_maintenance"
        default_permissions = ()

    def __str__(self) -> str:
        return "maintenance"

    @classmethod
    @contextmanager
    def open(cls) -> Iterator[None]:
        """Run what deletes labels in one transaction: all of it, or nothing. One at a time, never nested."""
        with transaction.atomic():
            row = cls.objects.create()
            yield
            row.delete()
