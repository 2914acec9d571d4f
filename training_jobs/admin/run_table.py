"""Runs side by side: a row each, a column for how it did and one for each setting; sorted by any of them.

A page shows it by `training_jobs/run_table.html`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any, Self

from django.http import QueryDict

from classifier.networks.config import FIELDS
from datasets.templatetags.showing import NONE, minutes, score
from training_jobs.admin.forms import told
from training_jobs.admin.listed import ListedRun, listed_runs
from training_jobs.models import TrainingRun

# What the address may ask of a table: by which column it is sorted, and whether equal columns are shown.
SORT, EQUAL = "sort", "equal"
_NEWEST_FIRST = "-run"


@dataclass(frozen=True)
class Column:
    """A column: what it tells, how the table is sorted by it, and the address that sorts by it."""

    key: str
    label: str
    help: str = ""
    numeric: bool = False
    sorted: str = ""
    address: str = ""


@dataclass(frozen=True)
class Cell:
    """What a run has in a column: as it is shown, as it is sorted (None: last), and a second line."""

    column: Column
    told: str
    value: Any
    sub: str = ""


@dataclass(frozen=True)
class Row:
    """A run and its cells; `chosen` where its box is ticked."""

    listed: ListedRun
    cells: list[Cell]
    chosen: bool = False

    @property
    def run(self) -> TrainingRun:
        """The run."""
        return self.listed.run

    def without(self, keys: Collection[str]) -> Self:
        """Return the row without the cells of some columns."""
        return replace(self, cells=[cell for cell in self.cells if cell.column.key not in keys])


@dataclass(frozen=True)
class RunTable:
    """What is shown: a cell in each row for each column; `can_choose` where rows have a box.

    `equal`: a cell of each column in which all rows agree; `hides_equal` where those are left out.
    """

    columns: list[Column]
    rows: list[Row]
    equal: list[Cell]
    hides_equal: bool
    can_choose: bool


_RUN = Column("run", "Run", "Newer runs have higher numbers.", numeric=True)
_OUTCOMES = (
    Column("state", "State", "Where the run stands."),
    Column("split", "Split", "What it is trained and scored on."),
    Column("best", "Best on val", "The highest validation score so far, by which an epoch is chosen.", True),
    Column("test", "Macro-F1 on test", "Of the version that the run became.", True),
    Column("took", "Took", "The latest attempt.", True),
    Column("architecture", "Architecture", FIELDS["architecture"].help),
)
_SETTINGS = tuple(
    Column(name, field.label, field.help, numeric=field.type in ("int", "float"))
    for name, field in FIELDS.items()
    if name != "architecture"
)
COLUMNS = {column.key: column for column in (_RUN, *_OUTCOMES, *_SETTINGS)}


def run_table(
    runs: Iterable[TrainingRun], user: Any, *, asked: QueryDict, chosen: Collection[int] | None = None
) -> RunTable:
    """Return the table of some runs, as an address asks for it: `?sort=-test`, `?equal=shown`.

    `runs` come with their split and version. Columns in which all of two or more runs agree are hidden
    unless asked for. `chosen`: the ids whose boxes are ticked; None for a table without boxes.
    """
    by, falls = _order(asked)
    columns = [_sortable(column, asked, by=by, falls=falls) for column in COLUMNS.values()]
    listed = [_row(each, columns, chosen=chosen or ()) for each in listed_runs(runs, user)]
    rows = _sorted(listed, by=by, falls=falls)
    equal = _agreeing(rows)
    hides_equal = EQUAL not in asked or "hidden" in asked.getlist(EQUAL)
    left_out = {cell.column.key for cell in equal} if hides_equal else set()
    return RunTable(
        columns=[column for column in columns if column.key not in left_out],
        rows=[row.without(left_out) for row in rows],
        equal=equal,
        hides_equal=hides_equal,
        can_choose=chosen is not None,
    )


def _order(asked: QueryDict) -> tuple[str, bool]:
    """Return the column that an address sorts by, and whether it falls; the newest first by default."""
    wanted = asked.get(SORT, "")
    if wanted.removeprefix("-") not in COLUMNS:
        wanted = _NEWEST_FIRST
    return wanted.removeprefix("-"), wanted.startswith("-")


def _sortable(column: Column, asked: QueryDict, *, by: str, falls: bool) -> Column:
    """Return a column that leads to the table sorted by it; again to the opposite order.

    Scores fall at first, the rest rises.
    """
    is_by = column.key == by
    turned = not falls if is_by else column.key in ("run", "best", "test")
    query = asked.copy()
    query[SORT] = f"-{column.key}" if turned else column.key
    direction = ("descending" if falls else "ascending") if is_by else ""
    return replace(column, sorted=direction, address=f"?{query.urlencode()}")


def _sorted(rows: list[Row], *, by: str, falls: bool) -> list[Row]:
    """Return rows in the order of a column; those that have nothing in it come last either way."""
    place = list(COLUMNS).index(by)
    newest_first = sorted(rows, key=lambda row: -row.run.pk)
    some = [row for row in newest_first if row.cells[place].value is not None]
    none = [row for row in newest_first if row.cells[place].value is None]
    return sorted(some, key=lambda row: row.cells[place].value, reverse=falls) + none


def _agreeing(rows: list[Row]) -> list[Cell]:
    """Return a cell of each column in which two or more rows all agree; never of the runs themselves."""
    if len(rows) < 2:
        return []
    columns = list(zip(*(row.cells for row in rows), strict=True))[1:]
    return [cells[0] for cells in columns if len({(cell.told, cell.value) for cell in cells}) == 1]


def _row(listed: ListedRun, columns: list[Column], *, chosen: Collection[int]) -> Row:
    """Return a run's row, with a cell for each of the columns."""
    outcomes = _outcomes(listed)
    cells = [
        Cell(column, *outcomes[column.key]) if column.key in outcomes else _setting(listed.run, column)
        for column in columns
    ]
    return Row(listed, cells, chosen=listed.run.pk in chosen)


def _outcomes(listed: ListedRun) -> dict[str, tuple[str, Any, str]]:
    """Return what is told of a run besides its settings: as shown, as sorted, a second line."""
    run = listed.run
    test = listed.evaluation.macro_f1 if listed.evaluation else None
    best = f"{listed.score_name}, epoch {listed.best.epoch}" if listed.best else ""
    return {
        "run": (str(run.pk), run.pk, ""),
        "state": (run.state, run.state, _progress(listed)),
        "split": (run.split.name, run.split.name.casefold(), ""),
        "best": (score(listed.best_score), listed.best_score, best),
        "test": (score(test), test, ""),
        "took": (minutes(listed.seconds), listed.seconds, ""),
        "architecture": (run.get_architecture_display(), run.architecture, ""),
    }


def _progress(listed: ListedRun) -> str:
    """Return how far a run is, or why it failed."""
    run = listed.run
    if listed.place:
        return f"number {listed.place} in the queue"
    if run.is_active:
        return f"{100 * run.share_done:.0f} %" if run.total else run.message
    return run.error_code


def _setting(run: TrainingRun, column: Column) -> Cell:
    """Return a setting of a run; none where it was not recorded or does not apply to the run."""
    field = FIELDS[column.key]
    applies = field.applies_to(run.architecture)
    if field.group == "augmentation":
        applies = applies and bool(run.config.get("augment"))
    value = run.config.get(column.key) if applies else None
    if value is None:
        return Cell(column, NONE, None)
    shown = told(value)
    return Cell(column, shown, value if column.numeric else shown)
