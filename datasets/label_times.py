"""Moments of labels: a cut-off counts every label written up to it, and none that is written later."""

from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from datasets.models import Label


def time_of_labels() -> datetime:
    """Return the moment that labels written in this transaction bear; a cut-off taken meanwhile waits."""
    _lock_labels("ROW EXCLUSIVE")
    return timezone.now()


@transaction.atomic
def label_cutoff() -> datetime:
    """Return a moment up to which every label is committed: labels that are being written come first."""
    _lock_labels("SHARE")
    return timezone.now()


def _lock_labels(mode: str) -> None:
    """Hold off the others until this transaction ends; SQLite does so from a transaction's begin."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f'LOCK TABLE "{Label._meta.db_table}" IN {mode} MODE')
