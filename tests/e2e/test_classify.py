"""The Classify page in a browser: files come in every way, are told of, kept, corrected, and taken back."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from classifier.aliases import promote
from classifier.models import ModelVersion, Prediction
from classifier.serving.cache import forget_engines
from datasets.models import Dataset, Image, QueueItem
from tests.factories import DatasetFactory, ImageFactory, png
from tests.factories_models import CLASSES, ModelVersionFactory

pytestmark = pytest.mark.browser
CLASSIFY = "**/api/v1/classify/"
# A drop as a browser makes it, of files and of folders: {name: [bytes]} or {name: {name: ...}}.
DROP = """
tree => {
    const file = (name, bytes) => new File([new Uint8Array(bytes)], name, { type: "image/png" });
    const entry = (name, value, path) => Array.isArray(value)
        ? { name, isDirectory: false, fullPath: path + name, file: done => done(file(name, value)) }
        : { name, isDirectory: true, fullPath: path + name, createReader: () => {
            const all = Object.entries(value).map(([own, inner]) => entry(own, inner, `${path}${name}/`));
            return { readEntries: done => done(all.splice(0, 2)) };
        } };
    const items = Object.entries(tree).map(([name, value]) => ({
        kind: "file",
        webkitGetAsEntry: () => entry(name, value, "/"),
        getAsFile: () => (Array.isArray(value) ? file(name, value) : null),
    }));
    const event = new Event("drop", { bubbles: true, cancelable: true });
    event.dataTransfer = { items, types: ["Files"], files: [] };
    document.getElementById("drop").dispatchEvent(event);
}
"""
PASTE = """
bytes => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], "image.png", { type: "image/png" }));
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true }));
}
"""


@pytest.fixture
def champion(transactional_db: None) -> ModelVersion:
    """A champion that tells images by their brightness."""
    forget_engines()
    made = ModelVersionFactory(name="bright", version=1, answers=True)
    promote(made, reason="the only one", author=None)
    return made


@pytest.fixture
def dataset(champion: ModelVersion) -> Dataset:
    return DatasetFactory(slug="mine")


def choose(page: Page, *files: tuple[str, bytes]) -> None:
    page.set_input_files(
        "#files", [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
    )


def row(page: Page, name: str) -> Locator:
    return page.get_by_role("row").filter(has=page.get_by_role("rowheader", name=name))


def status(page: Page) -> Locator:
    return page.locator("#classify-status")


def busy_first(page: Page, *, times: int, code: int = 429) -> list[int]:
    """Let the server be too busy for the first requests; return where each answer is counted."""
    seen: list[int] = []

    def answer(route: Route) -> None:
        seen.append(1)
        if len(seen) > times:
            route.continue_()
            return
        body = {"code": "busy", "detail": "Too much at once. Try again in a moment."}
        route.fulfill(status=code, headers={"Retry-After": "1"}, json=body)

    page.route(CLASSIFY, answer)
    return seen


def test_chosen_files_stand_in_a_table_and_a_bad_one_stops_none(
    signed_in: Callable[..., Page], champion: ModelVersion
) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    choose(page, ("a.png", png(1)), ("notes.png", b"no image at all"), ("b.png", png(2)))
    expect(status(page)).to_have_text("3 files in all, 1 refused")
    expect(row(page, "a.png").locator(".chip")).to_contain_text(CLASSES[2])
    expect(row(page, "a.png").locator(".probabilities .track")).to_have_count(len(CLASSES))
    expect(row(page, "a.png").locator("img")).to_have_js_property("naturalWidth", 16)
    expect(row(page, "notes.png")).to_contain_text("PNG, JPEG and TIFF are taken")
    expect(row(page, "b.png").get_by_role("checkbox", name="Choose b.png")).to_be_enabled()
    assert not Image.objects.exists()


def test_a_folder_is_walked_and_what_is_no_image_is_counted(
    signed_in: Callable[..., Page], champion: ModelVersion
) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    inner = {f"{number}.png": list(png(number)) for number in range(3)}
    tree = {"papers": {"PMC1": {**inner, "notes.txt": [1]}, ".git": {"x.png": [1]}}, "one.png": list(png(9))}
    page.evaluate(DROP, tree)
    expect(status(page)).to_have_text("4 files in all, 1 other file left out")
    expect(page.get_by_role("rowheader").filter(has_text="papers/PMC1")).to_have_count(3)


def test_a_folder_is_chosen_by_its_button(
    signed_in: Callable[..., Page], champion: ModelVersion, tmp_path: Path
) -> None:
    folder = tmp_path / "PMC7"
    folder.mkdir()
    (folder / "a.png").write_bytes(png(1))
    (folder / "list.csv").write_text("a")
    page = signed_in("viewer")
    page.goto("/classify/")
    page.set_input_files("#folder", str(folder))
    expect(status(page)).to_have_text("1 file in all, 1 other file left out")
    expect(row(page, "a.png")).to_contain_text("PMC7")


def test_pasted_images_have_names_that_differ(signed_in: Callable[..., Page], champion: ModelVersion) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    page.evaluate(PASTE, list(png(1)))
    expect(status(page)).to_have_text("1 file in all")
    expect(page.get_by_role("rowheader")).to_contain_text("pasted-")


def test_the_table_is_filtered_by_class_and_shows_the_unsure_first(
    signed_in: Callable[..., Page], champion: ModelVersion
) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    choose(page, *((f"{number}.png", png(number)) for number in range(6)), ("x.png", b"x"))
    expect(status(page)).to_contain_text("7 files in all")
    page.get_by_label("Order").select_option("Unsure first")
    cells = page.locator("td[data-label=Confidence]").all_inner_texts()
    assert [float(cell) for cell in cells] == sorted(float(cell) for cell in cells)
    expect(page.get_by_role("columnheader", name="Confidence")).to_have_attribute("aria-sort", "ascending")
    page.get_by_role("button", name="Not classified 1").click()
    expect(page.locator("#classify-rows tr")).to_have_count(1)
    page.get_by_role("button", name="All 7").click()
    expect(page.locator("#classify-rows tr")).to_have_count(7)


def test_a_busy_server_is_waited_for_and_no_file_is_lost(
    signed_in: Callable[..., Page], champion: ModelVersion
) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    seen = busy_first(page, times=2)
    choose(page, *((f"{number}.png", png(number)) for number in range(40)))
    expect(status(page)).to_contain_text("The server is busy: tried again in 1 s")
    expect(status(page)).to_have_text("40 files in all", timeout=20_000)
    # Two refusals, then a request for 32 and one for 8.
    assert len(seen) == 4
    expect(page.locator(".classified.done")).to_have_count(40)


def test_what_failed_is_kept_and_tried_again(signed_in: Callable[..., Page], champion: ModelVersion) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    page.route(CLASSIFY, lambda route: route.abort())
    choose(page, ("a.png", png(1)), ("b.png", png(2)))
    expect(status(page)).to_contain_text("2 not classified: The server cannot be reached")
    page.unroute(CLASSIFY)
    page.get_by_role("button", name="Try again: a.png").click()
    expect(status(page)).to_contain_text("1 not classified")
    page.get_by_role("button", name="Try again", exact=True).click()
    expect(status(page)).to_have_text("2 files in all")


def test_waiting_is_stopped_and_the_files_stay(
    signed_in: Callable[..., Page], champion: ModelVersion
) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    busy_first(page, times=1000, code=503)
    choose(page, *((f"{number}.png", png(number)) for number in range(33)))
    expect(status(page)).to_contain_text("The server is busy")
    page.get_by_role("button", name="Stop").click()
    expect(status(page)).to_contain_text("33 not classified: stopped")
    page.unroute(CLASSIFY)
    page.get_by_role("button", name="Try again", exact=True).click()
    expect(status(page)).to_have_text("33 files in all")


def test_the_model_stays_in_the_address_and_classifies_again(
    signed_in: Callable[..., Page], champion: ModelVersion
) -> None:
    other = ModelVersionFactory(name="bright", version=2, answers=True, abstain_below=0.999)
    page = signed_in("viewer")
    page.goto("/classify/")
    choose(page, ("a.png", png(1)))
    expect(status(page)).to_have_text("1 file in all")
    page.get_by_label("Model").select_option(str(other))
    page.get_by_role("button", name=f"Classify again by {other}").click()
    expect(row(page, "a.png")).to_contain_text("abstains below 0.999")
    page.reload()
    expect(page.get_by_label("Model")).to_have_value(str(other))


def test_chosen_images_are_added_to_a_dataset_and_taken_back(
    signed_in: Callable[..., Page], champion: ModelVersion, dataset: Dataset
) -> None:
    ImageFactory(
        dataset=dataset, paper__dataset=dataset, paper__identifier="PMC1", file_name="b.png", seed=99
    )
    page = signed_in("curator")
    page.goto("/classify/?dataset=mine")
    choose(page, ("a.png", png(1)), ("b.png", png(2)), ("c.png", png(3)))
    expect(status(page)).to_have_text("3 files in all")
    for name in ("a.png", "b.png"):
        page.get_by_role("checkbox", name=f"Choose {name}").check()
    page.get_by_role("button", name="Add 2 to a dataset").click()
    page.get_by_label("Paper", exact=True).select_option("One for all of them")
    page.get_by_label("Its name").fill("PMC1")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("1 image added to mine, 1 refused")
    expect(row(page, "b.png")).to_contain_text("with other bytes")
    image = Image.objects.get(file_name="a.png")
    assert (str(image), Prediction.objects.get(image=image).version) == ("PMC1/a.png", champion)
    link = row(page, "a.png").get_by_role("link", name="a.png in mine")
    expect(link).to_have_attribute("href", f"/images/{image.pk}/")
    page.get_by_role("button", name="Undo: a.png").click()
    expect(link).to_be_hidden()
    assert not Image.objects.filter(file_name="a.png").exists()


def test_a_new_dataset_is_named_and_papers_are_the_folders(
    signed_in: Callable[..., Page], champion: ModelVersion
) -> None:
    page = signed_in("curator")
    page.goto("/classify/")
    page.evaluate(DROP, {f"PMC{n}": {"a.png": list(png(n))} for n in (1, 2)})
    expect(status(page)).to_have_text("2 files in all")
    page.get_by_role("button", name=re.compile("Add all")).click()
    page.get_by_label("Its short name").fill("fresh")
    page.get_by_label("Paper", exact=True).select_option("The folder that each came from")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator(".toast")).to_contain_text("2 images added to fresh.")
    added = Image.objects.filter(dataset__slug="fresh").order_by("pk")
    assert [str(image) for image in added] == ["PMC1/a.png", "PMC2/a.png"]


def test_a_person_says_what_is_wrong_and_takes_it_back(
    signed_in: Callable[..., Page], champion: ModelVersion, dataset: Dataset
) -> None:
    page = signed_in("annotator")
    page.goto("/classify/?dataset=mine")
    choose(page, ("a.png", png(1)))
    page.get_by_role("button", name="Wrong? Tell us: a.png").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"bright@1 says A{CLASSES[2]}")
    expect(dialog.get_by_role("radio", name=CLASSES[2])).to_have_count(0)
    dialog.get_by_role("radio", name=CLASSES[1]).check()
    dialog.get_by_label("Why, if you like").fill("a scatter plot")
    dialog.get_by_role("button", name="Send").click()
    expect(row(page, "a.png")).to_contain_text(f"you said {CLASSES[1]}; a second person is asked")
    image = dataset.images.get()
    assert image.label
    assert image.label.name == CLASSES[1]
    reason = image.labels.get().reason
    assert reason.startswith(f"bright@1 said {CLASSES[2]} (")
    assert reason.endswith("): a scatter plot")
    assert QueueItem.objects.get().image == image
    page.get_by_role("button", name="Undo: a.png").click()
    expect(row(page, "a.png").get_by_role("button", name="Wrong? Tell us")).to_be_visible()
    image.refresh_from_db()
    assert image.label is None


def test_who_may_not_is_told_what_may_be_done(
    signed_in: Callable[..., Page], champion: ModelVersion, dataset: Dataset
) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    choose(page, ("a.png", png(1)))
    page.get_by_role("button", name="Wrong? Tell us: a.png").click()
    expect(page.get_by_role("dialog")).to_contain_text("Tell an annotator or a curator")
    page.keyboard.press("Escape")
    page.get_by_role("button", name=re.compile("Add all")).click()
    expect(page.get_by_role("dialog")).to_contain_text("ask an administrator for the role “curator”")


def test_the_table_is_saved_as_it_is_ordered_and_filtered(
    signed_in: Callable[..., Page], champion: ModelVersion
) -> None:
    page = signed_in("viewer")
    page.goto("/classify/")
    choose(page, *((f"=panel {number}.png", png(number)) for number in range(33)))
    expect(status(page)).to_have_text("33 files in all")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save as CSV").click()
    lines = download.value.path().read_text().splitlines()
    columns = "file,model,label,confidence,calibrated_confidence,abstained"
    assert lines[0] == f"{columns},{','.join(CLASSES)},error,detail,image,told"
    assert len(lines) == 34
    # A name that a spreadsheet would run as a formula is disarmed.
    assert lines[1].startswith("'=panel 0.png,bright@1,")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_axe_finds_nothing_in_the_table_and_its_dialogs(
    signed_in: Callable[..., Page], champion: ModelVersion, dataset: Dataset, scheme: Any, width: int
) -> None:
    champion.abstain_below = 0.999
    champion.save()
    page = signed_in("curator")
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 800})
    page.goto("/classify/?dataset=mine")
    choose(page, ("a.png", png(1)), ("x.png", b"x"))
    expect(status(page)).to_contain_text("2 files in all")
    found = []
    for name in ("", "Add all 1 to a dataset", "Wrong? Tell us: a.png"):
        if name:
            page.get_by_role("button", name=name).click()
        # The theme's own header lies outside all landmarks.
        run = Axe().run(page, options={"rules": {"region": {"enabled": False}}}).response["violations"]
        found += [f"{each['id']}: {node['html'][:200]}" for each in run for node in each["nodes"]]
        page.keyboard.press("Escape")
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
