"""A version's scores on one subset over time: by the labels as they stood, and as they were corrected."""

from collections.abc import Iterable
from dataclasses import dataclass

from classifier.models import Evaluation


@dataclass(frozen=True)
class Moment:
    """An evaluation among its like: `change` in macro-F1 since the one before; places are 0 to 100, texts."""

    evaluation: Evaluation
    is_current: bool
    change: float | None
    place: str
    low: str
    width: str

    @property
    def shown_change(self) -> str:
        """The change with its sign; empty for the first."""
        return "" if self.change is None else f"{self.change:+.3f}".replace("-", "\N{MINUS SIGN}")


def shown_timeline(evaluations: Iterable[Evaluation], *, current: Evaluation) -> list[Moment]:
    """Return evaluations of one version on one subset as they are shown, in the order given."""
    moments: list[Moment] = []
    before: Evaluation | None = None
    for each in evaluations:
        low, high = each.intervals.get("macro_f1") or (each.macro_f1, each.macro_f1)
        moments.append(
            Moment(
                evaluation=each,
                is_current=each.pk == current.pk,
                change=None if before is None else each.macro_f1 - before.macro_f1,
                place=_place(each.macro_f1),
                low=_place(low),
                width=_place(high - low),
            )
        )
        before = each
    return moments


def _place(share: float) -> str:
    return f"{100 * share:.1f}"
