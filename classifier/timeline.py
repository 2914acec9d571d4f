"""A version's scores on one subset over time: by the labels as they stood, and as they were corrected."""

from collections.abc import Iterable
from dataclasses import dataclass

from classifier.models import Evaluation


@dataclass(frozen=True)
class Moment:
    """An evaluation among its like: `change` in macro-F1 since the one before, None for the first."""

    evaluation: Evaluation
    is_current: bool
    change: float | None

    @property
    def shown_change(self) -> str:
        """The change with its sign; empty for the first."""
        return "" if self.change is None else f"{self.change:+.3f}".replace("-", "\N{MINUS SIGN}")


def shown_timeline(evaluations: Iterable[Evaluation], *, current: Evaluation) -> list[Moment]:
    """Return evaluations of one version on one subset as they are shown, in the order given."""
    moments: list[Moment] = []
    before: Evaluation | None = None
    for each in evaluations:
        change = None if before is None else each.macro_f1 - before.macro_f1
        moments.append(Moment(each, each.pk == current.pk, change))
        before = each
    return moments
