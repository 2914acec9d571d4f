"""How far a version's confidence can be believed on a subset: reliability, calibration error, risk."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.calibrating import standing_calibration
from classifier.cautions import cautions
from classifier.models import Calibration, ModelVersion
from classifier.statistics.abstention import RiskCoverage, risk_coverage, risk_interval
from classifier.statistics.calibration import (
    Answered,
    Bin,
    ErrorInterval,
    brier,
    calibration_error,
    negative_log_likelihood,
    reliability,
)
from classifier.statistics.resampling import FEW_PAPERS
from classifier.stored_answers import Answers, answers_in
from datasets.models import Split, Subset

STEPS = 1_000
RISKS = (0.10, 0.05, 0.02, 0.01)


@dataclass(frozen=True)
class Judged:
    """Probabilities as they are, or at a temperature: the diagram and the scores."""

    temperature: float
    bins: list[Bin]
    error: ErrorInterval
    nll: float
    brier: float

    def as_dict(self) -> dict[str, Any]:
        """Return the shape of REST."""
        return {
            "temperature": self.temperature,
            **self.error.as_dict(),
            "nll": self.nll,
            "brier": self.brier,
            "bins": [asdict(each) for each in self.bins],
        }


@dataclass(frozen=True)
class Abstention:
    """What a threshold does to N images: how many are answered, how many of those are wrong."""

    threshold: float
    kept: int
    wrong: int
    total: int
    interval: tuple[float, float] | None = None

    @property
    def coverage(self) -> float:
        """The share that is answered."""
        return self.kept / self.total

    @property
    def abstained(self) -> float:
        """The share that is not answered."""
        return 1 - self.coverage

    @property
    def risk(self) -> float | None:
        """The share of the answered that is wrong; None where nothing is answered."""
        return self.wrong / self.kept if self.kept else None

    def as_dict(self) -> dict[str, Any]:
        """Return the shape of REST."""
        return {
            "abstain_below": self.threshold,
            "coverage": self.coverage,
            "risk": self.risk,
            "interval": None if self.interval is None else list(self.interval),
        }


@dataclass(frozen=True)
class Confidence:
    """All there is to say; `after` is None without a calibration, `standing` without a threshold."""

    answers: Answers
    calibration: Calibration | None
    before: Judged
    after: Judged | None
    curve: RiskCoverage
    standing: Abstention | None
    for_risks: list[tuple[float, Abstention | None]]
    warnings: list[str]

    def steps(self) -> dict[str, list[int]]:
        """Return `kept` and `wrong` for each threshold of 0, 0.001, ... 1."""
        kept, wrong = self.curve.at(np.arange(STEPS + 1) / STEPS)
        return {"kept": kept.tolist(), "wrong": wrong.tolist()}

    def as_dict(self) -> dict[str, Any]:
        """Return the shape of REST."""
        answers = self.answers
        return {
            "split": {"id": answers.split.pk, "name": str(answers.split)},
            "subset": answers.subset,
            "label_cutoff": answers.cutoff,
            "images": answers.images,
            "papers": answers.papers,
            "few_papers": answers.papers < FEW_PAPERS,
            "left_out": answers.left_out,
            "warnings": self.warnings,
            "before": self.before.as_dict(),
            "after": self.after.as_dict() if self.after else None,
            "aurc": self.curve.area,
            "error_rate": float(self.curve.risk[-1]),
            "abstain_below": answers.version.abstain_below,
            "at_threshold": self.standing.as_dict() if self.standing else None,
            "for_risk": [
                {"risk_at_most": risk, **(found.as_dict() if found else _NO_THRESHOLD)}
                for risk, found in self.for_risks
            ],
        }


_NO_THRESHOLD = {"abstain_below": None, "coverage": None, "risk": None, "interval": None}


def judge_confidence(version: ModelVersion, *, split: Split, subset: str = Subset.TEST) -> Confidence:
    """Judge stored predictions by the labels of now; nothing is classified and nothing kept.

    Raises EvaluationIncomplete (not_evaluated), `Refused` (bad_subset, other_classes, empty_subset).
    """
    answers = answers_in(version, split=split, subset=subset)
    answered, calibration = answers.answered, standing_calibration(version)
    curve = risk_coverage(answered.confidence, answered.is_right)
    return Confidence(
        answers=answers,
        calibration=calibration,
        before=_judged(answered, temperature=1.0),
        after=_judged(answered.at(calibration.temperature), temperature=calibration.temperature)
        if calibration
        else None,
        curve=curve,
        standing=_at_threshold(answered, curve, version.abstain_below),
        for_risks=[(risk, _for_risk(answered, curve, risk)) for risk in RISKS],
        warnings=[*cautions(version, split, subset), *_own_warnings(answers, calibration)],
    )


def _judged(answered: Answered, *, temperature: float) -> Judged:
    return Judged(
        temperature=temperature,
        bins=reliability(answered),
        error=calibration_error(answered),
        nll=negative_log_likelihood(answered.probabilities, answered.actual),
        brier=brier(answered.probabilities, answered.actual),
    )


def _at_threshold(answered: Answered, curve: RiskCoverage, threshold: float | None) -> Abstention | None:
    if threshold is None:
        return None
    kept, wrong = (int(each[0]) for each in curve.at(np.array([threshold])))
    interval = risk_interval(answered, threshold)
    ends = None if np.isnan(interval.low) else (interval.low, interval.high)
    return Abstention(threshold, kept, wrong, curve.total, ends)


def _for_risk(answered: Answered, curve: RiskCoverage, risk: float) -> Abstention | None:
    """Return the threshold of a wanted risk as it can be typed: with three digits, never keeping more."""
    exact = curve.for_risk(risk)
    if exact is None:
        return None
    threshold = _upwards(exact, answered.confidence)
    kept, wrong = (int(each[0]) for each in curve.at(np.array([threshold])))
    return Abstention(threshold, kept, wrong, curve.total) if kept and wrong <= risk * kept else None


def _upwards(exact: float, confidence: NDArray[np.float64]) -> float:
    """Return the shortest number from the next lower confidence to `exact` that keeps the same images."""
    lower = confidence[confidence < exact]
    below = float(lower.max()) if len(lower) else 0.0
    for digits in (2, 3, 4):
        rounded = float(np.floor(exact * 10**digits) / 10**digits)
        if rounded > below:
            return rounded
    return float(np.ceil(exact * 10**4) / 10**4)


def _own_warnings(answers: Answers, calibration: Calibration | None) -> list[str]:
    """Say what else makes the figures too good, or unsure."""
    told = []
    if calibration and (calibration.split_id, calibration.subset) == (answers.split.pk, answers.subset):
        told.append("The temperature was fitted on these images: after it, the error looks too small here.")
    if answers.papers < FEW_PAPERS:
        told.append(
            f"These are {answers.papers} papers: with fewer than {FEW_PAPERS} intervals miss more often."
        )
    return told
