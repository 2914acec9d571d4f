"""Images by part of their file's or paper's name: the same on both databases, by the index and without."""

from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import connection, transaction
from django.utils.http import urlencode
from rest_framework.test import APIClient

from datasets.api import words
from datasets.models import Image, Paper
from datasets.purging import purge_dataset
from tests.factories import DatasetFactory, ImageFactory, PaperFactory
from tests.rest import API, api

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]
Find = Callable[..., list[str]]
NAMES = (
    "010101.png",
    "Gel_100%.PNG",
    'a"b*c.tif',
    "Épreuve d'été.png",
    "西方墨点.jpeg",
    "x-y OR z.png",
    "ab",
)


@pytest.fixture(params=["few lead", "many are walked"])
def find(request: pytest.FixtureRequest, api: Api, monkeypatch: pytest.MonkeyPatch) -> Iterator[Find]:
    """List the names of the images that a text chooses; the facets count as many."""
    if request.param == "many are walked":
        monkeypatch.setattr(words, "FEW_TO_LIST", -1)
        monkeypatch.setattr(words, "FEW_TO_COUNT", -1)
    client = api("viewer")

    def get(text: str, **more: str) -> list[str]:
        asked = urlencode({"q": text, **more})
        found = client.get(f"{API}images/?{asked}").json()["results"]
        assert client.get(f"{API}images/facets/?{asked}").json()["count"] == len(found)
        return [image["file"] for image in found]

    yield get


@pytest.fixture
def named() -> Paper:
    """A paper with an image of each name."""
    paper: Any = PaperFactory(dataset=DatasetFactory(slug="d"), identifier="PMC-77_ö")
    for name in NAMES:
        ImageFactory(paper=paper, file_name=name)
    return paper


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0101", ["010101.png"]),
        ("gel_100%", ["Gel_100%.PNG"]),
        ("gelx100", []),
        ("l_1", ["Gel_100%.PNG"]),
        ("0_0", []),
        ("0%1", []),
        ("00%", ["Gel_100%.PNG"]),
        ('a"b*c', ['a"b*c.tif']),
        ('"b*', ['a"b*c.tif']),
        ("a*c", []),
        ("y OR z", ["x-y OR z.png"]),
        ("010101 OR z", []),
        ("file_name:0101", []),
        ("ÉPREUVE D'ÉTÉ", ["Épreuve d'été.png"]),
        ("épr", ["Épreuve d'été.png"]),
        ("É", ["Épreuve d'été.png"]),
        ("epr", []),
        ("方墨点", ["西方墨点.jpeg"]),
        ("墨", ["西方墨点.jpeg"]),
        ("墨点.JPEG", ["西方墨点.jpeg"]),
        ("AB", ["ab"]),
        ("pmc-77", list(NAMES)),
        ("7_Ö", list(NAMES)),
        ("7_o", []),
        ("\\", []),
        ("\\\\\\", []),
        ("(((", []),
    ],
)
def test_a_text_is_found_as_it_stands_in_any_case(
    find: Find, named: Paper, text: str, found: list[str]
) -> None:
    assert find(text) == found


def test_other_filters_and_orders_hold_beside_a_text(find: Find, named: Paper) -> None:
    ImageFactory(paper=named, file_name="zz.png", label="FAC")
    ImageFactory(file_name="a zz.png", label="FAC")
    assert find("png", label="FAC") == ["zz.png", "a zz.png"]
    assert find("png", label="FAC", ordering="file") == ["a zz.png", "zz.png"]
    assert find("png", label="FAC", dataset="d") == ["zz.png"]
    assert find("png", label="FAC", paper=named.identifier) == ["zz.png"]
    assert find("nosuchfile", label="FAC") == []


def test_an_image_is_found_by_both_names_once(find: Find) -> None:
    ImageFactory(paper=PaperFactory(identifier="both"), file_name="both.png")
    assert find("both") == ["both.png"]


def test_the_index_follows_renaming_and_deletion(find: Find, named: Paper) -> None:
    renamed = Image.objects.get(file_name="010101.png")
    Image.objects.filter(pk=renamed.pk).update(file_name="mosaic.png")
    assert find("010101") == []
    assert find("mosaic") == ["mosaic.png"]
    Paper.objects.filter(pk=named.pk).update(identifier="elsewhere")
    assert find("pmc-77") == []
    assert len(find("elsewhere")) == len(NAMES)
    purge_dataset(named.dataset)
    assert find("png") == []
    ImageFactory(file_name="new.png")
    assert find("png") == ["new.png"]


def test_what_is_rolled_back_is_not_found(find: Find) -> None:
    with transaction.atomic():
        ImageFactory(file_name="mosaic.png")
        transaction.set_rollback(True)
    assert find("mosaic") == []


def test_a_nul_is_refused(api: Api) -> None:
    assert api("viewer").get(f"{API}images/?q=abc%00").status_code == 400


def test_the_migration_indexes_what_stood_before(find: Find, named: Paper) -> None:
    migration = import_module("datasets.migrations.0011_image_names")
    editor = connection.SchemaEditorClass(connection)
    connection.check_constraints()
    migration.drop_index(None, editor)
    ImageFactory(paper=named, file_name="unseen.png")
    connection.check_constraints()
    migration.index_names(None, editor)
    assert find("unseen") == ["unseen.png"]
    assert find("0101") == ["010101.png"]


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no extensions to create")
def test_who_may_not_create_the_extension_is_told_whom_to_ask() -> None:
    migration = import_module("datasets.migrations.0011_image_names")
    with connection.cursor() as cursor, transaction.atomic():
        cursor.execute("DROP EXTENSION pg_trgm CASCADE")
        cursor.execute("CREATE ROLE nobody_at_all")
        cursor.execute("SET LOCAL ROLE nobody_at_all")
        with pytest.raises(CommandError, match=r"Ask the administrator .* CREATE EXTENSION pg_trgm"):
            migration.index_names(None, connection.SchemaEditorClass(connection))
        transaction.set_rollback(True)
