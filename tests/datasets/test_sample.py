"""The synthetic sample as a folder: what its files say, and that they can be trusted."""

import hashlib
import json
import subprocess
import sys
from collections import Counter
from io import BytesIO, StringIO
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from numpy.typing import NDArray
from PIL import Image

from datasets.decoding import decode
from datasets.management.commands import make_sample
from datasets.models import Dataset
from datasets.models.image import panel_position
from datasets.sample.collection import Sample, draw_sample
from datasets.sample.drawing import draw_image
from datasets.sample.planning import plan_sample

ROOT = Path(__file__).resolve().parents[2]
PAPERS = 6
PUBLISHED = {"Blot/Gel", "FACS", "Macroscopy", "Microscopy", "Noneoftheabove"}
# Each undone, so that a copy can be recognised whichever of them was done to it.
TURNS = (lambda a: a, np.fliplr, np.flipud, lambda a: np.rot90(a, 2))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Sample]:
    """A small sample, drawn once in two processes."""
    folder = tmp_path_factory.mktemp("drawn") / "sample"
    return folder, draw_sample(folder, papers=PAPERS, seed=0, processes=2)


def read(folder: Path, name: str) -> Any:
    """One of a sample's JSON files."""
    return json.loads((folder / name).read_text(encoding="utf-8"))


def digests(folder: Path) -> dict[str, str]:
    """The checksum of every file under a folder, by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def picture(folder: Path, entry: dict[str, str]) -> NDArray[np.uint8]:
    """The pixels of an image that `truth.json` names."""
    return decode((folder / "images" / entry["paper"] / entry["file"]).read_bytes()).pixels


def as_png(pixels: NDArray[np.uint8]) -> bytes:
    """The bytes of an image's file."""
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def likeness(copy: NDArray[np.uint8], original: NDArray[np.uint8]) -> float:
    """The correlation of two images at 24 x 24, the original turned and cut as it fits best."""
    height, width = original.shape[:2]
    small = shrunk(copy)
    return max(
        float(np.corrcoef(small.ravel(), turn(shrunk(original[top:foot, left:right])).ravel())[0, 1])
        for turn in TURNS
        for top, left in product((0, height // 25, height // 13), (0, width // 25, width // 13))
        for foot, right in product((height, height * 24 // 25), (width, width * 24 // 25))
    )


def shrunk(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """An image in grey, 24 x 24."""
    return np.asarray(Image.fromarray(pixels).convert("L").resize((24, 24)), dtype=np.float64)


def test_every_file_has_a_label_and_a_truth_and_nothing_else_lies_there(drawn: tuple[Path, Sample]) -> None:
    folder, _ = drawn
    labels, truth = read(folder, "classification.json"), read(folder, "truth.json")
    named = {paper: set(files) for paper, files in labels.items()}
    lying = {one.name: {path.name for path in one.iterdir()} for one in (folder / "images").iterdir()}
    assert named == lying
    for told in (truth["classes"], truth["styles"]):
        assert {paper: set(files) for paper, files in told.items()} == named
    assert {path.name for path in folder.iterdir()} == {"classification.json", "images", "truth.json"}


def test_names_are_those_of_biofors_and_repeat_across_papers(drawn: tuple[Path, Sample]) -> None:
    labels = read(drawn[0], "classification.json")
    names = Counter(name for files in labels.values() for name in files)
    assert all(panel_position(name)[1] and name.endswith(".png") for name in names)
    assert names.most_common(1)[0][1] > PAPERS / 2


def test_panels_of_a_group_are_numbered_from_zero_without_gaps(drawn: tuple[Path, Sample]) -> None:
    for files in read(drawn[0], "classification.json").values():
        groups: dict[str, list[int]] = {}
        for name in files:
            groups.setdefault(panel_position(name)[1], []).append(int(name[4:6]))
        assert all(sorted(numbers) == list(range(len(numbers))) for numbers in groups.values())


def test_truth_names_exactly_the_labels_that_are_wrong(drawn: tuple[Path, Sample]) -> None:
    labels, truth = read(drawn[0], "classification.json"), read(drawn[0], "truth.json")
    differing = {
        (paper, name, given, truth["classes"][paper][name])
        for paper, files in labels.items()
        for name, given in files.items()
        if given != truth["classes"][paper][name]
    }
    told = {(one["paper"], one["file"], one["given"], one["true"]) for one in truth["wrong_labels"]}
    assert told == differing
    assert len(told) == len(truth["wrong_labels"])


def test_about_three_in_a_hundred_labels_are_wrong_and_as_many_images_near_copies(
    drawn: tuple[Path, Sample],
) -> None:
    _, sample = drawn
    assert 0.02 <= sample.wrong_labels / sample.images <= 0.04
    assert 0.02 <= sample.near_copies / sample.images <= 0.04


def test_a_near_copy_has_other_bytes_but_shows_the_same(drawn: tuple[Path, Sample]) -> None:
    folder, _ = drawn
    truth = read(folder, "truth.json")
    for copy in truth["near_copies"]:
        original = copy["copy_of"]
        assert copy["changes"]
        assert (
            truth["classes"][copy["paper"]][copy["file"]]
            == truth["classes"][original["paper"]][original["file"]]
        )
        assert picture(folder, copy).tobytes() != picture(folder, original).tobytes()
        assert likeness(picture(folder, copy), picture(folder, original)) > 0.6, copy


def test_no_two_files_have_the_same_bytes(drawn: tuple[Path, Sample]) -> None:
    found = digests(drawn[0] / "images")
    assert len(set(found.values())) == len(found)


def test_panels_are_of_biofors_sizes(drawn: tuple[Path, Sample]) -> None:
    folder, _ = drawn
    wide: dict[str, list[float]] = {}
    for paper, files in read(folder, "truth.json")["classes"].items():
        for name, label in files.items():
            height, width = picture(folder, {"paper": paper, "file": name}).shape[:2]
            assert min(width, height) >= 16
            assert max(width, height) <= 420
            wide.setdefault(label, []).append(width / height)
    assert np.median(wide["Blot/Gel"]) > 1.5
    assert 0.7 < np.median(wide["FACS"]) < 1.3


def test_the_same_seed_draws_the_same_bytes_in_any_number_of_processes(
    drawn: tuple[Path, Sample], tmp_path: Path
) -> None:
    draw_sample(tmp_path / "again", papers=PAPERS, seed=0, processes=1)
    assert digests(tmp_path / "again") == digests(drawn[0])


def test_another_seed_draws_other_images(drawn: tuple[Path, Sample]) -> None:
    files = digests(drawn[0] / "images").values()
    first_paper = plan_sample(papers=PAPERS, seed=1).papers[0]
    assert {hashlib.sha256(as_png(draw_image(image))).hexdigest() for image in first_paper}.isdisjoint(files)
    # The same way, the same seed does give the files.
    first_paper = plan_sample(papers=PAPERS, seed=0).papers[0]
    assert {hashlib.sha256(as_png(draw_image(image))).hexdigest() for image in first_paper} <= set(files)


@pytest.mark.django_db
def test_the_sample_is_imported_without_a_refusal(drawn: tuple[Path, Sample]) -> None:
    folder, sample = drawn
    out = StringIO()
    call_command(
        "import_biofors",
        str(folder / "classification.json"),
        images=folder / "images",
        dataset="drawn",
        json=True,
        stdout=out,
        stderr=StringIO(),
    )
    told = json.loads(out.getvalue())
    assert (told["created"], told["refused"], told["duplicates"]) == (sample.images, {}, 0)
    assert (told["missing_files"], told["unlabelled_files"]) == (0, 0)
    assert Dataset.objects.get(slug="drawn").images.filter(label__isnull=True).count() == 0


@pytest.mark.django_db
def test_it_can_be_split_by_paper_with_every_class_in_every_subset(drawn: tuple[Path, Sample]) -> None:
    folder, _ = drawn
    out = StringIO()
    options: dict[str, Any] = {"stdout": out, "stderr": StringIO()}
    call_command(
        "import_biofors",
        str(folder / "classification.json"),
        images=folder / "images",
        dataset="drawn",
        **options,
    )
    out.truncate(out.seek(0))
    call_command("make_split", "drawn", name="papers", ratios="65:15:20", json=True, **options)
    split = json.loads(out.getvalue())
    assert split["leak_report"]["papers"] == 0


def command(*args: str, **options: Any) -> str:
    """What `make_sample` prints on stdout."""
    out = StringIO()
    call_command(make_sample.Command(), *args, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything but the drawing itself, which takes its time."""
    monkeypatch.setattr("datasets.sample.collection.draw_papers", lambda *_args, **_options: None)


def test_the_command_tells_what_was_drawn(tmp_path: Path, undrawn: None) -> None:
    text = command(str(tmp_path / "sample"), papers=6, seed=2)
    for words in (
        "images of 6 papers, seed 2",
        "Blot/Gel",
        "FACS",
        "wrong label",
        "near-copies",
        "truth.json",
    ):
        assert words in text


def test_the_command_prints_one_json_object(tmp_path: Path, undrawn: None) -> None:
    text = command(str(tmp_path / "sample"), papers=6, json=True)
    assert text.count("\n") == 1
    told = json.loads(text)
    assert set(told["classes"]) == PUBLISHED
    assert told["images"] == sum(told["classes"].values())
    assert told["papers"] == 6


def test_a_folder_that_holds_something_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    before = digests(tmp_path)
    with pytest.raises(CommandError, match="not empty") as refused:
        command(str(tmp_path / "mine"), papers=6)
    assert getattr(refused.value.__cause__, "code", None) == "output_not_empty"
    assert digests(tmp_path) == before


def test_an_empty_folder_is_filled(tmp_path: Path, undrawn: None) -> None:
    (tmp_path / "empty").mkdir()
    command(str(tmp_path / "empty"), papers=6)
    assert (tmp_path / "empty" / "truth.json").is_file()


@pytest.mark.parametrize("papers", [0, -1, 5, 100_000])
def test_a_number_of_papers_that_cannot_hold_the_classes_is_refused_with_the_range(
    tmp_path: Path, papers: int
) -> None:
    with pytest.raises(CommandError, match="needs 6 to 1,000 papers"):
        command(str(tmp_path / "here" / "sample"), papers=papers)
    assert not (tmp_path / "here").exists()


def test_a_negative_seed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="seed must be from 0"):
        command(str(tmp_path / "sample"), papers=6, seed=-1)


def test_a_drawing_that_fails_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("datasets.sample.collection.draw_papers", fail)
    with pytest.raises(OSError, match="disk full"):
        draw_sample(tmp_path / "here" / "sample", papers=6)
    assert list((tmp_path / "here").iterdir()) == []


def test_the_command_module_loads_no_matplotlib() -> None:
    code = "import sys, datasets.management.commands.make_sample; print('matplotlib' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "False"
