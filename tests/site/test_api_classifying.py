"""Files that are classified and kept over REST, and what people say that a model is wrong about."""

from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from classifier.models import ModelVersion, Prediction
from datasets.models import Dataset, Image, Label, QueueItem
from datasets.store import path_of
from tests.factories import DatasetFactory, ImageFactory, PaperFactory, png
from tests.factories_models import ModelVersionFactory, PredictionFactory
from tests.rest import API, api, assert_error, upload

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def model() -> ModelVersion:
    return ModelVersionFactory(answers=True)


@pytest.fixture
def dataset() -> Dataset:
    return DatasetFactory(slug="mine")


def classify(client: APIClient, *files: Any, **fields: Any) -> Any:
    return client.post(f"{API}classify/", {"images": list(files), **fields}, format="multipart")


def keep(client: APIClient, *files: Any, **fields: Any) -> Any:
    return classify(client, *files, store="true", dataset="mine", **fields)


def tell(client: APIClient, **fields: Any) -> Any:
    body = {"file": upload(seed=1), "dataset": "mine", "label": "FACS", **fields}
    return client.post(f"{API}feedback/", body, format="multipart")


def test_a_classified_file_is_kept_with_what_the_model_said(
    api: Api, model: ModelVersion, dataset: Dataset
) -> None:
    response = keep(api(), upload(seed=1, name="a.png"), upload(seed=2, name="b.png"), paper="PMC1")
    assert response.status_code == 200
    first, second = response.json()["results"]
    images = list(dataset.images.order_by("pk"))
    assert [first["image"], second["image"]] == [{"id": image.pk, "created": True} for image in images]
    assert [str(image) for image in images] == ["PMC1/a.png", "PMC1/b.png"]
    assert images[0].label is None
    said = Prediction.objects.get(image=images[0], version=model)
    assert (said.predicted, said.confidence) == (first["label"], pytest.approx(first["confidence"]))
    told = pytest.approx(first["probabilities"], abs=1e-6)
    assert dict(zip(model.classes, said.probabilities, strict=True)) == told


def test_only_some_probabilities_are_shown_and_all_are_kept(
    api: Api, model: ModelVersion, dataset: Dataset
) -> None:
    (result,) = keep(api(), upload(), top=2).json()["results"]
    assert len(result["probabilities"]) == 2
    assert len(Prediction.objects.get().probabilities) == len(model.classes)
    assert max(result["probabilities"].values()) == result["confidence"]


def test_a_file_that_is_refused_keeps_none_of_the_others(
    api: Api, model: ModelVersion, dataset: Dataset
) -> None:
    ImageFactory(dataset=dataset, paper=None, file_name="taken.png", seed=77)
    files = upload(seed=1, name="taken.png"), upload(b"no image", "x.png"), upload(seed=2, name="good.png")
    taken, broken, good = keep(api(), *files).json()["results"]
    assert taken["not_stored"]["code"] == "name_taken"
    assert taken["label"] in model.classes
    assert broken["error"]["code"] == "format_not_allowed"
    assert "image" not in broken
    assert good["image"]["created"] is True
    assert sorted(dataset.images.values_list("file_name", flat=True)) == ["good.png", "taken.png"]


def test_the_same_file_again_is_the_same_image_with_one_prediction(
    api: Api, model: ModelVersion, dataset: Dataset
) -> None:
    first = keep(api(), upload(seed=1)).json()["results"][0]["image"]
    again = keep(api(), upload(seed=1), upload(seed=1)).json()["results"]
    assert [each["image"] for each in again] == [{"id": first["id"], "created": False}] * 2
    assert Prediction.objects.count() == 1
    keep(api(), upload(seed=1), model=str(ModelVersionFactory(answers=True)))
    assert Prediction.objects.filter(image=first["id"]).count() == 2


def test_keeping_needs_the_right_to_add_images_and_a_dataset(
    api: Api, model: ModelVersion, dataset: Dataset
) -> None:
    for role in ("viewer", "annotator"):
        assert_error(keep(api(role), upload()), 403, "permission_denied")
    assert_error(classify(api(), upload(), store="true"), 400, "invalid")
    assert_error(classify(api(), upload(), store="true", dataset="none"), 404, "unknown_dataset")
    assert_error(keep(api(), upload(), paper="../x"), 422, "unsafe_name")
    assert classify(api("viewer"), upload(), store="false", dataset="mine").status_code == 200
    assert not Image.objects.exists()


def test_where_to_keep_may_stand_in_the_query(api: Api, model: ModelVersion, dataset: Dataset) -> None:
    address = f"{API}classify/?store=true&dataset=mine&paper=PMC1"
    response = api().post(address, {"images": [upload(name="a.png")]}, format="multipart")
    assert response.status_code == 200
    assert [str(image) for image in dataset.images.all()] == ["PMC1/a.png"]


def test_what_a_model_is_wrong_about_becomes_a_labelled_image_that_a_second_person_is_asked_about(
    api: Api, model: ModelVersion, dataset: Dataset
) -> None:
    told = tell(api("annotator"), paper="PMC1", note="clearly a histogram").json()
    image = dataset.images.get()
    assert told["image"] == {"id": image.pk, "created": True}
    assert image.label
    assert (image.label.name, image.label_source) == ("FAC", Label.Source.PERSON)
    row = image.labels.get()
    assert row.reason == f"{model} said {told['said']} ({told['confidence']:.2f}): clearly a histogram"
    assert Prediction.objects.get(image=image, version=model).predicted == told["said"]
    assert told["asked"] is True
    asked = QueueItem.objects.get(image=image)
    assert asked.queue.blind
    # Who said so is not asked; another person is, and does not see the label.
    take = f"{API}queues/{asked.queue_id}/take/"
    assert api("annotator").post(take, {"size": 5}, format="json").json()["images"] == []
    assert len(api("curator").post(take, {"size": 5}, format="json").json()["images"]) == 1


def test_what_was_told_is_taken_back_and_nobody_is_asked_any_more(
    api: Api, model: ModelVersion, dataset: Dataset
) -> None:
    told = tell(api("annotator")).json()
    undone = api("annotator").post(f"{API}relabel/{told['batch']}/undo/")
    assert undone.json()["changed"] == 1
    image = dataset.images.get()
    assert (image.label, image.version) == (None, 2)
    queue = QueueItem.objects.get().queue_id
    taken = api("curator").post(f"{API}queues/{queue}/take/", {"size": 5}, format="json").json()
    assert taken["images"] == []
    assert QueueItem.objects.get().outcome == QueueItem.Outcome.ELSEWHERE


def test_a_label_that_stands_already_is_told_and_not_overwritten(
    api: Api, model: ModelVersion, dataset: Dataset
) -> None:
    image = ImageFactory(dataset=dataset, paper=None, file_name="panel.png", data=png(1), label="BlotGel")
    told = tell(api("annotator")).json()
    assert told["image"] == {"id": image.pk, "created": False}
    assert (told["label"], told["batch"], told["asked"]) == ("BlotGel", None, True)
    assert image.labels.count() == 1


def test_telling_needs_the_right_to_label_and_a_class_of_the_dataset(
    api: Api, model: ModelVersion, dataset: Dataset
) -> None:
    assert_error(tell(api("viewer")), 403, "permission_denied")
    assert_error(tell(api("annotator"), label="Cat"), 400, "unknown_label")
    assert_error(tell(api("annotator"), dataset="none"), 404, "unknown_dataset")
    assert_error(tell(api("annotator"), model="none"), 404, "unknown_model")
    assert_error(tell(api("annotator"), file=upload(b"text")), 422, "format_not_allowed")
    assert not Image.objects.exists()
    tell(api("annotator"))
    assert_error(tell(api("annotator"), file=upload(seed=2)), 409, "name_taken")


def test_an_image_that_nobody_worked_on_is_taken_back_with_its_bytes(
    api: Api, model: ModelVersion, dataset: Dataset, django_capture_on_commit_callbacks: Any
) -> None:
    pk = keep(api(), upload(seed=1)).json()["results"][0]["image"]["id"]
    bytes_at = path_of(Image.objects.get(pk=pk).sha256)
    assert bytes_at.exists()
    assert_error(api("annotator").delete(f"{API}images/{pk}/"), 403, "permission_denied")
    with django_capture_on_commit_callbacks(execute=True):
        assert api().delete(f"{API}images/{pk}/").status_code == 204
    assert not bytes_at.exists()
    assert not Prediction.objects.exists()
    assert_error(api().delete(f"{API}images/{pk}/"), 404, "not_found")


def test_an_image_that_somebody_labelled_is_not_taken_back(api: Api, dataset: Dataset) -> None:
    image = ImageFactory(paper=PaperFactory(dataset=dataset), label="FAC")
    PredictionFactory(image=image)
    assert_error(api("admin").delete(f"{API}images/{image.pk}/"), 409, "image_in_use")
    assert Image.objects.filter(pk=image.pk).exists()


def test_bytes_that_another_image_has_stay(
    api: Api, dataset: Dataset, django_capture_on_commit_callbacks: Any
) -> None:
    first, second = (ImageFactory(paper=None, dataset=dataset, data=png(1)) for _ in range(2))
    with django_capture_on_commit_callbacks(execute=True):
        assert api().delete(f"{API}images/{first.pk}/").status_code == 204
    assert path_of(second.sha256).exists()
