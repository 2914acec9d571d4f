"""What an import is made of, and what came of it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from datasets.errors import Refused

TOLD_PER_OUTCOME = 1000

Progress = Callable[[int, int], None]


class ImportRefused(Refused):
    """Raised before anything is written: the source is not what it should be; the entry is named."""

    code = "not_a_labels_file"
    status = 422


@dataclass(frozen=True, slots=True)
class Entry:
    """One image to import. label: class name, or None. listed: a labels file names it."""

    paper: str | None
    file_name: str
    label: str | None
    path: Path
    listed: bool = True

    def __str__(self) -> str:
        return f"{self.paper}/{self.file_name}" if self.paper else self.file_name


@dataclass
class ImportSummary:
    """A count for every outcome, and up to 1,000 entries of each that a person should look at.

    by_class: how many of those created bear each class; "" for those without a label.
    """

    dataset: str
    dry_run: bool = False
    created: int = 0
    unchanged: int = 0
    changed: int = 0
    conflicts: int = 0
    missing_files: int = 0
    unlabelled_files: int = 0
    duplicates: int = 0
    by_class: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    entries: dict[str, list[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def tell(self, outcome: str, text: str) -> None:
        """Keep a line on one entry, unless 1,000 of that outcome are kept already."""
        lines = self.entries.setdefault(outcome, [])
        if len(lines) < TOLD_PER_OUTCOME:
            # A name that is no UTF-8 on the disk holds lone surrogates, which no database takes.
            lines.append(text.encode(errors="backslashreplace").decode())

    def refuse(self, entry: Entry, *, code: str, reason: str) -> None:
        """Count an entry that was not stored, and keep why."""
        self.refused[code] += 1
        self.tell(code, f"{entry}: {reason}")

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints and an import job keeps."""
        return {
            "dataset": self.dataset,
            "dry_run": self.dry_run,
            "created": self.created,
            "unchanged": self.unchanged,
            "changed": self.changed,
            "conflicts": self.conflicts,
            "missing_files": self.missing_files,
            "unlabelled_files": self.unlabelled_files,
            "duplicates": self.duplicates,
            "by_class": dict(sorted(self.by_class.items())),
            "refused": dict(sorted(self.refused.items())),
            "entries": self.entries,
            "warnings": self.warnings,
        }
