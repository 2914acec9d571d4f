"""What is checked before a version becomes champion: each gate passes, fails, or cannot be checked."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from django.conf import settings

from classifier.cautions import cautions
from classifier.comparison import Comparison, compare
from classifier.exports import files_of
from classifier.models import Alias, Evaluation, ModelVersion
from classifier.models.registry import CHAMPION
from classifier.networks.limits import PARITY_LIMIT
from classifier.quantisation import told_quantised
from datasets.errors import Refused
from datasets.models import Subset

PASS, FAIL, UNKNOWN = "pass", "fail", "not_checkable"
OUTCOMES = {PASS: "passes", FAIL: "fails", UNKNOWN: "cannot be checked"}
NAMES = {
    "evaluated": "Scored on a test subset",
    "no_leak": "Nothing of the test subset was learnt from",
    "no_class_worse": "No class worse than the champion's",
    "exports": "The exported files agree and are whole",
}
_SCORES = (("recall", "recall"), ("f1", "F1"))


class UnknownEvaluation(Refused):
    """Raised where a version has no such evaluation."""

    code = "unknown_evaluation"
    status = 404


class GateFailed(Refused):
    """Raised where a version may not become champion because of what was checked; `gates` tells all."""

    code = "gate_failed"
    status = 409

    def __init__(self, checked: "Checked") -> None:
        self.checked = checked
        failed = checked.failed
        super().__init__(
            f"{checked.version} was not promoted: "
            + " ".join(gate.told for gate in failed)
            + " An administrator may override that, with a reason.",
            fields={gate.name: [gate.told] for gate in failed},
        )


class OverrideNotAllowed(Refused):
    """Raised where somebody who is no administrator asks to promote against a failed gate."""

    code = "override_not_allowed"
    status = 403


@dataclass(frozen=True)
class Gate:
    """One thing that was checked: its outcome in a sentence, and the numbers behind it."""

    name: str
    outcome: str
    told: str
    numbers: list[dict[str, Any]] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What is checked."""
        return NAMES[self.name]

    @property
    def outcome_told(self) -> str:
        """The outcome as a word for people."""
        return OUTCOMES[self.outcome]

    def as_dict(self) -> dict[str, Any]:
        """Return what REST shows and the history keeps."""
        return {**asdict(self), "title": self.title}


@dataclass(frozen=True)
class Checked:
    """All gates of a version on its way to an alias; none are set before aliases other than champion."""

    version: ModelVersion
    alias: str
    against: ModelVersion | None
    evaluation: Evaluation | None
    gates: list[Gate]

    @property
    def failed(self) -> list[Gate]:
        """Those that fail."""
        return [gate for gate in self.gates if gate.outcome == FAIL]

    @property
    def unsure(self) -> list[Gate]:
        """Those that could not be checked."""
        return [gate for gate in self.gates if gate.outcome == UNKNOWN]

    def as_dict(self) -> dict[str, Any]:
        """Return the shape of REST."""
        return {
            "alias": self.alias,
            "model": self.version.pk,
            "against": self.against.pk if self.against else None,
            "evaluation": self.evaluation.pk if self.evaluation else None,
            "passes": not self.failed,
            "gates": [gate.as_dict() for gate in self.gates],
        }


def check_gates(
    version: ModelVersion, *, alias: str = CHAMPION, evaluation: Evaluation | int | None = None
) -> Checked:
    """Check a version against the gates before an alias, by an evaluation (the newest on a test subset).

    Nothing is classified for it: what a version has not said yet makes a gate `not_checkable`.
    Raises UnknownEvaluation.
    """
    basis = evaluation_of(version, evaluation)
    if alias != CHAMPION:
        return Checked(version, alias, None, basis, [])
    standing = Alias.objects.filter(name=alias).select_related("version__split__dataset").first()
    champion = standing.version if standing else None
    gates = [
        _evaluated(version, basis),
        _no_leak(version, basis),
        _no_class_worse(version, champion, basis),
        _exports(version),
    ]
    return Checked(version, alias, champion, basis, gates)


def evaluation_of(version: ModelVersion, wanted: Evaluation | int | None = None) -> Evaluation | None:
    """Return the evaluation wanted; without one the newest on a test subset, its own split's first.

    Raises UnknownEvaluation.
    """
    own = Evaluation.objects.filter(version=version).select_related("split__dataset")
    if wanted is not None:
        key = wanted.pk if isinstance(wanted, Evaluation) else wanted
        found = own.filter(pk=key).first()
        if found is None:
            raise UnknownEvaluation(f"{version} has no evaluation {key!r:.40}.")
        return found
    on_test = own.filter(subset=Subset.TEST).order_by("-id")
    return on_test.filter(split=version.split_id).first() or on_test.first()


def _evaluated(version: ModelVersion, evaluation: Evaluation | None) -> Gate:
    """Whether the version was scored on a test subset."""
    if evaluation is None:
        could = version.origin == ModelVersion.Origin.IMPORTED or _has_test(version)
        told = f"{version} has not been scored on any test subset. Evaluate it first."
        return Gate("evaluated", FAIL if could else UNKNOWN, told)
    where = f"{evaluation.split} {evaluation.subset}"
    if evaluation.subset != Subset.TEST:
        return Gate("evaluated", FAIL, f"{version} was scored on {where}, which is no test subset.")
    told = f"Macro-F1 {evaluation.macro_f1:.3f} on {evaluation.total:,} images of {where}."
    return Gate("evaluated", PASS, told, [{"macro_f1": evaluation.macro_f1, "images": evaluation.total}])


def _has_test(version: ModelVersion) -> bool:
    """Whether the split it was trained on has a test subset."""
    return version.split is not None and bool(version.split.counts["images"].get(Subset.TEST))


def _no_leak(version: ModelVersion, evaluation: Evaluation | None) -> Gate:
    """Whether the version's training papers touch the subset it is judged by."""
    if evaluation is None:
        return Gate("no_leak", UNKNOWN, f"{version} has no scores that could be too good.")
    split, subset = evaluation.split, evaluation.subset
    told = cautions(version, split, subset)
    if not told:
        return Gate("no_leak", PASS, f"No paper that {version} was trained on is in {split} {subset}.")
    only_looks_alike = version.split_id == split.pk and subset == Subset.TEST and not _shares_papers(split)
    is_unknown = version.split is None or only_looks_alike
    return Gate("no_leak", UNKNOWN if is_unknown else FAIL, " ".join(told))


def _shares_papers(split: Any) -> bool:
    """Whether train and test of a split have a paper in common."""
    return bool(split.leak_report["papers"])


def _no_class_worse(
    version: ModelVersion, champion: ModelVersion | None, evaluation: Evaluation | None
) -> Gate:
    """Whether no class is worse than the champion's by more than the margin, on the same images."""
    name = "no_class_worse"
    if champion is None or champion == version:
        return Gate(name, PASS, "There is no other champion: nothing to compare with.")
    if evaluation is None:
        return Gate(name, UNKNOWN, f"Without scores of {version} it cannot be set against {champion}.")
    try:
        done = compare([champion, version], split=evaluation.split, subset=evaluation.subset)
    except Refused as refusal:
        return Gate(name, UNKNOWN, f"It cannot be set against {champion}: {refusal}")
    numbers, margin = list(_drops(done)), settings.GATE_MARGIN
    worse = [row for row in numbers if row["drop"] > margin]
    where = f"{done.total:,} images of {done.split} {done.subset}"
    if not worse:
        told = f"In no class is {version} worse than {champion} by more than {margin:g}, on {where}."
        return Gate(name, PASS, told, numbers)
    parts = [
        f"{row['class']} {row['score']} {row['version']:.3f} against {row['champion']:.3f} "
        f"({row['images']:,} images)"
        for row in worse
    ]
    told = f"{version} is worse than {champion} by more than {margin:g}: {'; '.join(parts)}, on {where}."
    return Gate(name, FAIL, told, numbers)


def _drops(done: Comparison) -> Iterator[dict[str, Any]]:
    """Yield, for each class and score, what the champion has, what the version has, and what is lost."""
    champion, version = done.scores[0].per_class, done.scores[1].per_class
    for ours, theirs in zip(version, champion, strict=True):
        for key, shown in _SCORES:
            before, now = getattr(theirs, key), getattr(ours, key)
            # Where one is not defined (a class without images) there is nothing to lose.
            if before is not None and now is not None:
                yield {
                    "class": ours.name,
                    "score": shown,
                    "champion": before,
                    "version": now,
                    "drop": round(before - now, 9),
                    "images": ours.support,
                }


def _exports(version: ModelVersion) -> Gate:
    """Whether its files are there, are those that were registered, and agree with the trained network."""
    files = files_of(version)
    faults = [file.fault for file in files if file.fault]
    differing = [file for file in files if file.parity is not None and not file.parity <= PARITY_LIMIT]
    faults += [f"the {file.name} file differs by {file.parity:.2g} in a probability" for file in differing]
    numbers = [{"format": file.format, "parity": file.parity} for file in files]
    int8 = version.int8
    if faults:
        told = f"Of {version} {', '.join(faults)}. Restore the data directory from a backup, or train again."
        return Gate("exports", FAIL, told, numbers)
    largest = max(file.parity for file in files if file.parity is not None)
    names = ", ".join(file.name for file in files)
    told = f"{names}: whole, and at most {largest:.1g} apart in a probability ({PARITY_LIMIT:g} is allowed)."
    if int8 is not None:
        # It is further away: whether it may answer was decided when it was measured.
        told += f" {told_quantised(int8)}"
    return Gate("exports", PASS, told, numbers)
