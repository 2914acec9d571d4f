"""An import's summary as a person reads it, the same in a terminal and on a page."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from datasets.importing.summary import ImportSummary

_SHOWN = 5
# What came of entries; what would come of them, where nothing was written yet.
_SENTENCES = {
    "created": ("stored", "new, to be stored"),
    "unchanged": ("stored already, nothing to do", "stored already, nothing to do"),
    "changed": (
        "with another label in the source than before: taken over",
        "with another label in the source than before: to be taken over",
    ),
    "conflicts": (
        "where a person's label differs from the source: the person's was kept",
        "where a person's label differs from the source: the person's stays",
    ),
    "missing_files": ("named, but no such file lies there", "named, but no such file lies there"),
    "unlabelled_files": (
        "files that nothing is said of: unlabelled",
        "files that nothing is said of: to be stored unlabelled",
    ),
    "duplicates": (
        "of those stored have the very bytes of another image",
        "of the new ones have the very bytes of another image",
    ),
}
_REFUSALS = {
    "empty": "an empty file",
    "too_large": "larger than 20 MB",
    "too_many_pixels": "more than 25 megapixels",
    "bad_dimensions": "a side shorter than 8 or longer than 20,000 pixels",
    "format_not_allowed": "neither PNG nor JPEG nor TIFF",
    "mode_not_supported": "pixels of a kind that is not read",
    "corrupt": "damaged or cut off",
    "unsafe_name": "a name that is not safe",
    "name_taken": "a name that stands for another image",
}


@dataclass(frozen=True)
class Outcome:
    """What came of some entries: how many, in words, the first of them.

    refusal: they were not taken. classes: how many bear each class (None: no label), where that is told.
    """

    key: str
    number: int
    sentence: str
    entries: list[str]
    refusal: bool = False
    classes: list[tuple[str | None, int]] = field(default_factory=list)

    @property
    def untold(self) -> int:
        """How many entries there are beyond those kept."""
        return max(0, self.number - len(self.entries))


def outcomes(result: Mapping[str, Any]) -> list[Outcome]:
    """Return what is not zero of a summary as `ImportSummary.as_dict` gives it."""
    entries = result["entries"]
    planned = bool(result["dry_run"])
    classes = {"created": _by_class(result.get("by_class", {}))}
    found = [
        Outcome(key, result[key], sentences[planned], entries.get(key, []), classes=classes.get(key, []))
        for key, sentences in _SENTENCES.items()
        if result[key]
    ]
    return found + [
        Outcome(code, number, _REFUSALS.get(code, code), entries.get(code, []), refusal=True)
        for code, number in sorted(result["refused"].items())
    ]


def told(summary: ImportSummary) -> list[str]:
    """Return a line for every outcome that is not zero, each with its first entries."""
    lines = []
    for outcome in outcomes(summary.as_dict()):
        what = f"refused: {outcome.key}, {outcome.sentence}" if outcome.refusal else outcome.sentence
        lines += [f"{outcome.number:>8,} {what}", *_classes(outcome), *_entries(outcome)]
    return lines or ["Nothing was found to import."]


def _by_class(counts: Mapping[str, int]) -> list[tuple[str | None, int]]:
    """Counts by class in order of their names, those without a label last."""
    return [(name or None, counts[name]) for name in sorted(counts, key=lambda name: (not name, name))]


def _classes(outcome: Outcome) -> list[str]:
    """How many of an outcome bear each class, in a line."""
    told = ", ".join(f"{number:,} {name or 'without a label'}" for name, number in outcome.classes)
    return [f"           {told}"] if told else []


def _entries(outcome: Outcome) -> list[str]:
    """The first entries of an outcome, and how many more there are."""
    more = [f"           and {outcome.number - _SHOWN:,} more"] if outcome.number > _SHOWN else []
    return [f"           {text}" for text in outcome.entries[:_SHOWN]] + (more if outcome.entries else [])
