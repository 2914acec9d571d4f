"""The admin's tables of datasets and their classes."""

import html
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.test import Client

from datasets.models import Dataset, LabelClass
from tests.factories import DatasetFactory, ImageFactory

pytestmark = pytest.mark.django_db
LIST = "/admin/datasets/dataset/"
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
    """A dataset with the five classes."""
    return DatasetFactory(slug="panels", name="Panels")


def read(response: Any) -> str:
    """The page without entities."""
    return html.unescape(response.content.decode())


def form_of(dataset: Dataset, **changes: str) -> dict[str, str]:
    """What the form of a dataset sends; `FAC_hotkey="9"` changes the key of FAC."""
    classes = list(dataset.classes.all())
    sent = {
        "name": dataset.name,
        "description": dataset.description,
        "classes-TOTAL_FORMS": str(len(classes)),
        "classes-INITIAL_FORMS": str(len(classes)),
    }
    for place, each in enumerate(classes):
        values = {
            "id": str(each.pk),
            "dataset": str(dataset.pk),
            "short": each.short,
            "aliases": ", ".join(each.aliases),
            "colour": each.colour.lower(),
            "hotkey": each.hotkey,
            "letter": each.letter,
        }
        for name, value in values.items():
            sent[f"classes-{place}-{name}"] = changes.get(f"{each.name}_{name}", value)
    return sent


def change(client: Client, dataset: Dataset, **changes: str) -> Any:
    """Send the form of a dataset."""
    return client.post(f"{LIST}{dataset.pk}/change/", form_of(dataset, **changes))


def named(dataset: Dataset, name: str) -> LabelClass:
    """A class as it stands now."""
    return LabelClass.objects.get(dataset=dataset, name=name)


def test_the_list_counts_images_and_leads_to_what_needs_work(as_role: As, dataset: Dataset) -> None:
    ImageFactory(dataset=dataset, paper=None, label="FAC")
    ImageFactory(dataset=dataset, paper=None)
    ImageFactory(dataset=dataset, paper=None, excluded=True)
    page = read(as_role("viewer").get(LIST))
    assert 'data-label="images">3</td>' in page
    assert 'data-label="labelled">1</td>' in page
    assert 'href="/workbench/?dataset=panels&state=unlabelled">1</a>' in page
    assert 'href="/workbench/?dataset=panels&state=excluded">1</a>' in page


def test_a_long_list_is_counted_at_once(as_role: As, django_assert_max_num_queries: Any) -> None:
    for number in range(60):
        made = DatasetFactory(slug=f"d{number:02}")
    ImageFactory(dataset=made, paper=None, label="FAC")
    client = as_role("viewer")
    with django_assert_max_num_queries(30):
        pages = [read(client.get(LIST)), read(client.get(f"{LIST}?p=2"))]
    assert [page.count('data-label="images">0</td>') for page in pages] == [50, 9]
    assert 'data-label="images">1</td>' in pages[1]


def test_aliases_are_written_as_a_text_with_commas(as_role: As, dataset: Dataset) -> None:
    client = as_role()
    assert 'value="Blot/Gel"' in read(client.get(f"{LIST}{dataset.pk}/change/"))
    answer = change(client, dataset, BlotGel_aliases=" Blot/Gel ,Blots,, Blots ", FAC_aliases="")
    assert answer.status_code == 302
    assert named(dataset, "BlotGel").aliases == ["Blot/Gel", "Blots"]
    assert named(dataset, "FAC").aliases == []


def test_a_class_shows_how_many_images_carry_it(as_role: As, dataset: Dataset) -> None:
    ImageFactory(dataset=dataset, paper=None, label="FAC")
    ImageFactory(dataset=dataset, paper=None, label="FAC", excluded=True)
    page = read(as_role().get(f"{LIST}{dataset.pk}/change/"))
    assert 'href="/workbench/?dataset=panels&label=FAC&state=labelled">1</a>' in page


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"FAC_hotkey": "1"}, "The key 1 is BlotGel's. Choose another."),
        ({"FAC_hotkey": "x"}, "The key x has another meaning in the workbench."),
        ({"FAC_hotkey": "J"}, "The key J has another meaning in the workbench."),
        ({"FAC_hotkey": "12"}, "A key is one character, such as 1."),
        ({"FAC_hotkey": ""}, "This field is required."),
        ({"FAC_letter": "x"}, "The letter x excludes in the workbench. Choose another."),
        ({"FAC_letter": "y"}, "The letter y says that a label is right in the workbench. Choose another."),
        ({"FAC_letter": "B"}, "A letter is one small letter from a to z."),
        ({"FAC_letter": "é"}, "A letter is one small letter from a to z."),
        ({"FAC_letter": "bb"}, "A letter is one small letter from a to z."),
        ({"FAC_letter": "b", "BlotGel_letter": "b"}, "The key b is BlotGel's. Choose another."),
        ({"FAC_letter": "b", "BlotGel_hotkey": "b"}, "The key b is BlotGel's. Choose another."),
        ({"FAC_hotkey": "p"}, "The key p has another meaning in the workbench."),
        ({"FAC_short": "B"}, "The letter B is BlotGel's. Choose another."),
        ({"FAC_aliases": "FACS, blot gel"}, "blot gel means BlotGel already. Each spelling is of one class."),
        ({"FAC_aliases": "Macroscopy"}, "means FAC already"),
        ({"FAC_aliases": "y" * 101}, "is longer than 100 characters. Put a comma between two spellings."),
        ({"FAC_colour": "orange"}, "A colour is # and six hexadecimal digits, such as #0072B2."),
        ({"FAC_colour": "#12345\n"}, "A colour is # and six hexadecimal digits, such as #0072B2."),
    ],
)
def test_what_would_make_two_classes_alike_is_refused_with_a_sentence(
    as_role: As, dataset: Dataset, changes: dict[str, str], sentence: str
) -> None:
    before = list(LabelClass.objects.values())
    answer = change(as_role(), dataset, **changes)
    assert answer.status_code == 200
    assert sentence in read(answer)
    assert list(LabelClass.objects.values()) == before


def test_two_classes_may_swap_their_keys(as_role: As, dataset: Dataset) -> None:
    assert change(as_role(), dataset, FAC_hotkey="1", BlotGel_hotkey="2").status_code == 302
    assert (named(dataset, "FAC").hotkey, named(dataset, "BlotGel").hotkey) == ("1", "2")


def test_a_class_is_given_a_letter_and_two_may_swap_theirs(as_role: As, dataset: Dataset) -> None:
    client = as_role()
    page = read(client.get(f"{LIST}{dataset.pk}/change/"))
    assert "Taken by the workbench: a h j k l o p r s u w x y." in page
    assert change(client, dataset, FAC_letter="f", BlotGel_letter="b").status_code == 302
    assert change(client, dataset, FAC_letter="b", BlotGel_letter="f").status_code == 302
    assert (named(dataset, "FAC").letter, named(dataset, "BlotGel").letter) == ("b", "f")
    assert change(client, dataset, FAC_letter="").status_code == 302
    assert named(dataset, "FAC").letter == ""


def test_a_letter_is_of_one_class_of_a_dataset(dataset: Dataset) -> None:
    dataset.classes.filter(name="FAC").update(letter="f")
    DatasetFactory().classes.filter(name="FAC").update(letter="f")
    with pytest.raises(IntegrityError, match="letter"), transaction.atomic():
        dataset.classes.filter(name="BlotGel").update(letter="f")


def test_a_colour_is_kept_in_capitals_and_is_no_change_when_a_browser_sends_it_small(
    as_role: As, dataset: Dataset
) -> None:
    client = as_role()
    change(client, dataset)
    assert named(dataset, "BlotGel").colour == "#0072B2"
    assert "No fields changed" in read(client.get(f"{LIST}{dataset.pk}/history/"))
    change(client, dataset, BlotGel_colour="#abcdef")
    assert named(dataset, "BlotGel").colour == "#ABCDEF"


def test_which_classes_there_are_stays(as_role: As, dataset: Dataset) -> None:
    sent = form_of(dataset) | {
        "classes-TOTAL_FORMS": "6",
        "classes-0-DELETE": "on",
        "classes-0-name": "Other",
    }
    sent |= {"classes-5-short": "X", "classes-5-colour": "#000000", "classes-5-hotkey": "9"}
    as_role().post(f"{LIST}{dataset.pk}/change/", sent)
    names = list(dataset.classes.values_list("name", flat=True))
    assert names == ["BlotGel", "FAC", "Macroscopy", "Microscopy", "Noneoftheabove"]


def test_a_new_dataset_is_made_with_the_five_classes_by_its_author(as_role: As) -> None:
    client = as_role()
    assert "made with the five classes" in read(client.get(f"{LIST}add/"))
    answer = client.post(f"{LIST}add/", {"name": "New panels", "slug": "new-panels", "description": "why"})
    made = Dataset.objects.get(slug="new-panels")
    assert answer.status_code == 302
    assert (made.name, made.description, made.classes.count()) == ("New panels", "why", 5)
    assert made.created_by is not None and made.created_by.username == "curator"


def test_a_slug_that_is_taken_is_refused(as_role: As, dataset: Dataset) -> None:
    page = read(as_role().post(f"{LIST}add/", {"name": "Again", "slug": "panels"}))
    assert "Dataset with this Slug already exists." in page
    assert Dataset.objects.count() == 1


def test_a_slug_never_changes_and_a_dataset_stays(as_role: As, dataset: Dataset) -> None:
    client = as_role("admin")
    client.post(f"{LIST}{dataset.pk}/change/", form_of(dataset) | {"slug": "other", "name": "Renamed"})
    dataset.refresh_from_db()
    assert (dataset.slug, dataset.name) == ("panels", "Renamed")
    assert client.post(f"{LIST}{dataset.pk}/delete/", {"post": "yes"}).status_code == 403


@pytest.mark.parametrize("role", ["viewer", "annotator"])
def test_who_may_only_look_sees_everything_and_changes_nothing(
    as_role: As, dataset: Dataset, role: str
) -> None:
    client = as_role(role)
    page = read(client.get(f"{LIST}{dataset.pk}/change/"))
    assert "Blot/Gel" in page and "#0072B2" in page
    assert 'name="classes-0-aliases"' not in page and 'name="_save"' not in page
    assert change(client, dataset, FAC_hotkey="9").status_code == 403
    assert client.post(f"{LIST}add/", {"name": "New", "slug": "new"}).status_code == 403
    assert (named(dataset, "FAC").hotkey, Dataset.objects.count()) == ("2", 1)
