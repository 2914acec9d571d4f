"""Class folders."""

from pathlib import Path

import pytest

from datasets.importing import ImportRefused, ImportSummary, import_folder
from datasets.importing.telling import told
from datasets.labelling import correct_label
from datasets.models import Dataset, Image
from tests.datasets.folders import stored, write_images
from tests.factories import DatasetFactory

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


def test_a_name_that_repeats_later_leaves_the_image_where_it_stands(tmp_path: Path) -> None:
    write_images(tmp_path, {"BlotGel/a.png": 1})
    run(tmp_path)
    image = Image.objects.get()
    correct_label(
        image, label=image.dataset.class_named("Microscopy"), excluded=False, author=None, expected_version=1
    )
    write_images(tmp_path, {"FAC/a.png": 2})
    for created in (1, 0, 0):
        summary = run(tmp_path)
        assert (summary.created, summary.conflicts, summary.refused) == (created, 1, {})
        assert stored("d") == {(None, "a.png", "Microscopy"), (None, "FAC__a.png", "FAC")}


def test_a_name_that_no_longer_repeats_leaves_the_image_where_it_stands(tmp_path: Path) -> None:
    write_images(tmp_path, {"BlotGel/a.png": 1, "FAC/a.png": 2})
    run(tmp_path)
    (tmp_path / "FAC" / "a.png").unlink()
    again = run(tmp_path)
    assert (again.created, again.unchanged) == (0, 1)


def test_subset_folders_added_later_leave_images_where_they_stand(tmp_path: Path) -> None:
    write_images(tmp_path, {"train/FAC/a.png": 1, "train/BlotGel/a.png": 2, "train/BlotGel/b.png": 3})
    run(tmp_path)
    write_images(tmp_path, {"test/FAC/a.png": 4, "test/BlotGel/b.png": 5})
    summary = run(tmp_path)
    assert (summary.created, summary.unchanged, summary.refused) == (2, 3, {})
    assert stored("d") == {
        (None, "FAC__a.png", "FAC"),
        (None, "BlotGel__a.png", "BlotGel"),
        (None, "b.png", "BlotGel"),
        (None, "test__FAC__a.png", "FAC"),
        (None, "test__BlotGel__b.png", "BlotGel"),
    }


def test_of_two_files_alike_the_one_imported_before_keeps_its_name(tmp_path: Path) -> None:
    write_images(tmp_path, {"FAC/a.png": 1})
    run(tmp_path)
    write_images(tmp_path, {"BlotGel/a.png": 1})
    for created in (1, 0):
        summary = run(tmp_path)
        assert (summary.created, summary.changed, summary.refused) == (created, 0, {})
        assert stored("d") == {(None, "a.png", "FAC"), (None, "BlotGel__a.png", "BlotGel")}


def test_a_file_without_a_folder_keeps_the_name_it_stands_under(tmp_path: Path) -> None:
    write_images(tmp_path, {"a.png": 1})
    run(tmp_path)
    write_images(tmp_path, {"BlotGel/a.png": 1, "FAC/a.png": 2})
    summary = run(tmp_path)
    assert (summary.created, summary.unchanged, summary.refused) == (2, 1, {})
    assert (None, "a.png", None) in stored("d")


def test_a_file_changed_on_the_disk_is_told_and_not_stored_twice(tmp_path: Path) -> None:
    write_images(tmp_path, {"BlotGel/a.png": 1, "FAC/a.png": 2})
    run(tmp_path)
    write_images(tmp_path, {"BlotGel/a.png": 3})
    summary = run(tmp_path)
    assert (summary.created, summary.unchanged, dict(summary.refused)) == (0, 1, {"name_taken": 1})


def test_folders_are_told_apart_in_every_script(tmp_path: Path) -> None:
    dataset = DatasetFactory(slug="d")
    dataset.classes.filter(name="BlotGel").update(aliases=["凝胶", "Gélose", "---"])
    dataset.classes.filter(name="FAC").update(aliases=["कि"])
    names = ("凝胶", "ge\u0301lose", "---", "显微镜", "***", "कि", "का")
    write_images(tmp_path, {f"{name}/{place}.png": place for place, name in enumerate(names)})
    summary = run(tmp_path)
    labels = {name: label for _, name, label in stored("d")}
    assert [labels[f"{place}.png"] for place in range(len(names))] == [
        "BlotGel", "BlotGel", "BlotGel", None, None, "FAC", None,
    ]  # fmt: skip
    assert len(summary.warnings) == 3


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


@pytest.mark.parametrize("dry_run", [True, False])
def test_the_images_that_are_new_are_told_by_class(tmp_path: Path, dry_run: bool) -> None:
    write_images(tmp_path, {"FAC/1.png": 1})
    run(tmp_path)
    write_images(tmp_path, {"FAC/2.png": 2, "FAC/3.png": 3, "Blot/4.png": 4, "BlotGel/5.png": 5})
    write_images(tmp_path, {"Macroscopy/broken.png": b"no image"})
    summary = run(tmp_path, dry_run=dry_run)
    assert summary.as_dict()["by_class"] == {"": 1, "BlotGel": 1, "FAC": 2}
    assert "1 BlotGel, 2 FAC, 1 without a label" in [line.strip() for line in told(summary)]


@pytest.mark.parametrize(("name", "code"), [("nowhere", "no_such_folder"), ("empty", "no_images")])
def test_a_folder_without_images_is_refused(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ImportRefused) as raised:
        run(tmp_path / name)
    assert raised.value.code == code
