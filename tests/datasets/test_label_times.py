"""Cut-offs beside labels that are being written, and batches that fail halfway."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import close_old_connections, connection, transaction

from datasets import chunks, labelling
from datasets.importing import import_folder
from datasets.importing.storing import Storing
from datasets.label_times import label_cutoff
from datasets.labelling import KEEP, correct_label, relabel_batch, undo_batch
from datasets.models import Dataset, Image, Label
from tests.factories import png
from tests.factories_models import labelled_dataset

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dataset() -> Dataset:
    """Six images."""
    return labelled_dataset(slug="panels", papers=3, per_paper=2)


@pytest.fixture
def beside() -> Iterator[Callable[[Callable[[], Any]], threading.Thread]]:
    """Run something in a thread with a connection of its own."""
    started: list[threading.Thread] = []

    def run(deed: Callable[[], Any]) -> threading.Thread:
        def in_thread() -> None:
            try:
                deed()
            finally:
                close_old_connections()
                connection.close()

        started.append(threading.Thread(target=in_thread))
        started[-1].start()
        return started[-1]

    yield run
    for thread in started:
        thread.join()


def test_a_cutoff_waits_for_labels_that_are_being_written_and_counts_them(
    dataset: Dataset, beside: Callable[..., threading.Thread]
) -> None:
    image = dataset.images.first()
    assert image is not None
    found: list[Any] = []
    with transaction.atomic():
        correct_label(
            image, label=dataset.class_named("FAC"), excluded=False, author=None, expected_version=1
        )
        waiting = beside(lambda: found.append(label_cutoff()))
        waiting.join(timeout=0.3)
        assert found == []
    waiting.join()
    newest = Label.objects.filter(image=image).order_by("-version").first()
    assert newest is not None
    assert newest.created_at <= found[0]


def test_a_batch_that_fails_halfway_leaves_nothing(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 2)
    calls = []
    record = labelling.record_labels

    def failing(*args: Any, **kwargs: Any) -> int:
        calls.append(1)
        if len(calls) == 2:
            raise RuntimeError("the disk is gone")
        return record(*args, **kwargs)

    relabel = {"dataset": dataset, "label": dataset.class_named("FAC"), "excluded": KEEP, "author": None}
    monkeypatch.setattr(labelling, "record_labels", failing)
    with pytest.raises(RuntimeError):
        relabel_batch(Image.objects.all(), **relabel)
    assert not Label.objects.filter(version__gt=1).exists()
    assert set(Image.objects.values_list("version", flat=True)) == {1}

    monkeypatch.setattr(labelling, "record_labels", record)
    done = relabel_batch(Image.objects.all(), **relabel)
    assert (done.changed, done.stale) == (6, [])
    assert done.batch is not None
    assert undo_batch(done.batch, author=None).changed == 6


def test_an_import_goes_on_where_a_person_labels_an_image_meanwhile(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        path = tmp_path / "BlotGel" / f"{number}.png"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(png(number))
    import_folder(tmp_path, dataset="d")
    (tmp_path / "BlotGel").rename(tmp_path / "FAC")
    dataset = Dataset.objects.get(slug="d")
    plan = Storing._planned

    def interrupted(self: Storing, *args: Any) -> Any:
        planned = plan(self, *args)
        image = dataset.images.order_by("pk")[0]
        if image.version == 1:
            label = dataset.class_named("Microscopy")
            correct_label(image, label=label, excluded=False, author=None, expected_version=1)
        return planned

    monkeypatch.setattr(Storing, "_planned", interrupted)
    summary = import_folder(tmp_path, dataset="d")
    assert (summary.changed, summary.conflicts) == (2, 1)
    assert list(dataset.images.order_by("pk").values_list("label__name", flat=True)) == [
        "Microscopy",
        "FAC",
        "FAC",
    ]
