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

Query = tuple[str, tuple[Any, ...]]


def named(images: "QuerySet[Any]", text: str, *, counting: bool = False) -> "QuerySet[Any]":
    """Keep images with this in the name of their file or paper; few of them lead, by the index."""
    papers = Paper.objects.order_by().filter(_contains("identifier", text)).values("pk")
    if len(text) >= SHORTEST:
        found = _ids(text, papers)
        if _are_few(found, FEW_TO_COUNT if counting else FEW_TO_LIST):
            return led_by_others(images).filter(pk__in=RawSQL(*_together(found)))
    return images.filter(_contains("file_name", text) | Q(paper__in=papers))


def _contains(column: str, text: str) -> Q:
    """Return the condition that a column contains the text in any case."""
    # LIKE of SQLite knows upper and lower case of ASCII alone.
    if connection.vendor == "sqlite" and not text.isascii():
        return Q(**{f"{column}__iregex": re.escape(text)})
    return Q(**{f"{column}__icontains": text})


def _ids(text: str, papers: "QuerySet[Any]") -> list[Query]:
    """Return the queries for the ids of the images: by the name of the file, and of the paper."""
    images = Image.objects.order_by().values("pk")
    of_papers = images.filter(paper__in=papers).query.sql_with_params()
    if connection.vendor == "sqlite":
        phrase = '"' + text.replace('"', '""') + '"'
        return [(IN_FILE_NAMES, (phrase,)), of_papers]
    return [images.filter(_contains("file_name", text)).query.sql_with_params(), of_papers]


def _together(queries: list[Query]) -> Query:
    """Return one query for what these find, some of it perhaps twice."""
    params = tuple(param for _, given in queries for param in given)
    return " UNION ALL ".join(sql for sql, _ in queries), params


def _are_few(queries: list[Query], few: int) -> bool:
    # A bound for each: PostgreSQL would otherwise read the index for all before the first.
    bounded = [(f"SELECT * FROM ({sql} LIMIT {few + 1}) AS bounded", params) for sql, params in queries]
    sql, params = _together(bounded)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM ({sql}) AS found", params)
        return bool(cursor.fetchone()[0] <= few)
