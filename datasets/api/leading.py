"""Which index a list is read by: the one that chooses few rows, or the one that has them in order.

PostgreSQL finds out by its statistics. SQLite keeps none that tell a rare value from a common one; left
alone it takes an index of the wrong side and sorts a million rows for a page of fifty. A condition or an
order on an `Unindexed` column cannot make it do so.
"""

from copy import copy
from typing import Any

from django.db.models import Func, Lookup, QuerySet
from django.db.models.sql.where import WhereNode

# So many rows are sorted within a few milliseconds.
FEW = 5_000


class Unindexed(Func):
    """A column that SQLite looks up by no index; in PostgreSQL, just the column."""

    arity = 1
    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **extra: Any) -> Any:
        """Write the column behind a plus: https://www.sqlite.org/optoverview.html#uplus"""
        return self.as_sql(compiler, connection, template="+%(expressions)s", **extra)


def are_few(rows: "QuerySet[Any]") -> bool:
    """Whether there are so few rows that they may as well be sorted."""
    return rows.order_by().values("pk")[: FEW + 1].count() <= FEW


def led_by_others(images: "QuerySet[Any]") -> "QuerySet[Any]":
    """Let no condition on the images themselves choose the index, so that a joined table is read first."""
    led = images.all()
    led.query.where = _unindexed(led.query.where, led.query.get_initial_alias())
    return led


def _unindexed(node: WhereNode, alias: str) -> WhereNode:
    changed = node.copy()
    changed.children = [
        _unindexed(child, alias) if isinstance(child, WhereNode) else _one_unindexed(child, alias)
        for child in node.children
    ]
    return changed


def _one_unindexed(condition: Any, alias: str) -> Any:
    if not isinstance(condition, Lookup) or getattr(condition.lhs, "alias", None) != alias:
        return condition
    changed = copy(condition)
    changed.lhs = Unindexed(condition.lhs, output_field=condition.lhs.output_field)
    return changed
