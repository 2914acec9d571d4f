"""Two people in two browsers at one image: the second is told what the first said, and chooses."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from datasets.models import Image, Label, LabelBatch
from tests.e2e.bench import labels, saved, thumbs
from tests.factories_models import labelled_dataset

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
ADDRESS = "/workbench/?dataset=panels"


@pytest.fixture
def clash(signed_in: Open, new_context: Callable[[], Any]) -> tuple[Page, Page]:
    """An annotator has set the first image to FAC, which a curator saw before and sets to Macroscopy."""
    labelled_dataset(slug="panels", papers=2, per_paper=2)
    first, second = signed_in("annotator"), signed_in("curator", into=new_context())
    for page in (first, second):
        page.goto(ADDRESS)
        thumbs(page).nth(0).focus()
    first.keyboard.press("2")
    saved(first)
    second.keyboard.press("3")
    expect(second.get_by_text("annotator set it to FAC; you said Macroscopy.")).to_be_visible()
    expect(thumbs(second).nth(0)).to_have_attribute("aria-label", "0 / 010101.png, labelled FAC")
    return first, second


def history() -> list[tuple[str | None, str | None, int]]:
    """What was said of the first image since it was made: class, author and version, the oldest first."""
    rows = Label.objects.filter(image=Image.objects.earliest("pk"), version__gt=1).order_by("version")
    return list(rows.values_list("label_class__name", "author__username", "version"))


def test_the_second_keeps_theirs_and_nothing_more_is_written(clash: tuple[Page, Page]) -> None:
    _, second = clash
    second.get_by_role("button", name="Keep theirs").click()
    expect(second.get_by_text("changed by somebody else")).to_be_hidden()
    saved(second)
    second.reload()
    expect(thumbs(second).nth(0)).to_have_attribute("aria-label", "0 / 010101.png, labelled FAC")
    expect(second.get_by_role("button", name="Undo").first).to_be_disabled()
    assert history() == [("FAC", "annotator", 2)]
    assert LabelBatch.objects.filter(kind=LabelBatch.Kind.RELABEL).count() == 1
    assert labels()[1:] == ["Microscopy", "BlotGel", "Microscopy"]


def test_the_second_sets_theirs_over_and_the_first_is_told_in_turn(clash: tuple[Page, Page]) -> None:
    first, second = clash
    second.get_by_role("button", name="Set mine").click()
    expect(second.get_by_text("1 image: Macroscopy")).to_be_visible()
    assert history() == [("FAC", "annotator", 2), ("Macroscopy", "curator", 3)]
    first.keyboard.press("u")
    expect(first.get_by_text("1 image left as somebody else changed it since")).to_be_visible()
    expect(thumbs(first).nth(0)).to_have_attribute("aria-label", "0 / 010101.png, labelled Macroscopy")
    assert history() == [("FAC", "annotator", 2), ("Macroscopy", "curator", 3)]
    second.keyboard.press("u")
    saved(second)
    expect(second.get_by_text("Undone: 1 image")).to_be_visible()
    assert history()[2:] == [("FAC", "curator", 4)]
