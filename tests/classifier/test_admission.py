"""The line before classification: bounded, in order, and never without an end."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from classifier.admission import Admission, Busy


def line_of(admission: Admission) -> int:
    """How many wait."""
    return len(admission._line)


def until_waiting(admission: Admission, count: int) -> None:
    """Return once so many wait."""
    while line_of(admission) < count:
        pass


def test_those_who_wait_are_served_in_their_order() -> None:
    admission = Admission(at_work=1, waiting=5, patience=60)
    served: list[int] = []

    def ask(number: int) -> None:
        with admission.place():
            served.append(number)

    with ThreadPoolExecutor(5) as threads, admission.place():
        for number in range(5):
            threads.submit(ask, number)
            until_waiting(admission, number + 1)
        assert served == []
    assert served == [0, 1, 2, 3, 4]


def test_who_finds_the_line_full_is_refused_at_once() -> None:
    admission = Admission(at_work=2, waiting=1, patience=60)
    done = Event()
    with ThreadPoolExecutor(1) as threads, admission.place(), admission.place():
        waits = threads.submit(lambda: admission.place().__enter__())
        until_waiting(admission, 1)
        with pytest.raises(Busy) as refusal, admission.place():
            done.set()
        assert not done.is_set()
        assert (refusal.value.code, refusal.value.status) == ("busy", 503)
        assert refusal.value.retry_after >= 1
        with pytest.raises(Busy):
            admission.check_room()
    assert waits.result() >= 0
    admission.check_room()


def test_who_waited_too_long_is_refused_and_leaves_the_line() -> None:
    admission = Admission(at_work=1, waiting=1, patience=0.01)
    with admission.place(), pytest.raises(Busy), admission.place():
        pytest.fail("there was no place")
    assert line_of(admission) == 0
    with admission.place() as waited:
        assert waited < 0.01


def test_a_failure_gives_its_place_back() -> None:
    admission = Admission(at_work=1, waiting=0, patience=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="no image"), admission.place():
            raise ValueError("no image")
