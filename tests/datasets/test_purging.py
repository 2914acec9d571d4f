"""A purge takes a dataset whole and leaves the rest alone."""

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from classifier.models import Prediction
from datasets import chunks, store
from datasets.labelling import relabel_batch, undo_batch
from datasets.models import Dataset, Image, Label, LabelBatch, Maintenance, Paper, Split, SplitMember
from datasets.purging import DatasetInUse, contents_of, purge_dataset
from tests.factories import ImageFactory, png
from tests.factories_models import (
    InferenceJobFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    labelled_dataset,
    predict_all,
    split_of,
)
from training_jobs.models import InferenceJob

pytestmark = pytest.mark.django_db


@pytest.fixture
def old() -> Dataset:
    """Four papers with two images each, one relabelled and undone, with a split and predictions."""
    dataset = labelled_dataset(slug="old", papers=4, per_paper=2)
    done = relabel_batch(
        dataset.images.all()[:1],
        dataset=dataset,
        label=dataset.class_named("FAC"),
        excluded=False,
        author=None,
    )
    assert done.batch is not None
    undo_batch(done.batch, author=None)
    split_of(dataset)
    version = ModelVersionFactory()
    predict_all(version, dataset.images.all())
    InferenceJobFactory(dataset=dataset, version=version)
    return dataset


@pytest.fixture
def kept() -> Dataset:
    """A dataset beside it; both have the bytes of its two images."""
    return labelled_dataset(slug="kept", papers=1, per_paper=2)


def rows() -> dict[str, list[int]]:
    """The keys of all rows that a purge touches."""
    models = (Dataset, Paper, Image, Label, LabelBatch, Split, SplitMember, Prediction, InferenceJob)
    return {
        model.__name__: sorted(model._base_manager.values_list("pk", flat=True))  # type: ignore[attr-defined]
        for model in models
    }


CONTENTS = {
    "papers": 4,
    "images": 8,
    "labels": 10,
    "label_classes": 5,
    "label_batches": 10,
    "splits": 1,
    "split_members": 8,
    "predictions": 8,
    "inference_jobs": 1,
}


def test_a_purge_takes_all_of_a_dataset_and_nothing_of_another(
    kept: Dataset, old: Dataset, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    shared, lone = store.digest(png(0)), store.digest(png(1000))
    for sha256 in (shared, lone):
        store.thumbnail_path(sha256)
        store.picture_path(sha256)
    assert old.images.filter(sha256__in=(shared, lone)).count() == 2
    with django_capture_on_commit_callbacks(execute=True):
        counts = purge_dataset(old)
        assert store.path_of(lone).exists()
    left = set(Image.objects.values_list("sha256", flat=True))
    assert counts == {**CONTENTS, "files": 6}
    assert list(Dataset.objects.values_list("slug", flat=True)) == ["kept"]
    assert (kept.images.count(), Label.objects.count(), LabelBatch.objects.count()) == (2, 2, 2)
    for model in (Split, SplitMember, Prediction, InferenceJob):
        assert not model._base_manager.exists()  # type: ignore[attr-defined]
    for path_of in (store.path_of, store.thumbnail_of, store.picture_of):
        assert path_of(shared).exists()
        assert not path_of(lone).exists()
    assert {path.name for path in store.path_of(shared).parents[1].rglob("*") if path.is_file()} == left
    assert not Maintenance.objects.exists()


def test_what_would_go_is_counted_without_a_change(old: Dataset) -> None:
    before = rows()
    assert contents_of(old) == {**CONTENTS, "files": 8}
    assert rows() == before


def test_a_purge_that_fails_midway_leaves_everything(
    old: Dataset, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    before = rows()
    monkeypatch.setattr(chunks, "CHUNK", 3)
    seen: list[int] = []

    def fail_late(done: int, _total: int) -> None:
        seen.append(Image.objects.count())
        if done == 6:
            raise RuntimeError("the disk is gone")

    with django_capture_on_commit_callbacks(execute=True) as callbacks, pytest.raises(RuntimeError):
        purge_dataset(old, progress=fail_late)
    assert seen == [5, 2]
    assert rows() == before
    assert callbacks == []
    assert all(store.path_of(sha256).exists() for sha256 in old.images.values_list("sha256", flat=True))
    assert not Maintenance.objects.exists()


def test_what_was_made_from_a_split_is_named_and_keeps_the_dataset(old: Dataset) -> None:
    split = old.splits.get()
    TrainingRunFactory.create_batch(2, split=split)
    ModelVersionFactory(split=split, label_cutoff=timezone.now())
    before = rows()
    with pytest.raises(DatasetInUse, match="1 model version, 2 training runs") as refused:
        purge_dataset(old)
    assert refused.value.code == "dataset_in_use"
    assert rows() == before
    assert not Maintenance.objects.exists()
    with pytest.raises(DatasetInUse):
        contents_of(old)


def test_bytes_that_came_again_before_the_files_went_stay(
    old: Dataset, kept: Dataset, django_capture_on_commit_callbacks: Callable[..., Any]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        purge_dataset(old)
        ImageFactory(paper=kept.papers.first(), data=png(1000))
    assert store.path_of(store.digest(png(1000))).exists()


@pytest.mark.django_db(transaction=True)
def test_a_purge_commits_and_its_files_go(old: Dataset) -> None:
    shas = list(old.images.values_list("sha256", flat=True))
    purge_dataset(old)
    assert not any(rows().values())
    assert not any(store.path_of(sha256).exists() for sha256 in shas)
    assert not Maintenance.objects.exists()


def test_the_command_asks_first(old: Dataset) -> None:
    before = rows()
    with pytest.raises(CommandError, match=r"8 images, .*Add --yes") as refused:
        call_command("purge_dataset", "old")
    assert refused.value.returncode == 1
    assert rows() == before


def test_the_command_removes_with_consent(old: Dataset) -> None:
    out = StringIO()
    call_command("purge_dataset", "old", yes=True, json=True, stdout=out)
    assert json.loads(out.getvalue()) == {"dataset": "old", **CONTENTS, "files": 8}
    assert not Dataset.objects.exists()


def test_the_command_names_what_stands_in_the_way(old: Dataset) -> None:
    TrainingRunFactory(split=old.splits.get())
    with pytest.raises(CommandError, match=r"The dataset old is in use: .* 1 training run\."):
        call_command("purge_dataset", "old", yes=True)
    assert Dataset.objects.get() == old
