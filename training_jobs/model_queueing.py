"""Ask for the import of a model trained elsewhere: keep its file, check what is stated, write the row."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from django.http import HttpRequest
from django.utils.text import slugify

from classifier.networks.errors import NetworkError
from classifier.networks.foreign.stated import Stated
from datasets.errors import Refused
from datasets.label_times import label_cutoff
from datasets.models import Split, Subset
from datasets.models.label_class import DEFAULT_CLASSES
from training_jobs.archives import MODEL, Upload, kept, room_for_archive, size_of
from training_jobs.launching import checked_name, wake_after_commit
from training_jobs.models import ModelImport

MOST_BYTES = 2 * 2**30
MOST_CLASSES = 100
LONGEST_CLASS = 64
_HDF5 = b"\x89HDF\r\n\x1a\n"
_ZIP = b"PK\x03\x04"
_TRAINED_BY_OTHERS = (b"\x80", b"PTMF", b"TFL3")
_NAMES = re.compile(r"\s*,\s*")


class ModelFileTooLarge(Refused):
    """Raised where a file is larger than what is taken, or than what is free on the disk."""

    code = "model_too_large"
    status = 413


def queue_model_import(
    file: Upload | Path | None,
    *,
    architecture: str,
    classes: str | Sequence[str],
    name: str | None = None,
    stated: Mapping[str, Any] | None = None,
    split: Split | None = None,
    author: Any = None,
    wake: bool = True,
) -> ModelImport:
    """Keep a file of weights and queue its import; with a split the version is evaluated on its test subset.

    `classes` are in the order of the network's outputs; `stated` holds settings of Stated. Without `wake` the
    caller carries it out.

    `Refused`: model_missing, model_too_large, not_a_model_file, invalid_config (with fields), bad_classes,
    bad_name, other_classes, empty_subset.
    """
    try:
        settings = Stated.from_dict({**(stated or {}), "architecture": architecture})
    except NetworkError as error:
        raise Refused(str(error), code=error.code, fields=getattr(error, "fields", None)) from error
    names = checked_classes(classes, split=split)
    if file is None:
        raise Refused("No file was given. Choose an .h5 or .keras file.", code="model_missing")
    shown = Path(file.name or "model.h5").name[:255]
    called = checked_name(name or slugify(Path(shown).stem.removesuffix(".weights")) or architecture)
    cutoff = label_cutoff() if split is not None else None
    if split is not None:
        _check_split(split, cutoff)
    path, sha256 = _keep(file)
    job = ModelImport.objects.create(
        name=called,
        architecture=settings.architecture,
        classes=names,
        stated=settings.as_dict(),
        file=path,
        file_name=shown,
        file_sha256=sha256,
        split=split,
        label_cutoff=cutoff,
        created_by=author,
    )
    if wake:
        wake_after_commit(job)
    return job


def checked_classes(classes: str | Sequence[str], *, split: Split | None = None) -> list[str]:
    """Return the names of classes, in their order; aliases become the classes that they stand for.

    `classes` may be a text with commas. `Refused`: bad_classes; other_classes where the split's dataset has
    one that is not named.
    """
    given = _NAMES.split(classes.strip().strip(",")) if isinstance(classes, str) else list(classes)
    known = _known_names(split)
    names = [known.get(each.casefold(), each) for each in (str(each).strip() for each in given)]
    if not 2 <= len(names) <= MOST_CLASSES or any(not name or len(name) > LONGEST_CLASS for name in names):
        raise _bad_classes(
            "Name 2 to 100 classes, separated by commas, in the order of the network's outputs."
        )
    if any("\0" in name for name in names):
        raise _bad_classes("The name of a class holds a NUL character.")
    if len(set(names)) < len(names):
        raise _bad_classes("A class is named twice.")
    if split is not None:
        strangers = [
            name for name in split.dataset.classes.values_list("name", flat=True) if name not in names
        ]
        if strangers:
            raise Refused(
                f"{split.dataset.slug} also has the classes {', '.join(strangers)}, which are not named: the "
                "model cannot be evaluated there. Name them as they are called there, or choose no split.",
                code="other_classes",
                fields={"split": ["Its dataset has other classes."]},
            )
    return names


def check_model_size(size: int) -> None:
    """Raise ModelFileTooLarge where there is no room for so many bytes."""
    room = room_for_model()
    if size > room:
        raise ModelFileTooLarge(
            f"The file has {size / 2**20:,.0f} MB; {room / 2**20:,.0f} MB can be taken. Save the weights "
            "without the optimizer's (model.save_weights) and import those."
        )


def check_declared_model(request: HttpRequest) -> None:
    """Raise ModelFileTooLarge by the length that a request declares, before any of it is read."""
    length = str(request.META.get("CONTENT_LENGTH") or "")
    if length.isdigit():
        check_model_size(int(length))


def room_for_model() -> int:
    """Return how many bytes a file of weights may have now."""
    return min(MOST_BYTES, room_for_archive())


def _known_names(split: Split | None) -> dict[str, str]:
    """Return {name or alias, small letters: name} of the classes there are, or of the usual ones."""
    if split is not None:
        found = [(each.name, each.aliases) for each in split.dataset.classes.all()]
    else:
        found = [(each["name"], each["aliases"]) for each in DEFAULT_CLASSES]
    return {alias.casefold(): name for name, aliases in found for alias in (*aliases, name)}


def _check_split(split: Split, cutoff: Any) -> None:
    """Refuse a split whose test subset says nothing."""
    from classifier.evaluation import labels_as_of

    if not labels_as_of(split, Subset.TEST, cutoff):
        raise Refused(
            f"The subset test of {split} holds no labelled image. Choose another split, or none.",
            code="empty_subset",
            fields={"split": ["Its subset test holds no labelled image."]},
        )


def _keep(file: Upload | Path) -> tuple[str, str]:
    """Copy the file into the data directory; return its path there and its sha256."""
    digests: list[str] = []

    def look(path: Path) -> None:
        with path.open("rb") as copy:
            start = copy.read(len(_HDF5))
            if not start.startswith((_HDF5, _ZIP)):
                raise Refused(_what_else(start), code="not_a_model_file")
            copy.seek(0)
            digests.append(hashlib.file_digest(copy, "sha256").hexdigest())

    check_model_size(size_of(file))
    path = kept(file, suffix=MODEL, check=look)
    return path, digests[0]


def _what_else(start: bytes) -> str:
    """Say of the first bytes of a file what it seems to be, and what to do."""
    if not start:
        return "The file is empty. Choose an .h5 or .keras file."
    if start.startswith(_TRAINED_BY_OTHERS):
        return (
            "The file is a pickle or of another library: such files can hold code; nothing of it was read. "
            "Save the network by Keras: model.save('name.h5') or model.save('name.keras')."
        )
    return (
        "The file is neither HDF5 (.h5) nor a Keras archive (.keras); nothing of it was read. Save the "
        "network by Keras: model.save('name.h5') or model.save('name.keras')."
    )


def _bad_classes(text: str) -> Refused:
    return Refused(text, code="bad_classes", fields={"classes": [text]})
