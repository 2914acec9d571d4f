"""Pages by key: each starts behind the last row of the one before, so that every page is quick."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import BooleanField, F, Func, QuerySet, Value

SALT = "keyset"


class BadCursor(ValueError):
    """The cursor was not made here, or for another ordering."""


@dataclass(frozen=True)
class Page:
    """Some rows, and the cursors of the pages around them (None at the ends)."""

    rows: list[Any]
    next: str | None
    previous: str | None


def keyset_page(queryset: "QuerySet[Any]", *, ordering: Sequence[str], cursor: str | None, size: int) -> Page:
    """Return up to `size` rows from where the cursor stands; `BadCursor` where it is none of this ordering.

    `ordering` holds fields that are never null, the last of them unique; "-" before all of them reverses.
    A single one may be `a=b`: both always hold the same, and each lets the database start behind it.
    """
    values, backwards = _read_cursor(cursor, ordering) if cursor else (None, False)
    order = [_reversed(name) for name in ordering] if backwards else list(ordering)
    behind = queryset if values is None else queryset.filter(*rows_behind(order, values))
    # The ids first: what has to be sorted is then small, and only the page's own rows are joined and read.
    ids = list(behind.order_by(*map(_sorted_by, order)).values_list("pk", flat=True)[: size + 1])
    found = {row.pk: row for row in queryset.filter(pk__in=ids)} if ids else {}
    rows = [found[pk] for pk in ids if pk in found]
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    has_next, has_previous = (True, more) if backwards else (more, cursor is not None)
    return Page(
        rows=rows,
        next=_write_cursor(rows[-1:], ordering, backwards=False) if has_next else None,
        previous=_write_cursor(rows[:1], ordering, backwards=True) if has_previous else None,
    )


def neighbours(queryset: "QuerySet[Any]", *, ordering: Sequence[str], row: Any) -> tuple[Any, Any]:
    """Return the rows before and after a row, which need not be among them; None at an end."""
    values = [_value(row, name) for name in ordering]
    before, after = (
        queryset.filter(*rows_behind(order, values)).order_by(*map(_sorted_by, order)).first()
        for order in ([_reversed(name) for name in ordering], ordering)
    )
    return before, after


def rows_behind(order: Sequence[str], values: Sequence[Any]) -> list["RowsBehind"]:
    """Return the conditions on the rows that come after these values."""
    first, _, twin = order[0].partition("=")
    if not twin:
        return [RowsBehind(order, values)]
    return [RowsBehind([name], values) for name in (first, f"-{twin}" if first.startswith("-") else twin)]


class RowsBehind(Func):
    """`(a, b) > (x, y)`: one range of an index on (a, b), however many rows share a value of `a`.

    `order` runs one way in all its fields: "-" before each of them, or before none.
    """

    output_field = BooleanField()
    conditional = True

    def __init__(self, order: Sequence[str], values: Sequence[Any]) -> None:
        super().__init__(*(F(name.lstrip("-")) for name in order))
        descending = {name.startswith("-") for name in order}
        if len(descending) != 1 or len(values) != len(order):
            raise ValueError(f"{order!r} does not run one way, or does not fit {values!r}")
        self.operator = "<" if descending.pop() else ">"
        self.values = values

    def as_sql(self, compiler: Any, connection: Any, *_: Any, **_extra: Any) -> Any:
        """Compare the row of fields with the row of values."""
        fields = self.get_source_expressions()
        pairs = zip(fields, self.values, strict=True)
        values = [Value(value, output_field=field.output_field) for field, value in pairs]
        left, right = ([compiler.compile(each) for each in side] for side in (fields, values))
        texts = [", ".join(sql for sql, _ in side) for side in (left, right)]
        params = [param for _, given in (*left, *right) for param in given]
        return f"({texts[0]}) {self.operator} ({texts[1]})", params


def _reversed(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _write_cursor(rows: Sequence[Any], ordering: Sequence[str], *, backwards: bool) -> str | None:
    """Say where a page starts; without rows, at the very beginning or end."""
    values = [_value(rows[0], name) for name in ordering] if rows else None
    if values is None and not backwards:
        return None
    values = values and [each.isoformat() if isinstance(each, datetime) else each for each in values]
    return signing.dumps([list(ordering), values, backwards], salt=SALT)


def _sorted_by(name: str) -> str:
    return name.partition("=")[0]


def _value(row: Any, name: str) -> Any:
    for part in _sorted_by(name).lstrip("-").split("__"):
        row = getattr(row, part)
    return row


def _read_cursor(cursor: str, ordering: Sequence[str]) -> tuple[list[Any] | None, bool]:
    """Return the values a cursor stands at and whether it looks backwards."""
    try:
        made_for, values, backwards = signing.loads(cursor, salt=SALT)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise BadCursor("This cursor was not made here. Start again without one.") from error
    if made_for != list(ordering):
        raise BadCursor("This cursor belongs to another ordering. Start again without one.")
    return values, backwards
