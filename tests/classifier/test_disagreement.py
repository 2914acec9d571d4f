"""Whether label and prediction differ, as the database keeps it: true after every way of writing either."""

import random
import threading
from collections.abc import Callable
from importlib import import_module
from itertools import permutations
from pathlib import Path

import pytest
from django.db import connection, transaction
from django.db.models import F

from classifier.models import Prediction
from classifier.predicting import store_predictions
from datasets.importing import import_folder
from datasets.labelling import correct_label, redo_batch, relabel_batch, undo_batch
from datasets.models import Image, LabelClass
from tests.datasets.folders import write_images
from tests.factories import ImageFactory, PaperFactory
from tests.factories_models import (
    CLASSES,
    ModelVersionFactory,
    PredictionFactory,
    labelled_dataset,
    predict_all,
)

pytestmark = pytest.mark.django_db
POSTGRESQL = connection.vendor == "postgresql"
Answers = dict[int, bool | None]


def kept() -> Answers:
    return dict(Prediction.objects.values_list("pk", "disagrees"))


def compared() -> Answers:
    return {
        pk: None if label is None else predicted != label
        for pk, predicted, label in Prediction.objects.values_list("pk", "predicted", "image__label__name")
    }


def of(image: Image) -> bool | None:
    return Prediction.objects.get(image=image).disagrees


def label(image: Image, name: str | None, *, excluded: bool = False) -> None:
    correct_label(
        image,
        label=image.dataset.class_named(name) if name else None,
        excluded=excluded,
        author=None,
        expected_version=None,
    )


def test_a_prediction_is_compared_as_it_is_written() -> None:
    paper = PaperFactory()
    same, other, bare = (ImageFactory(paper=paper, label=name) for name in ("FAC", "BlotGel", None))
    version = ModelVersionFactory()
    made = [
        Prediction(version=version, image=image, predicted="FAC", confidence=1, probabilities=[0, 1, 0, 0, 0])
        for image in (same, other, bare)
    ]
    assert store_predictions(version, made) == 3
    assert [of(image) for image in (same, other, bare)] == [False, True, None]
    Prediction.objects.update(predicted="BlotGel")
    assert [of(image) for image in (same, other, bare)] == [True, False, None]
    moved = Prediction.objects.get(image=other)
    moved.image, moved.version = same, ModelVersionFactory()
    moved.save()
    moved.refresh_from_db()
    assert moved.disagrees is True


def test_a_label_is_compared_with_what_every_version_said() -> None:
    image, beside = (ImageFactory(label="FAC") for _ in range(2))
    for predicted in ("FAC", "BlotGel", "FAC"):
        PredictionFactory(image=image, predicted=predicted)
    PredictionFactory(image=beside, predicted="FAC")

    def said() -> list[bool | None]:
        return list(Prediction.objects.filter(image=image).order_by("pk").values_list("disagrees", flat=True))

    assert said() == [False, True, False]
    label(image, "BlotGel")
    assert said() == [True, False, True]
    label(image, "BlotGel", excluded=True)
    assert said() == [True, False, True]
    label(image, None)
    assert said() == [None, None, None]
    label(image, "FAC")
    assert said() == [False, True, False]
    assert of(beside) is False


def test_batches_their_undoing_and_redoing_are_compared() -> None:
    dataset = labelled_dataset()
    predict_all(ModelVersionFactory(), dataset.images.all(), wrong=5)
    before = kept()
    assert sum(map(bool, before.values())) == 5
    unsaid = dataset.class_named("Macroscopy")
    done = relabel_batch(dataset.images.all(), dataset=dataset, label=unsaid, excluded=False, author=None)
    assert done.batch is not None
    assert set(kept().values()) == {True}
    undo_batch(done.batch, author=None)
    assert kept() == before
    redo_batch(done.batch, author=None)
    assert set(kept().values()) == {True}


def test_what_an_import_labels_is_compared(tmp_path: Path) -> None:
    image = ImageFactory(paper=None, dataset=labelled_dataset(slug="d"), file_name="a.png", seed=1)
    PredictionFactory(image=image, predicted="FAC")
    assert of(image) is None
    write_images(tmp_path, {"FAC/a.png": 1})
    import_folder(tmp_path, dataset="d")
    image.refresh_from_db()
    assert str(image.label) == "FAC"
    assert of(image) is False


def test_a_class_of_another_name_is_compared_anew() -> None:
    dataset = labelled_dataset()
    other = labelled_dataset()
    version = ModelVersionFactory()
    predict_all(version, Image.objects.all(), wrong=3)
    renamed = dataset.class_named("BlotGel")
    for name in ("Blot", "Microscopy", "BlotGel"):
        # Another class of the dataset may have had the name.
        LabelClass.objects.filter(dataset=dataset, name=name).exclude(pk=renamed.pk).update(name="Spare")
        renamed.name = name
        renamed.save()
        assert kept() == compared(), name
    assert sum(map(bool, Prediction.objects.filter(image__dataset=other).values_list("disagrees"))) == 24
    LabelClass.objects.update(colour="#000000", name=F("name"))
    assert kept() == compared()


def test_any_row_of_changes_leaves_what_comparing_would_tell() -> None:
    chance = random.Random(7)
    datasets = [labelled_dataset(papers=2, classes=("BlotGel", "FAC", "Microscopy")) for _ in range(2)]
    for _ in range(3):
        predict_all(ModelVersionFactory(), Image.objects.all(), wrong=chance.randrange(9))

    def predict() -> None:
        rows = Prediction.objects.order_by("?")[:3].values("pk")
        Prediction.objects.filter(pk__in=list(rows.values_list("pk", flat=True))).update(
            predicted=chance.choice([*CLASSES, "Spare"])
        )

    def relabel() -> None:
        dataset = chance.choice(datasets)
        named = chance.choice([None, *dataset.classes.all()])
        chosen = chance.sample(list(dataset.images.values_list("pk", "version")), 3)
        relabel_batch(
            chosen, dataset=dataset, label=named, excluded=chance.choice([True, False]), author=None
        )

    def rename() -> None:
        one, two = chance.sample(list(chance.choice(datasets).classes.all()), 2)
        for each, name in ((one, "Swapped"), (two, one.name), (one, two.name)):
            LabelClass.objects.filter(pk=each.pk).update(name=name)

    for _ in range(40):
        chance.choice([predict, relabel, rename])()
        assert kept() == compared()
    assert {True, False, None} == set(kept().values())


def test_the_migration_compares_what_stood_before() -> None:
    dataset = labelled_dataset()
    predict_all(ModelVersionFactory(), dataset.images.all(), wrong=5)
    PredictionFactory(image=ImageFactory())
    before = kept()
    migration = import_module("classifier.migrations.0003_prediction_disagrees")
    editor = connection.SchemaEditorClass(connection)
    connection.check_constraints()
    migration.drop_triggers(None, editor)
    Prediction.objects.update(disagrees=None)
    dataset.images.update(excluded=True)
    with connection.cursor() as cursor:
        cursor.execute(migration.COMPARE_ALL)
    assert kept() == before
    migration.create_triggers(None, editor)
    dataset.images.update(label=dataset.class_named("Noneoftheabove"))
    assert kept() == compared() != before


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not POSTGRESQL, reason="SQLite has one writer at a time")
@pytest.mark.parametrize("deeds", permutations(("predict", "relabel", "rename"), 2), ids="-".join)
def test_two_who_write_at_once_leave_what_is_true_of_both(deeds: tuple[str, str]) -> None:
    image = ImageFactory(label="FAC" if "relabel" in deeds else "BlotGel")
    named = image.dataset.class_named("BlotGel")
    version = ModelVersionFactory()

    def predict() -> None:
        PredictionFactory(version=version, image=image, predicted="Blot" if "rename" in deeds else "BlotGel")

    def beside() -> None:
        do[deeds[1]]()
        connection.close()

    do: dict[str, Callable[[], object]] = {
        "predict": predict,
        "relabel": lambda: Image.objects.filter(pk=image.pk).update(label=named),
        "rename": lambda: LabelClass.objects.filter(pk=named.pk).update(name="Blot"),
    }
    if "predict" not in deeds:
        predict()
    with transaction.atomic():
        do[deeds[0]]()
        other = threading.Thread(target=beside)
        other.start()
        # It waits, or has written by now.
        other.join(0.5)
    other.join()
    assert [*kept().values()] == [*compared().values()] == [False]
