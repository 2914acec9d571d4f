"""Class folders."""

from pathlib import Path

import pytest

from datasets.importing import ImportRefused, ImportSummary, import_folder
from datasets.models import Dataset
from tests.datasets.folders import stored, write_images

pytestmark = pytest.mark.django_db


def run(folder: Path, **options: bool) -> ImportSummary:
    """Import a folder into the dataset `d`."""
    return import_folder(folder, dataset="d", **options)


def test_class_folders_with_and_without_papers(tmp_path: Path) -> None:
    write_images(tmp_path, {"BlotGel/a.png": 1, "FACS/12/010101.png": 2, "Blot_Gel/13/010101.png": 3})
    summary = run(tmp_path)
    assert (summary.created, summary.warnings) == (3, [])
    assert stored("d") == {
        (None, "a.png", "BlotGel"),
        ("12", "010101.png", "FAC"),
        ("13", "010101.png", "BlotGel"),
    }


def test_a_second_import_changes_nothing(tmp_path: Path) -> None:
    write_images(tmp_path, {"BlotGel/a.png": 1, "FACS/a.png": 2, "FACS/12/a.png": 3})
    run(tmp_path)
    again = run(tmp_path)
    assert (again.created, again.unchanged, again.refused) == (0, 3, {})


def test_names_that_collide_across_class_folders_are_kept_apart(tmp_path: Path) -> None:
    write_images(tmp_path, {"BlotGel/1.png": 1, "FAC/1.png": 2, "FAC/2.png": 3})
    run(tmp_path)
    assert stored("d") == {
        (None, "BlotGel__1.png", "BlotGel"),
        (None, "FAC__1.png", "FAC"),
        (None, "2.png", "FAC"),
    }


def test_train_val_and_test_above_the_classes_are_read_through(tmp_path: Path) -> None:
    write_images(tmp_path, {"train/FAC/1.png": 1, "test/FAC/1.png": 2, "val/Microscopy/9/1.png": 3})
    summary = run(tmp_path)
    assert stored("d") == {
        (None, "train__FAC__1.png", "FAC"),
        (None, "test__FAC__1.png", "FAC"),
        ("9", "1.png", "Microscopy"),
    }
    assert "make_split" in summary.warnings[0]


def test_a_folder_that_is_no_class_is_stored_unlabelled(tmp_path: Path) -> None:
    write_images(tmp_path, {"FAC/1.png": 1, "Sketches/2.png": 2, "Unlabelled/3/4.png": 3, "loose.png": 4})
    summary = run(tmp_path)
    assert (summary.created, summary.unlabelled_files) == (4, 3)
    assert summary.warnings == [
        "The folder 'Sketches' is no class: what it holds (1) is taken as unlabelled."
    ]
    assert stored("d") == {
        (None, "1.png", "FAC"),
        (None, "2.png", None),
        ("3", "4.png", None),
        (None, "loose.png", None),
    }


def test_one_paper_and_name_in_two_class_folders_is_told(tmp_path: Path) -> None:
    write_images(tmp_path, {"BlotGel/7/1.png": 1, "FAC/7/1.png": 2})
    summary = run(tmp_path)
    assert (summary.created, dict(summary.refused)) == (1, {"name_taken": 1})
    assert stored("d") == {("7", "1.png", "BlotGel")}


def test_unsafe_and_broken_files_are_refused_one_by_one(tmp_path: Path) -> None:
    write_images(tmp_path, {"FAC/1.png": 1, "FAC/a\nb.png": 2, "FAC/c\\d.png": 3, "FAC/notes.txt": b"hello"})
    (tmp_path / "FAC" / "bad\udcff.png").write_bytes(b"x")
    summary = run(tmp_path)
    assert summary.created == 1
    assert dict(summary.refused) == {"unsafe_name": 3, "format_not_allowed": 1}
    str(summary.as_dict()).encode()


def test_folders_below_a_paper_are_told(tmp_path: Path) -> None:
    write_images(tmp_path, {"FAC/7/deeper/1.png": 1, "FAC/7/1.png": 2})
    summary = run(tmp_path)
    assert summary.created == 1
    assert "deeper" in summary.warnings[0]


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    write_images(tmp_path, {"FAC/1.png": 1})
    assert run(tmp_path, dry_run=True).created == 1
    assert not Dataset.objects.exists()


@pytest.mark.parametrize(("name", "code"), [("nowhere", "no_such_folder"), ("empty", "no_images")])
def test_a_folder_without_images_is_refused(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportRefused) as raised:
        run(tmp_path / name)
    assert raised.value.code == code
