"""What a run learns from, as one number: to know whether it would be the same again."""

import hashlib
from typing import Any

from classifier.models import Evaluation, ModelVersion
from datasets.errors import Refused
from datasets.models import Image, Split, Subset
from training_jobs.models import TrainingRun


class TrainingSetChanged(Refused):
    """Raised where a version cannot be trained again as it was: images or classes of then are gone."""

    code = "training_set_changed"
    status = 409


def training_set_sha256(split: Split, cutoff: Any) -> str:
    """Return a sha256 over what a run on the split learns from and chooses its epoch by.

    One line for each usable image of train and val, sorted: subset, sha256 of its bytes, its class at the
    cut-off. 64 hexadecimal digits.
    """
    lines = []
    for subset in (Subset.TRAIN, Subset.VAL):
        usable: Any = Image.objects.in_subset(split, subset).usable_as_of(cutoff)
        lines += [
            f"{subset} {sha256} {name}\n" for sha256, name in usable.values_list("sha256", "label_then")
        ]
    return hashlib.sha256("".join(sorted(lines)).encode()).hexdigest()


def check_the_same(version: ModelVersion, digest: str) -> None:
    """Raise TrainingSetChanged unless what was learnt from then has this digest."""
    if version.training_set_sha256 != digest:
        raise TrainingSetChanged(
            f"{version} cannot be trained again as it was: since then images of its train or val subset have "
            "been deleted, or classes renamed. Queue a new run on its split."
        )


def told_repetition(run: TrainingRun, version: ModelVersion) -> str:
    """Say how the scores of a version compare with those of the one that its run repeats."""
    assert run.like is not None
    differing = []
    for subset in (Subset.VAL, Subset.TEST):
        ours, theirs = (_evaluation(each, run, subset) for each in (version, run.like))
        if ours and theirs and ours.matrix != theirs.matrix:
            differing.append(f"macro-F1 on {subset} {ours.macro_f1:.4f}, then {theirs.macro_f1:.4f}")
    if differing:
        return f"Not the same as {run.like}: {'; '.join(differing)}"
    return f"The same answers as {run.like} on val and test"


def _evaluation(version: ModelVersion, run: TrainingRun, subset: str) -> Evaluation | None:
    found = Evaluation.objects.filter(version=version, split=run.split, subset=subset)
    return found.filter(label_cutoff=run.label_cutoff).first()
