"""Texts that no database takes, signs that mean something elsewhere: refused, never a failure."""

import html
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from datasets.errors import Refused
from datasets.models import Dataset, Split
from datasets.queries import UnknownDataset, find_dataset
from datasets.splitting import find_split, make_split
from tests.datasets.test_pages_tables import LIST, form_of
from tests.factories_models import ModelVersionFactory, labelled_dataset
from tests.rest import API, assert_error

pytestmark = pytest.mark.django_db
NEW = "/splits/new/?dataset=panels"
BAD_TEXTS = ("\0", "a\0b", "\ud800", "a/\0", "\0/a", "x" * 3000)


@pytest.fixture
def dataset() -> Dataset:
    """Twelve papers of four images, of two classes in turn."""
    return labelled_dataset(slug="panels", papers=12)


@pytest.fixture
def curator(user_in_role: Callable[[str], User]) -> Client:
    """A curator's browser."""
    client = Client()
    client.force_login(user_in_role("curator"))
    return client


def read(response: Any) -> str:
    """The page without entities."""
    return html.unescape(response.content.decode())


@pytest.mark.parametrize("text", BAD_TEXTS, ids=ascii)
def test_a_name_that_cannot_be_is_not_found(dataset: Dataset, text: str) -> None:
    make_split(dataset, name="s")
    with pytest.raises(UnknownDataset):
        find_dataset(text)
    with pytest.raises(Refused) as raised:
        find_split(text)
    assert raised.value.code == "unknown_split"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/splits/?dataset=%00", 404),
        ("/workbench/?dataset=a%00b", 404),
        (f"{LIST}?q=%00", 200),
        (f"{LIST}?slug=%00", 400),
        (f"{LIST}?description__icontains=a%00", 400),
        (f"{LIST}?slug=panels", 200),
        (f"{API}exports/panels/?as=imagefolder&split=%00", 404),
        (f"{API}exports/panels/?as=imagefolder&split=panels/%00", 404),
        (f"{API}images/?paper=%00", 400),
        (f"{API}images/?split=%00", 400),
        (f"{API}splits/?name=%00", 400),
    ],
)
def test_an_address_with_a_text_that_no_database_takes_is_refused(
    curator: Client, dataset: Dataset, address: str, status: int
) -> None:
    assert curator.get(address).status_code == status


@pytest.mark.parametrize("entry", ["a\0b", "\ud800", "../x"])
def test_published_lists_with_an_entry_that_is_no_paper_make_no_split(
    curator: Client, dataset: Dataset, entry: str
) -> None:
    lists = {"train": [str(number) for number in range(8)], "test": ["8", entry]}
    sent = {"action": "freeze", "name": "s1", "lists": json.dumps(lists)}
    assert "test names what is no paper" in read(curator.post(NEW, sent))
    body = {"dataset": "panels", "name": "s1", "official": lists}
    answer = curator.post(f"{API}splits/", json.dumps(body), content_type="application/json")
    assert answer.status_code == 400
    assert not Split.objects.exists()


def test_an_alias_that_no_database_takes_is_refused(curator: Client, dataset: Dataset) -> None:
    answer = curator.post(f"{LIST}{dataset.pk}/change/", form_of(dataset, FAC_aliases="a\0b"))
    assert (answer.status_code, "Null characters are not allowed." in read(answer)) == (200, True)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("label=100%25", "label"),
        ("label=%25s", "label"),
        ("dataset=50%25(a)d", "dataset"),
        ("paper=%25%25(told)s", "paper"),
        ("split=r%25", "split"),
        ("model=m%25d", "model"),
        ("state=%25s", "state"),
    ],
)
def test_a_percent_sign_in_a_filter_is_told_as_it_is(
    curator: Client, dataset: Dataset, query: str, field: str
) -> None:
    answer = curator.get(f"{API}images/?{query}")
    assert_error(answer, 400, "invalid")
    assert "%" in answer.json()["fields"][field][0]


def test_a_percent_sign_in_a_predicted_class_is_told_as_it_is(curator: Client, dataset: Dataset) -> None:
    version = ModelVersionFactory()
    answer = curator.get(f"{API}images/?model={version}&predicted=100%25")
    assert "'100%'" in answer.json()["fields"]["predicted"][0]


@pytest.mark.parametrize("ratios", ["1" * 101, "6\x005:15:20", "9" * 400 + ":1:1", "%s"])
def test_ratios_that_are_none_are_told_at_their_field(curator: Client, dataset: Dataset, ratios: str) -> None:
    for asked in ({"ratios": ratios}, {"ratios": "own", "own": ratios}):
        answer = curator.get(NEW, {"dataset": "panels", **asked})
        assert answer.status_code == 200
        assert "are not three numbers train:val:test" in read(answer)
