"""The Review page in a browser: a queue started, worked, closed and opened again."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from datasets.models import Queue
from tests.e2e.bench import saved, thumbs
from tests.factories_models import ModelVersionFactory, labelled_dataset

pytestmark = pytest.mark.browser
Open = Callable[..., Page]


@pytest.fixture
def page(signed_in: Open) -> Page:
    """The page, to a curator."""
    labelled_dataset(slug="panels")
    opened = signed_in("curator")
    opened.goto("/review/?dataset=panels")
    return opened


def test_an_audit_is_started_worked_and_told(page: Page) -> None:
    form = page.locator("[data-start=audit]")
    form.get_by_text("More").click()
    form.get_by_label("Images").fill("6")
    form.get_by_label("Seed").fill("1")
    expect(form.get_by_text("6 of 24 labels")).to_be_visible()
    form.get_by_role("button").click()
    page.wait_for_url("**/workbench/?dataset=panels&queue=*")
    expect(thumbs(page)).to_have_count(6)
    thumbs(page).nth(0).focus()
    page.keyboard.press("2")
    page.keyboard.press("Y")
    saved(page)
    expect(page.get_by_text("All 6 images are decided.")).to_be_visible()
    page.get_by_role("link", name="Leave").click()
    expect(page.get_by_text("6 of 6 judged, drawn from 24 labels; seed 1")).to_be_visible()
    expect(page.get_by_text("1 of 6").first).to_be_visible()


def test_what_cannot_be_started_says_why_in_place(page: Page) -> None:
    ModelVersionFactory()
    page.reload()
    form = page.locator("[data-start=disagreements]")
    form.get_by_role("button").click()
    expect(form.get_by_role("alert")).to_contain_text("has not classified this dataset yet")
    expect(form.get_by_role("link", name="Classify the dataset")).to_be_visible()
    assert not Queue.objects.exists()


def test_a_wrong_size_that_is_folded_away_is_shown(page: Page) -> None:
    form = page.locator("[data-start=audit]")
    form.get_by_text("More").click()
    form.get_by_label("Images").fill("0")
    form.get_by_text("More").click()
    expect(form.get_by_label("Images")).to_be_hidden()
    form.get_by_role("button").click()
    expect(form.get_by_label("Images")).to_be_visible()
    assert not Queue.objects.exists()


def test_a_queue_is_renamed_closed_and_opened_again(page: Page) -> None:
    page.locator("[data-start=audit]").get_by_role("button").click()
    page.wait_for_url("**/workbench/**")
    page.goto("/review/?dataset=panels")
    page.get_by_role("button", name="Rename").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Spring audit")
    page.get_by_role("dialog").get_by_role("button", name="Rename").click()
    expect(page.get_by_role("rowheader", name="Spring audit")).to_be_visible()
    page.get_by_role("button", name="Close").press("Enter")
    expect(page.get_by_text("No queue is open.")).to_be_visible()
    expect(page.locator("#queues")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("rowheader", name="Spring audit")).to_be_visible()
    assert Queue.objects.get().closed_at is None


def test_a_filter_of_the_workbench_becomes_a_queue(page: Page) -> None:
    page.goto("/workbench/?dataset=panels&label=BlotGel")
    page.get_by_role("button", name="Make a queue").click()
    page.get_by_role("dialog").get_by_label("Name").fill("Blots")
    page.get_by_role("button", name="Make the queue").click()
    page.wait_for_url("**/workbench/?dataset=panels&queue=*")
    expect(thumbs(page)).to_have_count(12)
    expect(page.get_by_role("heading", name="Blots")).to_be_visible()
