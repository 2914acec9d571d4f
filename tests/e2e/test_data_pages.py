"""What a curator does on the pages of splits and imports, in a real browser."""

import io
import zipfile
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import pytest
from playwright.sync_api import Page, expect

from datasets.models import Image, Split
from tests.factories import DatasetFactory, ImageFactory, png
from tests.factories_models import labelled_dataset
from training_jobs.models import ImportJob
from training_jobs.tasks import run_import

pytestmark = pytest.mark.browser
Open = Callable[..., Page]


@pytest.fixture(autouse=True)
def woken() -> Iterator[Any]:
    """What would have been sent to workers."""
    with patch("celery.current_app.send_task") as send:
        yield send


def file(name: str, data: bytes, kind: str = "image/png") -> Any:
    """A file as a person chooses it."""
    return {"name": name, "mimeType": kind, "buffer": data}


def archive() -> bytes:
    """A zip of one class folder with two images."""
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as packed:
        packed.writestr("FAC/7/a.png", png(1))
        packed.writestr("FAC/7/b.png", png(2))
    return written.getvalue()


def test_the_plan_follows_the_settings_and_is_frozen_under_the_name_typed(signed_in: Open) -> None:
    labelled_dataset(slug="panels", papers=12)
    page = signed_in()
    page.goto("/splits/new/?dataset=panels")
    name = page.get_by_label("Name")
    expect(name).to_have_value("paper-65-15-20")
    page.get_by_label("Image", exact=False).last.check()
    expect(page.get_by_text("This split leaks")).to_be_visible()
    expect(name).to_have_value("image-65-15-20")
    page.get_by_label("Other", exact=True).check()
    page.get_by_label("Other ratios").fill("2:x")
    expect(page.get_by_text("are not three numbers")).to_be_visible()
    page.get_by_label("Other ratios").fill("2:1:1")
    expect(page.get_by_text("50 % wanted")).to_be_visible()
    assert "own=2%3A1%3A1" in page.url
    name.fill("mine")
    page.get_by_label("Seed").fill("3")
    expect(page.locator("[aria-busy]")).to_have_count(0)
    expect(name).to_have_value("mine")
    page.wait_for_url("**seed=3*")
    page.get_by_role("button", name="Freeze this split").click()
    expect(page.get_by_text("The split mine is frozen.")).to_be_visible()
    split = Split.objects.get()
    assert (split.name, split.by, split.seed, split.ratios) == ("mine", "image", 3, [2, 1, 1])


def test_a_zip_is_sent_checked_followed_and_imported(signed_in: Open) -> None:
    page = signed_in()
    page.goto("/imports/")
    check = page.get_by_role("button", name="Check what would happen")
    check.click()
    expect(page.get_by_text("Choose a zip file first.")).to_be_visible()
    page.locator("#archive").set_input_files(file("notes.zip", b"hello", "application/zip"))
    check.click()
    expect(page.get_by_text("The file is no zip archive.")).to_be_visible()
    page.locator("#archive").set_input_files(file("panels.zip", archive(), "application/zip"))
    page.get_by_label("Name of the new dataset").fill("fresh")
    check.click()
    page.wait_for_url("**/imports/*/")
    expect(page.get_by_text("Number 1 in the queue")).to_be_visible()
    run_import(ImportJob.objects.get().pk)
    page.get_by_role("button", name="Import these 2 images").click()
    expect(page.get_by_role("heading", name="What was done")).to_be_visible()
    run_import(ImportJob.objects.latest("pk").pk)
    expect(page.get_by_role("link", name="Make a split")).to_be_visible()
    expect(page.get_by_label("Dataset", exact=True)).to_have_value("fresh")
    assert set(Image.objects.values_list("label__name", flat=True)) == {"FAC"}


def test_single_images_tell_one_by_one_what_came_of_them(signed_in: Open) -> None:
    dataset = DatasetFactory(slug="panels", name="panels")
    ImageFactory(dataset=dataset, paper=None, file_name="taken.png", data=png(8))
    page = signed_in()
    page.goto("/imports/?dataset=panels")
    page.get_by_label("Label").select_option("FAC")
    page.locator("#single-files").set_input_files(
        [file("new.png", png(1)), file("taken.png", png(9)), file("text.png", b"no image")]
    )
    expect(page.get_by_text("1 stored, 2 refused")).to_be_visible()
    expect(page.get_by_text("The dataset has an image taken.png with other bytes.")).to_be_visible()
    page.locator("#single-files").set_input_files(file("new.png", png(1)))
    expect(page.get_by_text("1 stored, 1 already there, 2 refused")).to_be_visible()
    stored = Image.objects.get(file_name="new.png")
    assert (stored.label.name, Image.objects.count()) == ("FAC", 2)
    page.get_by_role("link", name="new.png").first.click()
    page.wait_for_url(f"**/images/{stored.pk}/")
