"""Class folders `[train|val|test/]CLASS/[PAPER/]FILE`, read into entries."""

import re
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

from datasets.importing.summary import Entry, ImportRefused

UNLABELLED = "Unlabelled"
SUBSETS = {"train", "training", "val", "valid", "validation", "test", "testing"}
_IGNORED = {"Thumbs.db", "desktop.ini", "__MACOSX"}


@dataclass(frozen=True)
class _Found:
    """A file, the folders it was found under, and what they say."""

    entry: Entry
    subset: str
    folder: str


def plain(text: str) -> str:
    """Reduce a class's spelling to what a folder can be called: `Blot/Gel` and `blot_gel` are one."""
    return re.sub(r"[^0-9a-z]", "", text.lower())


def visible(directory: Path) -> list[Path]:
    """What lies in a folder, by name, without hidden files and those that systems leave behind."""
    return sorted(
        path for path in directory.iterdir() if not path.name.startswith(".") and path.name not in _IGNORED
    )


def read_folders(directory: Path, *, names: dict[str, str], warnings: list[str]) -> list[Entry]:
    """Return an entry for each file; `names` maps every spelling of a class to its name."""
    if not directory.is_dir():
        raise ImportRefused(f"There is no folder {directory.name!r}.", code="no_such_folder")
    known = {plain(spelling): name for spelling, name in names.items()}
    found: list[_Found] = []
    strangers: Counter[str] = Counter()
    for top in visible(directory):
        if top.is_file():
            found.append(_Found(_entry(top, paper=None, label=None), "", ""))
        elif top.name.lower() in SUBSETS and plain(top.name) not in known:
            for inner in visible(top):
                if inner.is_dir():
                    found += _class_folder(inner, known, subset=top.name, strangers=strangers)
                else:
                    found.append(_Found(_entry(inner, paper=None, label=None), top.name, ""))
        else:
            found += _class_folder(top, known, subset="", strangers=strangers)
    if not found:
        raise ImportRefused(
            f"The folder {directory.name!r} holds no files. Expected: CLASS/FILE or CLASS/PAPER/FILE.",
            code="no_images",
        )
    _warn(found, strangers, warnings)
    return _named_apart(found)


def _class_folder(
    folder: Path, known: dict[str, str], *, subset: str, strangers: Counter[str]
) -> list[_Found]:
    """Read one class folder: its files, and those of its paper folders."""
    label = known.get(plain(folder.name))
    found = []
    for path in visible(folder):
        if path.is_file():
            found.append(_Found(_entry(path, paper=None, label=label), subset, folder.name))
        elif path.is_dir():
            for inner in visible(path):
                if inner.is_file():
                    found.append(_Found(_entry(inner, paper=path.name, label=label), subset, folder.name))
                else:
                    strangers["\0deeper"] += 1
    if label is None and folder.name != UNLABELLED:
        strangers[folder.name] += len(found)
    return found


def _entry(path: Path, *, paper: str | None, label: str | None) -> Entry:
    return Entry(paper=paper, file_name=path.name, label=label, path=path, listed=label is not None)


def _warn(found: list[_Found], strangers: Counter[str], warnings: list[str]) -> None:
    """Say what was read otherwise than a person may have meant."""
    deeper = strangers.pop("\0deeper", 0)
    if deeper:
        warnings.append(f"{deeper} folders lie deeper than CLASS/PAPER/FILE and were not read.")
    for name, count in strangers.items():
        if count:
            warnings.append(
                f"The folder {name!r} is no class: what it holds ({count}) is taken as unlabelled."
            )
    subsets = sorted({item.subset for item in found if item.subset})
    if subsets:
        warnings.append(
            f"The folders {', '.join(subsets)} were read through, but make no split: use make_split for that."
        )


def _named_apart(found: list[_Found]) -> list[Entry]:
    """Put the class before names that collide without a paper, and the subset where that is not enough."""
    plainly = Counter(item.entry.file_name for item in found if item.entry.paper is None)
    by_class = Counter((item.folder, item.entry.file_name) for item in found if item.entry.paper is None)
    entries = []
    for item in found:
        name = item.entry.file_name
        if item.entry.paper is None and plainly[name] > 1:
            parts = [item.folder or "", name]
            if by_class[item.folder, name] > 1:
                parts.insert(0, item.subset)
            entries.append(replace(item.entry, file_name="__".join(part for part in parts if part)))
        else:
            entries.append(item.entry)
    return entries
