"""The circle of the work in a browser: a wrong cell, its image, label, score, the next version, and back.

On the drawn sample, with versions that the real worker of `serve` trains.
"""

import re
from typing import Any
from urllib.parse import urljoin

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.bench import saved, thumbs
from tests.e2e.conftest import ServedSite, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.keras]
# So few epochs that whatever it recognises it recognises by taking nearly all for one class.
EARLY, LATER = 2, 20
TRAINED = 240_000


@pytest.fixture(scope="module")
def site(served_site: ServedSite, tmp_path_factory: pytest.TempPathFactory) -> ServedSite:
    """A site with the drawn sample, imported as a person imports it, split by paper, and a first champion."""
    drawn = tmp_path_factory.mktemp("drawn")
    served_site.manage("make_sample", str(drawn), "--papers", "20", "--seed", "3")
    labels, images = str(drawn / "classification.json"), str(drawn / "images")
    served_site.manage("import_biofors", labels, "--images", images, "--dataset", "panels")
    served_site.manage("make_split", "panels", "--name", "by-paper", "--ratios", "50:15:35")
    settings = ("layout=plain", "image_size=32", "drawn_papers=0", f"epochs={EARLY}")
    asked = [word for setting in settings for word in ("--set", setting)]
    served_site.manage(
        "train", "panels/by-paper", "--architecture", "cnn", "--name", "early", "--wait", *asked
    )
    served_site.manage("promote", "early@1", "--reason", "the first")
    return served_site


@pytest.fixture
def curator(page: Page, site: ServedSite) -> Page:
    """Somebody signed in at the site; a JavaScript error fails the test."""
    sign_in(page, site)
    expect(page.get_by_label("Password")).to_have_count(0)
    page.goto(f"{site.url}/models/")
    return page


def asked(page: Page, path: str) -> Any:
    """What REST answers to whoever is signed in."""
    answer = page.request.get(urljoin(page.url, f"/api/v1/{path}"))
    assert answer.ok, answer.text()
    return answer.json()


def shown_score(page: Page) -> str:
    return page.locator(".main-score b").inner_text()


def hotkey(page: Page, label_class: str) -> str:
    """The key that the workbench shows beside a class."""
    return page.locator(f"button[data-label={label_class}] kbd").first.inner_text()[0]


def moments(page: Page) -> Any:
    timeline = page.locator("section").filter(
        has=page.get_by_role("heading", name="As labels were corrected")
    )
    return timeline.locator("tbody tr")


def test_from_a_wrong_cell_to_another_champion_and_back(curator: Page, site: ServedSite) -> None:
    page = curator
    page.get_by_role("link", name="early@1").first.click()
    expect(page.get_by_role("heading", name="early@1")).to_be_visible()
    model = page.url
    before = shown_score(page)
    expect(page.get_by_text("Stale:")).to_have_count(0)

    # A wrong cell of the matrix holds the images behind it.
    cell = page.locator("table.matrix td:not(.right):not(.sum) a").first
    count = int(cell.locator("small").inner_text())
    told = cell.get_attribute("aria-label") or ""
    found = re.search(r"labelled (\w+) (?:was|were) taken for (\w+)", told)
    assert found is not None, told
    actual, said = found.groups()
    cell.click()
    expect(thumbs(page)).to_have_count(count)

    # The image, large, gets the class that the model had said, by its key.
    thumbs(page).first.focus()
    image = f"images/{thumbs(page).first.get_attribute('data-id')}/"
    assert asked(page, image)["label"] == actual
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press(hotkey(page, said))
    saved(page)
    assert asked(page, image)["label"] == said
    assert [each["label"] for each in asked(page, f"{image}labels/")["results"]] == [said, actual]

    # The page of the model knows, and scores again at one click, beside what it was.
    page.goto(model)
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
    expect(moments(page).nth(1).locator(".delta")).to_have_text(re.compile(r"^\+0\.\d{3}$"))

    # The next version is trained from the same settings, for longer, by the labels as they are now.
    page.get_by_role("link", name="The run, with its table of epochs").click()
    page.get_by_role("link", name="Clone").click()
    page.get_by_label("Model name").fill("later")
    page.get_by_label("Epochs", exact=True).fill(str(LATER))
    page.get_by_role("button", name="Queue the run").click()
    page.wait_for_url(re.compile(r"/training/\d+/"))
    expect(page.locator(".state-succeeded").first).to_be_visible(timeout=TRAINED)

    # It is set against the first, in words.
    page.goto(model)
    page.get_by_role("link", name="Compare", exact=True).last.click()
    page.get_by_role("checkbox", name="later@1").check()
    page.get_by_role("button", name="Compare").click()
    verdict = page.get_by_role("region", name="Verdict")
    expect(verdict).to_contain_text("later@1 is better than early@1 by")
    expect(verdict).to_contain_text("McNemar's exact test")
    verdict.get_by_role("link", name="Promote later@1").click()

    # Better as a whole, it is worse in the class that the first took nearly all for: a gate asks.
    reason = rf"macro-F1 {shown_score(page)} against {after} of early@1 on panels/by-paper test"
    expect(page.get_by_label("Why")).to_have_value(re.compile(rf"^{reason} \(\d+ images\)$"))
    expect(page.get_by_text("later@1 is worse than early@1 by more than 0.05")).to_be_visible()
    page.get_by_role("button", name="Promote").click()
    expect(page.get_by_role("alert").first).to_contain_text("was not promoted")
    page.get_by_label("Promote although 1 gate fails").check()
    page.get_by_role("button", name="Promote").click()
    expect(page.get_by_text("later@1 is champion now.")).to_be_visible()
    assert champion(page) == "later@1"

    # One click takes it back.
    page.get_by_text("Roll champion back to early@1").click()
    page.get_by_label("Why").first.fill("to be looked at again")
    page.get_by_role("button", name="Roll back to early@1").click()
    expect(page.get_by_text("champion is early@1 again.")).to_be_visible()
    assert champion(page) == "early@1"


def champion(page: Page) -> str:
    """The version that REST names as champion."""
    [found] = [each for each in asked(page, "models/")["results"] if "champion" in each["aliases"]]
    return f"{found['name']}@{found['version']}"
