"""What axe-core finds wrong with the pages: nothing."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from classifier.aliases import promote
from classifier.evaluation import evaluate
from datasets.models import Image
from datasets.queues.asking import ask_second_opinion
from datasets.queues.making import make_queue
from tests.e2e.bench import thumbs
from tests.factories import UserFactory
from tests.factories_models import (
    ModelImportFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    images_in,
    labelled_dataset,
    predict_all,
    split_of,
)
from tests.training_jobs.test_pages_training import add_epochs
from tests.training_jobs.test_sweeps import end
from training_jobs.sweeping import queue_sweep, trials_of

pytestmark = pytest.mark.browser
# The theme's own header lies outside all landmarks.
OPTIONS = {"rules": {"region": {"enabled": False}}}
PAGES = (
    "/",
    "/workbench/?dataset=panels",
    "/workbench/?dataset=panels&model=champion&ordering=panel",
    "/workbench/?dataset=panels&queue={queue}",
    "/workbench/?dataset=panels&queue={second}",
    "/review/?dataset=panels",
    "/images/{image}/",
    "/imports/",
    "/splits/",
    "/splits/{split}/",
    "/training/",
    "/training/{run}/",
    "/training/compare/?dataset=panels",
    "/training/new/",
    "/training/sweeps/",
    "/training/sweeps/{sweep}/",
    "/training/sweeps/new/",
    "/models/",
    "/models/{version}/",
    "/models/{version}/calibration/?share-FAC=50&share-BlotGel=50&share-Microscopy=50",
    "/models/{version}/errors/",
    "/models/{version}/gates/",
    "/models/{version}/card/",
    "/models/{version}/describe/",
    "/models/{version}/delete/",
    "/models/{version}/export/",
    "/aliases/champion/?when=2026-03-03T10:00",
    "/models/import/",
    "/models/imports/{model_import}/",
    "/compare/",
    "/compare/?models={version},{other}",
    "/classify/",
)


def wrong(page: Page) -> list[str]:
    """Say what axe-core finds, a line each."""
    found = Axe().run(page, options=OPTIONS).response["violations"]
    return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]


@pytest.fixture
def site(signed_in: Callable[..., Page]) -> tuple[Page, dict[str, int]]:
    """A dataset with a split, a champion and its evaluation; and the ids of all."""
    split = split_of(labelled_dataset(slug="panels"))
    version = ModelVersionFactory(split=split, sees=True, label_cutoff=timezone.now())
    predict_all(version, images_in(split, "test"), wrong=1)
    evaluate(version, split=split)
    promote(version, reason="the first", author=None)
    image = Image.objects.earliest("pk")
    ids = list(split.dataset.images.order_by("pk").values_list("pk", flat=True))
    queue = make_queue(
        split.dataset,
        kind="audit",
        name="Audit",
        images=[(pk, None) for pk in ids],
        population=len(ids),
        seed=1,
        author=None,
    )
    queue.items.filter(place__lt=5).update(
        outcome="kept", decided_by=UserFactory(), decided_at=timezone.now(), said=image.label
    )
    second = ask_second_opinion(split.dataset, ids).queue
    second.items.filter(place__lt=5).update(
        outcome="kept", decided_by=UserFactory(), decided_at=timezone.now(), said=image.label
    )
    for rate in (0.1, 0.2):
        ended = TrainingRunFactory(
            split=split, state="cancelled", attempt=1, config={"architecture": "cnn", "learning_rate": rate}
        )
        add_epochs(ended, 3)
    running = TrainingRunFactory(
        split=split,
        state="running",
        attempt=1,
        done=3,
        total=12,
        learning_rate=0.1,
        memory_bytes=10**9,
        memory_peak_bytes=10**9,
        priority=2,
    )
    sweep = queue_sweep(split, architecture="cnn", number=3, folds=2)
    for place, trial in enumerate(trials_of(sweep)[:4]):
        end(trial, place / 10)
    other = ModelVersionFactory(split=split)
    predict_all(other, images_in(split, "test"), wrong=2)
    evaluate(other, split=split)
    importing = ModelImportFactory(split=split, label_cutoff=timezone.now(), created_by=UserFactory())
    made = {
        "model_import": importing.pk,
        "queue": queue.pk,
        "other": other.pk,
        "second": second.pk,
        "run": running.pk,
        "sweep": sweep.pk,
    }
    return signed_in("admin"), {**made, "image": image.pk, "split": split.pk, "version": version.pk}


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_on_the_pages(site: tuple[Page, dict[str, int]], scheme: str) -> None:
    page, ids = site
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    told = {}
    for address in PAGES:
        page.goto(address.format(**ids))
        page.wait_for_load_state("networkidle")
        told[address] = wrong(page)
    assert {address: found for address, found in told.items() if found} == {}


def test_axe_finds_nothing_in_the_large_view_and_the_list_of_keys(site: tuple[Page, dict[str, int]]) -> None:
    page, _ = site
    page.goto("/workbench/?dataset=panels")
    expect(thumbs(page).first).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#history li").first).to_be_visible()
    assert wrong(page) == []
    page.keyboard.press("w")
    expect(page.locator(".why .thumb").first).to_be_visible()
    assert wrong(page) == []
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert wrong(page) == []


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_in_why(site: tuple[Page, dict[str, int]], scheme: str) -> None:
    page, ids = site
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"/images/{ids['image']}/")
    page.keyboard.press("w")
    expect(page.locator(".why .thumb").first).to_be_visible()
    assert wrong(page) == []


@pytest.mark.parametrize("scheme", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_nothing_among_small_thumbnails(site: tuple[Page, dict[str, int]], scheme: str) -> None:
    page, _ = site
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.goto("/workbench/?dataset=panels&model=champion&ordering=panel")
    expect(thumbs(page).first).to_be_visible()
    page.get_by_label("Size of the thumbnails").press("Home")
    assert wrong(page) == []
