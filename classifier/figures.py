"""The confusion matrix as a picture, SVG or PNG, drawn by matplotlib.

matplotlib is imported where it is used: a web process that draws nothing stays small.
"""

from collections.abc import Mapping, Sequence
from io import BytesIO
from threading import Lock
from typing import Any

from classifier.matrix import SCALE, Cell, Matrix, Row

INK, SOFT, EDGE = "#05070e", "#4e5669", "#b9bfce"
UNKNOWN = {"short": "?", "colour": "#7f7f7f"}
FORMATS = ("svg", "png")
# In inches: a cell, what stands left of the cells and right of them, above them and below.
WIDTH, HEIGHT, GAP = 1.12, 0.74, 0.035
LEFT, RIGHT, TOP, LINE, BOTTOM = 2.1, 0.85, 1.5, 0.22, 1.0

# matplotlib promises nothing to threads that draw at once.
_DRAWING = Lock()

Looks = Mapping[str, Mapping[str, str]]


def draw_matrix(
    matrix: Matrix, *, looks: Looks, title: str, told: Sequence[str] = (), file_format: str = "svg"
) -> bytes:
    """Return a matrix as an SVG or PNG file: row percentages in colour, counts in small print, totals.

    `looks` gives each class its colour and letter; `told` are lines under the title.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    if file_format not in FORMATS:
        raise ValueError(f"no format of a picture: {file_format!r}")
    written = BytesIO()
    with _DRAWING:
        # Writing stays writing, and the same matrix gives the same file.
        matplotlib.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "matrix"})
        number = len(matrix.classes)
        size = (LEFT + number * WIDTH + RIGHT, TOP + LINE * len(told) + number * HEIGHT + BOTTOM)
        figure = Figure(figsize=size)
        canvas: Any = FigureCanvasSVG(figure) if file_format == "svg" else FigureCanvasAgg(figure)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(0, size[0]), ylim=(size[1], 0))
        axes.axis("off")
        _Drawing(axes, matrix, looks, top=TOP + LINE * len(told)).draw(title, told)
        metadata = {"Title": title, **({"Date": None} if file_format == "svg" else {})}
        canvas.print_figure(written, format=file_format, dpi=200, facecolor="white", metadata=metadata)
    return written.getvalue()


class _Drawing:
    """A matrix on axes whose unit is an inch; y runs downwards."""

    def __init__(self, axes: Any, matrix: Matrix, looks: Looks, *, top: float) -> None:
        self.axes, self.matrix, self.looks, self.top = axes, matrix, looks, top
        self.right = LEFT + len(matrix.classes) * WIDTH
        self.bottom = top + len(matrix.classes) * HEIGHT

    def draw(self, title: str, told: Sequence[str]) -> None:
        """Draw everything."""
        self._write(0.25, 0.4, title, size=14, weight="bold", align="left")
        for place, line in enumerate(told):
            self._write(0.25, 0.7 + LINE * place, line, colour=SOFT, align="left")
        self._write((LEFT + self.right) / 2, self.top - 0.72, "Predicted", colour=SOFT)
        self._write(0.25, (self.top + self.bottom) / 2, "Actual", colour=SOFT, rotation=90)
        self._write(self.right + RIGHT / 2, self.top - 0.16, "images", colour=SOFT)
        self._write(LEFT - 0.12, self.bottom + 0.25, "predicted as", colour=SOFT, align="right")
        for place, row in enumerate(self.matrix.rows):
            self._column_head(place)
            self._row(place, row)
        self._write(self.right + RIGHT / 2, self.bottom + 0.25, f"{self.matrix.total:,}", weight="bold")
        self._scale()

    def _row(self, place: int, row: Row) -> None:
        middle = self.top + (place + 0.5) * HEIGHT
        self._letter(LEFT - 0.25, middle, row.name)
        self._write(LEFT - 0.42, middle, row.name, size=_fitting(row.name, 18), align="right")
        self._write(self.right + RIGHT / 2, middle, f"{row.total.count:,}", colour=SOFT)
        if row.is_empty:
            self._write((LEFT + self.right) / 2, middle, "no image of this class", colour=SOFT)
            return
        for column, cell in enumerate(row.cells):
            self._cell(LEFT + column * WIDTH, self.top + place * HEIGHT, cell)

    def _cell(self, x: float, y: float, cell: Cell) -> None:
        self._box(
            x + GAP,
            y + GAP,
            WIDTH - 2 * GAP,
            HEIGHT - 2 * GAP,
            face=_shade(cell.share),
            edge=EDGE if cell.is_right else "none",
        )
        if cell.count:
            colour = "white" if cell.is_deep else INK
            centre = x + WIDTH / 2
            large, small = f"{cell.share:.0f}%", f"{cell.count:,}"
            if self.matrix.shares == "counts":
                large, small = small, large
            self._write(centre, y + 0.42 * HEIGHT, large, size=12, weight="bold", colour=colour)
            self._write(centre, y + 0.7 * HEIGHT, small, size=8, colour=colour)

    def _column_head(self, place: int) -> None:
        centre = LEFT + (place + 0.5) * WIDTH
        total = self.matrix.columns[place]
        self._letter(centre, self.top - 0.42, total.name)
        self._write(centre, self.top - 0.16, total.name, size=_fitting(total.name, 14))
        self._write(centre, self.bottom + 0.25, f"{total.count:,}", colour=SOFT)

    def _letter(self, x: float, y: float, name: str) -> None:
        look = self.looks.get(name, UNKNOWN)
        self._box(x - 0.11, y - 0.11, 0.22, 0.22, face=look["colour"])
        self._write(x, y, look["short"], size=8, weight="bold", colour="white")

    def _scale(self) -> None:
        """Draw what the colours mean."""
        y, steps, width = self.bottom + 0.62, 50, 1.8
        left = self.right - width
        self._write(
            left - 0.12, y + 0.06, f"share of the {_of(self.matrix)}   0%", size=8, colour=SOFT, align="right"
        )
        for step in range(steps):
            self._box(
                left + step * width / steps, y, width / steps, 0.12, face=_shade(100 * step / (steps - 1))
            )
        self._write(self.right + 0.12, y + 0.06, "100%", size=8, colour=SOFT, align="left")

    def _box(self, x: float, y: float, width: float, height: float, *, face: Any, edge: str = "none") -> None:
        from matplotlib.patches import Rectangle

        self.axes.add_patch(Rectangle((x, y), width, height, facecolor=face, edgecolor=edge, linewidth=1))

    def _write(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 9,
        colour: str = INK,
        weight: str = "normal",
        align: str = "center",
        rotation: float = 0,
    ) -> None:
        self.axes.text(
            x,
            y,
            text,
            fontsize=size,
            color=colour,
            fontweight=weight,
            ha=align,
            va="center",
            rotation=rotation,
            # A name is a name, never a formula.
            parse_math=False,
        )


def _of(matrix: Matrix) -> str:
    return "column" if matrix.shares == "column" else "row"


def _fitting(name: str, most: int) -> float:
    """Return the size of writing at which a name of more than `most` letters still fits."""
    return 9 * min(1, most / len(name))


def _shade(share: float) -> tuple[float, float, float]:
    """Return the colour of a share, 0 to 100, as the page mixes it."""
    pale, deep = ([int(end[place : place + 2], 16) / 255 for place in (1, 3, 5)] for end in SCALE)
    mixed = [low + (high - low) * share / 100 for low, high in zip(pale, deep, strict=True)]
    return mixed[0], mixed[1], mixed[2]
