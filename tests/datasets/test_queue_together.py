"""People who take from one queue in the same moment, each over a connection of their own."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, connections

from datasets.queues.making import make_queue
from datasets.queues.taking import take_items
from tests.factories import UserFactory
from tests.factories_models import labelled_dataset

PEOPLE = 4
AT_ONCE = 3


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif("connection.vendor == 'sqlite'", reason="a database in memory has one connection")
def test_nobody_gets_an_image_that_another_takes_in_the_same_moment() -> None:
    dataset = labelled_dataset(papers=10, per_paper=4)
    ids = list(dataset.images.values_list("pk", flat=True))
    queue = make_queue(
        dataset,
        kind="filter",
        name="q",
        images=[(pk, None) for pk in ids],
        population=len(ids),
        author=None,
    )
    together = Barrier(PEOPLE)

    def work(person: Any) -> list[int]:
        taken: list[int] = []
        try:
            for _ in range(len(ids)):
                together.wait(timeout=30)
                taken += [item.image_id for item in take_items(queue, person, size=AT_ONCE)]
        finally:
            connections.close_all()
        return taken

    people = [UserFactory() for _ in range(PEOPLE)]
    with ThreadPoolExecutor(PEOPLE) as pool:
        taken = [image for images in pool.map(work, people) for image in images]
    assert sorted(taken) == sorted(ids)
    assert connection.vendor == "postgresql"
