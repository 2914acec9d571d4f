"""Images with a text in the name of their file or paper, by an index of every three characters in a row.

Case does not count, of no alphabet; nothing in the text means more than itself. SQLite finds file names by
a full-text index that triggers keep, PostgreSQL by indexes of its extension pg_trgm on both tables.
"""

import re
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.db.models.expressions import RawSQL

from datasets.api.leading import FEW, led_by_others
from datasets.models import Image, Paper

# The index knows no shorter texts.
SHORTEST = 3
# Up to so many found by the index lead: a list has to sort them all, a count takes them as they come.
FEW_TO_LIST, FEW_TO_COUNT = FEW, 30_000
IN_FILE_NAMES = "SELECT rowid FROM datasets_image_names WHERE datasets_image_names MATCH %s"


def named(images: "QuerySet[Any]", text: str, *, counting: bool = False) -> "QuerySet[Any]":
    """Keep images with this in the name of their file or paper; few of them lead, by the index."""
    papers = Paper.objects.order_by().filter(_contains("identifier", text)).values("pk")
    if len(text) >= SHORTEST:
        found, params = _ids(text, papers)
        if _are_few(found, params, FEW_TO_COUNT if counting else FEW_TO_LIST):
            return led_by_others(images).filter(pk__in=RawSQL(found, params))
    return images.filter(_contains("file_name", text) | Q(paper__in=papers))


def _contains(column: str, text: str) -> Q:
    """Return the condition that a column contains the text in any case."""
    # LIKE of SQLite knows upper and lower case of ASCII alone.
    if connection.vendor == "sqlite" and not text.isascii():
        return Q(**{f"{column}__iregex": re.escape(text)})
    return Q(**{f"{column}__icontains": text})


def _ids(text: str, papers: "QuerySet[Any]") -> tuple[str, tuple[Any, ...]]:
    """Return the query for the ids of the images, some of them perhaps twice."""
    images = Image.objects.order_by().values("pk")
    of_papers, more = images.filter(paper__in=papers).query.sql_with_params()
    if connection.vendor == "sqlite":
        phrase = '"' + text.replace('"', '""') + '"'
        return f"{IN_FILE_NAMES} UNION ALL {of_papers}", (phrase, *more)
    of_names, params = images.filter(_contains("file_name", text)).query.sql_with_params()
    return f"{of_names} UNION ALL {of_papers}", (*params, *more)


def _are_few(found: str, params: tuple[Any, ...], few: int) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM ({found} LIMIT {few + 1}) AS found", params)
        return bool(cursor.fetchone()[0] <= few)
