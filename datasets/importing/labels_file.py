"""BioFors' `classification.json`: read whole and checked whole, before anything is written."""

import json
from pathlib import Path
from typing import Any

from datasets.decoding import ImageRefused, safe_file_name, safe_paper
from datasets.importing.summary import ImportRefused

_NAMED = 20

Labels = dict[str, dict[str, str]]


class _Pairs(list[tuple[str, Any]]):
    """A JSON object as its pairs, so that a key that occurs twice is seen."""


def read_labels(labels_file: Path) -> Labels:
    """Return {paper: {file name: label}}; `ImportRefused` names the first entry that is wrong."""
    try:
        text = labels_file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise ImportRefused(f"{labels_file.name} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{labels_file.name} is not UTF-8 text (byte {error.start}).") from error
    try:
        read = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise ImportRefused(f"{labels_file.name} is not JSON: {error}.") from error
    return _checked(read)


def _checked(read: Any) -> Labels:
    """Check shape, keys and names of what was read."""
    if not isinstance(read, _Pairs):
        raise ImportRefused(
            "The labels file must be one JSON object {paper: {file name: label}}; "
            f"its outermost value is {_kind(read)}."
        )
    if not read:
        raise ImportRefused("The labels file names no paper.")
    labels: Labels = {}
    for paper, files in read:
        _safe(paper, None)
        if paper in labels:
            raise ImportRefused(f"The paper {paper!r} occurs twice.", code="duplicate_key")
        if not isinstance(files, _Pairs):
            raise ImportRefused(
                f"The paper {paper!r} must hold an object {{file name: label}}; it holds {_kind(files)}."
            )
        labels[paper] = _checked_files(paper, files)
    return labels


def _checked_files(paper: str, files: _Pairs) -> dict[str, str]:
    """Check the file names and the labels' type of one paper."""
    checked: dict[str, str] = {}
    for name, label in files:
        _safe(paper, name)
        if name in checked:
            raise ImportRefused(f"{paper}/{name} occurs twice.", code="duplicate_key")
        if not isinstance(label, str):
            raise ImportRefused(f"The label of {paper}/{name} must be a text; it is {_kind(label)}.")
        checked[name] = label
    return checked


def _safe(paper: str, name: str | None) -> None:
    try:
        if name is None:
            safe_paper(paper)
        else:
            safe_file_name(name)
    except ImageRefused as refusal:
        where = "" if name is None else f" (in paper {paper!r})"
        raise ImportRefused(f"{refusal}{where}", code=refusal.code) from refusal


def resolve_labels(labels: Labels, *, names: dict[str, str]) -> Labels:
    """Replace each label by its class name; `names` maps every spelling to it. `ImportRefused` otherwise."""
    unknown = [
        f"{paper}/{name}: {label!r}"
        for paper, files in labels.items()
        for name, label in files.items()
        if label not in names
    ]
    if unknown:
        more = f" and {len(unknown) - 1} more" if len(unknown) > 1 else ""
        raise ImportRefused(
            f"The label of {unknown[0]}{more} is no class. Known spellings: {', '.join(sorted(names))}. "
            "Correct the file, or add the spelling to a class of the dataset.",
            code="unknown_label",
            fields={"entries": unknown[:_NAMED]},
        )
    return {paper: {name: names[label] for name, label in files.items()} for paper, files in labels.items()}


def _kind(value: Any) -> str:
    """Name a JSON value's type for a person."""
    if isinstance(value, _Pairs):
        return "an object"
    names = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
