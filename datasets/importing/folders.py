"""Class folders `[train|val|test/]CLASS/[PAPER/]FILE`, read into entries."""

import unicodedata
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from datasets.decoding import is_hidden
from datasets.importing.naming import Found, Standing, named_apart
from datasets.importing.summary import Entry, ImportRefused

UNLABELLED = "Unlabelled"
SUBSETS = {"train", "training", "val", "valid", "validation", "test", "testing"}


def plain(text: str) -> str:
    """Reduce a class's spelling to what a folder can be called: `Blot/Gel` and `blot_gel` are one.

    Letters and digits of any script, with the marks that make other letters of them; without any, the text.
    """
    alike = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = (each for each in alike if each.isalnum() or unicodedata.category(each).startswith("M"))
    return "".join(kept) or text


def visible(directory: Path) -> list[Path]:
    """What lies in a folder, by name, without what is hidden."""
    return sorted(path for path in directory.iterdir() if not is_hidden(path.name))


def read_folders(
    directory: Path, *, names: dict[str, str], standing: Mapping[str, Standing], warnings: list[str]
) -> list[Entry]:
    """Return an entry for each file.

    names: every spelling of a class to its name. standing: what the dataset holds without a paper.
    """
    if not directory.is_dir():
        raise ImportRefused(f"There is no folder {directory.name!r}.", code="no_such_folder")
    known = {plain(spelling): name for spelling, name in names.items()}
    found: list[Found] = []
    strangers: Counter[str] = Counter()
    for top in visible(directory):
        if top.is_file():
            found.append(Found(_entry(top, paper=None, label=None), "", ""))
        elif top.name.lower() in SUBSETS and plain(top.name) not in known:
            for inner in visible(top):
                if inner.is_dir():
                    found += _class_folder(inner, known, subset=top.name, strangers=strangers)
                else:
                    found.append(Found(_entry(inner, paper=None, label=None), top.name, ""))
        else:
            found += _class_folder(top, known, subset="", strangers=strangers)
    if not found:
        raise ImportRefused(
            f"The folder {directory.name!r} holds no files. Expected: CLASS/FILE or CLASS/PAPER/FILE.",
            code="no_images",
        )
    _warn(found, strangers, warnings)
    return named_apart(found, standing)


def _class_folder(
    folder: Path, known: dict[str, str], *, subset: str, strangers: Counter[str]
) -> list[Found]:
    """Read one class folder: its files, and those of its paper folders."""
    label = known.get(plain(folder.name))
    found = []
    for path in visible(folder):
        if path.is_file():
            found.append(Found(_entry(path, paper=None, label=label), subset, folder.name))
        elif path.is_dir():
            for inner in visible(path):
                if inner.is_file():
                    found.append(Found(_entry(inner, paper=path.name, label=label), subset, folder.name))
                else:
                    strangers["\0deeper"] += 1
    if label is None and folder.name != UNLABELLED:
        strangers[folder.name] += len(found)
    return found


def _entry(path: Path, *, paper: str | None, label: str | None) -> Entry:
    return Entry(paper=paper, file_name=path.name, label=label, path=path, listed=label is not None)


def _warn(found: list[Found], strangers: Counter[str], warnings: list[str]) -> None:
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
