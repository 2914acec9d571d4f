"""What an audit's sample says of the labels it was drawn from."""

from typing import Any

import pytest

from datasets.intervals import count_in_population
from datasets.labelling import KEEP, relabel_batch
from datasets.models import Dataset, Queue
from datasets.queues.auditing import audit_of
from datasets.queues.deciding import decide, skip_items
from datasets.queues.making import draw_sample, labels_among, make_queue
from tests.factories import UserFactory
from tests.factories_models import labelled_dataset

pytestmark = pytest.mark.django_db


@pytest.fixture
def queue() -> Queue:
    """A sample of ten of twenty-four labels."""
    dataset = labelled_dataset()
    ids, population = draw_sample(dataset.images.all(), size=10, seed=3)
    made: Queue = make_queue(
        dataset,
        kind=Queue.Kind.AUDIT,
        name="audit",
        images=[(pk, None) for pk in ids],
        population=population,
        population_by_class=labels_among(dataset.images.all()),
        seed=3,
        author=None,
    )
    return made


def judge(queue: Queue, places: list[int], *, label: Any = KEEP, excluded: Any = KEEP) -> None:
    """Decide on the items at these places."""
    author = UserFactory()
    seen = dict(queue.items.filter(place__in=places).values_list("image", "image__version"))

    def record(pairs: Any) -> Any:
        return relabel_batch(pairs, dataset=queue.dataset, label=label, excluded=excluded, author=author)

    decide(queue, seen, author=author, record=record)


def fac(dataset: Dataset) -> Any:
    """A class that no image has."""
    return dataset.class_named("FAC")


def test_before_anybody_judged_all_is_open(queue: Queue) -> None:
    audit = audit_of(queue)
    assert (audit.overall.share, audit.overall.low, audit.overall.high) == (None, 0, 24)
    assert (audit.classes, audit.undecided) == ([], 10)


def test_wrong_labels_are_counted_with_their_interval(queue: Queue) -> None:
    judge(queue, [0, 1, 2, 3, 4])
    judge(queue, [5, 6], label=fac(queue.dataset))
    judge(queue, [7], excluded=True)
    skip_items(queue, [queue.items.get(place=8).image_id], author=UserFactory())
    audit = audit_of(queue)
    overall = audit.overall
    assert (overall.wrong, overall.judged, overall.population) == (3, 8, 24)
    assert (overall.low, overall.high) == count_in_population(3, 8, 24)
    assert overall.low_share == overall.low / 24
    assert (audit.undecided, audit.skipped) == (2, 1)
    assert sum(count for _, _, count in audit.moves) == 3
    assert {after for _, after, _ in audit.moves} == {"FAC", None}


def test_each_class_is_a_sample_of_that_class(queue: Queue) -> None:
    judge(queue, list(range(10)))
    audit = audit_of(queue)
    assert [each.name for each in audit.classes] == ["BlotGel", "Microscopy"]
    assert sum(each.judged for each in audit.classes) == 10
    assert {each.population for each in audit.classes} == {12}


def test_correcting_labels_later_does_not_change_what_was_found(queue: Queue) -> None:
    judge(queue, list(range(10)))
    author = UserFactory()
    pairs = list(queue.dataset.images.values_list("pk", "version"))
    relabel_batch(pairs, dataset=queue.dataset, label=fac(queue.dataset), excluded=KEEP, author=author)
    assert audit_of(queue).overall.wrong == 0
