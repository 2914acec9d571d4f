"""What was looked up a moment ago."""

from typing import Any

import pytest

from classifier.remembering import Remembered


def test_a_value_is_looked_up_again_once_its_moment_is_over(settings: Any) -> None:
    settings.CLASSIFY_REMEMBER_SECONDS = 1.0
    now = [100.0]
    values = iter("abc")
    remembered: Remembered[str] = Remembered(clock=lambda: now[0])
    assert [remembered.get("key", lambda: next(values)) for _ in range(3)] == ["a", "a", "a"]
    assert remembered.get("other", lambda: next(values)) == "b"
    now[0] += 1.0
    assert remembered.get("key", lambda: next(values)) == "c"


def test_a_failure_is_not_remembered(settings: Any) -> None:
    settings.CLASSIFY_REMEMBER_SECONDS = 1.0
    remembered: Remembered[str] = Remembered()

    def fail() -> str:
        raise LookupError

    with pytest.raises(LookupError):
        remembered.get("key", fail)
    assert remembered.get("key", lambda: "found") == "found"


def test_strangers_cannot_fill_the_memory(settings: Any) -> None:
    settings.CLASSIFY_REMEMBER_SECONDS = 60.0
    remembered: Remembered[int] = Remembered()
    for number in range(5000):
        assert remembered.get(number, lambda number=number: number) == number
    assert len(remembered._found) <= 1024
