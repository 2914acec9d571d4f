"""What tests look at in the workbench."""

from typing import Any

from playwright.sync_api import Page, expect

from datasets.models import Image


def thumbs(page: Page) -> Any:
    return page.get_by_role("listbox", name="Images").get_by_role("option")


def saved(page: Page) -> None:
    """Wait until the server has all that was done."""
    expect(page.locator("#bench-unsaved")).to_be_hidden(timeout=120_000)


def labels() -> list[str]:
    """The labels in force, by image."""
    return list(Image.objects.order_by("pk").values_list("label__name", flat=True))
