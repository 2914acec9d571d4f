"""Zips as a browser sends them."""

import json
import stat
import struct
import zipfile
from pathlib import Path

import pytest

from datasets.importing import ImportRefused, ImportSummary, import_archive
from datasets.models import Dataset
from tests.datasets.folders import files_in, stored
from tests.factories import DatasetFactory, png

pytestmark = pytest.mark.django_db

LABELS = json.dumps({"7": {"010101.png": "FACS", "010102.png": "Blot/Gel"}})
IMAGES = {"7/010101.png": png(1), "7/010102.png": png(2)}
EXPECTED = {("7", "010101.png", "FAC"), ("7", "010102.png", "BlotGel")}


def packed(path: Path, members: dict[str, bytes | str]) -> Path:
    """A zip of these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def run(path: Path) -> ImportSummary:
    """Import a zip into the dataset `d`."""
    return import_archive(path, dataset="d")


@pytest.mark.parametrize(
    "layout",
    [
        ("", "images/"),
        ("download/", "download/biofors_images/"),
        ("a/b/", "a/b/pictures/"),
        ("", ""),
    ],
)
def test_labels_and_images_are_found_wherever_they_lie(tmp_path: Path, layout: tuple[str, str]) -> None:
    above, images = layout
    members: dict[str, bytes | str] = {f"{above}classification.json": LABELS}
    members |= {f"{images}{name}": data for name, data in IMAGES.items()}
    summary = run(packed(tmp_path / "a.zip", members))
    assert (summary.created, summary.missing_files) == (2, 0)
    assert stored("d") == EXPECTED


@pytest.mark.parametrize("above", ["", "my pictures/", "my pictures/train/"])
def test_class_folders_are_found_wherever_they_lie(tmp_path: Path, above: str) -> None:
    members: dict[str, bytes | str] = {
        f"{above}FAC/7/010101.png": png(1),
        f"{above}BlotGel/7/010102.png": png(2),
        "__MACOSX/._x": b"junk",
    }
    run(packed(tmp_path / "a.zip", members))
    assert stored("d") == EXPECTED


def test_a_folder_in_another_script_is_stepped_into_unless_it_is_a_class(tmp_path: Path) -> None:
    DatasetFactory(slug="d").classes.filter(name="BlotGel").update(aliases=["凝胶"])
    run(packed(tmp_path / "a.zip", {"图像/FAC/7/010101.png": png(1)}))
    run(packed(tmp_path / "b.zip", {"凝胶/7/010102.png": png(2)}))
    assert stored("d") == EXPECTED


def test_nothing_of_the_unpacking_is_left(tmp_path: Path, data_dir: Path) -> None:
    run(packed(tmp_path / "a.zip", {"FAC/1.png": png(1), "FAC/2.png": b"x"}))
    assert files_in(data_dir / "scratch") == []


def test_an_import_that_is_stopped_stops_before_everything_is_unpacked(tmp_path: Path) -> None:
    class Stopped(Exception):
        pass

    told = []

    def progress(done: int, total: int) -> None:
        told.append((done, total))
        if len(told) == 2:
            raise Stopped

    archive = packed(tmp_path / "a.zip", {f"FAC/{n}.png": png(n) for n in range(5)})
    scratch = tmp_path / "scratch"
    with pytest.raises(Stopped):
        import_archive(archive, dataset="d", progress=progress, scratch=scratch)
    assert told == [(0, 5), (0, 5)]
    assert not scratch.exists()
    assert not Dataset.objects.exists()


def test_a_scratch_folder_is_emptied_before_it_is_used_and_gone_afterwards(tmp_path: Path) -> None:
    scratch = tmp_path / "there" / "job-1"
    (scratch / "FAC").mkdir(parents=True)
    (scratch / "FAC" / "left.png").write_bytes(png(9))
    seen = []
    archive = packed(tmp_path / "a.zip", {"FAC/1.png": png(1)})
    import_archive(archive, dataset="d", scratch=scratch, progress=lambda *_: seen.append(files_in(scratch)))
    assert seen == [[], ["FAC/1.png"]]
    assert stored("d") == {(None, "1.png", "FAC")}
    assert not scratch.exists()


@pytest.mark.parametrize(
    "name",
    ["../evil.png", "/etc/evil.png", "FAC/../../evil.png", "FAC\\evil.png", "FAC/a\nb.png", "FAC//a.png"],
)
def test_names_that_leave_the_folder_are_refused(tmp_path: Path, name: str, data_dir: Path) -> None:
    with pytest.raises(ImportRefused) as raised:
        run(packed(tmp_path / "a.zip", {"FAC/1.png": png(1), name: png(2)}))
    assert raised.value.code == "unsafe_name"
    assert not Dataset.objects.exists()
    assert files_in(data_dir) == []
    assert not list(tmp_path.rglob("evil*"))


def test_links_are_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("FAC/link.png")
    link.create_system = 3
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ImportRefused) as raised:
        run(tmp_path / "a.zip")
    assert raised.value.code == "unsafe_name"


def test_what_is_no_zip_and_a_zip_cut_off_are_refused(tmp_path: Path) -> None:
    whole = packed(tmp_path / "a.zip", {"FAC/1.png": png(1)}).read_bytes()
    damaged = (
        whole.replace(png(1)[:40], b"\0" * 40)
        if png(1)[:40] in whole
        else whole[:20] + b"\0" * 30 + whole[50:]
    )
    for data in (b"", b"hello", whole[: len(whole) // 2], damaged):
        (tmp_path / "b.zip").write_bytes(data)
        with pytest.raises(ImportRefused) as raised:
            run(tmp_path / "b.zip")
        assert raised.value.code == "not_an_archive"
    assert not Dataset.objects.exists()


def test_an_image_that_unpacks_too_large_is_refused_alone(tmp_path: Path) -> None:
    bomb = b"\x89PNG\r\n\x1a\n" + b"\0" * (25 * 2**20)
    summary = run(packed(tmp_path / "a.zip", {"FAC/1.png": png(1), "FAC/2.png": bomb}))
    assert (summary.created, dict(summary.refused)) == (1, {"too_large": 1})


def test_an_archive_larger_than_the_disk_is_refused_before_unpacking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasets.importing.archives.MAX_TOTAL", 100)
    with pytest.raises(ImportRefused) as raised:
        run(packed(tmp_path / "a.zip", {"FAC/1.png": png(1)}))
    assert raised.value.code == "archive_too_large"


def test_two_labels_files_are_refused(tmp_path: Path) -> None:
    members: dict[str, bytes | str] = {"a/classification.json": LABELS, "b/classification.json": LABELS}
    with pytest.raises(ImportRefused) as raised:
        run(packed(tmp_path / "a.zip", members))
    assert raised.value.code == "several_labels_files"


def test_an_encrypted_archive_is_refused(tmp_path: Path) -> None:
    data = bytearray(packed(tmp_path / "a.zip", {"FAC/1.png": png(1)}).read_bytes())
    central = data.index(b"PK\x01\x02")
    struct.pack_into("<H", data, central + 8, 1)
    (tmp_path / "b.zip").write_bytes(data)
    with pytest.raises(ImportRefused, match="password"):
        run(tmp_path / "b.zip")
