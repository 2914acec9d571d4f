"""Archives that people send: taken if there is room, kept in the data directory until no job needs them."""

import os
import shutil
import uuid
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Protocol

from django.conf import settings
from django.http import HttpRequest

from datasets.errors import Refused
from training_jobs.models import ImportJob, Job

ARCHIVES = "imports"
MODEL = ".model"
MOST_BYTES = 50 * 2**30


class Upload(Protocol):
    """A file as a form or a request brings it."""

    name: str | None
    size: int | None

    def chunks(self) -> Iterable[bytes]:
        """The bytes, block by block."""


class ArchiveTooLarge(Refused):
    """Raised where an archive is larger than what is taken, or than what is free on the disk."""

    code = "archive_too_large"
    status = 413


class ArchiveMissing(Refused):
    """Raised where there is no archive, or it has gone."""

    code = "archive_missing"


def room_for_archive() -> int:
    """Return how many bytes an archive may have now."""
    return min(MOST_BYTES, shutil.disk_usage(settings.DATA_DIR).free)


def check_archive_size(size: int) -> None:
    """Raise ArchiveTooLarge where there is no room for so many bytes."""
    room = room_for_archive()
    if size > room:
        raise ArchiveTooLarge(
            f"The archive has {size / 2**30:,.1f} GB; {room / 2**30:,.1f} GB can be taken now. "
            "Pack it in parts, or import it with the command import_biofors or import_folder."
        )


def check_declared_size(request: HttpRequest) -> None:
    """Raise ArchiveTooLarge by the length that a request declares, before any of it is read."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    if length.isdigit():
        check_archive_size(int(length))


def archive_path(job: ImportJob) -> Path:
    """Return where a job's archive lies."""
    return Path(settings.DATA_DIR) / job.archive


def archive_is_there(job: ImportJob) -> bool:
    """Whether a job's archive is still kept."""
    return archive_path(job).is_file()


def checked_archive(checked: ImportJob) -> str:
    """Return the archive that a finished check looked at; `Refused` (not_checked), ArchiveMissing."""
    if checked.state != Job.State.SUCCEEDED or not checked.dry_run:
        raise Refused(f"{checked} is no finished check. Wait for it, then import.", code="not_checked")
    if not archive_is_there(checked):
        raise ArchiveMissing(f"The archive of {checked} is gone: it is kept for a day. Upload it again.")
    return checked.archive


def keep_archive(archive: Upload | Path) -> str:
    """Copy an archive into the data directory, whole or not at all; return its path there.

    Raises ArchiveTooLarge, `Refused` (not_an_archive).
    """
    check_archive_size(size_of(archive))
    return kept(archive, suffix=".zip", check=_check_zip)


def size_of(file: Upload | Path) -> int:
    """Return how many bytes a file has."""
    return file.stat().st_size if isinstance(file, Path) else file.size or 0


def kept(file: Upload | Path, *, suffix: str, check: Callable[[Path], None]) -> str:
    """Copy a file into the data directory, whole or not at all; return its path there.

    `check` looks at the copy, and may refuse it.
    """
    folder = Path(settings.DATA_DIR) / ARCHIVES
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{uuid.uuid4().hex}{suffix}"
    aside = path.with_name(f".{path.name}")
    try:
        with aside.open("xb") as copy:
            for block in _blocks(file):
                copy.write(block)
            copy.flush()
            os.fsync(copy.fileno())
        check(aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
    return str(path.relative_to(settings.DATA_DIR))


def _check_zip(path: Path) -> None:
    if not zipfile.is_zipfile(path):
        raise Refused("The file is no zip archive. Pack images and labels as a zip.", code="not_an_archive")


def _blocks(archive: Upload | Path) -> Iterable[bytes]:
    """Yield a file's bytes, block by block."""
    if not isinstance(archive, Path):
        yield from archive.chunks()
        return
    with archive.open("rb") as file:
        while block := file.read(1024 * 1024):
            yield block
