"""The files that are sent: 500 of the drawn sample, the same in every run, PNG and JPEG in turn."""

import io
import shutil
from pathlib import Path

from PIL import Image

COUNT = 500
QUALITY = 90


def mixed_files(sample: Path, folder: Path, *, count: int = COUNT) -> list[Path]:
    """Return the files, made where they are not: every second one of the drawn PNGs as a JPEG.

    A sample with fewer images gives each again under another name.
    """
    drawn = sorted((sample / "images").glob("*/*.png"))
    finished = folder / "finished"
    if not finished.is_file():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for place in range(count):
            source = drawn[place * len(drawn) // count]
            named = folder / f"{place:03}.{'jpg' if place % 2 else 'png'}"
            named.write_bytes(as_jpeg(source) if place % 2 else source.read_bytes())
        finished.touch()
    return sorted(path for path in folder.iterdir() if path != finished)


def as_jpeg(path: Path) -> bytes:
    """Return an image as the bytes of a JPEG."""
    held = io.BytesIO()
    Image.open(path).convert("RGB").save(held, "JPEG", quality=QUALITY)
    return held.getvalue()
