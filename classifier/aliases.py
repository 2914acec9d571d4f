"""Which version an alias points at, and how that came about: promoted, taken back, removed."""

from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from classifier.gates import Checked, GateFailed, OverrideNotAllowed, check_gates
from classifier.models import Alias, Evaluation, ModelVersion, Promotion
from classifier.models.registry import CHAMPION
from classifier.reasons import checked_reason
from datasets.errors import Refused


class ReasonMissing(Refused):
    """Raised where an alias is to be moved without saying why."""

    code = "reason_missing"


class AlreadyPromoted(Refused):
    """Raised where the alias points at that version already."""

    code = "already_promoted"
    status = 409


class AliasMoved(Refused):
    """Raised where an alias points no longer at what the person saw when they asked for a move."""

    code = "alias_moved"
    status = 409


class NothingToRollBack(Refused):
    """Raised where no earlier version stands behind an alias."""

    code = "nothing_to_roll_back"
    status = 409


class UnknownAlias(Refused):
    """Raised where no alias of that name is or ever was."""

    code = "unknown_alias"
    status = 404


class AliasNeeded(Refused):
    """Raised where the alias that answers by itself is to be removed."""

    code = "alias_needed"
    status = 409


class FilesMissing(Refused):
    """Raised where a version is to answer although its files are gone."""

    code = "artefact_missing"
    status = 409


def promote(
    version: ModelVersion,
    *,
    alias: str = CHAMPION,
    reason: str,
    author: Any = None,
    evaluation: Evaluation | int | None = None,
    override: bool = False,
) -> Promotion:
    """Point an alias at a version, and record who did so, why, and by which evaluation.

    Before the champion moves the gates are checked; who may override them (an administrator, or a command,
    which has no author) may say so with `override`, and what failed is recorded.

    Raises ReasonMissing, AlreadyPromoted, FilesMissing, GateFailed, OverrideNotAllowed, UnknownEvaluation,
    and `Refused` (bad_alias).
    """
    _check_alias(alias)
    reason = _reason_of_move(reason)
    if override and not may_override(author):
        raise OverrideNotAllowed("Only an administrator may promote although a gate failed.")
    if not version.onnx_path.is_file():
        raise FilesMissing(
            f"The files of {version} are not in the data directory, so it could not answer. "
            "Restore them from a backup, or train again."
        )
    # Before the lock: it may take a while.
    checked = check_gates(version, alias=alias, evaluation=evaluation)
    with transaction.atomic():
        # A new alias is made here, so that whoever promotes to it at the same time waits and sees it.
        pointer, is_new = Alias.objects.select_for_update().get_or_create(
            name=alias, defaults={"version": version}
        )
        previous = None if is_new else pointer.version
        if previous == version:
            raise AlreadyPromoted(f"{alias} is {version} already.")
        if checked.gates and checked.against != previous:
            checked = check_gates(version, alias=alias, evaluation=evaluation)
        if checked.failed and not override:
            raise GateFailed(checked)
        return _move(
            pointer,
            version,
            previous,
            kind=Promotion.Kind.PROMOTE,
            reason=reason,
            author=author,
            **_basis(checked),
        )


def may_override(author: Any) -> bool:
    """Whether somebody may promote although a gate failed: an administrator, or a command."""
    return author is None or author.has_perm("classifier.override_gates")


def _basis(checked: Checked) -> dict[str, Any]:
    """Return what the history keeps of what was checked."""
    return {
        "evaluation": checked.evaluation,
        "gates": [gate.as_dict() for gate in checked.gates],
        "overridden": [gate.name for gate in checked.failed],
    }


@transaction.atomic
def roll_back(
    alias: str = CHAMPION, *, reason: str, author: Any = None, expected: ModelVersion | None = None
) -> Promotion:
    """Take back the newest promotion that stands: the alias points at what it pointed at before.

    Asked again, it goes back one promotion further; with `expected`, the version that the person saw there,
    only where the alias still points at it.

    Raises ReasonMissing, AliasMoved, NothingToRollBack, FilesMissing, and `Refused` (bad_alias).
    """
    _check_alias(alias)
    reason = _reason_of_move(reason)
    pointer = Alias.objects.select_for_update().filter(name=alias).first()
    if pointer and expected and pointer.version != expected:
        raise AliasMoved(
            f"{alias} does not point at {expected} any more: it is {pointer.version} now. Decide anew."
        )
    standing = Promotion.objects.standing(alias).first()
    if pointer is None or standing is None:
        raise NothingToRollBack(f"Nothing was ever promoted to {alias}. Promote a version first.")
    if standing.previous is None:
        raise NothingToRollBack(
            f"{standing.version} was the first to be {alias}: there is none before it. Promote another."
        )
    if not standing.previous.onnx_path.is_file():
        raise FilesMissing(
            f"The files of {standing.previous} are not in the data directory, so it could not answer. "
            "Restore them from a backup, or promote another version."
        )
    return _move(
        pointer,
        standing.previous,
        standing.version,
        kind=Promotion.Kind.ROLLBACK,
        reason=reason,
        author=author,
        reverses=standing,
    )


@transaction.atomic
def remove_alias(alias: str, *, reason: str, author: Any = None) -> Promotion:
    """Take an alias away; its history stays, and ends with who did so and why.

    Raises ReasonMissing, UnknownAlias, AliasNeeded (champion), and `Refused` (bad_alias).
    """
    _check_alias(alias)
    reason = _reason_of_move(reason)
    if alias == CHAMPION:
        raise AliasNeeded(f"{CHAMPION} answers where no model is named, and stays. Promote another to it.")
    pointer = Alias.objects.select_for_update().filter(name=alias).first()
    if pointer is None:
        raise UnknownAlias(f"There is no alias {alias}.")
    moved = Promotion.objects.create(
        alias=alias,
        kind=Promotion.Kind.REMOVE,
        version=pointer.version,
        previous=pointer.version,
        reason=reason,
        author=author,
    )
    pointer.delete()
    return moved


def answering_at(alias: str, moment: datetime) -> Promotion | None:
    """Return the move by which an alias pointed at its version at a moment; None where it pointed at none."""
    moved = Promotion.objects.until(alias, moment).select_related("version", "evaluation", "author").first()
    return None if moved is None or moved.kind == Promotion.Kind.REMOVE else moved


def _move(
    pointer: Alias, version: ModelVersion, previous: ModelVersion | None, *, kind: str, **told: Any
) -> Promotion:
    """Point the alias, which the caller has locked, at a version and write the history's row."""
    pointer.version = version
    pointer.save()
    return Promotion.objects.create(alias=pointer.name, kind=kind, version=version, previous=previous, **told)


def _reason_of_move(reason: str) -> str:
    """Return the reason of a move of an alias; raises as `checked_reason` does, and ReasonMissing."""
    missing = ReasonMissing("Say why: the history of promotions keeps the reason.")
    return checked_reason(reason, missing=missing)


def _check_alias(alias: str) -> None:
    """Raise `Refused` (bad_alias) for a name that could not be told from an id."""
    try:
        Alias._meta.get_field("name").clean(alias, None)
    except ValidationError:
        pass
    else:
        if not alias.isdecimal():
            return
    raise Refused(
        f"{alias!r} cannot be an alias: use up to 64 letters, digits, hyphens, underscores, not only digits.",
        code="bad_alias",
    )
