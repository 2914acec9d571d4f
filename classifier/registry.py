"""The registry: which versions there are, by which number, and which one is meant by a text."""

import re
import subprocess
from datetime import datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max

from classifier.models import ModelVersion, RemovedVersion
from classifier.models.registry import CHAMPION
from datasets.errors import Refused

_TRIES = 5
_NAMED = 10
_SLUG = re.compile(r"[-\w]+", re.ASCII)
_NAME_AND_VERSION = re.compile(r"(?P<name>[-\w]+)@(?P<version>\d{1,9})")


class UnknownModel(Refused):
    """Raised where no version of that name is to be seen."""

    code = "unknown_model"
    status = 404


class NoModel(Refused):
    """Raised where no version exists at all."""

    code = "no_model"
    status = 503


def register(
    *,
    name: str,
    architecture: str,
    classes: list[str],
    config: dict[str, Any],
    input_size: int,
    geometry: str,
    directory: str,
    keras_sha256: str,
    onnx_sha256: str,
    parity: float,
    label_cutoff: datetime | None = None,
    **fields: Any,
) -> ModelVersion:
    """Write the row of files that stand in `directory` already, under the name's next version number.

    `fields`: any other column of ModelVersion (split, training_images, best_epoch, libraries, origin, ...).
    """
    for _ in range(_TRIES):
        highest = _highest(name)
        try:
            with transaction.atomic():
                return ModelVersion.objects.create(
                    name=name,
                    version=highest + 1,
                    architecture=architecture,
                    classes=classes,
                    config=config,
                    input_size=input_size,
                    geometry=geometry,
                    directory=directory,
                    keras_sha256=keras_sha256,
                    onnx_sha256=onnx_sha256,
                    parity=parity,
                    label_cutoff=label_cutoff,
                    code_version=code_version(),
                    **fields,
                )
        except IntegrityError:
            # Another worker may have taken the number between the look and the row; any other cause stays.
            if ModelVersion.objects.filter(directory=directory).exists():
                raise
    raise Refused(f"No version number of {name} could be had. Try again.", code="version_number_taken")


def find_model(text: str | int | None = None, user: Any = None) -> ModelVersion:
    """Return the version of that id, `name@version` or alias; without one the champion, else the newest.

    Raises UnknownModel, NoModel. With a user only what that person may see is found.
    """
    seen = ModelVersion.objects.all() if user is None else ModelVersion.objects.visible_to(user)
    wanted = "" if text is None else str(text).strip()
    if not wanted:
        found = seen.filter(aliases__name=CHAMPION).first() or seen.order_by("-id").first()
        if found is None:
            raise NoModel("There is no model yet. Train one: train SPLIT --architecture cnn --wait.")
        return found
    if wanted.isascii() and wanted.isdecimal():
        found = seen.filter(pk=int(wanted)).first() if len(wanted) < 19 else None
    elif match := _NAME_AND_VERSION.fullmatch(wanted):
        found = seen.filter(name=match["name"], version=int(match["version"])).first()
    else:
        found = seen.filter(aliases__name=wanted).first() if _SLUG.fullmatch(wanted) else None
    if found is None:
        known = ", ".join(str(version) for version in seen[:_NAMED])
        raise UnknownModel(
            f"There is no model {wanted!r}. "
            + (f"There are: {known}." if known else "There is none yet: train one.")
        )
    return found


@cache
def code_version() -> str:
    """Return what this code is in its repository, or an empty text where there is no repository."""
    try:
        told = subprocess.run(
            ["git", "describe", "--always", "--dirty", "--tags"],
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return told.stdout.strip()[:64]


def _highest(name: str) -> int:
    """Return the highest number that a version of a name has, or had before it was deleted."""
    rows: tuple[Any, ...] = (ModelVersion.objects, RemovedVersion.objects)
    found = (each.filter(name=name).aggregate(highest=Max("version"))["highest"] for each in rows)
    return max((number or 0 for number in found), default=0)
