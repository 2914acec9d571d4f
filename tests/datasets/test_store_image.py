"""One image at a time, as REST sends it."""

from pathlib import Path

import pytest

from datasets.decoding import ImageRefused
from datasets.errors import Refused
from datasets.importing import NameTaken, store_image
from datasets.models import Dataset, Image, Label, Paper
from tests.datasets.folders import files_in
from tests.factories import DatasetFactory, UserFactory, png

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset() -> Dataset:
    """An empty dataset."""
    return DatasetFactory(slug="d")


def test_an_image_is_stored_with_the_label_of_the_person_who_sent_it(dataset: Dataset) -> None:
    ana = UserFactory(username="ana")
    image, created = store_image(
        dataset, data=png(1), file_name="010203.png", paper="7", label="Blot/Gel", author=ana
    )
    assert created
    assert (str(image), image.label.name, image.version, image.panel_group) == (
        "7/010203.png",
        "BlotGel",
        1,
        "0102",
    )
    row = image.labels.get()
    assert (row.author, row.source) == (ana, Label.Source.PERSON)


def test_the_same_again_is_found_not_stored(dataset: Dataset) -> None:
    first, _ = store_image(dataset, data=png(1), file_name="a.png", paper=None)
    again, created = store_image(dataset, data=png(1), file_name="a.png", paper="", label="FAC")
    assert (again, created) == (first, False)
    assert Image.objects.count() == 1


def test_other_bytes_under_the_same_name_are_a_conflict(dataset: Dataset) -> None:
    store_image(dataset, data=png(1), file_name="a.png")
    with pytest.raises(NameTaken) as raised:
        store_image(dataset, data=png(2), file_name="a.png")
    assert (raised.value.code, raised.value.status) == ("name_taken", 409)
    assert store_image(dataset, data=png(2), file_name="a.png", paper="7")[1]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"data": b""}, "empty"),
        ({"data": b"GIF89a"}, "format_not_allowed"),
        ({"file_name": "../a.png"}, "unsafe_name"),
        ({"paper": "a/b"}, "unsafe_name"),
        ({"label": "Gell"}, "unknown_label"),
    ],
)
def test_what_is_refused_leaves_nothing(
    dataset: Dataset, fields: dict[str, object], code: str, data_dir: Path
) -> None:
    with pytest.raises((ImageRefused, Refused)) as raised:
        store_image(dataset, **{"data": png(1), "file_name": "a.png", "paper": "7", **fields})
    assert raised.value.code == code
    assert not Image.objects.exists()
    assert not Paper.objects.exists()
    assert files_in(data_dir) == []
