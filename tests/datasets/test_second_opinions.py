"""Second opinions: given without seeing the label, changing none, and settled where they differ."""

from typing import Any

import pytest

from datasets.labelling import KEEP, correct_label, redo_batch, relabel_batch, undo_batch
from datasets.models import Dataset, Image, Label, Queue, QueueItem
from datasets.queues.asking import ask_second_opinion
from datasets.queues.deciding import decide, give_opinion
from datasets.queues.taking import take_items
from tests.factories import ImageFactory, UserFactory
from tests.factories_models import labelled_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset() -> Dataset:
    """Four labelled images of one paper."""
    return labelled_dataset(papers=1, per_paper=4)


@pytest.fixture
def ids(dataset: Dataset) -> list[int]:
    """Their ids."""
    return list(dataset.images.order_by("pk").values_list("pk", flat=True))


@pytest.fixture
def ben() -> Any:
    """The second person."""
    return UserFactory(username="ben")


def settling() -> Any:
    """What curators have to settle."""
    return QueueItem.objects.filter(queue__kind=Queue.Kind.SETTLE)


def test_only_labelled_images_are_asked_about_and_each_once(dataset: Dataset, ids: list[int]) -> None:
    bare = ImageFactory(dataset=dataset, paper=dataset.papers.get(), file_name="bare.png")
    asked = ask_second_opinion(dataset, [ids[0], ids[1], bare.pk, ids[0]])
    assert (asked.asked, asked.already, asked.unlabelled) == (2, 0, 1)
    again = ask_second_opinion(dataset, ids)
    assert (again.queue, again.asked, again.already) == (asked.queue, 2, 2)
    assert list(asked.queue.items.order_by("place").values_list("image", flat=True)) == ids


def test_nobody_is_asked_about_an_own_label(dataset: Dataset, ids: list[int], ben: Any) -> None:
    image = Image.objects.get(pk=ids[0])
    correct_label(image, label=dataset.class_named("FAC"), excluded=False, author=ben, expected_version=1)
    queue = ask_second_opinion(dataset, ids).queue
    assert {item.image_id for item in take_items(queue, ben, size=9)} == set(ids[1:])
    done = give_opinion(queue, ids[:1], label=None, excluded=False, author=ben)
    assert (done.changed, done.taken) == (0, ids[:1])
    assert {item.image_id for item in take_items(queue, UserFactory(), size=9)} == {ids[0]}


def test_an_opinion_changes_no_label_and_is_settled_where_it_differs(
    dataset: Dataset, ids: list[int], ben: Any
) -> None:
    queue = ask_second_opinion(dataset, ids).queue
    label = Image.objects.get(pk=ids[0]).label
    give_opinion(queue, [ids[0], ids[1]], label=label, excluded=False, author=ben)
    assert Label.objects.count() == 4
    assert list(queue.items.order_by("place").values_list("outcome", flat=True)[:2]) == ["kept", "changed"]
    item = settling().get()
    assert (item.image_id, item.about.said) == (ids[1], label)


def test_who_thinks_again_withdraws_what_was_to_be_settled(
    dataset: Dataset, ids: list[int], ben: Any
) -> None:
    queue = ask_second_opinion(dataset, ids).queue
    give_opinion(queue, ids[:1], label=dataset.class_named("FAC"), excluded=False, author=ben)
    assert settling().count() == 1
    give_opinion(queue, ids[:1], label=dataset.class_named("FAC"), excluded=True, author=ben)
    assert settling().count() == 1
    give_opinion(queue, ids[:1], label=Image.objects.get(pk=ids[0]).label, excluded=False, author=ben)
    assert not settling().exists()


def test_undo_withdraws_it_and_redo_brings_it_back(dataset: Dataset, ids: list[int], ben: Any) -> None:
    queue = ask_second_opinion(dataset, ids).queue
    done = give_opinion(queue, ids[:2], label=dataset.class_named("FAC"), excluded=False, author=ben)
    assert done.batch is not None
    assert undo_batch(done.batch, author=ben).changed == 2
    assert not settling().exists()
    assert queue.items.open().count() == 4
    assert redo_batch(done.batch, author=ben).changed == 2
    assert settling().count() == 2
    assert queue.items.decided().filter(said=dataset.class_named("FAC")).count() == 2


def test_two_opinions_of_one_image_are_both_settled(dataset: Dataset, ids: list[int], ben: Any) -> None:
    for author in (ben, UserFactory()):
        queue = ask_second_opinion(dataset, ids[:1]).queue
        give_opinion(queue, ids[:1], label=dataset.class_named("FAC"), excluded=False, author=author)
        Queue.objects.filter(kind=Queue.Kind.SECOND).update(standing=False)
    assert list(settling().values_list("image", flat=True)) == ids[:1] * 2


def test_a_curator_settles_one_opinion_after_the_other(dataset: Dataset, ids: list[int], ben: Any) -> None:
    for author in (ben, UserFactory()):
        queue = ask_second_opinion(dataset, ids[:1]).queue
        give_opinion(queue, ids[:1], label=dataset.class_named("FAC"), excluded=False, author=author)
        Queue.objects.filter(kind=Queue.Kind.SECOND).update(standing=False)
    settle, curator = Queue.objects.get(kind=Queue.Kind.SETTLE), UserFactory()

    def record(pairs: Any) -> Any:
        return relabel_batch(pairs, dataset=dataset, label=KEEP, excluded=KEEP, author=curator)

    for left in (1, 0):
        decide(settle, {ids[0]: 1}, author=curator, record=record)
        assert settle.items.open().count() == left


def test_what_the_label_says_by_now_is_not_to_be_settled(dataset: Dataset, ids: list[int], ben: Any) -> None:
    queue = ask_second_opinion(dataset, ids).queue
    fac = dataset.class_named("FAC")
    correct_label(Image.objects.get(pk=ids[0]), label=fac, excluded=False, author=None, expected_version=1)
    give_opinion(queue, ids[:2], label=fac, excluded=False, author=ben)
    assert list(settling().values_list("image", flat=True)) == ids[1:2]
