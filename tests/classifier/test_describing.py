"""Notes and tags of versions."""

import pytest

from classifier.describing import BadNotes, BadTag, describe, tags_in
from classifier.models import ModelVersion
from tests.factories import UserFactory
from tests.factories_models import ModelVersionFactory

pytestmark = pytest.mark.django_db


def test_notes_say_who_wrote_them_last() -> None:
    version, person = ModelVersionFactory(), UserFactory()
    describe(version, notes=" Good on gels.\r\n<b>bold</b> ", author=person)
    found = ModelVersion.objects.get(pk=version.pk)
    assert (found.notes, found.noted_by) == ("Good on gels.\n<b>bold</b>", person)
    written = found.noted_at
    describe(found, notes="Good on gels.\n<b>bold</b>", author=UserFactory())
    found.refresh_from_db()
    assert (found.noted_by, found.noted_at) == (person, written)


def test_tags_are_set_as_a_whole_and_notes_left_alone() -> None:
    version = ModelVersionFactory(notes="stays")
    describe(version, tags=["paper-2026", "gels", "gels"])
    describe(version, tags=["gels", "lab_b"])
    assert ModelVersion.objects.get().tag_names == ["gels", "lab_b"]
    describe(version, notes="other")
    assert (ModelVersion.objects.get().tag_names, ModelVersion.objects.get().notes) == (
        ["gels", "lab_b"],
        "other",
    )
    assert describe(version, tags=[]).tag_names == []


@pytest.mark.parametrize("tag", ["", "a b", "<i>", "x" * 65, "\u00e9t\u00e9", "a\0b"])
def test_a_word_that_can_be_no_tag_is_refused_and_changes_nothing(tag: str) -> None:
    version = ModelVersionFactory()
    describe(version, tags=["kept"])
    with pytest.raises(BadTag):
        describe(version, notes="lost", tags=["new", tag])
    assert ModelVersion.objects.get().tag_names == ["kept"]
    assert ModelVersion.objects.get().notes == ""


def test_too_many_tags_and_notes_that_no_database_takes_are_refused() -> None:
    version = ModelVersionFactory()
    with pytest.raises(BadTag, match="at most 20"):
        describe(version, tags=[f"t{number}" for number in range(21)])
    for notes in ("a\0b", "x" * 10_001):
        with pytest.raises(BadNotes):
            describe(version, notes=notes)


def test_tags_are_read_from_what_a_person_types() -> None:
    assert tags_in(" gels, paper-2026  lab_b,, ") == ["gels", "paper-2026", "lab_b"]
