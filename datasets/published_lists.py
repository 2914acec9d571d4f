"""Published paper lists, such as BioFors' own: which paper lies in which subset."""

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets.decoding import ImageRefused, safe_paper
from datasets.errors import Refused
from datasets.models import Subset


def read_official(path: Path) -> dict[str, list[str]]:
    """Read lists {"train": [...], "test": [...]}, with or without "val"; `Refused` (not_a_split_file)."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise _no_split_file(f"it cannot be read: {error.strerror}") from error
    return parse_official(data)


def parse_official(data: bytes) -> dict[str, list[str]]:
    """Read lists from a file's bytes, as `read_official`."""
    try:
        read = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise _no_split_file(f"it is not JSON: {error}") from error
    return check_official(read)


def check_official(read: Any) -> dict[str, list[str]]:
    """Check the shape of published paper lists; numbers are taken as texts."""
    if not isinstance(read, Mapping) or not {"train", "test"} <= set(read) <= set(Subset.values):
        raise _no_split_file("it must be an object with the lists train and test, and val if there is one")
    lists: dict[str, list[str]] = {}
    for subset, papers in read.items():
        if not isinstance(papers, list) or not all(type(paper) in {str, int} for paper in papers):
            raise _no_split_file(f"{subset} must be a list of papers")
        lists[subset] = [_paper(paper, subset) for paper in papers]
    repeated = [
        paper for paper, n in Counter(paper for some in lists.values() for paper in some).items() if n > 1
    ]
    if repeated:
        raise _no_split_file(f"the paper {repeated[0]!r} occurs twice")
    return lists


def _paper(paper: str | int, subset: str) -> str:
    """Return a listed paper's identifier; refuse what no paper can be called."""
    try:
        return safe_paper(str(paper))
    except ImageRefused as refusal:
        raise _no_split_file(f"{subset} names what is no paper. {refusal}") from refusal


def _no_split_file(reason: str) -> Refused:
    return Refused(f"The file is no list of papers: {reason.rstrip('.')}.", code="not_a_split_file")
