"""Why a model says so, as a person finds out: in the large view and on the image page."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from classifier.aliases import promote
from classifier.models import ModelVersion
from datasets.models import Image, Subset
from tests.e2e.bench import thumbs
from tests.factories_models import ModelVersionFactory, images_in, labelled_dataset, split_of
from training_jobs import vectors
from training_jobs.models import InferenceJob
from training_jobs.running import carry_out

pytestmark = pytest.mark.browser
Open = Callable[..., Page]


@pytest.fixture
def version(transactional_db: None) -> ModelVersion:
    """The champion, trained on a small split of the dataset `panels`."""
    split = split_of(labelled_dataset(slug="panels"))
    made: ModelVersion = ModelVersionFactory(sees=True, split=split, label_cutoff=timezone.now())
    promote(made, reason="the first", override=True)
    return made


def why(page: Page) -> Any:
    return page.get_by_role("region", name="Why")


def heat(page: Page) -> Any:
    return page.locator("[data-why-heat]")


def box_of(page: Page, selector: str) -> list[float]:
    """Where an element lies on the screen."""
    found: dict[str, float] = page.locator(selector).evaluate("each => each.getBoundingClientRect().toJSON()")
    return [found[name] for name in ("left", "top", "width", "height")]


def large_view(signed_in: Open) -> Page:
    """The first image of the dataset, large."""
    page = signed_in("viewer")
    page.goto("/workbench/?dataset=panels")
    thumbs(page).first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    return page


def test_w_lays_the_heat_map_over_the_image_and_takes_it_away(signed_in: Open, version: ModelVersion) -> None:
    page = large_view(signed_in)
    expect(heat(page)).to_be_hidden()
    page.keyboard.press("w")
    expect(why(page)).to_contain_text("It shows where the network looks, not whether it is right to.")
    expect(heat(page)).to_be_visible()
    expect(why(page)).to_contain_text("rank correlation")
    # However low the window, the whole image is seen.
    page.set_viewport_size({"width": 1280, "height": 480})
    assert box_of(page, "#viewer .stage img:first-child")[3] <= box_of(page, "#viewer .stage")[3]
    page.keyboard.press("+")
    assert box_of(page, "#viewer [data-why-heat]") == box_of(page, "#viewer .stage img:first-child")
    page.keyboard.press("w")
    expect(heat(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Show why")).to_have_attribute("aria-expanded", "false")


def test_the_next_image_is_explained_too_and_by_the_class_and_the_method_chosen(
    signed_in: Open, version: ModelVersion
) -> None:
    first, second = Image.objects.order_by("pk").values_list("pk", flat=True)[:2]
    page = large_view(signed_in)
    page.keyboard.press("w")
    expect(heat(page)).to_have_attribute("src", re.compile(f"/images/{first}/.*method=gradcam"))
    page.keyboard.press("ArrowRight")
    expect(heat(page)).to_have_attribute("src", re.compile(f"/images/{second}/.*method=gradcam"))
    why(page).get_by_label("Class").select_option("Macroscopy")
    expect(heat(page)).to_have_attribute("src", re.compile("class=Macroscopy"))
    expect(why(page)).to_contain_text("Macroscopy: ")
    why(page).get_by_label("Occlusion").check()
    expect(heat(page)).to_have_attribute("src", re.compile("class=Macroscopy&method=occlusion"))
    expect(why(page)).to_contain_text("Occlusion: hiding")
    slider = why(page).get_by_label("Opacity")
    slider.focus()
    title = page.locator("#viewer-title").inner_text()
    page.keyboard.press("ArrowRight")
    expect(heat(page)).to_have_css("opacity", "0.7")
    expect(page.locator("#viewer-title")).to_have_text(title)
    why(page).get_by_label("No heat map").check()
    expect(heat(page)).to_be_hidden()


def test_the_nearest_training_images_are_shown_with_what_they_were_taught_as(
    signed_in: Open, version: ModelVersion
) -> None:
    page = signed_in("viewer")
    image = images_in(version.split, Subset.TRAIN).first()  # type: ignore[arg-type]
    page.goto(f"/images/{image.pk}/")
    page.keyboard.press("w")
    shown = why(page).get_by_role("link")
    expect(shown).to_have_count(11)
    expect(why(page)).to_contain_text("This very image was among them (left out)")
    expect(shown.first).to_contain_text("taught as")
    expect(why(page).get_by_text("same paper").first).to_be_visible()
    assert box_of(page, "[data-why-heat]") == box_of(page, ".pictured > img:first-child")
    # It stays open for the image that one goes to.
    shown.first.click()
    expect(heat(page)).to_be_visible()
    expect(page.get_by_role("button", name="Hide why")).to_be_visible()


def test_while_a_worker_prepares_them_the_page_says_how_far_and_goes_on_by_itself(
    signed_in: Open, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vectors, "AT_ONCE", 0)
    monkeypatch.setattr("celery.current_app.send_task", lambda *_, **__: None)
    page = signed_in("viewer")
    page.goto(f"/images/{Image.objects.earliest('pk').pk}/")
    page.keyboard.press("w")
    expect(why(page)).to_contain_text("Being prepared by a worker: 0 of 12 training images")
    job = InferenceJob.objects.get()
    expect(why(page).get_by_role("link", name=f"job {job.pk}")).to_be_visible()
    assert carry_out(job, worker="w")
    expect(why(page).locator(".thumb").first).to_be_visible(timeout=15_000)


def test_a_model_whose_files_are_gone_is_told_and_another_may_be_asked(
    signed_in: Open, version: ModelVersion
) -> None:
    other = ModelVersionFactory(sees=True, name="imported", version=1)
    version.onnx_path.unlink()
    page = signed_in("viewer")
    page.goto(f"/images/{Image.objects.earliest('pk').pk}/")
    page.keyboard.press("w")
    expect(why(page).locator("[data-why-text]")).to_contain_text("model.onnx of this model is missing")
    expect(heat(page)).to_be_hidden()
    why(page).get_by_label("Model").select_option(str(other.pk))
    expect(heat(page)).to_be_visible()
    expect(why(page)).to_contain_text("imported@1 was not trained here")


def test_who_is_asked_for_a_second_opinion_is_not_told_what_a_model_sees(
    signed_in: Open, version: ModelVersion
) -> None:
    from datasets.queues.asking import ask_second_opinion

    queue = ask_second_opinion(version.split.dataset, [Image.objects.earliest("pk").pk]).queue  # type: ignore[union-attr]
    page = signed_in("annotator")
    page.goto(f"/workbench/?dataset=panels&queue={queue.pk}")
    thumbs(page).first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("w")
    expect(why(page)).to_have_count(0)
    expect(heat(page)).to_be_hidden()
