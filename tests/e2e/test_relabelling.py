"""What a curator does in the workbench, in a real browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from classifier.evaluation import evaluate
from datasets.labelling import correct_label
from datasets.models import Image, Label
from tests.e2e.bench import labels, saved, thumbs
from tests.factories_models import ModelVersionFactory, images_in, labelled_dataset, predict_all, split_of

pytestmark = pytest.mark.browser
Open = Callable[..., Page]


@pytest.fixture
def grid(signed_in: Open) -> Callable[..., Page]:
    """Open the workbench of a dataset of six images: blots and micrographs in turn."""

    def show(address: str = "/workbench/?dataset=panels", role: str = "annotator") -> Page:
        if not Image.objects.exists():
            labelled_dataset(slug="panels", papers=3, per_paper=2)
        page = signed_in(role)
        page.goto(address)
        return page

    return show


def test_a_digit_labels_the_selected_images_with_a_reason_and_undo_takes_it_back(grid: Open) -> None:
    page = grid()
    thumbs(page).nth(0).click()
    thumbs(page).nth(2).click(modifiers=["Shift"])
    expect(page.get_by_text("3 selected")).to_be_visible()
    page.get_by_label("Reason").fill("axes are seen")
    thumbs(page).nth(2).click(modifiers=["Control"])
    page.keyboard.press("2")
    expect(page.get_by_text("2 images: FAC")).to_be_visible()
    assert labels()[:3] == ["FAC", "FAC", "BlotGel"]
    row = Label.objects.filter(label_class__name="FAC").first()
    assert row is not None
    assert (row.reason, row.author.get_username(), row.version) == ("axes are seen", "annotator", 2)

    page.get_by_role("button", name="Undo").last.click()
    expect(page.get_by_text("Undone: 2 images")).to_be_visible()
    assert labels()[:3] == ["BlotGel", "Microscopy", "BlotGel"]
    expect(thumbs(page).nth(0)).to_have_attribute("aria-label", "0 / 010101.png, labelled BlotGel")


def test_arrows_move_a_digit_labels_and_moves_on_and_undo_survives_a_reload(grid: Open) -> None:
    page = grid()
    thumbs(page).nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("3")
    expect(page.get_by_text("1 image: Macroscopy")).to_be_visible()
    expect(thumbs(page).nth(2)).to_be_focused()
    page.reload()
    expect(thumbs(page).nth(1)).to_have_attribute("aria-label", "0 / 010201.png, labelled Macroscopy")
    page.keyboard.press("u")
    expect(page.get_by_text("Undone: 1 image")).to_be_visible()
    assert labels()[1] == "Microscopy"


def test_digits_quicker_than_the_server_are_all_kept(grid: Open) -> None:
    page = grid()
    thumbs(page).nth(0).focus()
    for digit in "4125":
        page.keyboard.press(digit)
    expect(thumbs(page).nth(3)).to_have_attribute("aria-label", "1 / 010201.png, labelled Noneoftheabove")
    saved(page)
    assert labels()[:4] == ["Microscopy", "BlotGel", "FAC", "Noneoftheabove"]
    for _ in range(4):
        page.keyboard.press("u")
    expect(page.get_by_role("button", name="Undo").first).to_be_disabled()
    saved(page)
    assert labels() == ["BlotGel", "Microscopy"] * 3


def test_undo_leaves_what_a_colleague_said_as_it_is_and_as_it_is_shown(grid: Open) -> None:
    page = grid()
    expect(thumbs(page)).to_have_count(6)
    image = Image.objects.order_by("pk")[1]
    correct_label(
        image, label=image.dataset.class_named("FAC"), excluded=False, author=None, expected_version=None
    )
    thumbs(page).nth(0).click()
    thumbs(page).nth(2).click(modifiers=["Shift"])
    page.keyboard.press("3")
    expect(page.get_by_text("2 images: Macroscopy")).to_be_visible()
    expect(page.get_by_text("An import set it to FAC; you said Macroscopy.")).to_be_visible()
    page.get_by_role("button", name="Keep theirs").click()
    page.keyboard.press("u")
    expect(page.get_by_text("Undone: 2 images")).to_be_visible()
    shown = [thumbs(page).nth(place).get_attribute("aria-label") for place in range(3)]
    assert [text.rpartition(" ")[2] for text in shown if text] == ["BlotGel", "FAC", "BlotGel"]
    assert labels()[:3] == ["BlotGel", "FAC", "BlotGel"]
    thumbs(page).nth(1).click()
    page.keyboard.press("4")
    expect(page.get_by_text("1 image: Microscopy")).to_be_visible()


def test_x_excludes_and_takes_back(grid: Open) -> None:
    page = grid()
    thumbs(page).nth(0).click()
    page.keyboard.press("x")
    expect(page.get_by_text("1 image: excluded")).to_be_visible()
    assert Image.objects.filter(excluded=True).count() == 1
    thumbs(page).nth(0).click()
    page.keyboard.press("x")
    expect(page.get_by_text("1 image: taken back in")).to_be_visible()
    assert not Image.objects.filter(excluded=True).exists()


def test_an_image_that_somebody_else_changed_meanwhile_is_left_alone_and_told(grid: Open) -> None:
    page = grid()
    expect(thumbs(page)).to_have_count(6)
    image = Image.objects.order_by("pk")[0]
    correct_label(
        image,
        label=image.dataset.class_named("FAC"),
        excluded=False,
        author=None,
        expected_version=None,
    )
    thumbs(page).nth(0).click()
    page.keyboard.press("4")
    expect(page.get_by_text("An import set it to FAC; you said Microscopy.")).to_be_visible()
    assert labels()[0] == "FAC"
    expect(thumbs(page).nth(0)).to_have_attribute("aria-label", "0 / 010101.png, labelled FAC")
    page.get_by_role("button", name="Set mine").click()
    expect(page.get_by_text("1 image: Microscopy")).to_be_visible()
    assert labels()[0] == "Microscopy"


def test_from_a_cell_of_the_matrix_to_the_corrected_label_and_its_history(grid: Open) -> None:
    split = split_of(labelled_dataset(slug="panels"))
    version = ModelVersionFactory(split=split)
    predict_all(version, images_in(split, "test"), wrong=1)
    evaluation = evaluate(version, split=split)
    cutoff, matrix = evaluation.label_cutoff, evaluation.matrix
    page = grid(f"/models/{version.pk}/", role="curator")
    page.locator(
        f'a[href*="evaluation={evaluation.pk}"][href*="predicted=FAC"][href*="actual=BlotGel"]'
    ).first.click()
    expect(thumbs(page)).to_have_count(1)
    thumbs(page).first.click()
    page.keyboard.press("2")
    expect(page.get_by_text("1 image: FAC")).to_be_visible()
    thumbs(page).first.dblclick()
    expect(page.locator("#history li").first).to_contain_text("FAC")
    expect(page.locator("#history li").first).to_contain_text("curator")
    expect(page.locator("#history li").last).to_contain_text("BlotGel")
    page.keyboard.press("Escape")
    page.go_back()
    expect(page.get_by_text(f"{cutoff:%Y-%m-%d %H:%M}").first).to_be_visible()
    evaluation.refresh_from_db()
    assert (evaluation.label_cutoff, evaluation.matrix) == (cutoff, matrix)


def test_the_image_page_labels_by_digit_and_goes_on_to_the_next(grid: Open) -> None:
    labelled_dataset(slug="panels", papers=3, per_paper=2)
    first, second = Image.objects.order_by("pk").values_list("pk", flat=True)[:2]
    page = grid(f"/images/{first}/?dataset=panels")
    page.keyboard.press("5")
    page.wait_for_url(f"**/images/{second}/**")
    assert labels()[0] == "Noneoftheabove"


def test_who_may_only_look_changes_nothing_by_keys(grid: Open) -> None:
    page = grid(role="viewer")
    thumbs(page).nth(0).click()
    page.keyboard.press("2")
    expect(page.get_by_role("button", name="FAC")).to_have_count(0)
    assert labels() == ["BlotGel", "Microscopy"] * 3


def test_a_letter_of_a_class_labels_in_the_grid_and_on_the_image_page(grid: Open) -> None:
    dataset = labelled_dataset(slug="panels", papers=3, per_paper=2)
    dataset.classes.filter(name="FAC").update(letter="f")
    page = grid()
    thumbs(page).nth(0).focus()
    page.keyboard.press("f")
    expect(page.get_by_text("1 image: FAC")).to_be_visible()
    second, third = Image.objects.order_by("pk").values_list("pk", flat=True)[1:3]
    page.goto(f"/images/{second}/?dataset=panels")
    page.keyboard.press("f")
    page.wait_for_url(f"**/images/{third}/**")
    page.keyboard.press("2")
    page.wait_for_url(f"**/images/{third + 1}/**")
    assert labels()[:4] == ["FAC", "FAC", "FAC", "Microscopy"]
