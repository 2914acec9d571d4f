"""What is written is imported again with the same labels."""

import json
from pathlib import Path
from typing import Any

import pytest

from datasets.errors import Refused
from datasets.exporting import OutputNotEmpty, export_biofors, export_imagefolder
from datasets.importing import import_biofors, import_folder
from datasets.labelling import correct_label
from datasets.models import Dataset, Image
from datasets.splitting import make_split
from datasets.store import BytesMissing, path_of
from tests.datasets.folders import files_in, stored
from tests.factories import DatasetFactory, ImageFactory, PaperFactory, png

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset() -> Dataset:
    """Three papers whose images bear the same names, one unlabelled, one excluded."""
    made = DatasetFactory(slug="d")
    seed = 0
    for identifier in ("7", "8", "9"):
        paper = PaperFactory(dataset=made, identifier=identifier)
        for file_name, label in (("010101.png", "FAC"), ("010102.png", "BlotGel")):
            seed += 1
            ImageFactory(paper=paper, file_name=file_name, label=label, data=png(seed))
    ImageFactory(paper=paper, file_name="020101.png", data=png(50))
    out = ImageFactory(paper=paper, file_name="030101.png", label="FAC", data=png(51))
    correct_label(out, label=out.label, excluded=True, author=None, expected_version=1)
    return made


def everything(slug: str) -> set[Any]:
    """All that an export has to keep."""
    images = Image.objects.filter(dataset__slug=slug, excluded=False)
    return set(images.values_list("paper__identifier", "file_name", "label__name", "sha256", "panel_group"))


def test_biofors_shape_comes_back_the_same(dataset: Dataset, tmp_path: Path) -> None:
    done = export_biofors(dataset, output=tmp_path / "out")
    assert (done.images, done.labelled, done.unlabelled, done.excluded_left_out) == (7, 6, 1, 1)
    assert json.loads((tmp_path / "out/classification.json").read_text())["7"] == {
        "010101.png": "FACS",
        "010102.png": "Blot/Gel",
    }
    import_biofors(tmp_path / "out/classification.json", images=tmp_path / "out/images", dataset="again")
    assert everything("again") == everything("d")


def test_labels_alone_can_be_written(dataset: Dataset, tmp_path: Path) -> None:
    export_biofors(dataset, output=tmp_path / "out", images=False)
    assert files_in(tmp_path / "out") == ["classification.json"]


def test_class_folders_come_back_the_same_without_collisions(dataset: Dataset, tmp_path: Path) -> None:
    export_imagefolder(dataset, output=tmp_path / "out")
    assert files_in(tmp_path / "out") == [
        "BlotGel/7/010102.png",
        "BlotGel/8/010102.png",
        "BlotGel/9/010102.png",
        "FAC/7/010101.png",
        "FAC/8/010101.png",
        "FAC/9/010101.png",
        "Unlabelled/9/020101.png",
    ]
    summary = import_folder(tmp_path / "out", dataset="again")
    assert (summary.created, summary.warnings) == (7, [])
    assert everything("again") == everything("d")


def test_a_split_gets_a_folder_for_each_subset(dataset: Dataset, tmp_path: Path) -> None:
    split = make_split(dataset, name="s", ratios="1:1:1")
    done = export_imagefolder(dataset, output=tmp_path / "out", split=split)
    assert done.images == 6
    assert {path.split("/")[0] for path in files_in(tmp_path / "out")} == {"train", "val", "test"}
    import_folder(tmp_path / "out", dataset="again")
    assert stored("again") == {row for row in stored("d") if row[1] not in {"020101.png", "030101.png"}}


def test_images_without_a_paper_are_written_too(tmp_path: Path) -> None:
    dataset = DatasetFactory(slug="loose")
    image = ImageFactory(dataset=dataset, paper=None, file_name="a.png", label="FAC")
    done = export_biofors(dataset, output=tmp_path / "b")
    assert (tmp_path / f"b/images/image-{image.pk}/a.png").exists()
    assert "without a paper" in done.warnings[0]
    export_imagefolder(dataset, output=tmp_path / "f")
    assert files_in(tmp_path / "f") == ["FAC/a.png"]


@pytest.mark.parametrize("label", ["FAC", None])
def test_a_file_named_as_a_paper_is_gets_a_paper_of_its_own(tmp_path: Path, label: str | None) -> None:
    dataset = DatasetFactory(slug="d")
    paper = PaperFactory(dataset=dataset, identifier="x.png")
    ImageFactory(paper=paper, file_name="b.png", label=label)
    loose = ImageFactory(dataset=dataset, paper=None, file_name="x.png", label=label)
    ImageFactory(dataset=dataset, paper=None, file_name="y.png", label=label)
    done = export_imagefolder(dataset, output=tmp_path / "out")
    assert done.warnings == [
        "1 images without a paper were each written as a paper 'image-<id>': "
        "their names are names of papers too."
    ]
    import_folder(tmp_path / "out", dataset="again")
    assert stored("again") == {
        ("x.png", "b.png", label),
        (f"image-{loose.pk}", "x.png", label),
        (None, "y.png", label),
    }


def test_a_paper_made_for_an_image_never_hides_one_there_is(tmp_path: Path) -> None:
    dataset = DatasetFactory(slug="d")
    loose = ImageFactory(dataset=dataset, paper=None, file_name="a.png", label="FAC")
    paper = PaperFactory(dataset=dataset, identifier=f"image-{loose.pk}")
    ImageFactory(paper=paper, file_name="a.png", label="BlotGel")
    export_biofors(dataset, output=tmp_path / "out")
    import_biofors(tmp_path / "out/classification.json", images=tmp_path / "out/images", dataset="again")
    assert stored("again") == {
        (paper.identifier, "a.png", "BlotGel"),
        (f"{paper.identifier}-", "a.png", "FAC"),
    }


def test_nothing_is_overwritten(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(OutputNotEmpty):
        export_biofors(dataset, output=tmp_path)
    assert (tmp_path / "mine.txt").read_text() == "keep"
    assert not (tmp_path / "classification.json").exists()


def test_an_empty_output_folder_is_filled(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    export_biofors(dataset, output=tmp_path / "out")
    assert (tmp_path / "out/classification.json").exists()


def test_a_failing_export_leaves_nothing(dataset: Dataset, tmp_path: Path) -> None:
    path_of(dataset.images.last().sha256).unlink()
    path_of(Image.objects.get(file_name="020101.png").sha256).unlink()
    with pytest.raises(BytesMissing):
        export_imagefolder(dataset, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".out")]


def test_an_empty_dataset_and_a_strange_split_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    other = DatasetFactory()
    with pytest.raises(Refused) as raised:
        export_biofors(other, output=tmp_path / "out")
    assert raised.value.code == "empty_dataset"
    with pytest.raises(Refused) as raised:
        export_imagefolder(other, output=tmp_path / "out", split=make_split(dataset, name="s"))
    assert raised.value.code == "unknown_split"
