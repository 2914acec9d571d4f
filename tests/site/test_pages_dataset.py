"""The page of a dataset: counts, splits, who did what, batches to undo."""

import html
import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from classifier.accepting import accept_predictions
from datasets.history import changes_by_day, changes_by_person, deeds
from datasets.labelling import KEEP, redo_batch, relabel_batch, undo_batch
from datasets.models import Dataset, Image, Label, LabelBatch
from tests.factories import DatasetFactory, ImageFactory
from tests.factories_models import ModelVersionFactory, labelled_dataset, predict_all, split_of

pytestmark = pytest.mark.django_db
Show = Callable[..., str]
PAGE = "/datasets/panels/"


@pytest.fixture
def show(client: Client, user_in_role: Callable[[str], User]) -> Show:
    """Open an address in a role; return the page without entities."""

    def open_page(address: str = PAGE, role: str = "curator") -> str:
        client.force_login(user_in_role(role))
        return html.unescape(client.get(address, follow=True).content.decode())

    return open_page


@pytest.fixture
def dataset() -> Dataset:
    """Twelve images of BlotGel and twelve of Microscopy in six papers."""
    return labelled_dataset(slug="panels")


@pytest.fixture
def ana(user_in_role: Callable[[str], User]) -> User:
    """An annotator."""
    return user_in_role("annotator")


def relabel(
    dataset: Dataset, author: Any, *, images: int, label: str = "FAC", reason: str = ""
) -> LabelBatch:
    """Relabel the first images of a dataset."""
    chosen = list(dataset.images.order_by("pk").values_list("pk", "version")[:images])
    done = relabel_batch(
        chosen,
        dataset=dataset,
        label=dataset.class_named(label),
        excluded=KEEP,
        author=author,
        reason=reason,
    )
    assert done.batch
    return done.batch


def row_of(page: str, text: str) -> str:
    """The row of a table that holds a text."""
    found = [row for row in re.findall(r"<tr.*?</tr>", page, re.DOTALL) if text in row]
    assert found, f"no row holds {text!r}"
    return found[0]


def drawn(page: str) -> dict[str, Any]:
    """What the chart is drawn from."""
    found = re.search(r'id="dataset-setup" type="application/json">(.*?)</script>', page)
    assert found
    setup: dict[str, Any] = json.loads(found[1])
    return setup


def test_counts_per_class_and_state_lead_to_their_images(show: Show, dataset: Dataset) -> None:
    blot = Image.objects.filter(label__name="BlotGel")[0]
    Image.objects.filter(pk=blot.pk).update(excluded=True)
    ImageFactory(dataset=dataset, paper=None)
    page = show()
    for there, count in (
        ("label=BlotGel&state=labelled", 11),
        ("label=BlotGel&state=excluded", 1),
        ("label=Microscopy&state=labelled", 12),
        ("label=none&state=unlabelled", 1),
    ):
        address = f"/workbench/?dataset=panels&{there}"
        assert f'<a href="{address}">{count}</a>' in page
        assert f"<b>{count}</b>" in show(address)
    assert "label=FAC&" not in page


def test_each_split_is_a_small_table_of_its_subsets(show: Show, dataset: Dataset) -> None:
    split = split_of(dataset, name="whole")
    page = show()
    small = page[page.index('class="small-split"') :]
    assert f'href="/splits/{split.pk}/">whole</a>' in small
    for subset, count in split.counts["images"].items():
        assert (
            f'href="/workbench/?dataset=panels&split=panels%2Fwhole&subset={subset}">{count}</a>'
            in row_of(small, ">Images<")
        )
    assert "no leak" in small


def test_who_did_what_counts_each_way_by_itself(show: Show, dataset: Dataset, ana: User) -> None:
    batch = relabel(dataset, ana, images=3)
    undo_batch(batch, author=ana)
    version = ModelVersionFactory()
    predict_all(version, Image.objects.all(), wrong=2)
    accept_predictions(
        list(Image.objects.values_list("pk", "version")), dataset=dataset, version=version, author=ana
    )
    people = dict(changes_by_person(dataset, ana))
    assert people["annotator"].counts == {"by_hand": 3, "accepted": 2, "reversed": 3, "imported": 0}
    assert people[None].counts["imported"] == 24
    row = row_of(show(), "3 by hand")
    for told in ("annotator", "2 accepted", "3 undone or redone", '<td class="num">8</td>'):
        assert told in row
    assert "a command" in row_of(show(), "24 imported")


def test_changes_are_drawn_per_day_and_imports_stand_in_the_table(
    show: Show, dataset: Dataset, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    for days, images in ((89, 1), (3, 4), (90, 7)):
        then = now - timedelta(days=days)
        with monkeypatch.context() as patched:
            patched.setattr(timezone, "now", lambda moment=then: moment)
            relabel(dataset, ana, images=images, label="FAC" if images % 2 else "Macroscopy")
    counted = changes_by_day(dataset, ana, days=90)
    assert len(counted) == 90
    assert list(counted)[-1] == now.date()
    by_hand = {day: each.counts["by_hand"] for day, each in counted.items() if each.counts["by_hand"]}
    assert by_hand == {(now - timedelta(days=89)).date(): 1, (now - timedelta(days=3)).date(): 4}
    page = show()
    setup = drawn(page)
    assert [each["name"] for each in setup["series"]] == [
        "by hand",
        "accepted predictions",
        "undone or redone",
    ]
    assert setup["days"][0] == (now - timedelta(days=89)).date().isoformat()
    assert (setup["series"][0]["values"][0], sum(setup["series"][0]["values"])) == (1, 5)
    assert '<td class="num">24</td></tr>' in row_of(page, f'tabular">{now.date().isoformat()}<')


def test_a_batch_tells_who_why_and_what_and_can_be_undone(show: Show, dataset: Dataset, ana: User) -> None:
    batch = relabel(dataset, ana, images=3, reason="axes are seen")
    row = row_of(show(), "axes are seen")
    for told in ("Relabelled", "annotator", "FAC", f'data-batch="{batch.pk}" data-way="undo"'):
        assert told in row
    undo_batch(batch, author=ana)
    row = row_of(show(), "axes are seen")
    assert "Undone by annotator" in row
    assert f'data-batch="{batch.pk}" data-way="redo"' in row
    redo_batch(batch, author=ana)
    row = row_of(show(), "axes are seen")
    assert "Redone by annotator" in row
    assert 'data-way="undo"' in row
    # The undoing and the redoing are told where the batch is, not as batches of their own.
    assert len(deeds(dataset, ana, most=1000)) == 24 + 1


def test_the_images_of_a_batch_are_a_link_away(show: Show, dataset: Dataset, ana: User) -> None:
    batch = relabel(dataset, ana, images=5)
    relabel(dataset, ana, images=2, label="BlotGel")
    there = f"/workbench/?dataset=panels&batch={batch.pk}"
    assert f'href="{there}"' in row_of(show(), there)
    assert "<b>5</b> of 24 images" in show(there)


@pytest.mark.parametrize("asked", ["999999999", "-1", "x", "1.5", "9" * 30])
def test_a_batch_that_is_none_is_an_error_not_every_image(show: Show, dataset: Dataset, asked: str) -> None:
    page = show(f"/workbench/?dataset=panels&batch={asked}")
    assert "notice bad" in page
    assert "<b>0</b> of 24 images" in page


def test_an_import_cannot_be_undone_and_a_viewer_undoes_nothing(
    show: Show, dataset: Dataset, ana: User
) -> None:
    assert "data-batch" not in show()
    relabel(dataset, ana, images=1, reason="mine")
    assert "data-batch" in show()
    page = show(role="viewer")
    assert "mine" in page
    assert "data-batch" not in page


def test_older_batches_are_a_page_away(show: Show, dataset: Dataset, ana: User) -> None:
    for number in range(16):
        relabel(dataset, ana, images=1, label=("FAC", "BlotGel")[number % 2], reason=f"number {number:02}")
    page = show()
    assert "number 15" in page and "number 00" not in page
    older = re.search(r'href="\?before=(\d+)">Older', page)
    assert older
    page = show(f"{PAGE}?before={older[1]}")
    assert "number 00" in page and "number 15" not in page
    assert "There is none older." in show(f"{PAGE}?before=1")
    assert "number 15" in show(f"{PAGE}?before=x")


def test_a_page_with_more_of_everything_takes_no_more_queries(
    show: Show,
    dataset: Dataset,
    ana: User,
    user_in_role: Callable[[str], User],
    django_assert_max_num_queries: Any,
) -> None:
    def counted() -> int:
        with django_assert_max_num_queries(60) as context:
            show()
        return len(context.captured_queries)

    relabel(dataset, ana, images=1)
    split_of(dataset, name="first")
    show()
    few = counted()
    for number in range(6):
        author = user_in_role(("annotator", "curator", "admin")[number % 3])
        undo_batch(relabel(dataset, author, images=4, label=("FAC", "BlotGel")[number % 2]), author=author)
    split_of(dataset, name="second")
    assert counted() == few


def test_an_empty_dataset_says_how_to_fill_it(show: Show) -> None:
    DatasetFactory(slug="panels", name="Panels")
    page = show()
    assert "No images in Panels yet" in page
    assert 'href="/imports/?dataset=panels"' in page


def test_images_without_history_or_splits_show_what_will_stand_here(show: Show, dataset: Dataset) -> None:
    bare = DatasetFactory(slug="bare")
    ImageFactory(dataset=bare, paper=None)
    page = show("/datasets/bare/")
    for told in (
        "Nobody changed a label in these 90 days.",
        "Nobody has labelled anything yet.",
        "No split yet.",
    ):
        assert told in page
    assert 'href="/splits/new/?dataset=bare"' in page
    assert 'href="/splits/new/' not in show("/datasets/bare/", role="viewer")
    assert not Label.objects.filter(image__dataset=bare).exists()


def test_home_and_the_table_of_datasets_lead_here(show: Show, dataset: Dataset) -> None:
    assert f'href="{PAGE}"' in show("/?dataset=panels")
    assert f'href="{PAGE}">Overview</a>' in show("/admin/datasets/dataset/")


def test_a_dataset_that_is_not_there_is_told(client: Client, user_in_role: Callable[[str], User]) -> None:
    client.force_login(user_in_role("viewer"))
    answer = client.get("/datasets/nowhere/")
    assert answer.status_code == 404
    assert "There is no dataset" in answer.content.decode()
    assert Client().get(PAGE).status_code == 302


@pytest.mark.browser
def test_a_batch_is_undone_and_redone_in_the_browser(
    signed_in: Callable[..., Any], user_in_role: Callable[[str], User]
) -> None:
    dataset = labelled_dataset(slug="panels")
    relabel(dataset, user_in_role("annotator"), images=3, reason="slipped")
    page = signed_in("annotator")
    page.goto(PAGE)
    page.wait_for_selector("#plot-changes.drawn")
    page.get_by_role("button", name="Undo this batch of 3 images").click()
    page.get_by_text("Undone: 3 images").wait_for()
    page.get_by_text("Undone by annotator").wait_for()
    assert not Image.objects.filter(label__name="FAC").exists()
    page.get_by_role("button", name="Redo this batch of 3 images").click()
    page.get_by_text("Redone: 3 images").wait_for()
    page.get_by_role("button", name="Undo this batch of 3 images").wait_for()
    assert Image.objects.filter(label__name="FAC").count() == 3
    # Somebody changes them meanwhile: nothing is undone, and that is told.
    relabel(dataset, user_in_role("curator"), images=3, label="Macroscopy")
    page.get_by_role("button", name="Undo this batch of 3 images").click()
    page.get_by_text("Nothing to undo: 3 images changed since").wait_for()
    assert Image.objects.filter(label__name="Macroscopy").count() == 3
