"""What a load run came to: requests a second, percentiles, and errors by kind."""

import math
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

OK = "200"
# Refused politely: the queue is full, or the token asks too often.
REFUSED = ("429", "503")


@dataclass(frozen=True)
class Outcome:
    """One request: when sent and answered (monotonic seconds), its status or what broke it, which model."""

    sent: float
    done: float
    kind: str
    model: int | None = None


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least this share of the values does not exceed (nearest rank)."""
    if not values:
        return math.nan
    return sorted(values)[max(1, math.ceil(share * len(values))) - 1]


def summary(outcomes: Iterable[Outcome], *, began: float, seconds: float) -> dict[str, Any]:
    """Return rate and latencies (ms) of what was answered with 200, and how many ended otherwise.

    The rate counts answers within the window; latencies are of every request sent in it, those that were
    answered after its end too: leaving out the slow ones would flatter.
    """
    everything = list(outcomes)
    answered = [each for each in everything if each.kind == OK]
    taken = [1000 * (each.done - each.sent) for each in answered]
    kinds = Counter(each.kind for each in everything)
    return {
        "rate": sum(each.done <= began + seconds for each in answered) / seconds,
        "p50": percentile(taken, 0.50),
        "p95": percentile(taken, 0.95),
        "p99": percentile(taken, 0.99),
        "answered": len(answered),
        "refused": {kind: kinds[kind] for kind in REFUSED if kinds[kind]},
        "errors": {kind: count for kind, count in kinds.items() if kind not in (OK, *REFUSED)},
    }


def medians(rounds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the medians of the figures of several rounds, and the sums of what was counted."""
    return {
        name: (
            statistics.median(each[name] for each in rounds)
            if isinstance(value, float)
            else dict(sum((Counter(each[name]) for each in rounds), Counter()))
            if isinstance(value, dict)
            else sum(each[name] for each in rounds)
        )
        for name, value in rounds[0].items()
    }


def last_from(outcomes: Iterable[Outcome], *, model: int, after: float) -> float:
    """Return how long after a moment the last request was sent that a model still answered; 0 for none."""
    return max(
        (each.sent - after for each in outcomes if each.model == model and each.sent > after), default=0.0
    )
