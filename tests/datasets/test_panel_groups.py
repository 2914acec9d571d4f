"""Mixed panel groups: the mark on each image, whoever writes the labels."""

from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin import site
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.test import Client

from datasets.importing import import_folder, store_image
from datasets.labelling import relabel_batch, undo_batch
from datasets.models import Dataset, Image, Paper
from datasets.purging import purge_dataset
from tests.datasets.folders import write_images
from tests.factories import DatasetFactory, ImageFactory, PaperFactory, png

pytestmark = pytest.mark.django_db


def marked(dataset: Dataset) -> list[str]:
    return list(dataset.images.filter(mixed=True).values_list("file_name", flat=True))


@pytest.fixture
def dataset() -> Dataset:
    """Two groups of two blots, and one blot of a second paper under the same name."""
    paper = PaperFactory(dataset=DatasetFactory(slug="d"), identifier="1")
    for name in ("010101.png", "010102.png", "010201.png", "010202.png"):
        ImageFactory(paper=paper, file_name=name, label="BlotGel")
    ImageFactory(paper=PaperFactory(dataset=paper.dataset), file_name="010101.png", label="FAC")
    made: Dataset = paper.dataset
    return made


def relabel(dataset: Dataset, name: str, **said: Any) -> Any:
    chosen = Image.objects.filter(dataset=dataset, paper__identifier="1", file_name=name)
    return relabel_batch(chosen, dataset=dataset, author=None, **said).batch


def test_a_group_is_mixed_by_its_own_paper_alone(dataset: Dataset) -> None:
    assert marked(dataset) == []
    batch = relabel(dataset, "010102.png", label=dataset.class_named("FAC"), excluded=False)
    assert marked(dataset) == ["010101.png", "010102.png"]
    undo_batch(batch, author=None)
    assert marked(dataset) == []


def test_excluded_and_unlabelled_images_do_not_mix_a_group(dataset: Dataset) -> None:
    relabel(dataset, "010102.png", label=dataset.class_named("FAC"), excluded=True)
    relabel(dataset, "010202.png", label=None, excluded=False)
    assert marked(dataset) == []


def test_an_upload_mixes_the_group_it_joins(dataset: Dataset) -> None:
    store_image(dataset, data=png(9), file_name="010203.png", paper="1", label="FAC")
    assert marked(dataset) == ["010201.png", "010202.png", "010203.png"]


def test_an_import_marks_what_it_mixes(tmp_path: Path) -> None:
    write_images(tmp_path, {"BlotGel/7/010101.png": 1, "FAC/7/010102.png": 2, "FAC/7/010201.png": 3})
    import_folder(tmp_path, dataset="new")
    assert marked(Dataset.objects.get(slug="new")) == ["010101.png", "010102.png"]


def test_an_image_that_mixes_its_group_goes_only_with_its_dataset(dataset: Dataset) -> None:
    relabel(dataset, "010102.png", label=dataset.class_named("FAC"), excluded=False)
    odd = dataset.images.get(paper__identifier="1", file_name="010102.png")
    deeds: list[Any] = [odd.delete, dataset.images.filter(pk=odd.pk).delete, odd.paper.delete, dataset.delete]
    for deed in deeds:
        with pytest.raises((IntegrityError, ProtectedError)), transaction.atomic():
            deed()
    ImageFactory(paper=odd.paper, file_name="010103.png").delete()
    assert marked(dataset) == ["010101.png", "010102.png"]
    ids = list(dataset.images.values_list("pk", flat=True))
    purge_dataset(dataset)
    assert not Image.objects.filter(pk__in=ids).exists()


def test_no_door_deletes_an_image_that_was_worked_on(
    dataset: Dataset, client: Client, admin_user: User
) -> None:
    client.force_login(admin_user)
    image = dataset.images.earliest("pk")
    answer = client.delete(f"/api/v1/images/{image.pk}/")
    assert (answer.status_code, answer.json()["code"]) == (409, "image_in_use")
    assert Image.objects.filter(pk=image.pk).exists()
    assert client.delete("/api/v1/images/").status_code == 405
    assert not site.is_registered(Image) and not site.is_registered(Paper)
