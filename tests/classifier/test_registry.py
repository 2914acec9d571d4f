"""Which version answers, and how that came about."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction

from classifier.aliases import (
    AliasMoved,
    AlreadyPromoted,
    FilesMissing,
    NothingToRollBack,
    ReasonMissing,
    promote,
    roll_back,
)
from classifier.models import Alias, Promotion
from classifier.registry import NoModel, UnknownModel, find_model, register
from datasets.errors import Refused
from tests.factories import UserFactory
from tests.factories_models import ModelVersionFactory

pytestmark = pytest.mark.django_db


def test_versions_of_a_name_are_numbered_on() -> None:
    ModelVersionFactory(name="panels", version=4)
    ModelVersionFactory(name="others", version=9)
    made = register(
        name="panels",
        architecture="cnn",
        classes=["A", "B"],
        config={},
        input_size=32,
        geometry="letterbox",
        directory="models/panels/run-1-1",
        keras_sha256="0" * 64,
        onnx_sha256="0" * 64,
        parity=0.0,
    )
    assert str(made) == "panels@5"


def test_without_a_name_the_champion_answers_else_the_newest() -> None:
    with pytest.raises(NoModel):
        find_model()
    first, second = ModelVersionFactory(), ModelVersionFactory()
    assert find_model() == second
    promote(first, reason="better on test")
    assert find_model("") == first


def test_a_model_is_found_by_id_by_name_and_version_and_by_alias() -> None:
    made = ModelVersionFactory(name="panels", version=7)
    promote(made, alias="candidate", reason="to be tried")
    assert [find_model(text) for text in (made.pk, str(made.pk), "panels@7", "candidate")] == [made] * 4


@pytest.mark.parametrize(
    "text", ["0", "99999999999999999999", "panels@2", "panels@", "@", "nobody", "\u0661", "a\0b"]
)
def test_a_model_that_is_not_there_is_named_with_those_that_are(text: str) -> None:
    ModelVersionFactory(name="panels", version=1)
    with pytest.raises(UnknownModel, match="panels@1"):
        find_model(text)


def test_a_person_without_a_role_finds_no_model() -> None:
    ModelVersionFactory()
    with pytest.raises(NoModel):
        find_model(user=UserFactory())


def test_a_promotion_keeps_who_when_why_and_what_stood_before() -> None:
    first, second, person = ModelVersionFactory(), ModelVersionFactory(), UserFactory()
    promote(first, reason="the first", author=person)
    moved = promote(second, reason="  better  ", author=person)
    assert (moved.version, moved.previous, moved.reason, moved.author) == (second, first, "better", person)
    assert Alias.objects.get().version == second


@pytest.mark.parametrize("reason", ["", "   "])
def test_a_promotion_without_a_reason_is_refused(reason: str) -> None:
    with pytest.raises(ReasonMissing):
        promote(ModelVersionFactory(), reason=reason)
    assert not Alias.objects.exists()


def test_a_reason_that_no_database_takes_is_refused() -> None:
    made = ModelVersionFactory()
    for move in (lambda: promote(made, reason="a\0b"), lambda: roll_back(reason="a\0b")):
        with pytest.raises(Refused) as refusal:
            move()
        assert refusal.value.code == "bad_reason"
    assert not Alias.objects.exists()


def test_promoting_what_stands_already_is_refused() -> None:
    made = ModelVersionFactory()
    promote(made, reason="once")
    with pytest.raises(AlreadyPromoted):
        promote(made, reason="twice")


def test_a_version_without_its_files_is_not_promoted() -> None:
    made = ModelVersionFactory()
    made.onnx_path.unlink()
    with pytest.raises(FilesMissing):
        promote(made, reason="would not answer")


@pytest.mark.parametrize("alias", ["", "12", "a b", "a@1", "x" * 65, "a\0b"])
def test_an_alias_that_could_be_taken_for_something_else_is_refused(alias: str) -> None:
    made = ModelVersionFactory()
    for move in (lambda: promote(made, alias=alias, reason="any"), lambda: roll_back(alias, reason="any")):
        with pytest.raises(Refused) as refusal:
            move()
        assert refusal.value.code == "bad_alias"


def test_rolling_back_walks_back_one_promotion_at_a_time() -> None:
    first, second, third = (ModelVersionFactory() for _ in range(3))
    for version in (first, second, third):
        promote(version, reason="next")
    assert roll_back(reason="worse").version == second
    assert roll_back(reason="worse still").version == first
    with pytest.raises(NothingToRollBack):
        roll_back(reason="no further")
    assert find_model("champion") == first
    assert Promotion.objects.count() == 5


def test_who_asks_twice_by_accident_goes_back_once() -> None:
    first, second, third = (ModelVersionFactory() for _ in range(3))
    for version in (first, second, third):
        promote(version, reason="next")
    assert roll_back(reason="worse", expected=third).version == second
    with pytest.raises(AliasMoved, match=f"champion does not point at {third} any more: it is {second}"):
        roll_back(reason="worse", expected=third)
    assert find_model("champion") == second


def at_once(first: Callable[[], Any], second: Callable[[], Any]) -> list[Exception]:
    """Do the second while the first is not committed yet; return what the second was refused with."""
    begun, refused = threading.Event(), []

    def do() -> None:
        begun.set()
        try:
            second()
        except Refused as refusal:
            refused.append(refusal)
        finally:
            connection.close()

    other = threading.Thread(target=do)
    with transaction.atomic():
        first()
        other.start()
        assert begun.wait(10)
        # Time for the other to look.
        other.join(0.5)
    other.join(30)
    return refused


@pytest.mark.django_db(transaction=True)
def test_two_clicks_at_once_go_back_once() -> None:
    first, second, third = (ModelVersionFactory() for _ in range(3))
    for version in (first, second, third):
        promote(version, reason="next")
    (refusal,) = at_once(*[lambda: roll_back(reason="worse", expected=third)] * 2)
    assert isinstance(refusal, AliasMoved)
    assert find_model("champion") == second


@pytest.mark.django_db(transaction=True)
def test_two_who_promote_to_a_new_alias_at_once_end_in_order() -> None:
    first, second = ModelVersionFactory(), ModelVersionFactory()
    at_once(
        lambda: promote(first, reason="a moment before"), lambda: promote(second, reason="at the same time")
    )
    assert find_model("champion") == second
    assert [(move.version, move.previous) for move in Promotion.objects.order_by("pk")] == [
        (first, None),
        (second, first),
    ]


def test_after_a_rollback_a_new_promotion_rolls_back_to_what_stood_then() -> None:
    first, second, third = (ModelVersionFactory() for _ in range(3))
    promote(first, reason="1")
    promote(second, reason="2")
    roll_back(reason="back")
    promote(third, reason="3")
    assert roll_back(reason="back again").version == first


def test_nothing_is_rolled_back_where_nothing_was_promoted() -> None:
    with pytest.raises(NothingToRollBack):
        roll_back("champion", reason="why not")


def test_the_history_of_promotions_cannot_be_deleted() -> None:
    moved = promote(ModelVersionFactory(), reason="kept")
    with pytest.raises(TypeError):
        moved.delete()
