"""Exports as downloads: written by `datasets.exporting` into scratch folders, sent, and cleared away."""

import tempfile
import zipfile
from collections.abc import Iterator
from io import RawIOBase
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse

from datasets.exporting import export_biofors, export_imagefolder
from datasets.models import Dataset, Split

_BLOCK = 1024 * 1024


def labels_file(dataset: Dataset) -> HttpResponse:
    """Send the dataset's labels as `classification.json`."""
    with _scratch() as name:
        folder = Path(name) / dataset.slug
        export_biofors(dataset, output=folder, images=False)
        text = (folder / "classification.json").read_bytes()
    return HttpResponse(
        text,
        content_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="classification.json"'},
    )


def zipped_class_folders(dataset: Dataset, *, split: Split | None) -> StreamingHttpResponse:
    """Send the dataset's images in class folders, as a zip that is never whole in memory."""
    scratch = _scratch()
    try:
        folder = Path(scratch.name) / dataset.slug
        export_imagefolder(dataset, output=folder, split=split)
    except BaseException:
        scratch.cleanup()
        raise
    name = f"{dataset.slug}-{split.name}" if split else dataset.slug
    return StreamingHttpResponse(
        _zipped(folder, scratch),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}.zip"'},
    )


def _scratch() -> "tempfile.TemporaryDirectory[str]":
    scratch = Path(settings.DATA_DIR) / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="export-", dir=scratch)


class _Outlet(RawIOBase):
    """Holds what the zip writer has written until it is sent."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, block: Any) -> int:
        self.waiting += block
        return len(block)

    def take(self) -> bytes:
        """Hand out what waits."""
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken


def _zipped(folder: Path, scratch: "tempfile.TemporaryDirectory[str]") -> Iterator[bytes]:
    """Yield a zip of the folder block by block; images are packed already, so they are stored."""
    outlet = _Outlet()
    with scratch, zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(folder.rglob("*")):
            if not path.is_file():
                continue
            with path.open("rb") as source, archive.open(str(path.relative_to(folder)), "w") as target:
                while block := source.read(_BLOCK):
                    target.write(block)
                    yield outlet.take()
        archive.close()
        yield outlet.take()
