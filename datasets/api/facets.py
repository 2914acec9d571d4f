"""How many images a filter chooses, and how many it would with another value: exact, or up to a bound."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import F, QuerySet, Sum

from datasets.api.filter_forms import NO_LABEL
from datasets.api.filters import ImageFilter
from datasets.models import Image, ImageCount, Label, LabelClass, Subset

MOST_COUNTED = 10_000

Parameters = Mapping[str, str]
# Combinations of values by column, and under "found" how many images have each.
Tally = Sequence[Mapping[str, Any]]
_COLUMNS = ("label", "excluded", "label_source")


@dataclass(frozen=True)
class Counted:
    """A count; where it is not exact, there are at least so many."""

    count: int
    exact: bool


def count_images(asked: ImageFilter) -> Counted:
    """Count what a valid filter chooses: exactly where counts are kept, else up to `MOST_COUNTED`."""
    given = _given(asked)
    if given.keys() <= asked.counted:
        return Counted(_kept(asked, given).total(), exact=True)
    # Whose predictions are shown says also whose are asked for.
    return count_up_to(_filtered(asked, _given(asked, keep=asked.showing), asked.queryset))


def count_up_to(rows: "QuerySet[Any]") -> Counted:
    """Count rows one by one, and stop behind `MOST_COUNTED`."""
    found = rows.order_by().values("pk")[: MOST_COUNTED + 1].count()
    return Counted(min(found, MOST_COUNTED), exact=found <= MOST_COUNTED)


def count_facets(asked: ImageFilter) -> tuple[Counted, dict[str, list[dict[str, Any]]]]:
    """Count what a valid filter chooses, and each facet's values under all its filters but the facet's own.

    {facet: [{"value", "count", "exact"}]}; a facet that needs a parameter which is not given is left out.
    """
    whole: Counted | None = None
    given = _given(asked, keep=asked.showing)
    shown = {name: facet for name, facet in asked.facets.items() if not facet.needs or facet.needs in given}
    # Facets that leave out the same filters are counted together.
    alike: dict[frozenset[str], list[str]] = {}
    for name, facet in shown.items():
        alike.setdefault(frozenset(given.keys() - set(facet.own)), []).append(name)
    counted: dict[str, list[dict[str, Any]]] = {}
    for left, names in alike.items():
        narrowed = {name: given[name] for name in left}
        kept = [name for name in names if not shown[name].needs and left - asked.showing <= asked.counted]
        if kept:
            tally = _tally_kept(asked, narrowed)
            counted |= {name: _values(asked, name, tally, exact=True) for name in kept}
        if found := [name for name in names if name not in kept]:
            columns = [*_COLUMNS, *(shown[name].column for name in found if shown[name].needs)]
            tally = _tally_found(_filtered(asked, narrowed, asked.queryset), columns)
            total = sum(row["found"] for row in tally)
            exact = total <= MOST_COUNTED
            counted |= {name: _values(asked, name, tally, exact=exact) for name in found}
            if left == given.keys():
                whole = Counted(min(total, MOST_COUNTED), exact=exact)
    if whole is None or _given(asked).keys() <= asked.counted:
        whole = count_images(asked)
    return whole, {name: counted[name] for name in shown}


def _given(asked: ImageFilter, keep: frozenset[str] = frozenset()) -> dict[str, str]:
    """The parameters that narrow the choice, and those to keep though they only show something."""
    return {
        name: asked.data[name]
        for name in asked.filters
        if asked.data.get(name) not in (None, "") and (name in keep or name not in asked.showing)
    }


def _filtered(asked: ImageFilter, given: Parameters, rows: Any) -> Any:
    """Filter rows as the person who asked would, by other parameters."""
    counted = type(asked)(given, queryset=rows, request=asked.request)
    counted.counting = True
    return counted.qs


def _kept(asked: ImageFilter, given: Parameters) -> Any:
    """The kept counts of the images that these parameters choose."""
    user = getattr(asked.request, "user", None)
    counts = ImageCount.objects.all() if user is None else ImageCount.objects.visible_to(user)
    return _filtered(asked, given, counts)


def _tally_kept(asked: ImageFilter, given: Parameters) -> Tally:
    """Add up the kept counts by all their columns."""
    narrowed = {name: value for name, value in given.items() if name not in asked.showing}
    return list(_kept(asked, narrowed).values(*_COLUMNS).annotate(found=Sum("count")).order_by())


def _tally_found(images: "QuerySet[Any]", columns: Sequence[str]) -> Tally:
    """Count the combinations of these columns among the first images found, up to `MOST_COUNTED` and one."""
    named = {f"column{place}": F(column) for place, column in enumerate(columns)}
    first = images.order_by().values(**named)[: MOST_COUNTED + 1]
    try:
        sql, params = first.query.get_compiler(connection=connection).as_sql()
    except EmptyResultSet:
        return []
    names = ", ".join(named)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {names}, COUNT(*) FROM ({sql}) AS found GROUP BY {names}", params)
        return [dict(zip((*columns, "found"), row, strict=True)) for row in cursor.fetchall()]


def _values(asked: ImageFilter, name: str, tally: Tally, *, exact: bool) -> list[dict[str, Any]]:
    """Add a tally up by the values of one facet: each of its values once, in their order."""
    classes = _classes(asked) if name == "label" else {}
    counts: Counter[Any] = Counter()
    for row in tally:
        counts[_value(asked.facets[name].column, row, classes)] += row["found"]
    known: dict[str, list[Any]] = {
        "label": [*dict.fromkeys(classes.values()), NO_LABEL],
        "state": Image.State.values,
        "source": Label.Source.values,
        "subset": Subset.values,
    }
    values = known.get(name) or sorted(value for value in counts if value)
    return [{"value": value, "count": counts[value], "exact": exact} for value in values]


def _value(column: str, row: Mapping[str, Any], classes: Mapping[int, str]) -> Any:
    """Return the value that a row of a tally has for a facet, as filters name it."""
    match column:
        case "label":
            return NO_LABEL if row["label"] is None else classes.get(row["label"])
        case "state":
            return Image(label_id=row["label"], excluded=bool(row["excluded"])).state.value
    return row[column]


def _classes(asked: ImageFilter) -> dict[int, str]:
    """The names of the classes by id: those of the dataset chosen, or of all."""
    classes: Any = asked.form.visible(LabelClass.objects.all())
    if dataset := asked.form.cleaned_data.get("dataset"):
        classes = classes.filter(dataset=dataset)
    return dict(classes.values_list("pk", "name"))
