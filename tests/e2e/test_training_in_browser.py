"""A training run from its form to its model's matrix, in a real browser, by the real worker of `serve`."""

import io
import re
import zipfile
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import ServedSite, sign_in
from tests.factories import png

pytestmark = [pytest.mark.slow, pytest.mark.keras, pytest.mark.browser]
TRAINED = 120_000


@pytest.fixture(scope="module")
def site(served_site: ServedSite, tmp_path_factory: pytest.TempPathFactory) -> ServedSite:
    """A site that holds a split dataset."""
    folder = tmp_path_factory.mktemp("panels")
    for number in range(48):
        image = folder / ("BlotGel" if number % 2 else "Microscopy") / str(number // 8) / f"{number}.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(png(number, width=64, height=48))
    served_site.manage("import_folder", str(folder), "--dataset", "panels")
    served_site.manage("make_split", "panels", "--name", "by-paper")
    return served_site


@pytest.fixture
def curator(page: Page, site: ServedSite) -> Page:
    """Somebody signed in at the site; a JavaScript error fails the test."""
    sign_in(page, site)
    return page


def test_a_run_is_queued_watched_and_ends_in_a_model_that_can_be_promoted(
    curator: Page, site: ServedSite, browser_context_args: dict[str, Any]
) -> None:
    page = curator
    page.get_by_role("link", name="Train a model").click()
    page.get_by_label("Model name").fill("seen")
    page.get_by_label("Epochs", exact=True).fill("2")
    page.get_by_label("Image size").fill("32")
    page.get_by_text("More settings").click()
    page.get_by_label("Drawn papers").fill("0")
    page.get_by_role("button", name="Queue the run").click()
    page.wait_for_url(re.compile(r"/training/\d+/"))
    expect(page.locator(".state-succeeded").first).to_be_visible(timeout=TRAINED)
    expect(page.get_by_text("Loss", exact=True).first).to_be_visible()
    expect(page.get_by_text("memory at most")).to_be_visible()
    page.get_by_role("link", name="See the model").click()
    expect(page.get_by_role("heading", name="seen@1")).to_be_visible()
    expect(page.locator("table.matrix")).to_be_visible()
    page.get_by_label("Why").fill("the first one")
    page.get_by_role("button", name="Promote").click()
    expect(page.get_by_text("champion").first).to_be_visible()
    assert "champion" in site.manage("shell", "--no-imports", "--command", SHOWS_ALIASES)


def test_a_sweep_is_queued_watched_and_its_best_settings_fill_a_new_run(
    curator: Page,
) -> None:
    page = curator
    page.get_by_role("link", name="Training", exact=True).click()
    page.get_by_role("link", name="Sweeps").click()
    page.get_by_role("link", name="Search for settings").click()
    page.get_by_label("Candidates").fill("3")
    page.get_by_text("Settings of all trials").click()
    page.locator("[name=epochs]").fill("3")
    page.locator("[name=image_size]").fill("32")
    page.locator("[name=drawn_papers]").fill("0")
    page.get_by_label("Dropout").first.fill("0.9..0.1")
    page.get_by_role("button", name="Queue the sweep").click()
    expect(page.get_by_text("does not rise")).to_be_visible()
    page.get_by_label("Dropout").first.fill("0.1..0.4")
    page.get_by_role("button", name="Queue the sweep").click()
    page.wait_for_url(re.compile(r"/training/sweeps/\d+/"))
    expect(page.locator("#now .state-finished")).to_be_visible(timeout=3 * TRAINED)
    expect(page.locator("#candidate-table tbody tr")).to_have_count(3)
    expect(page.locator("#candidate-table tr.best .alias")).to_have_text("best")
    drawn = page.locator("#candidate-table tr.best td").nth(4).inner_text()
    page.get_by_role("link", name="Train the best").click()
    expect(page.get_by_label("Learning rate")).to_have_value(re.compile(r"^0\.\d+$"))
    expect(page.get_by_label("Dropout")).to_have_value(drawn)


@pytest.fixture(scope="module")
def version(site: ServedSite) -> str:
    """A version that has said nothing of the images but those of val and test."""
    settings = ("layout=pooled", "image_size=32", "drawn_papers=0", "epochs=1")
    words = [word for setting in settings for word in ("--set", setting)]
    site.manage("train", "panels/by-paper", "--architecture", "cnn", "--name", "bulk", "--wait", *words)
    return "bulk@1"


def test_what_the_workbench_shows_is_classified_by_the_real_workers(
    curator: Page, site: ServedSite, version: str
) -> None:
    page = curator
    page.goto(f"{site.url}/workbench/?dataset=panels&label=Microscopy")
    page.get_by_role("link", name="Classify these").click()
    expect(page.get_by_text("Over 24 images of panels")).to_be_visible()
    page.get_by_label("Model").select_option(version)
    page.locator("#classify").click()
    page.wait_for_url(re.compile(r"/classify/datasets/\d+/"))
    expect(page.locator("#now .state-succeeded")).to_be_visible(timeout=TRAINED)
    with page.expect_download() as told:
        page.get_by_role("link", name="Results as CSV").click()
    rows = told.value.path().read_text().splitlines()
    assert len(rows) == 1 + 24
    page.get_by_role("link", name="See the predictions").click()
    expect(page.locator(".thumb")).to_have_count(24)


def test_what_an_archive_holds_is_classified_once_it_is_imported(
    curator: Page, site: ServedSite, version: str
) -> None:
    page = curator
    page.goto(f"{site.url}/imports/")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(100, 106):
            archive.writestr(f"BlotGel/9/{number}.png", png(number, width=64, height=48))
    file = {"name": "more.zip", "mimeType": "application/zip", "buffer": packed.getvalue()}
    page.locator("#archive").set_input_files([file])
    page.get_by_label("Into the dataset").select_option(label="A new dataset")
    page.get_by_label("Name of the new dataset").fill("more")
    page.get_by_role("button", name="Check what would happen").click()
    page.get_by_label("then classify them with").select_option(version)
    page.get_by_role("button", name="Import these 6 images").click()
    expect(page.get_by_text("classifies with")).to_be_visible(timeout=TRAINED)
    page.get_by_role("link", name=re.compile(r"^job \d+$")).click()
    expect(page.locator("#now .state-succeeded")).to_be_visible(timeout=TRAINED)
    expect(page.locator("#said")).to_have_text("6")


SHOWS_ALIASES = (
    "from classifier.models import Alias; print([(a.name, str(a.version)) for a in Alias.objects.all()])"
)
