"""The commands as a person and a script use them."""

import json
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from datasets.models import Dataset
from tests.datasets.folders import write_images, write_labels
from tests.factories import png

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def source(tmp_path: Path, db: None) -> Path:
    """Six papers with a blot and a flow plot each."""
    folder = tmp_path / "source"
    labels = {str(n): {"010101.png": "Blot/Gel", "010102.png": "FACS"} for n in range(6)}
    names = [f"{paper}/{name}" for paper, files in labels.items() for name in files]
    write_images(folder / "images", {name: seed for seed, name in enumerate(names)})
    write_labels(folder / "classification.json", labels)
    return folder


def printed(command: str, /, *args: Any, **options: Any) -> str:
    """What a command prints on stdout."""
    out = StringIO()
    call_command(command, *map(str, args), stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def imported(source: Path, **options: Any) -> str:
    """Import the source into the dataset `d`."""
    return printed(
        "import_biofors", source / "classification.json", images=source / "images", dataset="d", **options
    )


def test_an_import_tells_every_outcome(source: Path) -> None:
    (source / "images/0/010101.png").unlink()
    (source / "images/1/010101.png").write_bytes(b"")
    write_images(source / "images", {"2/030101.png": 90})
    text = imported(source)
    for line in ("11 stored", "1 named, but no such file", "0/010101.png", "1 refused: empty", "unlabelled"):
        assert line in text
    assert "12 of those" not in text


def test_json_is_one_line_and_nothing_else(source: Path) -> None:
    text = imported(source, json=True)
    assert text.count("\n") == 1
    told = json.loads(text)
    assert (told["created"], told["unchanged"], told["refused"]) == (12, 0, {})
    assert {"changed", "conflicts", "missing_files", "unlabelled_files", "duplicates"} <= told.keys()


def test_a_refusal_is_a_sentence_and_nothing_is_written(source: Path) -> None:
    write_labels(source / "classification.json", {"7": {"a.png": "Gell"}})
    with pytest.raises(CommandError, match=r"7/a\.png: 'Gell'"):
        imported(source)
    assert not Dataset.objects.exists()


def test_class_folders_by_command(tmp_path: Path, db: None) -> None:
    write_images(tmp_path / "f", {"FAC/1.png": png(1)})
    assert json.loads(printed("import_folder", tmp_path / "f", dataset="f", json=True))["created"] == 1


def test_a_split_shows_its_counts_and_leaks(source: Path) -> None:
    imported(source)
    text = printed("make_split", "d", name="r1", ratios="2:1:1")
    assert "share a paper with train" in text
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.startswith("Blot")}
    assert sorted(rows["BlotGel"][1:]) == ["1", "2"]
    assert rows["BlotGel"][0] == "3"
    told = json.loads(printed("make_split", "d", name="r2", by="image", json=True))
    assert told["counts"]["images"]["train"] == 8
    assert told["leak_report"]["papers"] > 0
    assert told["warnings"]


def test_published_lists_by_command(source: Path, tmp_path: Path) -> None:
    imported(source)
    (tmp_path / "lists.json").write_text(json.dumps({"train": [0, 1, 2, 3], "test": ["4", "5"]}))
    told = json.loads(printed("make_split", "d", name="o", official=tmp_path / "lists.json", json=True))
    assert told["official"]
    assert told["counts"]["images"]["test"] == 4


def test_exports_by_command_take_a_split_of_the_dataset(source: Path, tmp_path: Path) -> None:
    imported(source)
    printed("make_split", "d", name="r1", ratios="2:1:1")
    told = json.loads(
        printed("export_dataset", "d", format="imagefolder", output=tmp_path / "o", split="r1", json=True)
    )
    assert told["images"] == 12
    assert (tmp_path / "o/train").is_dir()
    with pytest.raises(CommandError, match="not empty"):
        printed("export_dataset", "d", format="biofors", output=tmp_path / "o")


@pytest.mark.parametrize("command", [("make_split", "nowhere", "--name", "x"), ("export_dataset", "nowhere")])
def test_an_unknown_dataset_is_named(command: tuple[str, ...], db: None, tmp_path: Path) -> None:
    options = {"format": "biofors", "output": tmp_path / "o"} if command[0] == "export_dataset" else {}
    with pytest.raises(CommandError, match="There is no dataset 'nowhere'"):
        printed(*command, **options)


def test_wrong_usage_ends_with_2() -> None:
    ended = subprocess.run(
        [sys.executable, "manage.py", "make_split", "--skip-checks"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "usage" in ended.stderr
