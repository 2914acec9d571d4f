"""A split as a table, class by subset, and its leak report in words: planned or frozen, the same."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datasets.splitting import SUBSETS

Link = Callable[[str, str | None], str]

# From so many points between the share reached and the share wanted on, a cell is marked.
OFF_BY = 0.05
_LEAKS = (
    ("papers", "share a paper with train"),
    ("panel_groups", "share a panel group with train"),
    ("exact_bytes", "have the very bytes of an image of train"),
)


@dataclass(frozen=True)
class Cell:
    """A count and its share of the row. `off`: how far that is from the share wanted, None without one."""

    subset: str
    count: int
    share: float | None
    off: float | None
    link: str = ""

    @property
    def is_off(self) -> bool:
        """Whether the share is far from the one wanted."""
        return self.off is not None and abs(self.off) >= OFF_BY

    @property
    def told(self) -> str:
        """How far the share is from the one wanted, in words."""
        if self.off is None:
            return ""
        return f"{abs(100 * self.off):.1f} points {'more' if self.off > 0 else 'less'} than wanted"


@dataclass(frozen=True)
class Row:
    """A class, or all images, over the subsets."""

    name: str
    cells: list[Cell]
    total: int


@dataclass(frozen=True)
class Wanted:
    """The share of a subset that was asked for, and where it begins and ends from 0 to 100."""

    subset: str
    share: float
    end: float


def split_table(
    counts: Mapping[str, Any], ratios: Sequence[float] | None, *, link: Link | None = None
) -> dict[str, Any]:
    """Return `subsets`, `rows`, `images`, `papers`, `wanted` of a split's counts {classes, images, papers}.

    Without ratios, where published lists decide, no share is wanted. `link(subset, class name or None)`
    returns the address of a cell's images.
    """
    wanted = wanted_shares(ratios) if ratios else []
    shares = {each.subset: each.share for each in wanted}

    def row(name: str, numbers: Mapping[str, int], label: str | None = None) -> Row:
        total = sum(numbers.values())
        cells = []
        for subset in SUBSETS:
            share = numbers[subset] / total if total else None
            off = share - shares[subset] if share is not None and shares else None
            there = link(subset, label) if link and numbers[subset] else ""
            cells.append(Cell(subset, numbers[subset], share, off, there))
        return Row(name, cells, total)

    classes = counts["classes"]
    names = list(classes[SUBSETS[0]])
    return {
        "subsets": [(subset, shares.get(subset)) for subset in SUBSETS],
        "wanted": wanted,
        "rows": [row(name, {subset: classes[subset][name] for subset in SUBSETS}, name) for name in names],
        "images": row("Images", counts["images"]),
        "papers": [counts["papers"][subset] for subset in SUBSETS],
    }


def wanted_shares(ratios: Sequence[float]) -> list[Wanted]:
    """Return the shares that ratios ask for."""
    total = sum(ratios)
    return [
        Wanted(subset, ratio / total, 100 * sum(ratios[: place + 1]) / total)
        for place, (subset, ratio) in enumerate(zip(SUBSETS, ratios, strict=True))
    ]


def leaks_told(report: Mapping[str, int]) -> dict[str, Any]:
    """Return a leak report in words: `leaks`, a `sentence`, and `rows` of (count, words)."""
    rows = [(report[key], words) for key, words in _LEAKS]
    found = [f"{count:,} of {report['test_images']:,} test images {words}" for count, words in rows if count]
    if not report["test_images"]:
        sentence = "There is no test image to compare with train."
    elif found:
        sentence = f"{found[0]}: scores will be too good."
    else:
        sentence = (
            f"None of the {report['test_images']:,} test images shares a paper, a panel group or its "
            "exact bytes with train."
        )
    return {
        "leaks": bool(found),
        "sentence": sentence,
        "rows": rows,
        "test_images": report["test_images"],
        "shared_papers": report["shared_papers"],
    }
