"""An import's summary as a person reads it, the same in a terminal and on a page."""

from datasets.importing.summary import ImportSummary

_SHOWN = 5
_SENTENCES = {
    "created": "stored",
    "unchanged": "stored already, nothing to do",
    "changed": "with another label in the source than before: taken over",
    "conflicts": "where a person's label differs from the source: the person's was kept",
    "missing_files": "named, but no such file lies there",
    "unlabelled_files": "files that nothing is said of: unlabelled",
    "duplicates": "of those stored have the very bytes of another image",
}


def told(summary: ImportSummary) -> list[str]:
    """Return a line for every outcome that is not zero, each with its first entries."""
    lines = []
    for outcome, sentence in _SENTENCES.items():
        number = getattr(summary, outcome)
        if number:
            lines += [f"{number:>8,} {sentence}", *_entries(summary, outcome)]
    for code, number in sorted(summary.refused.items()):
        lines += [f"{number:>8,} refused: {code}", *_entries(summary, code)]
    return lines or ["Nothing was found to import."]


def _entries(summary: ImportSummary, outcome: str) -> list[str]:
    """The first entries of an outcome, and how many more there are."""
    kept = summary.entries.get(outcome, [])
    number: int = summary.refused[outcome] or getattr(summary, outcome, 0)
    more = [f"           and {number - _SHOWN:,} more"] if number > _SHOWN else []
    return [f"           {text}" for text in kept[:_SHOWN]] + (more if kept else [])
