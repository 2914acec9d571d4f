"""The published labels file and its images."""

from pathlib import Path
from typing import Any

import pytest

from datasets.importing import ImportRefused, import_biofors
from datasets.importing import storing as storing_module
from datasets.labelling import correct_label
from datasets.models import Dataset, Image, Label, Paper
from datasets.store import path_of, read, thumbnail_of
from tests.datasets.folders import files_in, stored, write_images, write_labels
from tests.factories import UserFactory, png, sha256

pytestmark = pytest.mark.django_db

LABELS = {
    "7": {"010101.png": "Blot/Gel", "010102.png": "Microscopy"},
    "8": {"010101.png": "FACS", "odd name (1).png": "Macroscopy"},
}
IMAGES = {"7/010101.png": 1, "7/010102.png": 2, "8/010101.png": 3, "8/odd name (1).png": 4}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A folder with `classification.json` and `images/`."""
    write_images(tmp_path / "images", IMAGES)
    write_labels(tmp_path / "classification.json", LABELS)
    return tmp_path


def run(source: Path, **options: Any) -> dict[str, Any]:
    """Import the folder into the dataset `d`; return the summary as a command prints it."""
    options = {"dataset": "d", "images": source / "images", **options}
    return import_biofors(source / "classification.json", **options).as_dict()


def counts(summary: dict[str, Any]) -> dict[str, Any]:
    """The outcomes that are not zero."""
    return {
        key: value
        for key, value in summary.items()
        if value and key not in {"dataset", "entries", "warnings", "dry_run", "by_class"}
    }


def test_names_that_repeat_across_papers_stay_apart(source: Path) -> None:
    assert counts(run(source)) == {"created": 4}
    assert stored("d") == {
        ("7", "010101.png", "BlotGel"),
        ("7", "010102.png", "Microscopy"),
        ("8", "010101.png", "FAC"),
        ("8", "odd name (1).png", "Macroscopy"),
    }


def test_originals_are_kept_byte_for_byte_with_a_thumbnail(source: Path) -> None:
    run(source)
    image = Image.objects.get(paper__identifier="8", file_name="010101.png")
    assert image.sha256 == sha256(png(3))
    assert read(image.sha256) == png(3)
    assert thumbnail_of(image.sha256).stat().st_size > 0
    assert (image.width, image.height, image.format, image.byte_size) == (16, 12, "PNG", len(png(3)))
    assert (image.figure, image.panel_group) == ("01", "0101")


def test_a_second_import_changes_nothing_and_decodes_nothing(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(source)
    monkeypatch.setattr(storing_module, "facts_of", lambda *_args, **_options: pytest.fail("decoded again"))
    assert counts(run(source)) == {"unchanged": 4}
    assert Label.objects.count() == 4


def test_a_dry_run_tells_the_same_and_writes_nothing(source: Path, data_dir: Path) -> None:
    (source / "images/8/010101.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    told = run(source, dry_run=True)
    assert not Dataset.objects.exists()
    assert files_in(data_dir) == []
    assert counts(told) == {"created": 3, "refused": {"corrupt": 1}}
    assert counts(run(source)) == counts(told)


def test_labels_changed_upstream_are_taken_over_as_new_rows(source: Path) -> None:
    run(source)
    write_labels(source / "classification.json", {**LABELS, "7": {**LABELS["7"], "010102.png": "FACS"}})
    told = run(source)
    assert counts(told) == {"unchanged": 3, "changed": 1}
    image = Image.objects.get(paper__identifier="7", file_name="010102.png")
    assert (image.label.name, image.version) == ("FAC", 2)
    assert [row.label_class.name for row in image.labels.all()] == ["FAC", "Microscopy"]


def test_a_label_that_a_person_changed_is_kept_and_told(source: Path) -> None:
    run(source)
    image = Image.objects.get(paper__identifier="7", file_name="010101.png")
    chosen = image.dataset.class_named("Noneoftheabove")
    correct_label(image, label=chosen, excluded=False, author=UserFactory(), expected_version=1)
    told = run(source)
    assert counts(told) == {"unchanged": 3, "conflicts": 1}
    assert told["entries"]["conflicts"] == ["7/010101.png: Noneoftheabove here, BlotGel in the source"]
    image.refresh_from_db()
    assert image.label == chosen


def test_a_missing_file_is_told_and_the_rest_imported(source: Path) -> None:
    (source / "images/7/010101.png").unlink()
    told = run(source)
    assert counts(told) == {"created": 3, "missing_files": 1}
    assert told["entries"]["missing_files"] == ["7/010101.png"]


def test_a_folder_without_any_of_the_images_is_pointed_out(source: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    told = run(source, images=tmp_path / "empty")
    assert counts(told) == {"missing_files": 4}
    assert "<paper>/<file name>" in told["warnings"][0]
    assert not Dataset.objects.exists()


def test_files_that_the_labels_do_not_name_are_stored_unlabelled(source: Path) -> None:
    write_images(source / "images", {"7/020101.png": 20, "9/010101.png": 21, ".DS_Store": b"x"})
    told = run(source)
    assert counts(told) == {"created": 6, "unlabelled_files": 2}
    assert ("9", "010101.png", None) in stored("d")
    assert Image.objects.get(paper__identifier="9").version == 0
    assert counts(run(source)) == {"unchanged": 6, "unlabelled_files": 2}


def test_the_same_bytes_under_two_names_are_two_images_and_one_file(source: Path, data_dir: Path) -> None:
    write_images(source / "images", {"8/010101.png": 1})
    told = run(source)
    assert counts(told) == {"created": 4, "duplicates": 1}
    assert len(files_in(data_dir / "images")) == 3


def test_other_bytes_under_a_stored_name_are_refused_and_the_stored_kept(source: Path) -> None:
    run(source)
    write_images(source / "images", {"7/010101.png": 99})
    told = run(source)
    assert counts(told) == {"unchanged": 3, "refused": {"name_taken": 1}}
    assert Image.objects.get(paper__identifier="7", file_name="010101.png").sha256 == sha256(png(1))


def test_a_broken_image_does_not_stop_the_batch(source: Path) -> None:
    write_images(
        source / "images",
        {"7/010101.png": b"", "7/010102.png": b"<html>", "8/010101.png": png(3)[:60]},
    )
    told = run(source)
    assert counts(told) == {"created": 1, "refused": {"corrupt": 1, "empty": 1, "format_not_allowed": 1}}
    assert told["entries"]["empty"] == ["7/010101.png: The file is empty."]


def test_lost_bytes_are_put_back_by_importing_again(source: Path) -> None:
    run(source)
    path_of(sha256(png(1))).unlink()
    run(source)
    assert read(sha256(png(1))) == png(1)


def test_an_import_that_was_cut_short_is_completed_by_the_next(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.importing.reading.BATCH", 2)

    def stop(done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(source, progress=stop)
    assert Image.objects.count() == 2
    assert counts(run(source)) == {"created": 2, "unchanged": 2}


def test_an_import_that_another_one_overtakes_looks_again(
    source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = storing_module.put_many
    overtaken = []

    def overtake(items: Any) -> None:
        real(items)
        if not overtaken:
            overtaken.append(True)
            run(source)

    monkeypatch.setattr(storing_module, "put_many", overtake)
    assert counts(run(source)) == {"unchanged": 4}
    assert (Image.objects.count(), Paper.objects.count(), Label.objects.count()) == (4, 2, 4)


def test_progress_is_told_to_the_end(source: Path) -> None:
    seen: list[tuple[int, int]] = []
    run(source, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (4, 4)


BAD_FILES = {
    "no JSON": ("{", "not_a_labels_file", "not JSON"),
    "a list": ([], "not_a_labels_file", "a list"),
    "empty": ({}, "not_a_labels_file", "no paper"),
    "deep nesting": ("[" * 100_000, "not_a_labels_file", "not JSON"),
    "paper is a list": ({"7": ["010101.png"]}, "not_a_labels_file", "'7'"),
    "label is a number": ({"7": {"010101.png": 3}}, "not_a_labels_file", "7/010101.png"),
    "label is nothing": ({"7": {"010101.png": None}}, "not_a_labels_file", "7/010101.png"),
    "paper twice": ('{"7": {}, "7": {}}', "duplicate_key", "'7'"),
    "name twice": ('{"7": {"a.png": "FACS", "a.png": "FACS"}}', "duplicate_key", "7/a.png"),
    "unknown label": ({"7": {"010101.png": "Gell"}}, "unknown_label", "7/010101.png: 'Gell'"),
    "climbing name": ({"7": {"../a.png": "FACS"}}, "unsafe_name", "../a.png"),
    "climbing paper": ({"..": {"a.png": "FACS"}}, "unsafe_name", "'..'"),
    "absolute name": ({"7": {"/etc/passwd": "FACS"}}, "unsafe_name", "/etc/passwd"),
    "absolute paper": ({"/etc": {"passwd": "FACS"}}, "unsafe_name", "/etc"),
    "backslash": ({"7": {"a\\b.png": "FACS"}}, "unsafe_name", "a\\\\b.png"),
    "NUL": ({"7": {"a\0.png": "FACS"}}, "unsafe_name", "a\\x00.png"),
    "control character": ({"7\n": {"a.png": "FACS"}}, "unsafe_name", "7\\n"),
    "lone surrogate": ('{"7": {"\\ud800.png": "FACS"}}', "unsafe_name", "ud800"),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_wrong_labels_file_is_refused_whole_with_its_entry_named(
    case: str, source: Path, data_dir: Path
) -> None:
    content, code, named = BAD_FILES[case]
    write_labels(source / "classification.json", content)
    with pytest.raises(ImportRefused) as raised:
        run(source)
    assert raised.value.code == code
    assert named in str(raised.value)
    assert not Dataset.objects.exists()
    assert files_in(data_dir) == []


def test_text_that_is_not_utf8_and_a_missing_file_are_refused(source: Path) -> None:
    (source / "classification.json").write_bytes(b'{"\xff": {}}')
    with pytest.raises(ImportRefused, match="UTF-8"):
        run(source)
    (source / "classification.json").unlink()
    with pytest.raises(ImportRefused, match="cannot be read"):
        run(source)


def test_a_slug_that_names_nothing_is_refused(source: Path) -> None:
    from datasets.errors import Refused

    with pytest.raises(Refused) as raised:
        run(source, dataset="no slug!")
    assert raised.value.code == "bad_slug"


def test_a_spelling_added_to_a_class_is_understood(source: Path) -> None:
    made = Dataset.objects.create_with_classes("d")
    fac = made.class_named("FAC")
    fac.aliases = [*fac.aliases, "Flow"]
    fac.save()
    write_labels(source / "classification.json", {"7": {"010101.png": "Flow"}})
    run(source)
    assert ("7", "010101.png", "FAC") in stored("d")
