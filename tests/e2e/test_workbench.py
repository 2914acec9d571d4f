"""The workbench under stress: no network, colleagues, reloads, two hundred images, all that match."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect

from datasets.labelling import correct_label
from datasets.models import Image, Label, LabelBatch
from tests.e2e.bench import labels, saved, thumbs
from tests.factories_models import ModelVersionFactory, labelled_dataset, predict_all, split_of

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
ADDRESS = "/workbench/?dataset=panels"


@pytest.fixture
def bench(signed_in: Open) -> Callable[..., Page]:
    """Open the workbench of a dataset of so many papers of two images: blots and micrographs in turn."""

    def show(papers: int = 3, address: str = ADDRESS, role: str = "annotator") -> Page:
        if not Image.objects.exists():
            labelled_dataset(slug="panels", papers=papers, per_paper=2)
        page = signed_in(role)
        page.goto(address)
        expect(thumbs(page).first).to_be_visible()
        return page

    return show


def test_what_is_done_without_a_network_is_kept_over_a_reload_and_saved_in_the_end(bench: Open) -> None:
    page = bench()
    page.route("**/api/v1/relabel/**", lambda route: route.abort())
    thumbs(page).nth(0).focus()
    page.keyboard.press("2")
    page.keyboard.press("3")
    expect(
        page.get_by_text("2 changes kept here, not saved yet: the server cannot be reached")
    ).to_be_visible()
    expect(thumbs(page).nth(0)).to_have_attribute("aria-label", "0 / 010101.png, labelled FAC")
    assert labels() == ["BlotGel", "Microscopy"] * 3
    page.reload()
    expect(thumbs(page).nth(1)).to_have_attribute("aria-label", "0 / 010201.png, labelled Macroscopy")
    page.unroute("**/api/v1/relabel/**")
    page.get_by_role("button", name="Try now").click()
    saved(page)
    assert labels()[:3] == ["FAC", "Macroscopy", "BlotGel"]
    page.keyboard.press("u")
    page.keyboard.press("u")
    expect(page.get_by_role("button", name="Undo").first).to_be_disabled()
    saved(page)
    assert labels() == ["BlotGel", "Microscopy"] * 3


def test_an_answer_that_got_lost_does_not_do_the_deed_twice(bench: Open) -> None:
    page = bench()
    lost: list[int] = []

    def lose_the_first(route: Any) -> None:
        if not lost:
            lost.append(route.fetch().status)
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/relabel/", lose_the_first)
    thumbs(page).nth(0).focus()
    page.keyboard.press("2")
    saved(page)
    expect(page.get_by_text("1 image: FAC")).to_be_visible()
    expect(page.get_by_text("changed by somebody else")).to_be_hidden()
    assert lost == [200]
    assert LabelBatch.objects.filter(kind=LabelBatch.Kind.RELABEL).count() == 1
    page.keyboard.press("u")
    expect(page.get_by_text("Undone: 1 image")).to_be_visible()
    assert labels()[0] == "BlotGel"


def test_two_people_on_one_image_the_second_is_told_and_chooses(bench: Open) -> None:
    page = bench()
    image = Image.objects.order_by("pk")[0]
    marie = User.objects.create_user("marie")
    correct_label(
        image, label=image.dataset.class_named("FAC"), excluded=False, author=marie, expected_version=None
    )
    thumbs(page).nth(0).focus()
    page.keyboard.press("3")
    expect(page.get_by_text("marie set it to FAC; you said Macroscopy.")).to_be_visible()
    assert labels()[0] == "FAC"
    page.get_by_role("button", name="Set mine").click()
    expect(page.get_by_text("1 image: Macroscopy")).to_be_visible()
    history = Label.objects.filter(image=image).order_by("version")
    said = [(row.label_class and row.label_class.name, row.author and row.author.username) for row in history]
    assert said[1:] == [("FAC", "marie"), ("Macroscopy", "annotator")]


@pytest.mark.slow
def test_two_hundred_images_by_keyboard_are_undone_after_a_reload_and_the_history_is_exact(
    bench: Open,
) -> None:
    page = bench(papers=100)
    thumbs(page).nth(0).focus()
    for place in range(200):
        page.keyboard.press("2" if place % 2 else "3")
    saved(page)
    assert labels() == ["Macroscopy", "FAC"] * 100
    page.reload()
    expect(thumbs(page).first).to_be_visible()
    page.keyboard.press("Shift+A")
    expect(page.get_by_text("all 200 that match selected")).to_be_visible()
    page.keyboard.press("1")
    page.get_by_role("button", name="Set 200 images").click()
    expect(page.get_by_text("200 images: BlotGel")).to_be_visible()
    assert set(labels()) == {"BlotGel"}
    page.reload()
    expect(thumbs(page).first).to_be_visible()
    page.keyboard.press("u")
    expect(page.get_by_text("Undone: 200 images")).to_be_visible()
    assert labels() == ["Macroscopy", "FAC"] * 100
    assert set(Image.objects.values_list("version", flat=True)) == {4}
    assert Label.objects.count() == 4 * 200


@pytest.mark.slow
def test_two_hundred_deeds_are_undone_one_by_one_after_a_reload_and_the_history_is_exact(
    bench: Open,
) -> None:
    page = bench(papers=100)
    before = labels()
    thumbs(page).nth(0).focus()
    for _ in range(200):
        page.keyboard.press("5")
    saved(page)
    assert set(labels()) == {"Noneoftheabove"}
    page.reload()
    expect(thumbs(page).first).to_be_visible()
    for _ in range(200):
        page.keyboard.press("u")
    expect(page.get_by_role("button", name="Undo").first).to_be_disabled()
    saved(page)
    assert labels() == before
    said = Label.objects.filter(version__gt=1).order_by("version", "image")
    assert list(said.values_list("label_class__name", "batch__kind")) == [
        *[("Noneoftheabove", LabelBatch.Kind.RELABEL)] * 200,
        *[(name, LabelBatch.Kind.UNDO) for name in before],
    ]


def test_shift_u_brings_back_what_was_undone(bench: Open) -> None:
    page = bench()
    thumbs(page).nth(0).focus()
    page.keyboard.press("2")
    page.keyboard.press("Control+z")
    expect(thumbs(page).nth(0)).to_have_attribute("aria-label", "0 / 010101.png, labelled BlotGel")
    page.keyboard.press("Control+Shift+Z")
    saved(page)
    assert labels()[0] == "FAC"
    page.keyboard.press("u")
    page.keyboard.press("U")
    saved(page)
    assert labels()[0] == "FAC"


def test_the_large_view_labels_goes_on_and_gives_the_focus_back(bench: Open) -> None:
    page = bench()
    thumbs(page).nth(1).focus()
    page.keyboard.press("Enter")
    view = page.get_by_role("dialog")
    expect(view.get_by_role("heading", name="0 / 010201.png")).to_be_visible()
    expect(view.locator("#history li").first).to_contain_text("Microscopy")
    page.keyboard.press("2")
    expect(view.get_by_role("heading", name="1 / 010101.png")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(view.locator("#history li").first).to_contain_text("FAC")
    page.keyboard.press("+")
    expect(view.locator(".stage")).to_have_class("stage zoomed")
    page.keyboard.press("Escape")
    expect(view).to_be_hidden()
    expect(thumbs(page).nth(1)).to_be_focused()
    saved(page)
    assert labels()[1] == "FAC"


def test_keys_select_rows_ranges_and_one_by_one(bench: Open) -> None:
    page = bench()
    thumbs(page).nth(0).focus()
    page.keyboard.press("Shift+L")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_text("selected")).to_have_count(0)
    page.keyboard.press(" ")
    page.keyboard.press("l")
    page.keyboard.press("l")
    page.keyboard.press(" ")
    page.keyboard.press("5")
    expect(page.get_by_text("2 images: Noneoftheabove")).to_be_visible()
    assert [labels()[place] for place in (2, 4)] == ["Noneoftheabove"] * 2
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_contain_text("select all that match the filter")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_have_count(0)


def test_a_prediction_is_accepted_one_by_one_and_above_a_confidence(bench: Open) -> None:
    dataset = labelled_dataset(slug="panels", papers=6, per_paper=2)
    version = ModelVersionFactory(split=split_of(dataset))
    predict_all(version, Image.objects.all(), wrong=12)
    page = bench(address=f"{ADDRESS}&model={version}")
    before = labels()
    thumbs(page).nth(0).focus()
    page.keyboard.press("p")
    expect(page.get_by_text("1 image: prediction accepted")).to_be_visible()
    said = Label.objects.filter(source=Label.Source.PREDICTION)
    assert [(row.label_class and row.label_class.name, row.origin) for row in said] == [("FAC", str(version))]
    page.get_by_role("button", name="Accept above").click()
    page.get_by_label("Confidence of at least").fill("0.1")
    expect(page.get_by_text("11 images would change, 1 are labelled so already.")).to_be_visible()
    page.get_by_role("button", name="Accept", exact=True).last.click()
    expect(page.get_by_text("11 images: prediction accepted")).to_be_visible()
    assert labels() == ["FAC", "Noneoftheabove"] * 6
    page.keyboard.press("u")
    expect(page.get_by_text("Undone: 11 images")).to_be_visible()
    page.keyboard.press("u")
    saved(page)
    assert labels() == before


def test_p_accepts_the_predictions_of_all_that_match_after_a_question(bench: Open) -> None:
    labelled_dataset(slug="panels", papers=65, per_paper=2)
    version = ModelVersionFactory()
    predict_all(version, Image.objects.all(), wrong=130)
    page = bench(address=f"{ADDRESS}&model={version}")
    expect(thumbs(page)).to_have_count(120)
    page.keyboard.press("Shift+A")
    expect(page.get_by_text("all 130 that match selected")).to_be_visible()
    page.keyboard.press("p")
    question = page.get_by_role("dialog", name=f"Accept what {version} predicts for 130 images?")
    question.get_by_role("button", name="Cancel").click()
    assert not Label.objects.filter(source=Label.Source.PREDICTION).exists()
    page.keyboard.press("p")
    question.get_by_role("button", name="Accept").click()
    expect(page.get_by_text("130 images: prediction accepted")).to_be_visible()
    assert labels() == ["FAC", "Noneoftheabove"] * 65
    assert LabelBatch.objects.filter(kind=LabelBatch.Kind.ACCEPT).count() == 1
    page.keyboard.press("u")
    expect(page.get_by_text("Undone: 130 images")).to_be_visible()
    assert labels() == ["BlotGel", "Microscopy"] * 65


def test_panel_groups_are_tagged_and_papers_have_a_line_of_their_own(bench: Open) -> None:
    page = bench(address=f"{ADDRESS}&ordering=paper")
    expect(page.locator(".group-head")).to_have_text(["Paper 0", "Paper 1", "Paper 2"])
    page.goto(f"{ADDRESS}&ordering=panel")
    expect(thumbs(page)).to_have_count(6)
    assert thumbs(page).evaluate_all("all => all.map(each => each.dataset.group)") == [
        f"{paper} · {group}" for paper in range(3) for group in ("0101", "0102")
    ]
