"""The training images nearest to an image: those of brute force, prepared by a worker where many."""

from typing import Any

import numpy as np
import pytest
from django.utils import timezone

from classifier.explaining import neighbours
from classifier.explaining.heat import as_seen, opened_network
from classifier.explaining.neighbours import NoTrainingSet, TrainingVectors, training_images
from classifier.models import ModelVersion
from classifier.pixels import caches
from datasets.errors import Refused
from datasets.labelling import correct_label
from datasets.models import Image, Split, Subset
from datasets.store import path_of
from tests.factories import ImageFactory, UserFactory, png
from tests.factories_models import ModelVersionFactory, images_in, labelled_dataset, split_of
from training_jobs import vectors
from training_jobs.models import InferenceJob
from training_jobs.running import carry_out
from training_jobs.vectors import NotPrepared, find_neighbours

pytestmark = pytest.mark.django_db


@pytest.fixture
def version(split: Split) -> ModelVersion:
    """A version that was trained on the split, by the labels of now."""
    made: ModelVersion = ModelVersionFactory(sees=True, split=split, label_cutoff=timezone.now())
    return made


@pytest.fixture
def someone() -> Any:
    """A person who may see all."""
    return UserFactory(is_superuser=True)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if each training set were too large to prepare while one waits."""
    monkeypatch.setattr(vectors, "AT_ONCE", 0)


def a_test_image(split: Split) -> Image:
    image: Image = images_in(split, Subset.TEST).first()
    return image


def test_the_nearest_are_those_of_brute_force(
    version: ModelVersion, split: Split, someone: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(neighbours, "CHUNK", 5)
    image = a_test_image(split)
    network = opened_network(version)

    def vector(of: Image) -> np.ndarray:
        return network.vectors([as_seen(of, version)])[0].astype(float)

    own = vector(image)
    cosines = {}
    for each in images_in(split, Subset.TRAIN):
        theirs = vector(each)
        cosines[each.pk] = own @ theirs / np.linalg.norm(own) / np.linalg.norm(theirs)
    wanted = sorted(cosines, key=cosines.__getitem__, reverse=True)[:7]
    found = find_neighbours(image, version, user=someone, k=7)
    assert [each.image.pk for each in found.nearest] == wanted
    told = [each.similarity for each in found.nearest]
    assert told == pytest.approx([cosines[pk] for pk in wanted], abs=1e-6)
    assert (found.job, found.done, found.total) == (None, len(cosines), len(cosines))


def test_copies_of_the_image_are_left_out_and_its_paper_is_marked(
    version: ModelVersion, split: Split, someone: Any
) -> None:
    image = images_in(split, Subset.TRAIN).first()
    found = find_neighbours(image, version, user=someone, k=50)
    assert (found.copies, len(found.nearest)) == (1, found.total - 1)
    assert image.pk not in {each.image.pk for each in found.nearest}
    assert {each.image.paper_id for each in found.nearest if each.same_paper} == {image.paper_id}
    assert any(not each.same_paper for each in found.nearest)


def test_labels_are_those_it_was_taught_and_those_of_now(
    version: ModelVersion, split: Split, someone: Any
) -> None:
    changed = images_in(split, Subset.TRAIN).get(pk=images_in(split, Subset.TRAIN).first().pk)
    taught = changed.label.name
    fac = split.dataset.class_named("FAC")
    correct_label(changed, label=fac, excluded=False, author=someone, expected_version=1)
    found = find_neighbours(a_test_image(split), version, user=someone, k=50)
    told = next(each for each in found.nearest if each.image.pk == changed.pk)
    assert (told.label_then, told.image.label and told.image.label.name) == (taught, "FAC")


def test_an_image_that_joined_after_training_is_no_training_image(
    version: ModelVersion, split: Split, someone: Any
) -> None:
    late = ImageFactory(dataset=split.dataset, paper=a_test_image(split).paper, label="FAC", seed=99)
    found = find_neighbours(late, version, user=someone, k=50)
    assert found.total == images_in(split, Subset.TRAIN).count()


def test_many_are_prepared_by_a_worker(
    version: ModelVersion, split: Split, someone: Any, many: None, woken: Any
) -> None:
    image = a_test_image(split)
    first = find_neighbours(image, version, user=someone)
    assert first.job is not None
    assert (first.done, first.total, first.nearest) == (0, images_in(split, Subset.TRAIN).count(), [])
    assert find_neighbours(image, version, user=someone).job == first.job
    assert carry_out(first.job, worker="w")
    first.job.refresh_from_db()
    assert first.job.state == InferenceJob.State.SUCCEEDED
    found = find_neighbours(image, version, user=someone)
    assert (found.job, len(found.nearest)) == (None, 12)
    assert InferenceJob.objects.count() == 1


def test_vectors_that_were_deleted_are_prepared_again(
    version: ModelVersion, split: Split, someone: Any, many: None, woken: Any
) -> None:
    image = a_test_image(split)
    job = find_neighbours(image, version, user=someone).job
    carry_out(job, worker="w")
    for rows in (caches() / "vectors").rglob("*.bin"):
        rows.unlink()
    again = find_neighbours(image, version, user=someone)
    assert again.job is not None
    assert again.job != job


def test_images_that_cannot_be_read_are_named_and_hold_nothing_up(
    version: ModelVersion, split: Split, someone: Any, many: None, woken: Any
) -> None:
    lost = images_in(split, Subset.TRAIN).first()
    path_of(lost.sha256).unlink()
    image = a_test_image(split)
    job = find_neighbours(image, version, user=someone).job
    assert job is not None
    carry_out(job, worker="w")
    job.refresh_from_db()
    assert [failure["code"] for failure in job.failures] == ["bytes_missing"]
    found = find_neighbours(image, version, user=someone, k=50)
    assert found.job is None
    assert (found.done, len(found.nearest)) == (found.total - 1, found.total - 1)


def test_a_preparation_that_failed_is_told_and_not_begun_again(
    version: ModelVersion, split: Split, someone: Any, many: None, woken: Any
) -> None:
    job = find_neighbours(a_test_image(split), version, user=someone).job
    assert job is not None
    job.cancel()
    with pytest.raises(NotPrepared, match=f"job {job.pk} is cancelled"):
        find_neighbours(a_test_image(split), version, user=someone)
    assert InferenceJob.objects.count() == 1


def test_what_is_there_is_not_made_again(version: ModelVersion, split: Split) -> None:
    made = TrainingVectors(version)
    images = training_images(version)
    told: list[tuple[int, int]] = []
    made.make(images[:5])
    made.make(images, progress=lambda done, total: told.append((done, total)))
    assert told[0] == (5, len(images))
    assert told[-1] == (len(images), len(images))
    again = TrainingVectors(version)
    assert again.missing(images) == []


def test_equal_bytes_have_one_vector(version: ModelVersion) -> None:
    dataset = labelled_dataset(papers=4, per_paper=1)
    for image in dataset.images.all():
        ImageFactory(paper=image.paper, label="FAC", data=png(1))
    split = split_of(dataset, ratios="2:1:1")
    trained = ModelVersionFactory(sees=True, split=split, label_cutoff=timezone.now())
    images = training_images(trained)
    made = TrainingVectors(trained)
    made.make(images)
    assert len(made.cache) == len({image.sha256 for image in images}) < len(images)


def test_a_model_from_elsewhere_has_no_training_images(split: Split, someone: Any) -> None:
    version = ModelVersionFactory(sees=True, origin="imported")
    with pytest.raises(NoTrainingSet, match="was not trained here"):
        find_neighbours(a_test_image(split), version, user=someone)


@pytest.mark.parametrize("k", [0, 51])
def test_a_count_out_of_bounds_is_refused(version: ModelVersion, split: Split, someone: Any, k: int) -> None:
    with pytest.raises(Refused, match="from 1 to 50"):
        find_neighbours(a_test_image(split), version, user=someone, k=k)


def test_what_a_person_may_not_see_is_no_neighbour(version: ModelVersion, split: Split) -> None:
    found = find_neighbours(a_test_image(split), version, user=UserFactory())
    assert (found.total, found.nearest) == (0, [])
