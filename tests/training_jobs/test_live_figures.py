"""The figures of a run at work: written with its progress, under its claim; on its page and over REST."""

from pathlib import Path
from typing import Any

import pytest

from datasets.models import Split
from tests.factories_models import TrainingRunFactory
from tests.rest import API, api
from tests.training_jobs.test_jobs import let_lease_expire, seen_elsewhere
from training_jobs import memory
from training_jobs.leases import Reports
from training_jobs.models import LeaseLost, TrainingRun

__all__ = ["api"]
pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("woken")]
MB = 10**6


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """What the system tells of this process, as a file that a test may change."""
    status = tmp_path / "status"
    status.write_text("Name:\tpython\nVmHWM:\t  2000000 kB\nVmRSS:\t  500000 kB\n")
    monkeypatch.setattr(memory, "_STATUS", status)
    return status


def test_memory_is_none_where_the_system_does_not_tell(held: Path) -> None:
    assert memory.memory_held() == memory.Memory(now=512 * MB, peak=2048 * MB)
    held.write_text("Name:\tpython\n")
    assert memory.memory_held() == memory.Memory(None, None)
    held.unlink()
    assert memory.memory_held() == memory.Memory(None, None)


def test_a_report_writes_progress_rate_and_memory_in_one_statement(
    held: Path, split: Split, django_assert_num_queries: Any
) -> None:
    run = TrainingRunFactory(split=split)
    run.claim("worker")
    with django_assert_num_queries(1):
        Reports(run)(3, 12, "Epoch 1 of 4", learning_rate=0.002)
    row = seen_elsewhere(run)
    assert (row.done, row.total, row.message, row.learning_rate) == (3, 12, "Epoch 1 of 4", 0.002)
    assert (row.memory_bytes, row.memory_peak_bytes) == (512 * MB, 2048 * MB)
    assert row.is_learning


def test_the_rate_goes_with_the_learning_and_all_figures_with_the_next_attempt(
    held: Path, split: Split
) -> None:
    run = TrainingRunFactory(split=split)
    run.claim("worker")
    run.report(done=3, total=12, learning_rate=0.002)
    run.report(done=0, total=0, message="Exporting")
    row = seen_elsewhere(run)
    assert (row.learning_rate, row.is_learning, row.memory_bytes) == (None, False, 512 * MB)
    let_lease_expire(run)
    row.take_back()
    row.claim("next")
    assert (row.memory_bytes, row.memory_peak_bytes) == (None, None)


def test_who_lost_the_run_writes_no_figures(held: Path, split: Split) -> None:
    run = TrainingRunFactory(split=split)
    run.claim("slow")
    let_lease_expire(run)
    seen_elsewhere(run).take_back()
    with pytest.raises(LeaseLost):
        run.report(done=1, total=2, learning_rate=0.5)
    assert seen_elsewhere(run).learning_rate is None


def test_the_page_of_a_run_shows_batches_rate_and_memory(as_role: Any, held: Path, split: Split) -> None:
    run = TrainingRunFactory(split=split)
    run.claim("worker")
    there = f"/training/{run.pk}/"
    before = as_role().get(there).content.decode()
    assert 'data-figure="batches" hidden' in before and 'data-figure="memory" hidden' in before
    run.report(done=1234, total=5000, message="Epoch 1 of 4", learning_rate=0.002)
    page = as_role().get(there).content.decode()
    assert "<span data-value>1,234</span><small> of <span data-of>5,000</span></small>" in page
    assert "2.0e-03" in page and ">512 MB<" in page and "at most <span data-of>2.05 GB" in page
    run.fail(code="diverged", reason="No.")
    ended = as_role().get(there).content.decode()
    assert "2.05 GB</b><span>memory at most" in ended and "learning rate</span>" not in ended


def test_rest_tells_the_figures(api: Any, held: Path, split: Split) -> None:
    run = TrainingRunFactory(split=split)
    told = api("viewer").get(f"{API}training-runs/{run.pk}/").json()
    assert [told[name] for name in ("learning_rate", "memory_bytes", "memory_peak_bytes")] == [
        None,
        None,
        None,
    ]
    TrainingRun.objects.get(pk=run.pk).claim("worker")
    TrainingRun.objects.get(pk=run.pk).report(done=1, total=2, learning_rate=0.002)
    told = api("viewer").get(f"{API}training-runs/{run.pk}/").json()
    assert (told["learning_rate"], told["memory_bytes"]) == (0.002, 512 * MB)
