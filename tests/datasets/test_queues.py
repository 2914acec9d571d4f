"""Queues: fixed lists that several people work through, nobody on another's image."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from datasets.labelling import KEEP, correct_label, redo_batch, relabel_batch, undo_batch
from datasets.models import Dataset, Image, Label, LabelBatch, Queue, QueueItem
from datasets.queues.deciding import Decided, decide, skip_items
from datasets.queues.making import NothingToDo, draw_sample, make_queue
from datasets.queues.progress import progress_of
from datasets.queues.taking import QueueClosed, hold_items, release_items, take_items
from tests.factories import UserFactory
from tests.factories_models import labelled_dataset

pytestmark = pytest.mark.django_db
Outcome = QueueItem.Outcome


@pytest.fixture
def dataset() -> Dataset:
    """Twelve labelled images."""
    return labelled_dataset(papers=3, per_paper=4)


@pytest.fixture
def ana() -> Any:
    """A person."""
    return UserFactory(username="ana")


@pytest.fixture
def ben() -> Any:
    """Another."""
    return UserFactory(username="ben")


def queue_of(dataset: Dataset, kind: Queue.Kind = Queue.Kind.FILTER) -> Queue:
    """A queue of all images of a dataset."""
    ids = list(dataset.images.order_by("pk").values_list("pk", flat=True))
    return make_queue(
        dataset, kind=kind, name="q", images=[(pk, None) for pk in ids], population=len(ids), author=None
    )


def say(queue: Queue, items: list[QueueItem], author: Any, label: Any = KEEP) -> Decided:
    """Decide on items as they are labelled now."""
    seen = dict(Image.objects.filter(pk__in=[item.image_id for item in items]).values_list("pk", "version"))

    def record(pairs: Any) -> Any:
        return relabel_batch(pairs, dataset=queue.dataset, label=label, excluded=KEEP, author=author)

    return decide(queue, seen, author=author, record=record)


def test_a_queue_without_images_is_refused(dataset: Dataset) -> None:
    with pytest.raises(NothingToDo):
        make_queue(dataset, kind="filter", name="q", images=[], population=0, author=None)
    assert not Queue.objects.exists()


def test_two_people_never_get_the_same_image(dataset: Dataset, ana: Any, ben: Any) -> None:
    queue = queue_of(dataset)
    hers = {item.image_id for item in take_items(queue, ana, size=5)}
    his = {item.image_id for item in take_items(queue, ben, size=5)}
    rest = {item.image_id for item in take_items(queue, ana, size=5)}
    assert (len(hers), len(his), len(rest)) == (5, 5, 2)
    assert len(hers | his | rest) == 12
    assert take_items(queue, ben, size=5) == []


def test_a_reload_gives_back_what_one_had(dataset: Dataset, ana: Any) -> None:
    queue = queue_of(dataset)
    first = [item.image_id for item in take_items(queue, ana, size=4)]
    again = [item.image_id for item in take_items(queue, ana, size=6, held=True)]
    assert again[:4] == first
    assert len(again) == 6


def test_what_nobody_holds_any_more_goes_to_the_next(dataset: Dataset, ana: Any, ben: Any) -> None:
    queue = queue_of(dataset)
    take_items(queue, ana, size=12)
    assert take_items(queue, ben, size=12) == []
    queue.items.update(claimed_until=timezone.now() - timedelta(seconds=1))
    assert len(take_items(queue, ben, size=12)) == 12
    assert hold_items(queue, ana) == 0
    assert release_items(queue, ben) == 12
    assert len(take_items(queue, ana, size=12)) == 12


def test_deciding_records_what_was_said_and_labels(dataset: Dataset, ana: Any) -> None:
    queue = queue_of(dataset)
    one, two = take_items(queue, ana, size=2)
    other = dataset.classes.exclude(pk=one.label_then_id).first()
    kept, changed = say(queue, [two], ana), say(queue, [one], ana, label=other)
    one.refresh_from_db()
    two.refresh_from_db()
    assert (one.outcome, one.said, one.decided_by) == (Outcome.CHANGED, other, ana)
    assert (two.outcome, two.said_id) == (Outcome.KEPT, two.label_then_id)
    assert kept.batch is not None and kept.batch.kind == LabelBatch.Kind.CONFIRM
    assert changed.batch is not None and changed.batch.kind == LabelBatch.Kind.RELABEL
    assert Image.objects.get(pk=one.image_id).label == other
    assert Label.objects.filter(image=two.image_id).count() == 1


@pytest.mark.parametrize("changes", [True, False])
def test_undo_opens_the_image_again_and_redo_decides_it(dataset: Dataset, ana: Any, changes: bool) -> None:
    queue = queue_of(dataset)
    (item,) = take_items(queue, ana, size=1)
    other = dataset.classes.exclude(pk=item.label_then_id).first()
    batch = say(queue, [item], ana, label=other if changes else KEEP).batch
    assert batch is not None
    assert undo_batch(batch, author=ana).changed == 1
    item.refresh_from_db()
    assert (item.outcome, item.claimed_by, item.decided_by) == (Outcome.OPEN, ana, None)
    assert Image.objects.get(pk=item.image_id).label_id == item.label_then_id
    assert redo_batch(batch, author=ana).changed == 1
    item.refresh_from_db()
    assert item.outcome == (Outcome.CHANGED if changes else Outcome.KEPT)
    assert Image.objects.get(pk=item.image_id).label_id == (
        other.pk if changes and other else item.label_then_id
    )


def test_undo_of_an_older_deed_leaves_a_newer_decision(dataset: Dataset, ana: Any) -> None:
    queue = queue_of(dataset)
    (item,) = take_items(queue, ana, size=1)
    first = say(queue, [item], ana).batch
    say(queue, [item], ana, label=dataset.classes.exclude(pk=item.label_then_id).first())
    assert first is not None
    assert undo_batch(first, author=ana).changed == 0
    item.refresh_from_db()
    assert item.outcome == Outcome.CHANGED


def test_nobody_decides_on_what_another_has(dataset: Dataset, ana: Any, ben: Any) -> None:
    queue = queue_of(dataset)
    mine, hers = take_items(queue, ben, size=1), take_items(queue, ana, size=1)
    done = say(queue, [*mine, *hers], ben)
    assert (done.changed, done.taken) == (1, [hers[0].image_id])


def test_what_somebody_labelled_meanwhile_is_stale_and_stays_open(
    dataset: Dataset, ana: Any, ben: Any
) -> None:
    queue = queue_of(dataset)
    (item,) = take_items(queue, ana, size=1)
    seen = {item.image_id: 1}
    other = dataset.classes.exclude(pk=item.label_then_id).first()
    correct_label(item.image, label=other, excluded=False, author=ben, expected_version=1)

    def record(pairs: Any) -> Any:
        return relabel_batch(pairs, dataset=dataset, label=KEEP, excluded=KEEP, author=ana)

    done = decide(queue, seen, author=ana, record=record)
    item.refresh_from_db()
    assert (done.changed, done.batch, item.outcome) == (0, None, Outcome.OPEN)
    assert done.stale[0]["by"] == "ben"


def test_images_labelled_elsewhere_are_crossed_off(dataset: Dataset, ana: Any, ben: Any) -> None:
    queue = queue_of(dataset)
    audit = queue_of(dataset, Queue.Kind.AUDIT)
    first = dataset.images.order_by("pk").first()
    assert first is not None
    correct_label(first, label=None, excluded=True, author=ben, expected_version=1)
    assert first.pk not in {item.image_id for item in take_items(queue, ana, size=12)}
    assert progress_of([queue], ana)[queue.pk].elsewhere == 1
    # An audit asks about the label that was drawn, whatever became of it.
    assert first.pk in {item.image_id for item in take_items(audit, ana, size=12)}


def test_skipped_images_come_back_when_asked_for(dataset: Dataset, ana: Any) -> None:
    queue = queue_of(dataset)
    items = take_items(queue, ana, size=12)
    skipped = skip_items(queue, [items[0].image_id, items[1].image_id], author=ana)
    assert take_items(queue, ana, size=12) == []
    assert [item.pk for item in take_items(queue, ana, size=12, skipped=True)] == [items[0].pk, items[1].pk]
    assert skipped.batch is not None
    assert undo_batch(skipped.batch, author=ana).changed == 2


def test_progress_counts_what_is_done_free_and_with_others(dataset: Dataset, ana: Any, ben: Any) -> None:
    queue = queue_of(dataset)
    say(queue, take_items(queue, ana, size=3), ana)
    take_items(queue, ben, size=2)
    skip_items(queue, [take_items(queue, ana, size=1)[0].image_id], author=ana)
    seen = progress_of([queue], ana)[queue.pk]
    assert (seen.total, seen.done, seen.open, seen.free, seen.skipped, seen.kept) == (12, 3, 9, 6, 1, 3)
    assert seen.pace == seen.mine and seen.pace is not None and seen.pace > 0
    assert progress_of([queue], ben)[queue.pk].mine is None


def test_a_closed_queue_gives_nothing(dataset: Dataset, ana: Any) -> None:
    queue = queue_of(dataset)
    queue.closed_at = timezone.now()
    queue.save()
    with pytest.raises(QueueClosed):
        take_items(queue, ana, size=1)


def test_a_sample_follows_from_its_seed_alone(dataset: Dataset) -> None:
    one, population = draw_sample(dataset.images.order_by("pk"), size=5, seed=7)
    assert draw_sample(dataset.images.order_by("-file_name"), size=5, seed=7) == (one, 12)
    assert population == 12 and len(set(one)) == 5
    assert draw_sample(dataset.images.all(), size=5, seed=8)[0] != one
    assert len(draw_sample(dataset.images.all(), size=50, seed=7)[0]) == 12
