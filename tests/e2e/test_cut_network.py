"""Ten seconds without a network while somebody labels: nothing is lost, nothing is done twice."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from datasets.models import Image, Label, LabelBatch
from tests.e2e.bench import labels, saved, thumbs
from tests.factories_models import labelled_dataset

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
CUT_MS = 10_000
WHILE_CUT = 20


@pytest.fixture
def cut_off(signed_in: Open, context: Any) -> Page:
    """A workbench whose network has been gone for ten seconds, with twenty images labelled meanwhile."""
    labelled_dataset(slug="panels", papers=12, per_paper=2)
    page = signed_in("annotator")
    page.goto("/workbench/?dataset=panels")
    expect(thumbs(page)).to_have_count(24)
    thumbs(page).nth(0).focus()
    context.set_offline(True)
    for place in range(WHILE_CUT):
        page.keyboard.press("2" if place % 2 else "3")
    page.wait_for_timeout(CUT_MS)
    expect(page.get_by_text(f"{WHILE_CUT} changes kept here, not saved yet")).to_be_visible()
    expect(page.locator("#grid .thumb.unsaved")).to_have_count(WHILE_CUT)
    expect(thumbs(page).nth(0)).to_have_attribute("aria-label", "0 / 010101.png, labelled Macroscopy")
    assert labels() == ["BlotGel", "Microscopy"] * 12
    return page


def assert_each_is_saved_once() -> None:
    """The labels given while the network was gone stand in the history, each exactly once."""
    assert labels() == ["Macroscopy", "FAC"] * (WHILE_CUT // 2) + ["BlotGel", "Microscopy"] * 2
    given = Label.objects.filter(version__gt=1).order_by("image")
    assert list(given.values_list("image", "version", "label_class__name", "author__username")) == [
        (pk, 2, "FAC" if place % 2 else "Macroscopy", "annotator")
        for place, pk in enumerate(Image.objects.order_by("pk").values_list("pk", flat=True)[:WHILE_CUT])
    ]
    assert LabelBatch.objects.filter(kind=LabelBatch.Kind.RELABEL).count() == WHILE_CUT


def test_back_online_all_is_saved_without_a_key_press(cut_off: Page, context: Any) -> None:
    context.set_offline(False)
    saved(cut_off)
    expect(cut_off.locator("#grid .thumb.unsaved")).to_have_count(0)
    assert_each_is_saved_once()


@pytest.mark.slow
def test_a_reload_after_coming_back_saves_all_too(cut_off: Page, context: Any) -> None:
    context.set_offline(False)
    cut_off.reload()
    expect(thumbs(cut_off)).to_have_count(24)
    saved(cut_off)
    expect(thumbs(cut_off).nth(1)).to_have_attribute("aria-label", "0 / 010201.png, labelled FAC")
    assert_each_is_saved_once()
