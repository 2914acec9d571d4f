"""What a version would score where classes are as frequent as a person says; nothing of it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np

from classifier.calibrating import temperature_of
from classifier.metrics import Scores, score
from classifier.models import ModelVersion
from classifier.networks.pipeline import MOST_REPEATS
from classifier.statistics.calibration import Answered
from classifier.statistics.priors import estimated_priors, with_priors
from classifier.statistics.resampling import Array
from classifier.stored_answers import Answers, answers_in
from datasets.errors import Refused
from datasets.models import Split, Subset
from datasets.queries import class_counts

Shares = dict[str, float]


class BadShares(Refused):
    """Raised for shares of classes that are none."""

    code = "bad_shares"


@dataclass(frozen=True)
class Corrected:
    """Scores of the same images before and after; shares by class, each set summing to 1.

    `learnt`: as the version was shown the classes. `temperature`: applied first where the version has one.
    `changed` images are taken for another class than before.
    """

    answers: Answers
    learnt: Shares
    shares: Shares
    temperature: float | None
    before: Scores
    after: Scores
    changed: int

    def as_dict(self) -> dict[str, Any]:
        """Return the shape of REST."""
        answers = self.answers
        return {
            "split": {"id": answers.split.pk, "name": str(answers.split)},
            "subset": answers.subset,
            "label_cutoff": answers.cutoff,
            "total": answers.images,
            "left_out": answers.left_out,
            "learnt_shares": self.learnt,
            "shares": self.shares,
            "temperature": self.temperature,
            "classes": list(self.before.classes),
            "changed": self.changed,
            **{name: _scores(each) for name, each in (("before", self.before), ("after", self.after))},
        }


def correct_priors(
    version: ModelVersion, *, split: Split, subset: str = Subset.TEST, shares: Mapping[str, float]
) -> Corrected:
    """Score stored predictions as they are, and corrected for these shares of classes; nothing is kept.

    `shares` need not sum to 1; a class that is not named has none. The correction takes probabilities at
    their word, so a temperature is applied first (A. Alexandari, A. Kundaje and A. Shrikumar, ICML 2020).
    Raises BadShares, EvaluationIncomplete (not_evaluated), `Refused` (bad_subset, other_classes,
    empty_subset).
    """
    wanted = _checked(version, shares)
    answers = answers_in(version, split=split, subset=subset)
    learnt, temperature = learnt_shares(version), temperature_of(version)
    if not any(learnt[name] and share for name, share in wanted.items()):
        raise BadShares(f"{version} has learnt none of the classes that have a share. Give others.")
    before = answers.answered if temperature is None else answers.answered.at(temperature)
    corrected = with_priors(before.probabilities, learnt=_row(version, learnt), new=_row(version, wanted))
    after = Answered(corrected, before.actual, before.papers)
    return Corrected(
        answers=answers,
        learnt=learnt,
        shares=wanted,
        temperature=temperature,
        before=_score(version, before),
        after=_score(version, after),
        changed=int((before.predicted != after.predicted).sum()),
    )


def learnt_shares(version: ModelVersion) -> Shares:
    """Return the shares of classes that a version was shown while it was trained.

    Its `balance` shows small classes more often than they are: `papers` all alike, `oversample` and
    `weights` up to ten times. Of a version without a split nothing is known: all alike.
    """
    counts = train_counts(version)
    balance = version.config.get("balance", "papers")
    most = max(counts.values())
    shown = {
        "none": counts,
        "oversample": {name: min(most, MOST_REPEATS * count) for name, count in counts.items()},
    }
    shown["weights"] = shown["oversample"]
    return _normed(shown.get(balance) or {name: min(1, count) for name, count in counts.items()})


def train_counts(version: ModelVersion) -> dict[str, int]:
    """Return how many images of each class the train of a version's split held; 1 of each without a split."""
    by_class = version.split.counts["classes"].get(Subset.TRAIN, {}) if version.split else {}
    counts = {name: int(by_class.get(name, 0)) for name in version.classes}
    return counts if any(counts.values()) else dict.fromkeys(version.classes, 1)


def preset_shares(answers: Answers) -> dict[str, Shares]:
    """Return shares that a person may start from, by name; those that cannot be told are left out.

    `train`: as in train of the version's split. `dataset`: as in the dataset of `answers` now. `estimated`:
    from the answers alone, without a label (Saerens et al. 2002). `equal`: all alike.
    """
    version = answers.version
    presets = {"train": _normed(train_counts(version))}
    now = {each["name"]: each["count"] for each in class_counts(answers.split.dataset)}
    counts = {name: now.get(name, 0) for name in version.classes}
    if any(counts.values()):
        presets["dataset"] = _normed(counts)
    temperature = temperature_of(version)
    said = answers.answered if temperature is None else answers.answered.at(temperature)
    found = estimated_priors(said.probabilities, learnt=_row(version, learnt_shares(version)))
    presets["estimated"] = dict(zip(version.classes, found.tolist(), strict=True))
    presets["equal"] = _normed(dict.fromkeys(version.classes, 1))
    return presets


def _checked(version: ModelVersion, shares: Mapping[str, float]) -> Shares:
    """Return a share for each class of the version, summing to 1. Raises BadShares."""
    strangers = sorted(set(shares) - set(version.classes))
    if strangers:
        raise BadShares(
            f"{version} knows no class {', '.join(strangers)}. It knows {', '.join(version.classes)}."
        )
    given = {name: float(shares.get(name, 0)) for name in version.classes}
    if not all(isfinite(share) and share >= 0 for share in given.values()) or not any(given.values()):
        raise BadShares("A share is a number from 0, and one at least is more than 0.")
    if not isfinite(sum(given.values())):
        raise BadShares("The shares are too large: give them in percent.")
    return _normed(given)


def _normed(values: Mapping[str, float]) -> Shares:
    total = sum(values.values())
    return {name: value / total for name, value in values.items()}


def _row(version: ModelVersion, shares: Shares) -> Array:
    return np.array([shares[name] for name in version.classes])


def _score(version: ModelVersion, answered: Answered) -> Scores:
    classes = version.classes
    actual, predicted = ([classes[place] for place in each] for each in (answered.actual, answered.predicted))
    return score(actual, predicted, classes=classes)


def _scores(scores: Scores) -> dict[str, Any]:
    told = scores.as_dict()
    return {name: told[name] for name in ("macro_f1", "balanced_accuracy", "accuracy", "per_class", "matrix")}
