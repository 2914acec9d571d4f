"""Runs side by side in a real browser: sorted, equal columns hidden, curves ticked; and who is next."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Dialog, Locator, Page, expect

from classifier.networks.config import TrainingConfig
from datasets.models import Split
from tests.factories_models import ModelVersionFactory, TrainingRunFactory, labelled_dataset, split_of
from tests.training_jobs.test_pages_training import add_epochs
from training_jobs.models import TrainingRun
from training_jobs.training_set import training_set_sha256

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
PAGE = "/training/compare/?dataset=panels"


@pytest.fixture
def split(live_server: Any) -> Split:
    """A split to have trained on."""
    return split_of(labelled_dataset(slug="panels"))


@pytest.fixture
def runs(split: Split) -> list[TrainingRun]:
    """Three ended runs that differ in their learning rate alone; the second learnt for longest."""
    made = []
    for rate, epochs in ((0.1, 2), (0.0002, 4), (0.03, 3)):
        config = {**TrainingConfig.defaults("cnn").as_dict(), "epochs": 4, "learning_rate": rate}
        run = TrainingRunFactory(split=split, state="cancelled", attempt=1, config=config, name=f"at-{rate}")
        add_epochs(run, epochs, best=epochs)
        made.append(run)
    return made


def rows(page: Page) -> list[str]:
    """The names of the runs in the table, from the top."""
    return [re.sub(r"^\d+\s*", "", each.inner_text()) for each in page.locator("#runs tbody th a").all()]


def box(page: Page, run: TrainingRun) -> Locator:
    """The box that a run's curves are ticked by."""
    return page.get_by_label(f"Draw the curves of run {run.pk}")


def legend(page: Page) -> Locator:
    """The runs that are drawn."""
    return page.locator(".curve-legend li")


def drawn(page: Page) -> dict[str, Any]:
    """What Chart.js holds: the labels of its lines and where its axis ends."""
    return page.evaluate(
        """() => {
            const chart = window.Chart.getChart(document.querySelector("#plot-scores canvas"));
            return { lines: chart.data.datasets.map(({ label }) => label), last: chart.scales.x.max };
        }"""
    )


def test_a_heading_sorts_by_key_and_click_and_the_address_keeps_it(
    signed_in: Open, runs: list[TrainingRun]
) -> None:
    page = signed_in("viewer")
    page.goto(PAGE)
    heading = page.get_by_role("columnheader", name="Learning rate")
    page.locator("#sort-learning_rate").focus()
    page.keyboard.press("Enter")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    assert rows(page) == ["at-0.0002", "at-0.03", "at-0.1"]
    # Whoever sorts by key can go on from there.
    expect(page.locator("#sort-learning_rate")).to_be_focused()
    page.locator("#sort-learning_rate").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    assert rows(page) == ["at-0.1", "at-0.03", "at-0.0002"]
    page.reload()
    assert rows(page) == ["at-0.1", "at-0.03", "at-0.0002"]


def test_what_is_equal_is_hidden_until_it_is_asked_for(signed_in: Open, runs: list[TrainingRun]) -> None:
    page = signed_in("viewer")
    page.goto(PAGE)
    expect(page.get_by_role("columnheader", name="Learning rate")).to_be_visible()
    assert page.get_by_role("columnheader", name="Dropout").count() == 0
    page.get_by_label("Hide what is equal").uncheck()
    expect(page.get_by_role("columnheader", name="Dropout")).to_be_attached()
    page.reload()
    expect(page.get_by_label("Hide what is equal")).not_to_be_checked()
    expect(page.get_by_role("columnheader", name="Dropout")).to_be_attached()
    page.get_by_label("Hide what is equal").check()
    expect(page.get_by_role("columnheader", name="Dropout")).to_have_count(0)


def test_a_ticked_run_is_drawn_and_a_link_shows_a_colleague_the_same(
    signed_in: Open, new_context: Callable[[], Any], runs: list[TrainingRun]
) -> None:
    first, second, third = runs
    page = signed_in("curator")
    page.goto(PAGE)
    expect(legend(page)).to_have_count(3)
    for run in (first, third):
        box(page, run).uncheck()
    expect(legend(page)).to_have_count(1)
    box(page, first).check()
    expect(legend(page)).to_have_count(2)
    lines = [f"{second.pk} at-0.0002", f"{first.pk} at-0.1"]
    assert drawn(page) == {"lines": lines, "last": 4}
    page.get_by_label("Score", exact=True).select_option("val_accuracy")
    page.get_by_text("Table of epochs").first.click()
    expect(page.locator("#table-scores tbody tr").nth(1)).to_contain_text("0.502")
    assert page.url.endswith(f"run={second.pk}&run={first.pk}&score=val_accuracy")

    colleague = signed_in("viewer", into=new_context())
    colleague.goto(page.url)
    assert drawn(colleague)["lines"] == lines
    expect(colleague.get_by_label("Score", exact=True)).to_have_value("val_accuracy")
    expect(box(colleague, third)).not_to_be_checked()
    page.get_by_role("link", name=f"Leave run {second.pk} out").click()
    expect(legend(page)).to_have_count(1)
    assert drawn(page) == {"lines": [f"{first.pk} at-0.1"], "last": 2}


def test_no_more_than_eight_runs_can_be_ticked(signed_in: Open, split: Split) -> None:
    runs = [TrainingRunFactory(split=split, state="cancelled", attempt=1) for _ in range(9)]
    for run in runs:
        add_epochs(run, 2)
    page = signed_in("viewer")
    page.goto(PAGE)
    for run in runs[1:5]:
        box(page, run).check()
    expect(legend(page)).to_have_count(8)
    expect(box(page, runs[0])).to_be_disabled()
    box(page, runs[8]).uncheck()
    expect(box(page, runs[0])).to_be_enabled()


def test_curves_of_a_run_at_work_grow_while_one_looks(signed_in: Open, runs: list[TrainingRun]) -> None:
    first = runs[0]
    TrainingRun.objects.filter(pk=first.pk).update(state="running")
    page = signed_in("viewer")
    page.goto(f"{PAGE}&run={first.pk}")
    assert drawn(page)["last"] == 2
    first.epochs.all().delete()
    add_epochs(first, 5, best=5)
    expect(page.locator("#table-scores tbody tr")).to_have_count(5)
    page.wait_for_function(
        "window.Chart.getChart(document.querySelector('#plot-scores canvas')).scales.x.max === 5"
    )


def test_on_a_phone_the_table_scrolls_and_the_page_does_not(signed_in: Open, runs: list[TrainingRun]) -> None:
    page = signed_in("viewer")
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{PAGE}&equal=shown")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#run-table").scroll_into_view_if_needed()
    name = page.locator("#runs tbody th").first
    before = name.bounding_box()
    page.locator("#run-table").evaluate("(table) => table.scrollTo(table.scrollWidth, 0)")
    expect(page.get_by_role("columnheader", name="JPEG noise")).to_be_in_viewport()
    assert name.bounding_box() == before


def test_up_next_lets_the_run_that_waits_last_come_first(signed_in: Open, split: Split) -> None:
    waiting = [TrainingRunFactory(split=split, name=f"waits-{number}") for number in range(3)]
    page = signed_in("curator")
    page.goto("/training/?dataset=panels")
    page.get_by_role("button", name=f"Up next: run {waiting[2].pk}").click()
    expect(page.get_by_text(f"Run {waiting[2].pk} is next.")).to_be_visible()
    row = page.locator("tr", has=page.locator(f"#run-{waiting[2].pk}"))
    expect(row.get_by_text("number 1 in the queue")).to_be_visible()
    expect(page.get_by_role("button", name=f"Up next: run {waiting[2].pk}")).to_have_count(0)
    assert list(TrainingRun.objects.in_turn()) == [waiting[2], waiting[0], waiting[1]]


def test_a_version_is_trained_again_after_a_question(signed_in: Open, split: Split) -> None:
    cutoff = timezone.now()
    digest = training_set_sha256(split, cutoff)
    version = ModelVersionFactory(
        split=split,
        label_cutoff=cutoff,
        training_set_sha256=digest,
        config=TrainingConfig.defaults("cnn").as_dict(),
    )
    page = signed_in("curator")
    page.goto(f"/models/{version.pk}/")
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.message)
        dialog.accept() if len(asked) > 1 else dialog.dismiss()

    page.on("dialog", answer)
    again = page.get_by_role("button", name="Train again").first
    again.click()
    assert asked[0].startswith(f"Train {version} again?") and not TrainingRun.objects.exists()
    again.click()
    page.wait_for_url(re.compile(r"/training/\d+/"))
    expect(page.get_by_text(f"it trains {version} again")).to_be_visible()
    assert TrainingRun.objects.get().like == version
