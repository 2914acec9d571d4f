"""A zip from a browser: unpacked with care, then imported as what it holds."""

import lzma
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from django.conf import settings

from datasets.decoding import MAX_BYTES, ImageRefused, safe_name
from datasets.importing.folders import SUBSETS, UNLABELLED, plain, visible
from datasets.importing.sources import check_slug, import_biofors, import_folder, spellings
from datasets.importing.summary import ImportRefused, ImportSummary, Progress

MAX_MEMBERS = 300_000
MAX_TOTAL = 50 * 2**30
MAX_LABELS_BYTES = 200 * 2**20
LABELS_FILE = "classification.json"
_IMAGE_FOLDERS = ("images", "biofors_images")
_BLOCK = 1024 * 1024


def import_archive(
    archive: Path,
    *,
    dataset: str,
    dry_run: bool = False,
    author: Any = None,
    progress: Progress | None = None,
    scratch: Path | None = None,
) -> ImportSummary:
    """Import a zip with `classification.json` and its images anywhere in it, or with class folders.

    `progress` is told (0, files) for every file unpacked, then how many images are done; what it raises
    ends the import. The zip is unpacked into `scratch`, which is emptied before and gone afterwards; without
    one, into a folder of a name of its own.

    `ImportRefused` where it is no sound zip or holds an unsafe name; nothing is written then.
    """
    check_slug(dataset)
    with _scratch(scratch) as root:
        _unpack(Path(archive), root, progress)
        told: dict[str, Any] = {
            "dataset": dataset,
            "dry_run": dry_run,
            "author": author,
            "progress": progress,
        }
        labels_file = _labels_file(root)
        if labels_file:
            return import_biofors(labels_file, images=_images_beside(labels_file), **told)
        return import_folder(_class_root(root, dataset), **told)


@contextmanager
def _scratch(folder: Path | None) -> Iterator[Path]:
    """Give an empty folder that is gone afterwards."""
    if folder is None:
        above = Path(settings.DATA_DIR) / "scratch"
        above.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix="import-", dir=above))
    else:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpack(archive: Path, root: Path, progress: Progress | None) -> None:
    """Unpack every file of a zip below `root`; refuse what could leave it, never end, or fill the disk."""
    with ExitStack() as stack:
        with _refusing_damage():
            opened = stack.enter_context(zipfile.ZipFile(archive))
            members = [member for member in opened.infolist() if not member.is_dir()]
            _check_members(members)
        for member in members:
            if progress:
                progress(0, len(members))
            with _refusing_damage():
                _unpack_one(opened, member, root)


@contextmanager
def _refusing_damage() -> Iterator[None]:
    """Turn what the zip reader raises into a refusal."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
    ) as error:
        raise ImportRefused(f"The archive is no sound zip: {error}.", code="not_an_archive") from error


def _check_members(members: list[zipfile.ZipInfo]) -> None:
    """Check names, kinds and declared sizes of all members before any is unpacked."""
    if len(members) > MAX_MEMBERS:
        raise ImportRefused(f"The archive holds {len(members):,} files; at most {MAX_MEMBERS:,} are taken.")
    names: set[str] = set()
    for member in members:
        _check_name(member.orig_filename)
        if member.filename in names:
            raise ImportRefused(f"{member.filename} occurs twice in the archive.", code="duplicate_key")
        names.add(member.filename)
        mode = member.external_attr >> 16
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
            raise ImportRefused(f"{member.filename} is a link or a device.", code="unsafe_name")
        if member.flag_bits & 0x1:
            raise ImportRefused(
                "The archive is encrypted. Pack it without a password.", code="not_an_archive"
            )
    total = sum(min(member.file_size, _limit(member)) for member in members)
    free = shutil.disk_usage(settings.DATA_DIR).free
    if total > min(MAX_TOTAL, free * 9 // 10):
        raise ImportRefused(
            f"The archive unpacks to {total / 2**30:.1f} GB: more than is free here or taken at once. "
            "Import it in parts, or with the command import_biofors.",
            code="archive_too_large",
        )


def _check_name(name: str) -> None:
    """Refuse a member's name that is absolute, climbs, or holds what no name should."""
    parts = name.split("/")
    try:
        for part in parts:
            safe_name(part, what="name")
    except ImageRefused as refusal:
        raise ImportRefused(
            f"The archive's entry {name!r:.200} is not safe. {refusal}", code="unsafe_name"
        ) from refusal


def _limit(member: zipfile.ZipInfo) -> int:
    """Return how many bytes of a member are unpacked: one too many of a large image, which is refused."""
    return MAX_LABELS_BYTES if PurePosixPath(member.filename).name == LABELS_FILE else MAX_BYTES + 1


def _unpack_one(opened: zipfile.ZipFile, member: zipfile.ZipInfo, root: Path) -> None:
    """Unpack one file, block by block."""
    path = root.joinpath(*PurePosixPath(member.filename).parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    left = _limit(member)
    try:
        with opened.open(member) as source, path.open("xb") as target:
            while left > 0 and (block := source.read(min(_BLOCK, left))):
                target.write(block)
                left -= len(block)
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise ImportRefused(f"{member.filename} is both a file and a folder.", code="unsafe_name") from error


def _labels_file(root: Path) -> Path | None:
    """Return the one labels file of what was unpacked, if there is one."""
    found = [path for path in sorted(root.rglob(LABELS_FILE)) if "__MACOSX" not in path.parts]
    if len(found) > 1:
        names = ", ".join(str(path.relative_to(root)) for path in found)
        raise ImportRefused(
            f"The archive holds {len(found)} labels files: {names}. Pack one.", code="several_labels_files"
        )
    return found[0] if found else None


def _images_beside(labels_file: Path) -> Path:
    """Return the folder of images of a labels file: of a known name beside it, else the only one."""
    for name in _IMAGE_FOLDERS:
        if (labels_file.parent / name).is_dir():
            return labels_file.parent / name
    folders = [path for path in visible(labels_file.parent) if path.is_dir()]
    if len(folders) == 1 and any(path.is_dir() for path in visible(folders[0])):
        return folders[0]
    labels_alone = labels_file.parent / ".papers"
    labels_alone.mkdir()
    for folder in folders:
        folder.rename(labels_alone / folder.name)
    return labels_alone


def _class_root(root: Path, dataset: str) -> Path:
    """Step into the one folder that an archive was packed as, unless it is a class."""
    known = {plain(text) for text in (*spellings(dataset), UNLABELLED, *SUBSETS)}
    while True:
        inside = visible(root)
        if len(inside) != 1 or not inside[0].is_dir() or plain(inside[0].name) in known:
            return root
        root = inside[0]
