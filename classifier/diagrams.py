"""Where the lines and bars of a version's confidence stand on a page: numbers for templates to draw."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from classifier.confidence import Confidence, Judged
from classifier.statistics.abstention import RiskCoverage
from classifier.statistics.calibration import Bin

_POINTS = 240
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
_STEPS_OF_RISK = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5)


@dataclass(frozen=True)
class Area:
    """A part of a picture in its own units: shares of 0 to 1 lie from left to right, from bottom to top."""

    left: float
    top: float
    width: float
    height: float

    def x(self, share: float) -> float:
        """Return how far right a share lies."""
        return round(self.left + share * self.width, 2)

    def y(self, share: float) -> float:
        """Return how far down a share lies."""
        return round(self.top + (1 - share) * self.height, 2)

    @property
    def right(self) -> float:
        """The right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """The lower edge."""
        return self.top + self.height


DIAGRAM = Area(left=38, top=8, width=300, height=240)
COUNTS = Area(left=38, top=262, width=300, height=44)
CURVE = Area(left=48, top=10, width=580, height=220)


def reliability_diagram(judged: Judged) -> dict[str, Any]:
    """Return the bars of a reliability diagram, their counts beneath, and the ticks of its axes."""
    most = max(each.count for each in judged.bins)
    total = sum(each.count for each in judged.bins)
    return {
        "area": DIAGRAM,
        "counts": COUNTS,
        "bars": [_bar(each, most=most, total=total) for each in judged.bins if each.count],
        "ticks": [{"label": f"{share:g}", "x": DIAGRAM.x(share), "y": DIAGRAM.y(share)} for share in _TICKS],
        "most": most,
    }


def risk_curve(confidence: Confidence) -> dict[str, Any]:
    """Return the line of risk over coverage as points, its ticks, and the place of the threshold in use."""
    curve, standing = confidence.curve, confidence.standing
    top = highest_risk(curve)
    drawn = list(zip(curve.coverage.tolist(), curve.risk.tolist(), strict=True))
    if len(drawn) > _POINTS:
        chosen = np.unique(
            np.searchsorted(curve.coverage, np.linspace(0, 1, _POINTS)).clip(0, len(drawn) - 1)
        )
        drawn = [drawn[place] for place in chosen]
    step = next(each for each in _STEPS_OF_RISK if top / each <= 6)
    risks = np.arange(0, top + step / 2, step)
    mark = None
    if standing and standing.risk is not None:
        mark = {"x": CURVE.x(standing.coverage), "y": CURVE.y(standing.risk / top)}
    return {
        "area": CURVE,
        "points": " ".join(f"{CURVE.x(x):g},{CURVE.y(min(1.0, y / top)):g}" for x, y in drawn),
        "across": [{"label": f"{100 * share:.0f}", "x": CURVE.x(share)} for share in _TICKS],
        "up": [{"label": f"{100 * risk:g}", "y": CURVE.y(risk / top)} for risk in risks if risk <= top],
        "mark": mark,
        "top": top,
    }


def highest_risk(curve: RiskCoverage) -> float:
    """Return where the axis of risk ends: a round number above what most of the curve reaches.

    Its left end rests on a handful of images and may jump to 1; what does is cut off.
    """
    settled = curve.risk[curve.coverage >= 0.1]
    most = max(float(settled.max()), float(curve.risk[-1]), 0.01)
    return next((each for each in (0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8) if most <= each), 1.0)


def _bar(each: Bin, *, most: int, total: int) -> dict[str, Any]:
    """Return a bar from 0 to the accuracy, and the gap from there to the mean confidence."""
    accuracy, confidence = each.accuracy or 0.0, each.confidence or 0.0
    left, width = DIAGRAM.x(each.low), (each.high - each.low) * DIAGRAM.width
    upper, lower = max(accuracy, confidence), min(accuracy, confidence)
    return {
        "bin": each,
        "share": each.count / total,
        "x": round(left + 1, 2),
        "width": round(width - 2, 2),
        "y": DIAGRAM.y(accuracy),
        "height": round(accuracy * DIAGRAM.height, 2),
        "gap_y": DIAGRAM.y(upper),
        "gap_height": round((upper - lower) * DIAGRAM.height, 2),
        "too_sure": confidence > accuracy,
        "count_y": COUNTS.y(each.count / most),
        "count_height": round(COUNTS.height * each.count / most, 2),
    }
