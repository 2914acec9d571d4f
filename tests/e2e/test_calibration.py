"""The threshold of a version, chosen on the curve in a browser, and what Classify says then."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from classifier.evaluation import evaluate
from classifier.models import ModelVersion
from tests.classifier.answering import sure_version
from tests.factories import png
from tests.factories_models import ModelVersionFactory

pytestmark = pytest.mark.browser


@pytest.fixture
def version(transactional_db: None) -> ModelVersion:
    """A version that is too sure, scored on test."""
    made = sure_version()
    assert made.split
    evaluate(made, split=made.split)
    return made


def test_a_threshold_is_chosen_on_the_curve_with_keys_or_a_click(
    signed_in: Callable[..., Page], version: ModelVersion
) -> None:
    page = signed_in("curator")
    page.goto(f"/models/{version.pk}/calibration/")
    told = page.locator("#told")
    expect(told).to_contain_text("Answers every image")
    page.get_by_label("Abstain below").first.focus()
    page.keyboard.press("End")
    expect(told).to_contain_text("Below 1 it abstains on")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#below")).to_have_value("0.995")
    box = page.locator("#curve").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    chosen = page.locator("#below").input_value()
    assert 0 < float(chosen) < 1
    expect(told).to_contain_text(f"Below {chosen} it abstains on")
    page.get_by_label("Why").fill("half is enough")
    page.get_by_role("button", name="Set the threshold").click()
    expect(page.get_by_text(f"abstains below {float(chosen):g} now.")).to_be_visible()
    version.refresh_from_db()
    assert version.abstain_below == pytest.approx(float(chosen))


def test_classify_says_in_words_that_it_abstains(
    signed_in: Callable[..., Page], version: ModelVersion
) -> None:
    answering = ModelVersionFactory(answers=True, abstain_below=0.999)
    page = signed_in("viewer")
    page.goto(f"/classify/?model={answering}")
    page.locator("#files").set_input_files([{"name": "a.png", "mimeType": "image/png", "buffer": png(1)}])
    expect(page.get_by_text("abstains below 0.999")).to_be_visible()
    expect(page.locator("#classify-status")).to_contain_text("1 abstained")
