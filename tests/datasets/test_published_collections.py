"""The whole published labels file, and the real images."""

import json
import struct
import zlib
from pathlib import Path

import pytest

from datasets.exporting import export_biofors, export_imagefolder
from datasets.importing import import_biofors, import_folder
from datasets.models import Dataset, Image
from datasets.queries import class_counts
from datasets.splitting import make_split, plan_split, read_official

pytestmark = [pytest.mark.django_db, pytest.mark.slow, pytest.mark.reference]


def chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def tiny_png(number: int) -> bytes:
    """A grey PNG of 8 by 8 pixels that no other number has."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 8, 0, 0, 0, 0))
    rows = (b"\0" + number.to_bytes(8, "big")) * 8
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b"")


def counted(slug: str) -> dict[str, int]:
    """Labelled images of each class."""
    return {row["name"]: row["count"] for row in class_counts(Dataset.objects.get(slug=slug))}


def test_all_47805_published_labels_are_imported_and_split(reference_dir: Path, tmp_path: Path) -> None:
    labels_file = reference_dir / "biofors" / "classification.json"
    number = 0
    for paper, files in json.loads(labels_file.read_text()).items():
        (tmp_path / paper).mkdir()
        for name in files:
            (tmp_path / paper / name).write_bytes(tiny_png(number))
            number += 1
    summary = import_biofors(labels_file, images=tmp_path, dataset="biofors")
    assert (summary.created, summary.duplicates, summary.missing_files, dict(summary.refused)) == (
        47805,
        0,
        0,
        {},
    )
    dataset = Dataset.objects.get(slug="biofors")
    assert (dataset.images.count(), dataset.papers.count()) == (47805, 1031)
    assert counted("biofors") == {
        "BlotGel": 27440,
        "FAC": 1061,
        "Macroscopy": 1194,
        "Microscopy": 18110,
        "Noneoftheabove": 0,
    }
    assert dataset.images.values("paper", "panel_group").distinct().count() == 11549
    again = import_biofors(labels_file, images=tmp_path, dataset="biofors")
    assert (again.created, again.changed, again.unchanged) == (0, 0, 47805)

    split = make_split(dataset, name="r1", ratios="65:15:20")
    assert split.leak_report["shared_papers"] == 0
    assert abs(split.counts["images"]["test"] / 47805 - 0.2) < 0.005
    assert split.warnings == ["Noneoftheabove has no image in this dataset: a model cannot learn it."]
    by_image = plan_split(dataset, ratios="80:10:10", by="image").leak_report
    assert 0.93 < by_image["panel_groups"] / by_image["test_images"] < 0.96
    published = plan_split(dataset, official=read_official(reference_dir / "biofors" / "official_split.json"))
    assert (published.counts["test"]["BlotGel"], published.counts["test"]["FAC"]) == (8335, 643)
    assert (published.papers["train"] + published.papers["val"], published.papers["test"]) == (696, 335)


def everything(slug: str) -> set[tuple[str, ...]]:
    """What an export has to keep."""
    rows = Image.objects.filter(dataset__slug=slug)
    return set(rows.values_list("paper__identifier", "file_name", "label__name", "sha256", "panel_group"))


def test_the_real_images_go_in_and_out_and_in_again(reference_dir: Path, tmp_path: Path) -> None:
    real = reference_dir / "real"
    summary = import_biofors(real / "classification.json", images=real / "images", dataset="real")
    assert (summary.created, dict(summary.refused), summary.missing_files) == (1014, {}, 0)
    again = import_biofors(real / "classification.json", images=real / "images", dataset="real")
    assert (again.created, again.changed, again.unchanged) == (0, 0, 1014)
    assert counted("real") == {
        "BlotGel": 166,
        "FAC": 196,
        "Macroscopy": 183,
        "Microscopy": 142,
        "Noneoftheabove": 327,
    }
    dataset = Dataset.objects.get(slug="real")
    split = make_split(dataset, name="r1", ratios="65:15:20")
    assert (split.leak_report["shared_papers"], split.warnings) == (0, [])
    export_biofors(dataset, output=tmp_path / "b")
    import_biofors(tmp_path / "b/classification.json", images=tmp_path / "b/images", dataset="again-b")
    export_imagefolder(dataset, output=tmp_path / "f", split=split)
    import_folder(tmp_path / "f", dataset="again-f")
    assert everything("real") == everything("again-b") == everything("again-f")


def test_the_awkward_files_are_imported_or_refused_by_name(reference_dir: Path) -> None:
    summary = import_folder(reference_dir / "real" / "awkward", dataset="awkward")
    assert summary.created == 12
    assert dict(summary.refused) == {
        "bad_dimensions": 2,
        "corrupt": 2,
        "empty": 1,
        "format_not_allowed": 5,
        "too_many_pixels": 1,
    }
    assert Image.objects.filter(file_name="21 spaces (and) Ünïcode – 画像.png").exists()  # noqa: RUF001
