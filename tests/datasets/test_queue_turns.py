"""What taking a deed back, and bringing it back, does to a queue in which others go on."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from datasets.labelling import KEEP, NotYourOpinion, correct_label, redo_batch, relabel_batch, undo_batch
from datasets.models import Dataset, Image, LabelBatch, LabelClass, Queue, QueueItem
from datasets.queues.asking import ask_second_opinion
from datasets.queues.deciding import Decided, decide, give_opinion, skip_items
from datasets.queues.making import make_queue
from datasets.queues.taking import release_items, take_items
from tests.factories import UserFactory
from tests.factories_models import labelled_dataset

pytestmark = pytest.mark.django_db
Outcome = QueueItem.Outcome


@pytest.fixture
def dataset() -> Dataset:
    """Four labelled images."""
    return labelled_dataset(papers=1, per_paper=4)


@pytest.fixture
def queue(dataset: Dataset) -> Queue:
    """A queue of all of them."""
    ids = list(dataset.images.order_by("pk").values_list("pk", flat=True))
    made: Queue = make_queue(
        dataset, kind="filter", name="q", images=[(pk, None) for pk in ids], population=4, author=None
    )
    return made


@pytest.fixture
def fac(dataset: Dataset) -> LabelClass:
    """A class that no image has."""
    return dataset.class_named("FAC")


@pytest.fixture
def ana() -> Any:
    """A person."""
    return UserFactory(username="ana")


@pytest.fixture
def ben() -> Any:
    """Another."""
    return UserFactory(username="ben")


def say(queue: Queue, item: QueueItem, author: Any, label: Any = KEEP) -> Decided:
    """Decide on an item as its image is labelled now."""
    version = Image.objects.values_list("version", flat=True).get(pk=item.image_id)

    def record(pairs: Any) -> Any:
        return relabel_batch(pairs, dataset=queue.dataset, label=label, excluded=KEEP, author=author)

    return decide(queue, {item.image_id: version}, author=author, record=record)


def batch_of(done: Decided) -> LabelBatch:
    """The batch that a deed left."""
    assert done.batch is not None
    return done.batch


def test_what_was_taken_back_comes_to_the_next_person(
    queue: Queue, ana: Any, ben: Any, fac: LabelClass
) -> None:
    (item,) = take_items(queue, ana, size=1)
    undo_batch(batch_of(say(queue, item, ana, label=fac)), author=ana)
    release_items(queue, ana)
    assert item.pk in {each.pk for each in take_items(queue, ben, size=4)}
    item.refresh_from_db()
    assert (item.outcome, item.claimed_by) == (Outcome.OPEN, ben)


def test_an_image_labelled_elsewhere_that_was_skipped_is_crossed_off(
    queue: Queue, ana: Any, ben: Any, fac: LabelClass
) -> None:
    (item,) = take_items(queue, ana, size=1)
    skip_items(queue, [item.image_id], author=ana)
    correct_label(item.image, label=fac, excluded=False, author=ben, expected_version=1)
    assert take_items(queue, ana, size=4, skipped=True) == []
    item.refresh_from_db()
    assert (item.outcome, item.skipped_by) == (Outcome.ELSEWHERE, None)


def test_what_one_had_too_long_is_not_taken_from_who_has_it_now(queue: Queue, ana: Any, ben: Any) -> None:
    take_items(queue, ana, size=2)
    queue.items.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert len(take_items(queue, ben, size=1)) == 1
    assert [item.place for item in take_items(queue, ana, size=4, held=True)] == [1, 2, 3]


def test_undoing_a_skip_leaves_the_image_to_who_came_back_to_it(queue: Queue, ana: Any, ben: Any) -> None:
    first, second = take_items(queue, ana, size=2)
    skipped = batch_of(skip_items(queue, [first.image_id, second.image_id], author=ana))
    assert [item.pk for item in take_items(queue, ben, size=1, skipped=True)] == [first.pk]
    assert undo_batch(skipped, author=ana).changed == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.claimed_by, second.claimed_by) == (ben, ana)
    assert redo_batch(skipped, author=ana).changed == 1
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.claimed_by, first.skipped_by, second.skipped_by) == (ben, None, ana)


def test_keeping_again_leaves_what_another_took_meanwhile(queue: Queue, ana: Any, ben: Any) -> None:
    (item,) = take_items(queue, ana, size=1)
    kept = batch_of(say(queue, item, ana))
    undo_batch(kept, author=ana)
    release_items(queue, ana)
    take_items(queue, ben, size=1)
    assert redo_batch(kept, author=ana).changed == 0
    item.refresh_from_db()
    assert (item.outcome, item.claimed_by) == (Outcome.OPEN, ben)


def test_an_opinion_is_turned_by_its_author_or_a_curator_and_stays_its_authors(
    dataset: Dataset, fac: LabelClass, ana: Any, ben: Any, user_in_role: Callable[[str], Any]
) -> None:
    image = dataset.images.order_by("pk")[0]
    curator = user_in_role("curator")
    correct_label(image, label=fac, excluded=False, author=curator, expected_version=1)
    queue = ask_second_opinion(dataset, [image.pk]).queue
    said = batch_of(give_opinion(queue, [image.pk], label=fac, excluded=False, author=ben))
    with pytest.raises(NotYourOpinion):
        undo_batch(said, author=ana)
    assert queue.items.get().decided_by == ben
    undo_batch(said, author=curator)
    # The label is the curator's: its second opinion is not to be.
    assert take_items(queue, curator, size=4, held=True) == []
    with pytest.raises(NotYourOpinion):
        redo_batch(said, author=ana)
    redo_batch(said, author=curator)
    assert queue.items.get().decided_by == ben
