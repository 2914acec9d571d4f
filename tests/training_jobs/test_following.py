"""What a person who waits at a terminal is shown: a bar with figures, in place; elsewhere lines."""

import sys
from io import StringIO
from typing import Any

import pytest

from tests.factories_models import InferenceJobFactory, TrainingRunFactory
from training_jobs import following
from training_jobs.models import EpochMetric, TrainingRun
from training_jobs.progress_line import Pace, progress_line

GB = 10**9


def learning(**changes: Any) -> TrainingRun:
    """A run in its third epoch, as a row that is not kept."""
    return TrainingRun(
        **{
            "state": "running",
            "done": 1234,
            "total": 5000,
            "learning_rate": 0.0012,
            "memory_bytes": int(1.24 * GB),
            "memory_peak_bytes": int(1.3 * GB),
            **changes,
        }
    )


def shown(job: Any, width: int, **how: Any) -> str:
    """The line of a job in its third epoch, with 130 seconds left."""
    return progress_line(job, "Epoch 3 of 20", left=130, width=width, **how)


def test_the_line_has_a_bar_batches_rate_memory_and_time_left() -> None:
    line = shown(learning(), 140)
    told = "2 min 10 s left  1,234/5,000 batches  rate 1.2e-03  1.24 GB  at most 1.30 GB"
    assert line.startswith("Epoch 3 of 20  \u2595\u2588\u2588\u2588\u2588\u2588\u2588\u2589 ")
    assert line.endswith(f"\u258f  25 %  {told}")


@pytest.mark.parametrize("width", [20, 40, 60, 79, 100, 120, 200])
def test_the_line_fits_the_terminal_and_its_last_figures_go_first(width: int) -> None:
    line = shown(learning(), width)
    assert len(line) <= width
    assert ("GB" in line, "rate" in line) == (width >= 100, width >= 100)
    assert ("left" in line) == (width >= 60)


def test_the_bar_is_as_wide_whatever_the_time_left() -> None:
    ends = [
        progress_line(learning(done=done), "Epoch 3 of 20", left=left, width=100).index("\u258f ")
        for done, left in ((7, 59), (1234, 61), (4999, 3900))
    ]
    assert len(set(ends)) == 1


def test_a_full_bar_is_full_and_an_empty_one_empty() -> None:
    assert "\u2595" + 28 * "\u2588" + "\u258f 100 %" in shown(learning(done=5000), 200)
    assert "\u2595" + 28 * " " + "\u258f   0 %" in shown(learning(done=0), 200)
    assert "[" + 6 * "#" + 22 * "-" + "]" in shown(learning(), 200, plain=True)


def test_what_is_no_training_has_no_learning_rate_and_counts_no_batches() -> None:
    line = progress_line(
        learning(learning_rate=None, memory_bytes=None), "Reading images", left=None, width=99
    )
    assert line.endswith("25 %  1,234/5,000")
    assert progress_line(learning(total=0), "Building the network", left=None, width=8) == "Building"


def test_the_time_left_follows_from_the_last_half_minute() -> None:
    pace = Pace()
    assert pace.left(0, 100, now=0.0) is None
    assert pace.left(10, 100, now=5.0) == 45
    for second in range(6, 60):
        pace.left(10 + second, 100, now=float(second))
    # One a second in the last half minute, though it was two before.
    assert pace.left(70, 100, now=60.0) == pytest.approx(30, rel=0.05)
    # Another kind of work counts from its own beginning.
    assert pace.left(5, 50, now=61.0) is None


@pytest.mark.django_db
def test_a_terminal_is_told_in_place_and_other_readers_by_line(monkeypatch: pytest.MonkeyPatch) -> None:
    run = TrainingRunFactory(state="running", done=3, total=12, message="Epoch 1 of 4", learning_rate=0.002)
    said: list[str] = []
    terminal = StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    told = following._Told(run, said.append)
    told.news()
    run.done = 4
    told.news()
    assert said == [] and terminal.getvalue().count("\r\033[K") == 2
    assert " 3/12 batches  rate 2.0e-03" in terminal.getvalue()
    told.end_line()
    assert terminal.getvalue().endswith("\r\033[K")

    monkeypatch.setattr(sys, "stderr", StringIO())
    following._Told(run, said.append).news()
    assert said == ["Epoch 1 of 4"] and sys.stderr.getvalue() == ""  # type: ignore[attr-defined]


@pytest.mark.django_db
def test_other_jobs_have_a_bar_too(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = StringIO()
    terminal.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", terminal)
    job = InferenceJobFactory(state="running", done=6, total=12, message="Classifying images")
    following._Told(job, lambda _line: None).news()
    assert "Classifying images  [" in terminal.getvalue() and " 50 %   6/12" in terminal.getvalue()


def test_an_epoch_is_told_with_its_scores() -> None:
    epoch = EpochMetric(epoch=2, loss=1, accuracy=0.5, val_accuracy=0.6, val_macro_f1=0.7, seconds=3)
    line = following.epoch_line(epoch, 4)
    assert "epoch   2 of 4" in line and "val macro-F1 0.700" in line
