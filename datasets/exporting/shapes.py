"""BioFors' labels file, and class folders: what was written is imported again with the same labels."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from datasets.errors import Refused
from datasets.importing.folders import UNLABELLED
from datasets.importing.summary import Progress
from datasets.models import Dataset, Image, Split
from datasets.new_folder import new_folder
from datasets.store import BytesMissing, path_of

LABELS_FILE = "classification.json"
IMAGES = "images"


@dataclass
class Exported:
    """What was written, and what was left out."""

    dataset: str
    format: str
    output: str
    images: int = 0
    labelled: int = 0
    unlabelled: int = 0
    excluded_left_out: int = 0
    without_paper: int = 0
    warnings: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """What `--json` prints."""
        return asdict(self)


def export_biofors(
    dataset: Dataset, *, output: Path, images: bool = True, progress: Progress | None = None
) -> Exported:
    """Write `classification.json` and, if wanted, `images/<paper>/<file name>` into a new folder.

    Unlabelled images are written without a label; excluded ones are left out. An image without a paper
    gets one of its own, since that shape knows no other.
    """
    done = Exported(dataset.slug, "biofors", str(output))
    papers = _papers(dataset)
    with new_folder(Path(output)) as folder:
        labels: dict[str, dict[str, str]] = {}
        for image in _images(dataset, None, done, progress):
            paper = image.paper.identifier if image.paper else _own_paper(image, papers)
            if image.label:
                labels.setdefault(paper, {})[image.file_name] = image.label.published_name
            if images:
                _copy(image, folder / IMAGES / paper / image.file_name)
        text = json.dumps(labels, ensure_ascii=False, indent=1)
        (folder / LABELS_FILE).write_text(text + "\n", encoding="utf-8")
    if done.without_paper:
        done.warnings.append(
            f"{done.without_paper} images without a paper were each written as a paper 'image-<id>'."
        )
    return done


def export_imagefolder(
    dataset: Dataset, *, output: Path, split: Split | None = None, progress: Progress | None = None
) -> Exported:
    """Write `[subset/]CLASS/[PAPER/]FILE` into a new folder; with a split only its members.

    Labels are those in force now. Papers keep their folders, so that no name hides another.
    """
    done = Exported(dataset.slug, "imagefolder", str(output))
    with new_folder(Path(output)) as folder:
        for path, image in class_folders(dataset, split=split, done=done, progress=progress):
            _copy(image, folder / path)
    return done


def class_folders(
    dataset: Dataset, *, split: Split | None, done: Exported, progress: Progress | None = None
) -> Iterator[tuple[str, Image]]:
    """Yield each image to write with its path, `[subset/]CLASS/[PAPER/]FILE`, counting them in `done`.

    An image without a paper that is named as a paper is gets a paper of its own: no folder holds both.
    """
    if split is not None and split.dataset_id != dataset.pk:
        raise Refused(f"The split {split} is of another dataset than {dataset.slug}.", code="unknown_split")
    subsets = dict(split.members.values_list("image_id", "subset")) if split else {}
    papers = _papers(dataset)
    moved = 0
    for image in _images(dataset, split, done, progress):
        paper = image.paper.identifier if image.paper else ""
        if image.file_name in papers and not paper:
            paper = _own_paper(image, papers)
            moved += 1
        label = image.label.name if image.label else UNLABELLED
        yield "/".join(part for part in (subsets.get(image.pk), label, paper, image.file_name) if part), image
    if moved:
        done.warnings.append(
            f"{moved} images without a paper were each written as a paper 'image-<id>': "
            "their names are names of papers too."
        )


def original_of(image: Image) -> Path:
    """Return where an image's bytes lie in the store; `BytesMissing` where it has lost them."""
    source = path_of(image.sha256)
    if not source.exists():
        raise BytesMissing(
            f"The file of {image} is gone from the store. Import the image again, then export."
        )
    return source


def _images(
    dataset: Dataset, split: Split | None, done: Exported, progress: Progress | None
) -> Iterator[Image]:
    """Walk over the images to write, counting them."""
    rows = Image.objects.filter(dataset=dataset)
    rows = rows.in_subset(split) if split else rows
    done.excluded_left_out = rows.filter(excluded=True).count()
    rows = rows.filter(excluded=False)
    total = rows.count()
    if total == 0:
        raise Refused(
            f"{split or dataset.slug} holds no images to export. Import some first.", code="empty_dataset"
        )
    for image in (
        rows.select_related("paper", "label").order_by("paper__identifier", "file_name", "pk").iterator()
    ):
        done.images += 1
        done.labelled += bool(image.label)
        done.unlabelled += not image.label
        done.without_paper += image.paper is None
        if progress:
            progress(done.images, total)
        yield image


def _papers(dataset: Dataset) -> set[str]:
    """The identifiers of a dataset's papers."""
    return set(dataset.papers.values_list("identifier", flat=True))


def _own_paper(image: Image, papers: set[str]) -> str:
    """Return a paper for an image that has none; no other image is of it."""
    name = f"image-{image.pk}"
    while name in papers:
        name += "-"
    return name


def _copy(image: Image, target: Path) -> None:
    """Copy an original out of the store."""
    source = original_of(image)
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
