"""The pages of splits: those there are, a plan that is frozen, one with what changed since."""

import html
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from datasets.labelling import correct_label
from datasets.models import Dataset, Image, Split, Subset
from datasets.splitting import make_split
from tests.factories import DatasetFactory, ImageFactory
from tests.factories_models import images_in, labelled_dataset

pytestmark = pytest.mark.django_db
NEW = "/splits/new/?dataset=panels"
As = Callable[..., Client]


@pytest.fixture
def as_role(user_in_role: Callable[[str], User]) -> As:
    """A browser signed in as a user in a role."""

    def signed_in(role: str = "curator") -> Client:
        client = Client()
        client.force_login(user_in_role(role))
        return client

    return signed_in


@pytest.fixture
def dataset() -> Dataset:
    """Twelve papers of four images, of two classes in turn."""
    return labelled_dataset(slug="panels", papers=12)


def read(response: Any) -> str:
    """The page as a person reads it, without entities."""
    return html.unescape(response.content.decode())


def error_at(field: str, page: str) -> str:
    """The sentence that a page shows at a field."""
    found = re.search(rf'<span class="error" id="wrong-{field}"[^>]*>([^<]*)</span>', page)
    assert found, f"the page has no place for errors of {field}"
    return found[1]


def hidden(page: str, name: str) -> str:
    """What the form that freezes carries along under a name."""
    form = page[page.index('class="panel freeze"') :]
    found = re.search(rf'<input type="hidden" name="{name}" value="([^>]*)">', form)
    assert found, f"nothing is carried as {name}"
    return found[1]


def lists(train: list[str], test: list[str]) -> SimpleUploadedFile:
    """Published lists as a file."""
    return SimpleUploadedFile("official_split.json", json.dumps({"train": train, "test": test}).encode())


def plan(client: Client, **asked: str) -> Any:
    """Ask for the plan of a split."""
    return client.get("/splits/new/", {"dataset": "panels", **asked})


def freeze(client: Client, **fields: Any) -> Any:
    """Freeze a split as the page's form does."""
    sent = {"action": "freeze", "ratios": "65:15:20", "by": "paper", "seed": "0", "name": "first", **fields}
    return client.post(NEW, sent)


def test_the_list_tells_size_and_leak_of_each_split_in_words(as_role: As, dataset: Dataset) -> None:
    whole = make_split(dataset, name="whole", ratios="2:1:1")
    make_split(dataset, name="torn", ratios="2:1:1", by="image")
    page = read(as_role("viewer").get("/splits/?dataset=panels"))
    assert f"None of the {whole.counts['images']['test']} test images shares a paper" in page
    assert re.search(r"\d+ of \d+ test images share a paper with train: scores will be too good", page)
    assert page.count(">no leak</span>") == page.count(">leaks</span>") == 1
    assert page.index("torn") < page.index("whole")
    assert f"/splits/{whole.pk}/" in page


def test_the_list_is_of_one_dataset(as_role: As, dataset: Dataset) -> None:
    make_split(labelled_dataset(slug="others"), name="elsewhere", ratios="2:1:1")
    page = read(as_role().get("/splits/?dataset=panels"))
    assert "No split yet" in page
    assert "elsewhere" not in page


def test_a_dataset_without_splits_offers_the_first_or_says_what_is_missing(as_role: As) -> None:
    empty = DatasetFactory(slug="bare")
    assert ">Label some</a>" in read(as_role().get("/splits/?dataset=bare"))
    ImageFactory(dataset=empty, paper=None, label="FAC")
    assert 'href="/splits/new/?dataset=bare">Make a split</a>' in read(as_role().get("/splits/?dataset=bare"))
    assert "Make a split</a>" not in read(as_role("viewer").get("/splits/?dataset=bare"))


def test_a_plan_is_shown_before_anything_is_kept(as_role: As, dataset: Dataset) -> None:
    page = read(plan(as_role(), ratios="70:15:15"))
    assert "70 %" in page and "wanted" in page
    assert ">no leak</span>" in page
    assert 'value="paper-70-15-15"' in page
    assert not Split.objects.exists()


def test_the_plan_shows_the_counts_that_are_then_frozen(as_role: As, dataset: Dataset) -> None:
    client = as_role()
    page = read(plan(client, ratios="1:1:2"))
    shown = [int(number) for number in re.findall(r'<td class="num[^"]*">(\d+)\s', page)]
    answer = freeze(client, ratios="own", own="1:1:2", planned=hidden(page, "planned"))
    split = Split.objects.get()
    assert (answer.status_code, answer["Location"]) == (302, f"/splits/{split.pk}/")
    for name in ("BlotGel", "Microscopy"):
        for subset in Subset.values:
            assert split.counts["classes"][subset][name] in shown
    assert (split.name, split.ratios, split.by, split.seed) == ("first", [1, 1, 2], "paper", 0)
    assert split.created_by.username == "curator"
    after = read(client.get(answer["Location"]))
    assert "The split first is frozen." in after
    assert "Labels changed" not in after


def test_ratios_and_seed_that_cannot_be_are_refused_at_their_fields(as_role: As, dataset: Dataset) -> None:
    page = read(plan(as_role(), ratios="5:x", seed="-1", by="image"))
    assert (
        error_at("ratios", page) == "The ratios '5:x' are not three numbers train:val:test such as 65:15:20."
    )
    assert error_at("seed", page) == "The seed is a whole number from 0 to 2,147,483,647."
    assert 'value="5:x"' in page and 'value="-1"' in page
    assert re.search(r'value="image" checked', page)
    assert "Freeze this split" not in page


def test_splitting_by_image_is_allowed_and_its_leak_is_told_plainly(as_role: As, dataset: Dataset) -> None:
    client = as_role()
    page = read(plan(client, by="image"))
    assert "This split leaks" in page
    assert "Split by paper to measure what a model does on new papers." in page
    assert freeze(client, by="image").status_code == 302
    assert Split.objects.get().leaks


def test_a_class_that_train_would_lack_is_refused_with_what_to_do(as_role: As) -> None:
    dataset = labelled_dataset(slug="panels", papers=2)
    ImageFactory(dataset=dataset, paper=None, file_name="only.png", label="FAC")
    client = as_role()
    page = read(plan(client, ratios="1:0:1000", by="image"))
    assert "No such split can be made" in page
    assert "but none in train: a model could not learn it" in page
    assert freeze(client, ratios="own", own="1:0:1000", by="image").status_code == 200
    assert not Split.objects.exists()


def test_without_labels_there_is_nothing_to_plan(as_role: As) -> None:
    DatasetFactory(slug="panels")
    page = read(as_role().get(NEW))
    assert "panels has no labelled images. Import or label some first." in page
    assert 'href="/workbench/?dataset=panels">Label images</a>' in page


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("first", "panels has a split 'first' already, and splits are frozen. Choose another name."),
        (
            "two words",
            "'two words' cannot name a split: use up to 64 letters, digits, hyphens and underscores.",
        ),
        ("", "'' cannot name a split: use up to 64 letters, digits, hyphens and underscores."),
    ],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_typed_is_lost(
    as_role: As, dataset: Dataset, name: str, sentence: str
) -> None:
    make_split(dataset, name="first", ratios="2:1:1")
    page = read(freeze(as_role(), name=name, ratios="own", own="3:1:1", by="panel_group", seed="7"))
    assert error_at("name", page) == sentence
    assert Split.objects.count() == 1
    assert [hidden(page, field) for field in ("ratios", "own", "by", "seed")] == [
        "own",
        "3:1:1",
        "panel_group",
        "7",
    ]


def test_a_proposed_name_is_not_taken(as_role: As, dataset: Dataset) -> None:
    client = as_role()
    freeze(client, name="paper-65-15-20")
    assert 'value="paper-65-15-20-2"' in read(client.get(NEW))


def test_labels_that_changed_between_plan_and_freezing_are_told(as_role: As, dataset: Dataset) -> None:
    client = as_role()
    planned = hidden(read(client.get(NEW)), "planned")
    ImageFactory(dataset=dataset, paper=None, file_name="late.png", label="BlotGel")
    answer = freeze(client, planned=planned)
    assert "Labels changed since the plan was shown" in read(client.get(answer["Location"]))


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_only_curators_make_splits(as_role: As, dataset: Dataset, role: str) -> None:
    client = as_role(role)
    assert client.get(NEW).status_code == 403
    assert freeze(client).status_code == 403
    assert not Split.objects.exists()


def test_published_lists_are_planned_carried_and_frozen(as_role: As, dataset: Dataset) -> None:
    client = as_role()
    page = read(
        client.post(NEW, {"action": "plan", "file": lists([str(n) for n in range(8)], ["8", "9", "x1"])})
    )
    assert "By the lists of <b>official_split.json</b>: 8 papers train, 3 papers test." in page
    assert "Without a labelled image: 1 paper of the lists, x1." in page
    assert "Left out: 8 images of 2 papers that the lists do not name" in page
    assert "wanted" not in page[page.index("The plan") :]
    answer = freeze(client, lists=hidden(page, "lists"), planned=hidden(page, "planned"))
    split = Split.objects.get()
    assert answer["Location"] == f"/splits/{split.pk}/"
    assert split.official
    papers = set(images_in(split, Subset.TEST).values_list("paper__identifier", flat=True))
    assert papers == {"8", "9"}


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        (None, "Choose a file with lists of papers first."),
        (b"", "The file is no list of papers: it is not JSON"),
        (b"\xff\xfe", "The file is no list of papers: it is not JSON"),
        (b'{"train": ["1"]}', "it must be an object with the lists train and test"),
        (b'{"train": ["0"], "test": ["0"]}', "the paper '0' occurs twice"),
        (b'{"train": ["a"], "test": ["b"]}', "None of the papers listed is in the dataset."),
    ],
)
def test_lists_that_cannot_be_used_are_refused_at_their_field(
    as_role: As, dataset: Dataset, file: bytes | None, sentence: str
) -> None:
    sent: dict[str, Any] = {"action": "plan", "ratios": "own", "own": "3:1:1", "seed": "7"}
    if file is not None:
        sent["file"] = SimpleUploadedFile("lists.json", file)
    page = read(as_role().post(NEW, sent))
    assert sentence in error_at("file", page)
    assert 'value="3:1:1"' in page and 'value="7"' in page
    assert "By the lists of" not in page


def test_lists_are_checked_again_when_they_are_frozen(as_role: As, dataset: Dataset) -> None:
    page = read(freeze(as_role(), lists='{"train": [1, "1"], "test": []}'))
    assert "the paper '1' occurs twice" in error_at("file", page)
    assert not Split.objects.exists()


def test_a_split_shows_its_counts_and_where_their_images_are(as_role: As, dataset: Dataset) -> None:
    split = make_split(dataset, name="whole", ratios="2:1:1")
    page = as_role("viewer").get(f"/splits/{split.pk}/").content.decode()
    count = split.counts["classes"]["test"]["BlotGel"]
    there = "/workbench/?dataset=panels&amp;split=panels%2Fwhole&amp;subset=test&amp;label=BlotGel"
    assert re.search(rf'href="{re.escape(there)}"[^>]*>{count}</a>', page)
    opened = as_role("viewer").get(html.unescape(there)).content.decode()
    assert f"<b>{count}</b>" in opened
    assert "No label of its images changed, and every labelled image is in it." in page


def test_a_leaking_split_says_so_and_where(as_role: As, dataset: Dataset) -> None:
    split = make_split(dataset, name="torn", ratios="2:1:1", by="image")
    page = read(as_role().get(f"/splits/{split.pk}/"))
    report = split.leak_report
    assert "This split leaks" in page
    assert f"{report['papers']} of {report['test_images']}</td>" in page


def test_a_split_tells_how_labels_changed_since(
    as_role: As, dataset: Dataset, user_in_role: Callable[[str], User]
) -> None:
    split = make_split(dataset, name="whole", ratios="2:1:1")
    first, second, third = Image.objects.filter(dataset=dataset)[:3]
    author = user_in_role("annotator")
    given = {"author": author, "reason": "", "expected_version": None}
    correct_label(first, label=dataset.class_named("FAC"), excluded=False, **given)
    correct_label(second, label=second.label, excluded=True, **given)
    correct_label(third, label=dataset.class_named("FAC"), excluded=False, **given)
    third.refresh_from_db()
    back = dataset.class_named("BlotGel")
    correct_label(third, label=back, excluded=False, **given)
    ImageFactory(dataset=dataset, paper=None, file_name="late.png", label="FAC")
    page = re.sub(r"<[^>]+>", "", read(as_role().get(f"/splits/{split.pk}/")))
    assert "1 of its images has another label now" in page
    assert "1 of its images is excluded now" in page
    assert "1 labelled image of panels is in none of its subsets" in page


def test_training_is_the_next_step_for_those_who_may(as_role: As, dataset: Dataset) -> None:
    split = make_split(dataset, name="whole", ratios="2:1:1")
    link = f"/training/new/?dataset=panels&split={split.pk}"
    assert link in read(as_role("curator").get(f"/splits/{split.pk}/"))
    assert link not in read(as_role("annotator").get(f"/splits/{split.pk}/"))


def test_there_is_no_page_of_a_split_that_is_not(as_role: As) -> None:
    assert as_role().get("/splits/99/").status_code == 404
