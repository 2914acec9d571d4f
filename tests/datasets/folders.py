"""Folders of images and labels files, written for a test."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets.models import Dataset
from tests.factories import png


def write_images(folder: Path, names: Mapping[str, Any]) -> None:
    """Write `folder/<name>` with the bytes given, or those of a seed."""
    for name, content in names.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else png(content))


def write_labels(path: Path, labels: Any) -> Path:
    """Write a labels file: a text as it is, anything else as JSON."""
    path.write_text(labels if isinstance(labels, str) else json.dumps(labels), encoding="utf-8")
    return path


def stored(slug: str) -> set[tuple[str | None, str, str | None]]:
    """What a dataset holds: (paper, file name, class)."""
    rows = Dataset.objects.get(slug=slug).images
    return set(rows.values_list("paper__identifier", "file_name", "label__name"))


def files_in(folder: Path) -> list[str]:
    """The files below a folder, by their path in it."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
