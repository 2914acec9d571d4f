"""The counts of images that the database keeps: true after every way of writing images."""

from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, transaction

from datasets.importing import import_folder, store_image
from datasets.labelling import correct_label, relabel_batch, undo_batch
from datasets.models import Dataset, Image, ImageCount, Label, Maintenance
from datasets.purging import purge_dataset
from datasets.queries import class_counts, state_counts
from tests.datasets.folders import write_images
from tests.factories import DatasetFactory, ImageFactory, PaperFactory, png

pytestmark = pytest.mark.django_db
Counts = dict[tuple[Any, ...], int]


def kept() -> Counts:
    counts: Counter[tuple[Any, ...]] = Counter()
    for *kind, count in ImageCount.objects.values_list(
        "dataset_id", "label_id", "excluded", "label_source", "count"
    ):
        counts[tuple(kind)] += count
    return {kind: count for kind, count in counts.items() if count}


def counted() -> Counts:
    return dict(Counter(Image.objects.values_list("dataset_id", "label_id", "excluded", "label_source")))


def test_counts_follow_imports_uploads_corrections_and_undoing(tmp_path: Path) -> None:
    write_images(tmp_path, {"BlotGel/a.png": 1, "FAC/b.png": 2, "FAC/c.png": 3, "other/d.png": 4})
    import_folder(tmp_path, dataset="d")
    dataset = Dataset.objects.get(slug="d")
    assert kept() == counted()
    assert sum(kept().values()) == 4
    store_image(dataset, data=png(9), file_name="e.png", label="FAC")
    image = dataset.images.get(file_name="a.png")
    label = dataset.class_named("FAC")
    correct_label(image, label=label, excluded=False, author=None, expected_version=None)
    assert kept() == counted()
    batch = relabel_batch(dataset.images.all(), dataset=dataset, label=None, excluded=True, author=None).batch
    assert batch is not None
    assert kept() == counted() == {(dataset.pk, None, True, Label.Source.PERSON): 5}
    undo_batch(batch, author=None)
    assert kept() == counted()
    assert len(kept()) > 2


def test_counts_follow_deletion_and_leave_nothing_of_a_dataset() -> None:
    paper = PaperFactory()
    first, _ = (ImageFactory(paper=paper, label="FAC") for _ in range(2))
    other = ImageFactory(label="FAC")
    with Maintenance.open():
        Image.objects.filter(pk=first.pk).delete()
    assert kept() == counted()
    purge_dataset(paper.dataset)
    assert set(ImageCount.objects.values_list("dataset_id", flat=True)) == {other.dataset_id}
    assert kept() == counted()


def test_what_is_rolled_back_was_never_counted() -> None:
    image = ImageFactory(label="FAC")
    with pytest.raises(IntegrityError), transaction.atomic():
        ImageFactory(paper=image.paper)
        ImageFactory(paper=image.paper, file_name=image.file_name)
    assert kept() == counted()
    assert sum(kept().values()) == 1


def test_many_changes_still_add_up() -> None:
    dataset = DatasetFactory()
    image = ImageFactory(paper=PaperFactory(dataset=dataset))
    classes = list(dataset.classes.all())
    turns = 600
    for turn in range(turns):
        Image.objects.filter(pk=image.pk).update(label=classes[turn % 5], excluded=bool(turn % 2))
    assert kept() == counted()
    # PostgreSQL adds up by chance, one time in fifty; it does not in so many turns once in 180,000 tests.
    assert ImageCount.objects.count() < 2 * turns


def test_the_counts_of_pages_are_those_of_the_images() -> None:
    paper = PaperFactory()
    for label, excluded in (("FAC", False), ("FAC", False), ("BlotGel", True), (None, False), (None, True)):
        ImageFactory(paper=paper, label=label, excluded=excluded)
    assert state_counts(paper.dataset) == {"labelled": 2, "unlabelled": 1, "excluded": 2, "total": 5}
    assert {each["name"]: each["count"] for each in class_counts(paper.dataset) if each["count"]} == {
        "FAC": 2
    }


def test_the_migrations_fill_what_stood_before() -> None:
    image = ImageFactory(paper=PaperFactory(), file_name="010101.png", label="FAC")
    mate = ImageFactory(paper=image.paper, file_name="010102.png", label="BlotGel")
    bare = ImageFactory(paper=image.paper, file_name="020101.png")
    before = list(Image.objects.order_by("pk").values())
    Image.objects.update(label_source="", labelled_by=None, labelled_at=None, mixed=False)
    filling = import_module("datasets.migrations.0003_label_facts_on_image")
    filling.repeat_newest_labels(apps, None)
    filling.mark_mixed(apps, None)
    assert list(Image.objects.order_by("pk").values()) == before
    assert [row["mixed"] for row in before] == [True, True, False]
    assert (bare.labelled_at, mate.label_source) == (None, Label.Source.IMPORTED)
