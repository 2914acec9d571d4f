"""The database itself keeps the history of labels."""

import threading
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.apps import apps
from django.db import IntegrityError, connection, transaction
from django.db.models import ProtectedError, QuerySet

from datasets.labelling import correct_label
from datasets.models import Image, Label, Maintenance
from tests.factories import UserFactory
from tests.factories_models import labelled_dataset
from tests.test_architecture import ROOMS, ROOT, python_files

APPEND_ONLY = "labels are append-only"
SQLITE = connection.vendor == "sqlite"


@pytest.fixture
def labels() -> "QuerySet[Label]":
    """The labels of two images, by a queryset that refuses nothing itself."""
    labelled_dataset(papers=1, per_paper=2)
    return Label._base_manager.all()


def execute(statement: str) -> None:
    """Run one statement as any program could that reaches the database."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE datasets_label SET reason = 'rewritten'",
        "DELETE FROM datasets_label",
        pytest.param(
            "INSERT OR REPLACE INTO datasets_label SELECT * FROM datasets_label",
            marks=pytest.mark.skipif(not SQLITE, reason="only SQLite replaces rows"),
        ),
        pytest.param(
            "INSERT OR REPLACE INTO datasets_label (image_id, version, excluded, source, reason, created_at) "
            "SELECT image_id, version, 1, source, '', created_at FROM datasets_label",
            marks=pytest.mark.skipif(not SQLITE, reason="only SQLite replaces rows"),
        ),
    ],
)
def test_raw_sql_cannot_rewrite_a_label(labels: "QuerySet[Label]", statement: str) -> None:
    before = list(labels.order_by("pk").values())
    with pytest.raises(IntegrityError, match=APPEND_ONLY):
        execute(statement)
    assert list(labels.order_by("pk").values()) == before


@pytest.mark.django_db
@pytest.mark.parametrize(
    "deed",
    [
        lambda labels: labels.update(excluded=True),
        lambda labels: labels.delete(),
        lambda labels: labels._raw_delete("default"),
        lambda labels: labels.bulk_update([labels[0]], ["version"]),
        lambda labels: Image.objects.all().delete(),
    ],
    ids=["update", "delete", "_raw_delete", "bulk_update", "with its image"],
)
def test_no_queryset_can_rewrite_a_label(labels: "QuerySet[Label]", deed: Callable[[Any], Any]) -> None:
    before = list(labels.order_by("pk").values())
    with pytest.raises(IntegrityError, match=APPEND_ONLY), transaction.atomic():
        deed(labels)
    assert list(labels.order_by("pk").values()) == before


@pytest.mark.django_db
def test_not_even_in_maintenance_is_a_label_changed(labels: "QuerySet[Label]") -> None:
    with pytest.raises(IntegrityError, match=APPEND_ONLY), Maintenance.open():
        labels.update(excluded=True)
    assert not labels.filter(excluded=True).exists()


@pytest.mark.django_db
def test_the_next_label_is_written_as_ever(labels: "QuerySet[Label]") -> None:
    image = Image.objects.first()
    assert image is not None
    correct_label(
        image, label=image.dataset.class_named("FAC"), excluded=False, author=None, expected_version=1
    )
    assert list(image.labels.values_list("version", flat=True)) == [2, 1]


@pytest.mark.django_db
def test_who_labelled_something_cannot_be_deleted() -> None:
    image = labelled_dataset(papers=1, per_paper=1).images.get()
    author = UserFactory()
    correct_label(image, label=None, excluded=True, author=author, expected_version=1)
    with pytest.raises(ProtectedError):
        author.delete()
    newest = image.labels.first()
    assert newest is not None
    assert newest.author == author


@pytest.mark.django_db(transaction=True)
def test_the_maintenance_row_goes_with_its_transaction(labels: "QuerySet[Label]") -> None:
    with Maintenance.open():
        assert Maintenance.objects.count() == 1
    assert not Maintenance.objects.exists()
    with pytest.raises(RuntimeError), Maintenance.open():
        raise RuntimeError("the disk is gone")
    assert not Maintenance.objects.exists()
    with pytest.raises(IntegrityError, match=APPEND_ONLY):
        labels.delete()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("values", ["1, 0", "1, 1", "0, 0", "2, 0"])
def test_the_database_commits_no_maintenance_row(labels: "QuerySet[Label]", values: str) -> None:
    with pytest.raises(IntegrityError):
        execute(f"INSERT INTO datasets_maintenance (id, end_id) VALUES ({values})")
    assert not Maintenance.objects.exists()
    with pytest.raises(IntegrityError, match=APPEND_ONLY):
        labels.delete()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(SQLITE, reason="SQLite has no TRUNCATE")
def test_truncating_takes_maintenance(labels: "QuerySet[Label]") -> None:
    with pytest.raises(IntegrityError, match=APPEND_ONLY):
        execute("TRUNCATE datasets_label")
    assert labels.count() == 2
    with Maintenance.open():
        execute("TRUNCATE datasets_label")
    assert not labels.exists()


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(SQLITE, reason="SQLite holds off every other writer meanwhile")
def test_maintenance_opens_nothing_to_others(labels: "QuerySet[Label]") -> None:
    refused: list[str] = []

    def beside() -> None:
        try:
            Label._base_manager.all().delete()
        except IntegrityError as error:
            refused.append(str(error))
        finally:
            connection.close()

    with Maintenance.open():
        other = threading.Thread(target=beside)
        other.start()
        other.join()
    assert APPEND_ONLY in refused[0]
    assert labels.count() == 2


@pytest.mark.django_db(transaction=True)
def test_the_migration_can_be_taken_back_and_applied_again(labels: "QuerySet[Label]") -> None:
    migration = import_module("datasets.migrations.0008_append_only")
    with connection.schema_editor() as editor:
        migration.unguard(apps, editor)
    try:
        execute("UPDATE datasets_label SET reason = 'rewritten'")
    finally:
        with connection.schema_editor() as editor:
            migration.guard(apps, editor)
    assert set(labels.values_list("reason", flat=True)) == {"rewritten"}
    with pytest.raises(IntegrityError, match=APPEND_ONLY):
        execute("UPDATE datasets_label SET reason = 'again'")


def test_only_a_purge_opens_maintenance() -> None:
    openers = {
        str(path.relative_to(ROOT)) for path in python_files(*ROOMS) if "Maintenance.open" in path.read_text()
    }
    assert openers == {"datasets/purging.py"}
