"""A file of weights sent in a browser: looked at first, refused at its field, then its import followed."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.classifier.foreign_files import colour_network
from tests.factories_models import labelled_dataset, split_of
from training_jobs.models import ModelImport

pytestmark = pytest.mark.browser


def test_a_model_is_sent_and_its_import_followed(signed_in: Callable[..., Page], tmp_path: Path) -> None:
    split = split_of(labelled_dataset(slug="panels"))
    no_model = tmp_path / "m.pkl"
    no_model.write_bytes(b"\x80\x04pickle")
    page = signed_in("curator")
    page.goto("/models/")
    page.get_by_role("link", name="Import a model").click()
    file, send = page.locator("#file"), page.get_by_role("button", name="Import the model")

    file.set_input_files(no_model)
    send.click()
    expect(page.locator("#wrong-file")).to_contain_text("neither HDF5 (.h5) nor a Keras archive")
    assert not ModelImport.objects.exists()

    file.set_input_files(colour_network(tmp_path / "old.h5"))
    expect(page.locator("#wrong-file")).to_have_text("")
    page.get_by_label("Classes, in the order of its outputs").fill("only one")
    page.get_by_label("CNN").check()
    page.get_by_label("Image size").fill("5")
    send.click()
    expect(page.locator("#wrong-image_size")).to_contain_text("from 32 to 512")
    page.get_by_label("Image size").fill("0")
    send.click()
    expect(page.locator("#wrong-classes")).to_contain_text("Name 2 to 100 classes")
    # The file is still chosen: nobody has to look for it again.
    page.get_by_label("Classes, in the order of its outputs").fill(
        "Blot/Gel, FACS, Macroscopy, Microscopy, Noneoftheabove"
    )
    send.click()
    expect(page.locator("#now")).to_contain_text("Number 1 in the queue")
    job = ModelImport.objects.get()
    assert page.url.endswith(f"/models/imports/{job.pk}/")
    assert (job.architecture, job.split, job.classes[0]) == ("cnn", split, "BlotGel")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#now")).to_contain_text("cancelled")
