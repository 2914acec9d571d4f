"""A champion that fails a gate, is overridden by an administrator, and is rolled back: in a browser."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from classifier.aliases import promote
from classifier.evaluation import evaluate
from classifier.models import Alias, ModelVersion, Promotion
from datasets.models import Split
from tests.factories_models import ModelVersionFactory, images_in, labelled_dataset, predict_all, split_of

pytestmark = pytest.mark.browser
Open = Callable[..., Page]


def scored(split: Split, *, wrong: int) -> ModelVersion:
    """A version with so many errors on test."""
    version = ModelVersionFactory(split=split)
    predict_all(version, images_in(split, "test"), wrong=wrong)
    evaluate(version, split=split)
    return version


def test_a_gate_refuses_an_administrator_overrides_and_one_click_goes_back(signed_in: Open) -> None:
    split = split_of(labelled_dataset(papers=12, slug="panels"))
    champion, worse = scored(split, wrong=0), scored(split, wrong=3)
    promote(champion, reason="the first")

    page = signed_in("curator")
    page.goto(f"/models/{worse.pk}/#promote")
    expect(page.get_by_text(f"is worse than {champion} by more than 0.05")).to_be_visible()
    expect(page.get_by_text("only an administrator can promote it")).to_be_visible()
    page.get_by_label("Why").fill("newer")
    page.get_by_role("button", name="Promote").click()
    expect(page.get_by_role("alert").first).to_contain_text("was not promoted")
    assert Alias.objects.get().version == champion
    # Other aliases are free.
    page.get_by_label("Alias").fill("candidate")
    page.get_by_label("Alias").blur()
    expect(page.get_by_text("Nothing is checked before candidate moves")).to_be_visible()
    page.context.clear_cookies()

    page = signed_in("admin")
    page.goto(f"/models/{worse.pk}/#promote")
    page.get_by_label("Why").fill("the old one leaked")
    page.get_by_label("Promote although 1 gate fails").check()
    page.get_by_role("button", name="Promote").click()
    expect(page.get_by_text(f"{worse} is champion now.")).to_be_visible()
    assert Promotion.objects.latest("pk").overridden == ["no_class_worse"]

    page.locator("a.alias", has_text="champion").first.click()
    expect(page.get_by_text("1 gate overridden")).to_be_visible()
    page.get_by_text(f"Roll champion back to {champion}").click()
    page.get_by_label("Why").fill("it did not leak after all")
    page.get_by_role("button", name="Roll back").click()
    expect(page.get_by_text(f"champion is {champion} again.")).to_be_visible()
    assert Alias.objects.get().version == champion
