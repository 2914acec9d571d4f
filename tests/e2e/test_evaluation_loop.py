"""The circle of the work in a browser: a wrong cell, its image, label, score, the next version, and back."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from classifier.evaluation import evaluate
from classifier.models import Alias, ModelVersion
from classifier.registry import promote
from datasets.importing import import_biofors
from datasets.models import Dataset, Image, Label, Split
from datasets.sample.collection import draw_sample
from tests.e2e.bench import saved, thumbs
from tests.factories_models import ModelVersionFactory, PredictionFactory, images_in, split_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]
Open = Callable[..., Page]
# Of the first version's answers, in the order of images; of the second's.
WRONG_EVERY, SELDOM_WRONG_EVERY = 4, 25


@pytest.fixture
def split(transactional_db: None, tmp_path: Path) -> Split:
    """A drawn sample, imported as a person imports it, and split by paper."""
    folder = tmp_path / "drawn"
    draw_sample(folder, papers=6, seed=3, processes=2)
    import_biofors(folder / "classification.json", images=folder / "images", dataset="panels")
    return split_of(Dataset.objects.get(slug="panels"))


def version_of(split: Split, *, wrong_every: int) -> ModelVersion:
    """A version that takes every so manieth image of the test subset for the next class, and is scored."""
    version: ModelVersion = ModelVersionFactory(split=split)
    images = images_in(split, "test").labelled().select_related("label").order_by("pk")
    for place, image in enumerate(images):
        at = version.classes.index(image.label.name) + (place % wrong_every == 0)
        PredictionFactory(version=version, image=image, predicted=version.classes[at % len(version.classes)])
    evaluate(version, split=split)
    return version


def shown_score(page: Page) -> str:
    return page.locator(".main-score b").inner_text()


def first_image(page: Page) -> Image:
    """The image that the workbench shows first; it has the focus."""
    thumb = thumbs(page).first
    thumb.focus()
    return Image.objects.get(pk=thumb.get_attribute("data-id"))


def class_said_by(version: ModelVersion, image: Image) -> Any:
    return image.dataset.classes.get(name=version.predictions.get(image=image).predicted)


def risen(version: ModelVersion) -> float:
    """By how much macro-F1 is higher in a version's second evaluation than in its first."""
    earlier, later = version.evaluations.order_by("pk").values_list("macro_f1", flat=True)
    return float(later - earlier)


def moments(page: Page) -> Any:
    timeline = page.locator("section").filter(
        has=page.get_by_role("heading", name="As labels were corrected")
    )
    return timeline.locator("tbody tr")


def test_from_a_wrong_cell_to_a_better_champion_and_back(signed_in: Open, split: Split) -> None:
    first = version_of(split, wrong_every=WRONG_EVERY)
    promote(first, reason="the first")
    page = signed_in("curator")

    # A wrong cell of the matrix holds the images behind it.
    page.goto(f"/models/{first.pk}/")
    before = shown_score(page)
    expect(page.get_by_text("Stale:")).to_have_count(0)
    cell = page.locator("table.matrix td:not(.right):not(.sum) a").first
    count = int(cell.locator("small").inner_text())
    told = cell.get_attribute("aria-label") or ""
    cell.click()
    expect(thumbs(page)).to_have_count(count)

    # The image, large, gets the class that the model had said, by its key.
    image = first_image(page)
    said = class_said_by(first, image)
    assert image.label is not None
    assert image.label.name in told and said.name in told
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press(said.hotkey)
    saved(page)
    assert Label.objects.filter(image=image).latest("version").label_class == said

    # The page of the model knows, and scores again at one click, beside what it was.
    page.goto(f"/models/{first.pk}/")
    expect(page.get_by_text("Stale: 1 label changed since.")).to_be_visible()
    assert shown_score(page) == before
    page.get_by_role("button", name="Score again by the labels of now").click()
    expect(page.get_by_text("Scored by the labels of now: macro-F1")).to_be_visible()
    expect(page.get_by_text("Stale:")).to_have_count(0)
    after = shown_score(page)
    assert float(after) > float(before)
    expect(moments(page)).to_have_count(2)
    expect(moments(page).nth(0)).to_contain_text(before)
    expect(moments(page).nth(1)).to_contain_text(after)
    expect(moments(page).nth(1).locator(".delta")).to_have_text(f"+{risen(first):.3f}")

    # The next version is set against it, in words.
    second = version_of(split, wrong_every=SELDOM_WRONG_EVERY)
    page.goto(f"/models/{first.pk}/")
    page.get_by_role("link", name="Compare", exact=True).last.click()
    page.get_by_role("checkbox", name=str(second)).check()
    page.get_by_role("button", name="Compare").click()
    verdict = page.get_by_role("region", name="Verdict")
    expect(verdict).to_contain_text(f"{second} is better than {first} by")
    expect(verdict).to_contain_text("McNemar's exact test")
    verdict.get_by_role("link", name=f"Promote {second}").click()

    # It passes the gates and becomes champion; one click takes it back.
    expect(page.get_by_label("Why")).to_have_value(
        f"macro-F1 {shown_score(page)} against {after} of {first} "
        f"on {split} test ({images_in(split, 'test').labelled().count()} images)"
    )
    expect(page.get_by_text(f"In no class is {second} worse than {first}")).to_be_visible()
    page.get_by_role("button", name="Promote").click()
    expect(page.get_by_text(f"{second} is champion now.")).to_be_visible()
    page.get_by_text(f"Roll champion back to {first}").click()
    page.get_by_label("Why").first.fill("to be looked at again")
    page.get_by_role("button", name=f"Roll back to {first}").click()
    expect(page.get_by_text(f"champion is {first} again.")).to_be_visible()
    assert Alias.objects.get(name="champion").version == first
