"""How far a job is, as one line of a terminal: a bar, its figures, the time that is left."""

from collections import deque
from typing import Any

from datasets.templatetags.showing import minutes, size
from training_jobs.models import TrainingRun

_WINDOW = 30.0
_WIDEST_BAR = 30
_NARROWEST_BAR = 8
_EIGHTHS = " \u258f\u258e\u258d\u258c\u258b\u258a\u2589"


class Pace:
    """How fast a job is, as seen from here over the last half minute."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int, int]] = deque()

    def left(self, done: int, total: int, *, now: float) -> float | None:
        """Return how many seconds are left, None while too little was seen."""
        if self._seen and (done < self._seen[-1][1] or total != self._seen[-1][2]):
            self._seen.clear()
        self._seen.append((now, done, total))
        while len(self._seen) > 2 and now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        first, begun, _ = self._seen[0]
        if done <= begun or now <= first or done >= total:
            return None
        return (total - done) * (now - first) / (done - begun)


def progress_line(job: Any, message: str, *, left: float | None, width: int, plain: bool = False) -> str:
    """Return how far a job is, at most `width` characters; the last figures go where they do not fit.

    `plain`: with characters of ASCII alone.
    """
    if not job.total:
        return message[:width]
    percent = f"{100 * job.share_done:3.0f} %"
    figures = _figures(job, left)
    taken = f"{message}  {percent}"
    while figures and len("  ".join((taken, *figures))) + 1 + _NARROWEST_BAR > width:
        figures.pop()
    rest = "".join(f"  {figure}" for figure in figures)
    room = min(_WIDEST_BAR, width - len(taken) - len(rest) - 1)
    if room < _NARROWEST_BAR:
        return f"{taken}{rest}"[:width]
    return f"{message}  {_bar(job.share_done, room, plain=plain)} {percent}{rest}"


def _figures(job: Any, left: float | None) -> list[str]:
    """Return what stands behind the bar, the most telling first; as wide each time, lest the bar jump."""
    is_learning = isinstance(job, TrainingRun) and job.is_learning
    total = f"{job.total:,}"
    figures = [f"{f'{minutes(left)} left':15}"] if left is not None else []
    figures.append(f"{job.done:>{len(total)},}/{total}{' batches' if is_learning else ''}")
    if is_learning:
        figures.append(f"rate {job.learning_rate:.1e}")
    if isinstance(job, TrainingRun) and job.memory_bytes:
        figures += [size(job.memory_bytes), f"at most {size(job.memory_peak_bytes)}"]
    return figures


def _bar(share: float, room: int, *, plain: bool) -> str:
    """Return a bar of so many characters, its ends among them, filled by its share."""
    inner = room - 2
    if plain:
        return f"[{'#' * int(share * inner):-<{inner}}]"
    full, eighths = divmod(int(share * inner * 8), 8)
    cells = "\u2588" * full + (_EIGHTHS[eighths] if full < inner else "")
    return f"\u2595{cells:<{inner}}\u258f"
