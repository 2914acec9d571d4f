"""Two hundred images on a screen: what must be known of each stays on its picture."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from datasets.models import Image
from tests.e2e.bench import labels, saved, thumbs
from tests.factories_models import ModelVersionFactory, labelled_dataset, predict_all

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
ADDRESS = "/workbench/?dataset=panels"
IN_SIGHT = """all => all.map(each => each.getBoundingClientRect()).filter(
    box => box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth).length"""
BACKGROUND = "it => getComputedStyle(it).backgroundColor"


def make_smallest(page: Page) -> None:
    """Pull the slider all the way down."""
    page.get_by_label("Size of the thumbnails").press("Home")


def test_two_hundred_thumbnails_lie_in_a_window_of_1440_by_900(signed_in: Open) -> None:
    labelled_dataset(slug="panels", papers=65, per_paper=4)
    page = signed_in("annotator")
    page.set_viewport_size({"width": 1440, "height": 900})
    page.goto(ADDRESS)
    make_smallest(page)
    expect(thumbs(page)).to_have_count(260)
    assert thumbs(page).evaluate_all(IN_SIGHT) >= 200
    page.reload()
    expect(thumbs(page)).to_have_count(260)
    assert thumbs(page).evaluate_all(IN_SIGHT) >= 200
    heights = thumbs(page).evaluate_all("all => all.map(each => each.offsetHeight)")
    assert set(heights) == {48}


def test_a_small_thumbnail_tells_class_model_and_state_without_its_caption(signed_in: Open) -> None:
    dataset = labelled_dataset(slug="panels", papers=2, per_paper=2)
    version = ModelVersionFactory()
    predict_all(version, Image.objects.all(), wrong=1)
    page = signed_in("annotator")
    page.goto(f"{ADDRESS}&model={version}&ordering=panel")
    expect(thumbs(page)).to_have_count(4)
    expect(thumbs(page).nth(0).locator(".name")).to_have_css("font-size", "11px")
    make_smallest(page)
    first = thumbs(page).nth(0)
    expect(first.locator(".name")).to_have_css("font-size", "0px")
    expect(first.locator(".letter")).to_have_text("B")
    colour = dataset.class_named("BlotGel").colour
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    assert first.locator(".letter").evaluate(BACKGROUND) == f"rgb({red}, {green}, {blue})"
    mark = "it => getComputedStyle(it, '::after').content"
    assert first.locator(".said").evaluate(mark) == '"≠F"'
    expect(thumbs(page).nth(1).locator(".said")).to_be_hidden()
    assert first.evaluate("it => getComputedStyle(it, '::before').content") == '"0101"'
    picture, letter = first.bounding_box(), first.locator(".letter").bounding_box()
    assert picture and letter and letter["y"] + letter["height"] <= picture["y"] + picture["height"]

    page.route("**/api/v1/relabel/**", lambda route: route.abort())
    first.focus()
    page.keyboard.press("x")
    assert first.locator(".name").evaluate(mark) == '""'
    assert first.locator(".name").evaluate("it => getComputedStyle(it, '::after').width") == "8px"
    expect(first.locator(".letter")).to_have_css("text-decoration-line", "line-through")
    page.unroute("**/api/v1/relabel/**")
    page.get_by_role("button", name="Try now").click()
    saved(page)
    assert first.locator(".name").evaluate(mark) == "none"


def test_keys_move_and_label_among_small_thumbnails(signed_in: Open) -> None:
    labelled_dataset(slug="panels", papers=30, per_paper=2)
    page = signed_in("annotator")
    page.goto(ADDRESS)
    make_smallest(page)
    expect(thumbs(page)).to_have_count(60)
    thumbs(page).nth(0).focus()
    columns = thumbs(page).evaluate_all(
        "all => all.filter(each => each.offsetTop === all[0].offsetTop).length"
    )
    page.keyboard.press("ArrowDown")
    expect(thumbs(page).nth(columns)).to_be_focused()
    page.keyboard.press("5")
    saved(page)
    assert labels()[columns] == "Noneoftheabove"
