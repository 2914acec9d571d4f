"""Corrections and their history."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from datasets.errors import Refused
from datasets.labelling import (
    KEEP,
    NotReversible,
    correct_label,
    redo_batch,
    relabel_batch,
    undo_batch,
)
from datasets.models import Dataset, Image, Label
from datasets.models.label import AppendOnly
from datasets.staleness import StaleLabel
from tests.factories import DatasetFactory, ImageFactory, PaperFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset() -> Dataset:
    """A dataset of one paper with three blots and one image without a label."""
    made = DatasetFactory(slug="d")
    paper = PaperFactory(dataset=made)
    for _ in range(3):
        ImageFactory(paper=paper, label="BlotGel")
    ImageFactory(paper=paper)
    return made


@pytest.fixture
def ana() -> Any:
    """A person."""
    return UserFactory(username="ana")


def labels_of(dataset: Dataset) -> list[str | None]:
    """The class names in force, by image."""
    return list(dataset.images.order_by("pk").values_list("label__name", flat=True))


def test_correction_keeps_the_earlier_label(dataset: Dataset, ana: Any) -> None:
    image = dataset.images.first()
    microscopy = dataset.class_named("Microscopy")
    correct_label(image, label=microscopy, excluded=False, author=ana, reason="cells", expected_version=1)
    assert (image.label, image.version) == (microscopy, 2)
    newest, first = image.labels.all()
    assert (newest.label_class, newest.author, newest.reason) == (microscopy, ana, "cells")
    assert newest.source == Label.Source.PERSON
    assert first.label_class.name == "BlotGel"


def test_a_label_in_force_cannot_be_written_over(dataset: Dataset) -> None:
    row = Label.objects.first()
    with pytest.raises(AppendOnly):
        row.save()
    with pytest.raises(AppendOnly):
        Label.objects.update(reason="x")


def test_somebody_quicker_is_told_with_who_and_what(dataset: Dataset, ana: Any) -> None:
    image = dataset.images.first()
    fac, macroscopy = dataset.class_named("FACS"), dataset.class_named("Macroscopy")
    correct_label(image, label=fac, excluded=False, author=ana, expected_version=1)
    with pytest.raises(StaleLabel) as raised:
        correct_label(image, label=macroscopy, excluded=False, author=UserFactory(), expected_version=1)
    assert (raised.value.who, raised.value.what, raised.value.current_version) == ("ana", "FAC", 2)
    assert raised.value.status == 412
    image.refresh_from_db()
    assert image.label == fac


def test_a_label_that_stands_already_writes_no_row(dataset: Dataset, ana: Any) -> None:
    image = dataset.images.first()
    assert correct_label(image, label=image.label, excluded=False, author=ana, expected_version=1) is None
    assert image.labels.count() == 1


def test_a_label_can_be_taken_away_and_an_image_excluded(dataset: Dataset, ana: Any) -> None:
    image = dataset.images.first()
    correct_label(image, label=None, excluded=False, author=ana, expected_version=1)
    assert image.state == Image.State.UNLABELLED
    correct_label(image, label=None, excluded=True, author=ana, expected_version=2)
    assert image.state == Image.State.EXCLUDED


def test_a_class_of_another_dataset_is_refused(dataset: Dataset, ana: Any) -> None:
    stranger = DatasetFactory(slug="other").class_named("FAC")
    with pytest.raises(Refused) as raised:
        correct_label(dataset.images.first(), label=stranger, excluded=False, author=ana, expected_version=1)
    assert raised.value.code == "unknown_label"


def test_a_reason_that_is_too_long_is_refused(dataset: Dataset, ana: Any) -> None:
    with pytest.raises(Refused) as raised:
        relabel_batch(
            dataset.images.all(), dataset=dataset, label=None, excluded=KEEP, author=ana, reason="x" * 501
        )
    assert raised.value.code == "reason_too_long"
    assert Label.objects.count() == 3


def test_relabelling_many_tells_what_changed_what_stood_and_what_was_stale(
    dataset: Dataset, ana: Any
) -> None:
    first, second, third, bare = dataset.images.order_by("pk")
    fac = dataset.class_named("FAC")
    correct_label(first, label=fac, excluded=False, author=ana, expected_version=1)
    seen = [(first.pk, 2), (second.pk, 1), (third.pk, 0), (bare.pk, 0), (10**9, 1)]
    done = relabel_batch(seen, dataset=dataset, label=fac, excluded=KEEP, author=ana)
    assert (done.changed, done.unchanged) == (2, 1)
    assert [(row["id"], row["version"], row["label"]) for row in done.stale] == [
        (third.pk, 1, "BlotGel"),
        (10**9, None, None),
    ]
    assert labels_of(dataset) == ["FAC", "FAC", "BlotGel", "FAC"]
    assert done.batch.labels.count() == 2


def test_images_of_another_dataset_are_left_alone(dataset: Dataset, ana: Any) -> None:
    stranger = ImageFactory(label="FAC")
    done = relabel_batch([(stranger.pk, 1)], dataset=dataset, label=None, excluded=KEEP, author=ana)
    assert (done.changed, done.batch) == (0, None)
    stranger.refresh_from_db()
    assert stranger.label.name == "FAC"


def test_excluding_many_keeps_their_labels(dataset: Dataset, ana: Any) -> None:
    done = relabel_batch(dataset.images.all(), dataset=dataset, label=KEEP, excluded=True, author=ana)
    assert done.changed == 4
    assert labels_of(dataset) == ["BlotGel"] * 3 + [None]
    assert dataset.images.filter(excluded=True).count() == 4


def test_undo_puts_back_and_redo_brings_back(dataset: Dataset, ana: Any) -> None:
    fac = dataset.class_named("FAC")
    batch = relabel_batch(dataset.images.all(), dataset=dataset, label=fac, excluded=KEEP, author=ana).batch
    assert undo_batch(batch, author=ana).changed == 4
    assert labels_of(dataset) == ["BlotGel"] * 3 + [None]
    assert redo_batch(batch, author=ana).changed == 4
    assert labels_of(dataset) == ["FAC"] * 4
    assert undo_batch(batch, author=ana).changed == 4
    assert labels_of(dataset) == ["BlotGel"] * 3 + [None]
    assert set(dataset.images.values_list("version", flat=True)) == {5, 4}


def test_undo_twice_is_refused_and_so_is_redo_of_what_stands(dataset: Dataset, ana: Any) -> None:
    fac = dataset.class_named("FAC")
    batch = relabel_batch(dataset.images.all(), dataset=dataset, label=fac, excluded=KEEP, author=ana).batch
    with pytest.raises(NotReversible):
        redo_batch(batch, author=ana)
    undo_batch(batch, author=ana)
    with pytest.raises(NotReversible):
        undo_batch(batch, author=ana)


def test_undo_leaves_alone_what_somebody_changed_since(dataset: Dataset, ana: Any) -> None:
    fac, macroscopy = dataset.class_named("FAC"), dataset.class_named("Macroscopy")
    batch = relabel_batch(dataset.images.all(), dataset=dataset, label=fac, excluded=KEEP, author=ana).batch
    image = dataset.images.order_by("pk").first()
    correct_label(image, label=macroscopy, excluded=False, author=ana, expected_version=2)
    done = undo_batch(batch, author=ana)
    assert done.changed == 3
    assert [row["id"] for row in done.stale] == [image.pk]
    assert labels_of(dataset) == ["Macroscopy", "BlotGel", "BlotGel", None]


def test_an_import_is_not_undone(dataset: Dataset, ana: Any) -> None:
    batch = dataset.label_batches.filter(kind="import").first()
    with pytest.raises(NotReversible):
        undo_batch(batch, author=ana)


def test_the_labels_of_an_earlier_moment_can_be_asked_for(dataset: Dataset, ana: Any) -> None:
    before = timezone.now()
    image = dataset.images.first()
    correct_label(image, label=None, excluded=True, author=ana, expected_version=1)
    then = Image.objects.with_label_as_of(before).get(pk=image.pk)
    assert (then.label_then, then.excluded_then) == ("BlotGel", False)


def test_the_labels_of_every_moment_are_those_of_the_history(dataset: Dataset, ana: Any) -> None:
    moments = [timezone.now() - timedelta(days=1), timezone.now()]
    for place, image in enumerate(dataset.images.order_by("pk")):
        for turn in range(place):
            label = dataset.classes.all()[turn + 1] if turn != 1 else None
            correct_label(image, label=label, excluded=turn == 2, author=ana, expected_version=image.version)
            image.refresh_from_db()
            moments.append(timezone.now())
    for moment in moments:
        told = Image.objects.with_label_as_of(moment).values_list("pk", "label_then", "excluded_then")
        assert dict((pk, then) for pk, *then in told) == {
            image.pk: as_written(image, moment) for image in dataset.images.all()
        }
        usable = Image.objects.usable_as_of(moment).values_list("pk", "label_then")
        assert dict(usable) == {pk: name for pk, name, excluded in told if name and not excluded}


def as_written(image: Image, moment: datetime) -> list[Any]:
    """The class name and whether excluded, by the newest row up to a moment; None before the first."""
    rows = [row for row in image.labels.order_by("version") if row.created_at <= moment]
    if not rows:
        return [None, None]
    return [rows[-1].label_class.name if rows[-1].label_class else None, rows[-1].excluded]


def test_a_thousand_images_are_relabelled_in_few_queries(
    dataset: Dataset, ana: Any, django_assert_max_num_queries: Any
) -> None:
    paper = dataset.papers.first()
    Image.objects.bulk_create(
        Image(
            dataset=dataset,
            paper=paper,
            file_name=f"x{n}.png",
            sha256="0" * 64,
            byte_size=1,
            width=9,
            height=9,
        )
        for n in range(1000)
    )
    seen = list(dataset.images.values_list("pk", "version"))
    with django_assert_max_num_queries(60):
        done = relabel_batch(
            seen, dataset=dataset, label=dataset.class_named("FAC"), excluded=KEEP, author=ana
        )
    assert done.changed == 1004
