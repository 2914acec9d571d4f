"""Exports as downloads, in the shapes of `datasets.exporting`."""

import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from io import RawIOBase
from pathlib import Path
from typing import Any

from django.conf import settings
from django.http import HttpResponse, StreamingHttpResponse

from datasets.exporting import Exported, class_folders, export_biofors, original_of
from datasets.models import Dataset, Split
from datasets.store import path_of

_BLOCK = 1024 * 1024


def labels_file(dataset: Dataset) -> HttpResponse:
    """Send the dataset's labels as `classification.json`."""
    scratch = Path(settings.DATA_DIR) / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="export-", dir=scratch) as name:
        folder = Path(name) / dataset.slug
        export_biofors(dataset, output=folder, images=False)
        text = (folder / "classification.json").read_bytes()
    return HttpResponse(
        text,
        content_type="application/json",
        headers={"Content-Disposition": 'attachment; filename="classification.json"'},
    )


def zipped_class_folders(dataset: Dataset, *, split: Split | None) -> StreamingHttpResponse:
    """Send the dataset's images in class folders, as a zip that is made while it is sent."""
    told = Exported(dataset.slug, "imagefolder", "")
    files = []
    for path, image in class_folders(dataset, split=split, done=told):
        # Looked for now: once the zip is on its way, nothing can be refused any more.
        original_of(image)
        files.append((path, image.sha256))
    name = f"{dataset.slug}-{split.name}" if split else dataset.slug
    return StreamingHttpResponse(
        _zipped(sorted(files)),
        content_type="application/zip",
        headers={"Content-Disposition": f'attachment; filename="{name}.zip"'},
    )


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


def _zipped(files: Sequence[tuple[str, str]]) -> Iterator[bytes]:
    """Yield a zip of (path, sha256) out of the store; images are packed already, so they are stored."""
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
        for path, sha256 in files:
            with path_of(sha256).open("rb") as source, archive.open(path, "w") as target:
                while block := source.read(_BLOCK):
                    target.write(block)
                    yield outlet.take()
    yield outlet.take()
