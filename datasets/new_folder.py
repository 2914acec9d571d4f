"""A folder that stands whole or not at all."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from datasets.errors import Refused


class OutputNotEmpty(Refused):
    """Raised where the output holds something already."""

    code = "output_not_empty"


@contextmanager
def new_folder(output: Path) -> Iterator[Path]:
    """Give a folder to write into that becomes the output only when everything is written."""
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise OutputNotEmpty(f"{output} is not empty. Name a new folder: nothing is overwritten.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    except OSError as error:
        raise Refused(f"{output} cannot be written: {error.strerror}.", code="output_not_writable") from error
    try:
        yield aside
        aside.chmod(0o755)
        if output.exists():
            output.rmdir()
        aside.replace(output)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
