"""The two published shapes of a labelled collection: BioFors' labels file, and class folders."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError

from datasets.errors import Refused
from datasets.importing.folders import read_folders, visible
from datasets.importing.labels_file import Labels, read_labels, resolve_labels
from datasets.importing.naming import standing_without_paper
from datasets.importing.storing import Storing
from datasets.importing.summary import Entry, ImportRefused, ImportSummary, Progress
from datasets.models import Dataset, LabelClass
from datasets.models.label_class import DEFAULT_CLASSES


def import_biofors(
    labels_file: Path,
    *,
    images: Path,
    dataset: str,
    dry_run: bool = False,
    author: Any = None,
    progress: Progress | None = None,
) -> ImportSummary:
    """Import `classification.json` with its images at `images/<paper>/<file name>`.

    `ImportRefused` before anything is written where the file is wrong. A dataset of that slug is made if new.
    """
    check_slug(dataset)
    labels = resolve_labels(read_labels(Path(labels_file)), names=spellings(dataset))
    images = Path(images)
    if not images.is_dir():
        raise ImportRefused(f"There is no folder {images.name!r} with images.", code="no_such_folder")
    summary = ImportSummary(dataset=dataset, dry_run=dry_run)
    entries = _listed(labels, images) + _unlisted(labels, images, summary)
    return _stored(entries, summary, source=Path(labels_file).name, author=author, progress=progress)


def import_folder(
    directory: Path,
    *,
    dataset: str,
    dry_run: bool = False,
    author: Any = None,
    progress: Progress | None = None,
) -> ImportSummary:
    """Import class folders `[train|val|test/]CLASS/[PAPER/]FILE`; other folders are stored unlabelled."""
    check_slug(dataset)
    summary = ImportSummary(dataset=dataset, dry_run=dry_run)
    entries = read_folders(
        Path(directory),
        names=spellings(dataset),
        standing=standing_without_paper(dataset),
        warnings=summary.warnings,
    )
    return _stored(entries, summary, source=Path(directory).name, author=author, progress=progress)


def check_slug(slug: str) -> None:
    """Raise `Refused` (bad_slug) where the text cannot name a dataset."""
    try:
        Dataset._meta.get_field("slug").clean(slug, None)
    except ValidationError as error:
        raise Refused(
            f"{slug!r} cannot name a dataset: use up to 64 letters, digits, hyphens and underscores.",
            code="bad_slug",
        ) from error


def spellings(slug: str) -> dict[str, str]:
    """Map every spelling of a dataset's classes to their names; of the five classes where it is new."""
    rows = list(LabelClass.objects.filter(dataset__slug=slug))
    if not rows and not Dataset.objects.filter(slug=slug).exists():
        rows = [LabelClass(**fields) for fields in DEFAULT_CLASSES]
    return {text: row.name for row in rows for text in (row.name, *row.aliases)}


def _listed(labels: Labels, images: Path) -> list[Entry]:
    """The entries that the labels file names."""
    return [
        Entry(paper=paper, file_name=name, label=label, path=images / paper / name)
        for paper, files in labels.items()
        for name, label in files.items()
    ]


def _unlisted(labels: Labels, images: Path, summary: ImportSummary) -> list[Entry]:
    """The files that lie among the images although the labels file does not name them."""
    found = []
    for folder in visible(images):
        if folder.is_file():
            found.append(Entry(None, folder.name, None, folder, listed=False))
            continue
        named = labels.get(folder.name, {})
        for path in visible(folder):
            if path.is_dir():
                summary.warnings.append(f"The folder {folder.name}/{path.name} was not read: too deep.")
            elif path.name not in named:
                found.append(Entry(folder.name, path.name, None, path, listed=False))
    return found


def _stored(
    entries: list[Entry], summary: ImportSummary, *, source: str, author: Any, progress: Progress | None
) -> ImportSummary:
    """Store all entries, batch by batch."""
    storing = Storing(summary, source=source, author=author)
    storing.store(entries, progress=progress)
    if 0 < summary.missing_files == sum(entry.listed for entry in entries):
        summary.warnings.append(
            "None of the images named was found. They are looked for as IMAGES/<paper>/<file name>."
        )
    return summary
