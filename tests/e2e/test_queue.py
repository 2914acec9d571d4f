"""A queue in the workbench: taken, decided by key, skipped and come back to; two people, no image twice."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from datasets.models import Dataset, Image, Label, Queue, QueueItem
from datasets.queues.asking import ask_second_opinion
from datasets.queues.making import make_queue
from tests.e2e.bench import saved, thumbs
from tests.factories_models import labelled_dataset

pytestmark = pytest.mark.browser
Open = Callable[..., Page]
Outcome = QueueItem.Outcome


@pytest.fixture
def dataset(live_server: Any) -> Dataset:
    """Sixty labelled images."""
    return labelled_dataset(slug="panels", papers=10, per_paper=6)


@pytest.fixture
def queue(dataset: Dataset) -> Queue:
    """All of them in a queue."""
    ids = list(dataset.images.order_by("pk").values_list("pk", flat=True))
    made: Queue = make_queue(
        dataset, kind="audit", name="Audit", images=[(pk, None) for pk in ids], population=60, author=None
    )
    return made


def opened(page: Page, queue: Queue) -> Page:
    """The page with the queue's first images."""
    page.goto(f"/workbench/?dataset=panels&queue={queue.pk}")
    expect(thumbs(page).first).to_be_visible()
    return page


def outcomes(queue: Queue) -> list[str]:
    """What came of the queue's images, in their order."""
    return list(queue.items.order_by("place").values_list("outcome", flat=True))


def test_a_digit_changes_y_keeps_s_skips_and_the_strip_counts(signed_in: Open, queue: Queue) -> None:
    page = opened(signed_in("annotator"), queue)
    expect(page.get_by_text("0 of 60")).to_be_visible()
    thumbs(page).nth(0).focus()
    for key in ("y", "5", "s", "y"):
        page.keyboard.press(key)
    saved(page)
    expect(page.get_by_text("3 of 60")).to_be_visible()
    assert outcomes(queue)[:5] == ["kept", "changed", "open", "kept", "open"]
    expect(thumbs(page).nth(0)).to_have_attribute("aria-label", "0 / 010101.png, labelled BlotGel, decided")
    page.get_by_role("button", name="Come back to 1 skipped").wait_for()


def test_undo_opens_again_also_after_a_reload_and_redo_decides(signed_in: Open, queue: Queue) -> None:
    page = opened(signed_in("annotator"), queue)
    thumbs(page).nth(0).focus()
    page.keyboard.press("y")
    page.keyboard.press("5")
    saved(page)
    page.reload()
    expect(page.get_by_text("2 of 60")).to_be_visible()
    page.keyboard.press("u")
    page.keyboard.press("u")
    saved(page)
    expect(page.get_by_text("0 of 60")).to_be_visible()
    assert set(outcomes(queue)) == {"open"}
    assert Label.objects.filter(image=queue.items.get(place=1).image).count() == 3
    page.keyboard.press("U")
    saved(page)
    expect(page.get_by_text("1 of 60")).to_be_visible()
    assert outcomes(queue)[0] == "kept"


def test_the_rest_of_the_page_is_kept_at_one_key_and_more_comes(signed_in: Open, queue: Queue) -> None:
    page = opened(signed_in("annotator"), queue)
    thumbs(page).nth(3).focus()
    page.keyboard.press("5")
    for _ in range(4):
        page.keyboard.press("Y")
        saved(page)
    expect(page.get_by_text("60 of 60")).to_be_visible()
    expect(page.get_by_text("All 60 images are decided.")).to_be_visible()
    assert outcomes(queue).count("kept") == 59
    assert outcomes(queue)[3] == "changed"


def test_two_people_work_one_queue_and_never_see_the_same_image(
    signed_in: Open, new_context: Callable[[], Any], queue: Queue
) -> None:
    def ids(page: Page) -> set[str]:
        return {each.get_attribute("data-id") for each in thumbs(page).all()}

    first = opened(signed_in("annotator"), queue)
    second = signed_in("curator", into=new_context())
    opened(second, queue)
    assert ids(first) and ids(second) and not ids(first) & ids(second)
    for page in (first, second):
        thumbs(page).nth(0).focus()
        page.keyboard.press("Y")
        saved(page)
    assert not ids(first) & ids(second)
    by = list(queue.items.decided().values_list("decided_by__username", flat=True))
    assert {"annotator", "curator"} == set(by)
    first.get_by_role("link", name="Leave").click()
    first.wait_for_url("**/review/**")
    assert not queue.items.open().filter(claimed_by__username="annotator").exists()


def test_skipped_images_come_back_when_asked_for(signed_in: Open, queue: Queue) -> None:
    QueueItem.objects.filter(queue=queue, place__gte=4).delete()
    page = opened(signed_in("annotator"), queue)
    thumbs(page).nth(0).focus()
    for key in "sysy":
        page.keyboard.press(key)
    saved(page)
    page.reload()
    page.get_by_role("button", name="Come back to 2 skipped").click()
    expect(thumbs(page)).to_have_count(2)
    page.keyboard.press("Y")
    saved(page)
    expect(page.get_by_text("4 of 4")).to_be_visible()
    expect(page.get_by_role("button", name="Come back")).to_be_hidden()


def test_a_second_opinion_is_given_blind_and_a_curator_settles(
    signed_in: Open, new_context: Callable[[], Any], dataset: Dataset
) -> None:
    curator = signed_in("curator")
    curator.goto("/workbench/?dataset=panels")
    thumbs(curator).nth(0).focus()
    curator.keyboard.press("Shift+ArrowRight")
    curator.keyboard.press("o")
    expect(curator.get_by_text("A second opinion is asked for on 2 images")).to_be_visible()
    queue = Queue.objects.get(kind=Queue.Kind.SECOND)
    page = signed_in("annotator", into=new_context())
    opened(page, queue)
    expect(thumbs(page).nth(0)).to_have_attribute("aria-label", "0 / 010101.png, no label")
    page.keyboard.press("y")
    expect(page.get_by_text("Say what the image shows")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.get_by_text("labels, predictions and history are not shown")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("1")
    page.keyboard.press("5")
    saved(page)
    assert outcomes(queue) == ["kept", "changed"]
    assert not Label.objects.filter(version__gt=1).exists()
    settle = Queue.objects.get(kind=Queue.Kind.SETTLE)
    opened(curator, settle)
    expect(thumbs(curator)).to_have_count(1)
    expect(curator.get_by_text("import: Microscopy, annotator: Noneoftheabove")).to_be_visible()
    curator.keyboard.press("5")
    saved(curator)
    image = Image.objects.get(pk=settle.items.get().image_id)
    assert image.label is not None and image.label.name == "Noneoftheabove"
    assert settle.items.get().outcome == Outcome.CHANGED


def test_what_was_asked_for_twice_is_said(signed_in: Open, dataset: Dataset) -> None:
    first = dataset.images.earliest("pk")
    ask_second_opinion(dataset, [first.pk])
    page = signed_in("annotator")
    page.goto("/workbench/?dataset=panels")
    thumbs(page).nth(0).focus()
    page.keyboard.press("o")
    expect(page.get_by_text("1 image asked for before")).to_be_visible()


def test_the_next_images_are_fetched_while_one_looks_at_these(signed_in: Open, live_server: Any) -> None:
    dataset = labelled_dataset(slug="panels", papers=13, per_paper=10)
    ids = list(dataset.images.order_by("pk").values_list("pk", flat=True))
    images = [(pk, None) for pk in ids]
    queue = make_queue(dataset, kind="audit", name="Audit", images=images, population=130, author=None)
    page = opened(signed_in("annotator"), queue)
    page.wait_for_load_state("networkidle")
    taken = queue.items.filter(claimed_by__username="annotator").count()
    assert taken > thumbs(page).count() >= 40
    while thumbs(page).count() < 130:
        shown = thumbs(page).count()
        page.keyboard.press("Y")
        expect(thumbs(page).nth(shown)).to_be_visible()
        saved(page)
    page.keyboard.press("Y")
    saved(page)
    expect(page.get_by_text("All 130 images are decided.")).to_be_visible()
    assert set(outcomes(queue)) == {"kept"}
