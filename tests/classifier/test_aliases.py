"""Where an alias pointed when, and aliases that are taken away."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from classifier.aliases import (
    AliasNeeded,
    NothingToRollBack,
    ReasonMissing,
    UnknownAlias,
    answering_at,
    promote,
    remove_alias,
    roll_back,
)
from classifier.models import Alias, ModelVersion, Promotion
from tests.factories import UserFactory
from tests.factories_models import ModelVersionFactory

pytestmark = pytest.mark.django_db


def on(day: int) -> datetime:
    return datetime(2026, 3, day, 10, tzinfo=UTC)


def dated(moved: Promotion, day: int) -> Promotion:
    """Let a move have been made on a day of March."""
    Promotion.objects.filter(pk=moved.pk).update(created_at=on(day))
    return moved


def answered(day: int, alias: str = "champion") -> ModelVersion | None:
    found = answering_at(alias, on(day))
    return found.version if found else None


def test_the_history_says_which_version_answered_on_a_day() -> None:
    first, second = ModelVersionFactory(), ModelVersionFactory()
    dated(promote(first, reason="first"), 2)
    moved = dated(promote(second, reason="better"), 4)
    dated(roll_back(reason="worse"), 6)
    assert [answered(day) for day in (1, 2, 3, 4, 5, 6, 7)] == [
        None,
        first,
        first,
        second,
        second,
        first,
        first,
    ]
    assert answering_at("champion", on(5)) == moved
    assert answering_at("champion", on(4) - timedelta(seconds=1)) != moved
    assert answered(5, "candidate") is None


def test_an_alias_is_taken_away_and_its_history_stays() -> None:
    version, person = ModelVersionFactory(), UserFactory()
    dated(promote(version, alias="candidate", reason="to be tried"), 2)
    moved = dated(remove_alias("candidate", reason="tried", author=person), 4)
    assert (moved.version, moved.author, moved.reason) == (version, person, "tried")
    assert not Alias.objects.exists()
    assert (answered(3, "candidate"), answered(5, "candidate")) == (version, None)
    with pytest.raises(NothingToRollBack):
        roll_back("candidate", reason="back")
    other = ModelVersionFactory()
    promote(other, alias="candidate", reason="again")
    found = answering_at("candidate", timezone.now())
    assert found is not None
    assert (found.version, found.previous) == (other, None)


def test_the_champion_stays_and_a_reason_is_needed() -> None:
    promote(ModelVersionFactory(), reason="first")
    promote(ModelVersionFactory(), alias="candidate", reason="first")
    with pytest.raises(AliasNeeded):
        remove_alias("champion", reason="away")
    with pytest.raises(ReasonMissing):
        remove_alias("candidate", reason=" ")
    with pytest.raises(UnknownAlias):
        remove_alias("nobody", reason="away")
    assert Alias.objects.count() == 2
