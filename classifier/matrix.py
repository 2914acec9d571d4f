"""The confusion matrix as it is shown on pages and pictures: rows actual, columns predicted."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from io import StringIO

# From this share of its row on, a cell is so dark (in dark mode so bright) that its writing turns.
DEEP = 67
# The sequential scale, pale to deep, as static/css/parts.css has it, and the two ends of the diverging one.
SCALE = ("#f3f5fb", "#273590")
MORE, LESS = "#0072b2", "#d55e00"

Link = Callable[[str | None, str | None], str]
# What the percentages are of: of the row (recall), of the column (precision); or counts first.
SHARES = ("row", "column", "counts")
ORDERS = ("classes", "support", "errors")


@dataclass(frozen=True)
class Cell:
    """A count of the `support` images of its row or column, where they are seen, and the cell in words."""

    actual: str
    predicted: str
    count: int
    support: int
    link: str
    told: str

    @property
    def share(self) -> float:
        """Its percentage of the row, or of the column."""
        return 100 * self.count / self.support if self.support else 0.0

    @property
    def is_right(self) -> bool:
        """Whether it lies on the diagonal."""
        return self.actual == self.predicted

    @property
    def is_deep(self) -> bool:
        """Whether its colour asks for the other colour of writing."""
        return self.share >= DEEP

    @property
    def strength(self) -> str:
        """Its share for a style: a number without a locale."""
        return f"{self.share:.1f}"


@dataclass(frozen=True)
class Total:
    """The sum of a row or a column, and where its images are seen."""

    name: str
    count: int
    link: str


@dataclass(frozen=True)
class Row:
    """The images of one class; without any, there is nothing to show."""

    name: str
    cells: list[Cell]
    total: Total

    @property
    def is_empty(self) -> bool:
        """Whether the class has no support."""
        return self.total.count == 0


@dataclass(frozen=True)
class Matrix:
    """Rows with their totals, the totals of the columns, and the sum; `shares` is one of SHARES."""

    classes: list[str]
    rows: list[Row]
    columns: list[Total]
    total: int
    shares: str = "row"

    def confusions(self, most: int) -> list[Cell]:
        """Return the cells off the diagonal with the most images, largest first."""
        wrong = [cell for row in self.rows for cell in row.cells if not cell.is_right and cell.count]
        return sorted(wrong, key=lambda cell: (-cell.count, -cell.share))[:most]


@dataclass(frozen=True)
class Change:
    """A cell of a difference: how many images more or fewer, and how strong its colour is, 0 to 100."""

    actual: str
    predicted: str
    count: int
    strength: str
    told: str

    @property
    def is_right(self) -> bool:
        """Whether it lies on the diagonal."""
        return self.actual == self.predicted

    @property
    def shown(self) -> str:
        """The count with its sign."""
        return f"{self.count:+,}".replace("-", "\N{MINUS SIGN}")


def no_link(_actual: str | None, _predicted: str | None) -> str:
    """Link nowhere."""
    return ""


def shown_matrix(
    classes: Sequence[str],
    counts: Sequence[Sequence[int]],
    *,
    link: Link = no_link,
    shares: str = "row",
    order: str = "classes",
) -> Matrix:
    """Return `counts[actual][predicted]` as it is shown; `link(actual, predicted)` leads to images.

    None in place of a class means any. `order`: of the classes; `support`, the largest first; `errors`, the
    class with the largest share of wrong images first.
    """
    places = _ordered(counts, order)
    classes = [classes[place] for place in places]
    counts = [[counts[row][column] for column in places] for row in places]
    said = [sum(column) for column in zip(*counts, strict=True)]
    rows = []
    for name, numbers in zip(classes, counts, strict=True):
        support = sum(numbers)
        cells = [
            Cell(
                actual=name,
                predicted=other,
                count=count,
                support=of if shares == "column" else support,
                link=link(name, other),
                told=_told_column(name, other, count, of)
                if shares == "column"
                else _told(name, other, count, support),
            )
            for other, count, of in zip(classes, numbers, said, strict=True)
        ]
        rows.append(Row(name, cells, Total(name, support, link(name, None))))
    columns = [Total(name, of, link(None, name)) for name, of in zip(classes, said, strict=True)]
    return Matrix(list(classes), rows, columns, sum(row.total.count for row in rows), shares)


def matrix_csv(matrix: Matrix) -> str:
    """Return a matrix as CSV: a row an actual class, a column a predicted one, totals at the ends."""
    written = StringIO()
    writer = csv.writer(written)
    writer.writerow(["actual / predicted", *matrix.classes, "images"])
    for row in matrix.rows:
        writer.writerow([row.name, *(cell.count for cell in row.cells), row.total.count])
    writer.writerow(["predicted as", *(total.count for total in matrix.columns), matrix.total])
    return written.getvalue()


def _ordered(counts: Sequence[Sequence[int]], order: str) -> list[int]:
    """Return the places of the classes in an order."""
    places = list(range(len(counts)))
    support = [sum(row) for row in counts]
    if order == "support":
        return sorted(places, key=lambda place: -support[place])
    if order == "errors":
        wrong = [1 - row[place] / max(support[place], 1) for place, row in enumerate(counts)]
        return sorted(places, key=lambda place: (support[place] == 0, -wrong[place]))
    return places


def shown_difference(classes: Sequence[str], difference: Sequence[Sequence[int]]) -> list[list[Change]]:
    """Return a difference of two matrices over the same images, coloured by its largest cell."""
    largest = max((abs(count) for row in difference for count in row), default=0) or 1
    return [
        [
            Change(
                actual=name,
                predicted=other,
                count=count,
                strength=f"{75 * abs(count) / largest:.1f}",
                told=_told_change(name, other, count),
            )
            for other, count in zip(classes, row, strict=True)
        ]
        for name, row in zip(classes, difference, strict=True)
    ]


def _told(actual: str, predicted: str, count: int, support: int) -> str:
    """Return a cell in words."""
    images = f"{count:,} of {support:,} image{'' if support == 1 else 's'} labelled {actual}"
    were = "was" if count == 1 else "were"
    return f"{images} {were} {'recognised' if actual == predicted else f'taken for {predicted}'}"


def _told_column(actual: str, predicted: str, count: int, said: int) -> str:
    """Return a cell in words, as a part of its column."""
    images = f"{count:,} of {said:,} image{'' if said == 1 else 's'} taken for {predicted}"
    return f"{images} {'is' if count == 1 else 'are'} labelled {actual}"


def _told_change(actual: str, predicted: str, count: int) -> str:
    """Return a cell of a difference in words."""
    if not count:
        return f"as many images labelled {actual} as before taken for {predicted}"
    many = f"{abs(count):,} image{'' if abs(count) == 1 else 's'} {'more' if count > 0 else 'fewer'}"
    if actual == predicted:
        return f"{many} labelled {actual} recognised"
    return f"{many} labelled {actual} taken for {predicted}"
