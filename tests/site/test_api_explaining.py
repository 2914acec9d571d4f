"""Why over REST: maps as numbers and as pictures, nearest training images, who may ask, what is kept."""

from collections.abc import Callable
from io import BytesIO

import numpy as np
import pytest
from django.utils import timezone
from PIL import Image as Picture
from rest_framework.test import APIClient

from classifier.aliases import promote
from classifier.models import ModelVersion
from datasets.models import Image, Subset
from datasets.store import path_of
from tests.factories_models import CLASSES, ModelVersionFactory, images_in, labelled_dataset, split_of
from tests.rest import API, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def version() -> ModelVersion:
    """The champion, trained on a small split."""
    split = split_of(labelled_dataset(slug="d"))
    made: ModelVersion = ModelVersionFactory(sees=True, split=split, label_cutoff=timezone.now())
    promote(made, reason="the only one", override=True)
    return made


@pytest.fixture
def image(version: ModelVersion) -> Image:
    """An image of test."""
    found: Image = images_in(version.split, Subset.TEST).first()  # type: ignore[arg-type]
    return found


def test_an_explanation_says_where_and_how_sure(api: Api, image: Image, version: ModelVersion) -> None:
    told = api("viewer").get(f"{API}images/{image.pk}/explanation/").json()
    assert told["model"] == {"id": version.pk, "name": "panels", "version": version.version}
    assert told["class"] == told["predicted"] == max(told["probabilities"], key=told["probabilities"].get)
    assert told["probability"] == told["probabilities"][told["class"]]
    assert (told["method"], told["agreement"], told["label"]) == ("gradcam", None, image.label.name)  # type: ignore[union-attr]
    grid = np.array(told["grid"])
    # The image has 16 by 12 pixels, the network sees 8 by 6 of them.
    assert grid.shape == (6, 8)
    assert (grid.min() >= 0, grid.max()) == (True, 1)


def test_occlusion_says_whether_both_agree(api: Api, image: Image, version: ModelVersion) -> None:
    address = f"{API}images/{image.pk}/explanation/?method=occlusion&class=FAC&model=champion"
    told = api("viewer").get(address).json()
    assert (told["class"], told["method"]) == ("FAC", "occlusion")
    assert told["agreement"]["verdict"] in {"agree", "agree in part", "disagree", "not to be told"}
    assert told["text"].startswith("Occlusion: hiding")
    assert (told["strength"] > 0) == ("by " in told["text"])


def test_the_picture_has_the_proportions_of_the_image_and_is_clear_where_cool(
    api: Api, image: Image, version: ModelVersion
) -> None:
    client = api("viewer")
    address = client.get(f"{API}images/{image.pk}/explanation/").json()["heatmap"]
    response = client.get(address)
    assert response["Content-Type"] == "image/png"
    picture = Picture.open(BytesIO(response.content))
    assert (picture.mode, picture.size) == ("RGBA", (16, 12))
    alpha = np.asarray(picture)[:, :, 3]
    assert alpha.min() < alpha.max() == 255


def test_what_a_client_has_is_not_sent_again(api: Api, image: Image, version: ModelVersion) -> None:
    client = api("viewer")
    for what, query, kept in [
        ("explanation/", "", "private, no-cache"),
        ("explanation/heatmap/", "?model=champion&class=FAC", "private, no-cache"),
        ("explanation/heatmap/", f"?model={version.pk}&class=FAC", "private, max-age=31536000, immutable"),
    ]:
        first = client.get(f"{API}images/{image.pk}/{what}{query}")
        assert (first.status_code, first["Cache-Control"]) == (200, kept)
        again = client.get(f"{API}images/{image.pk}/{what}{query}", HTTP_IF_NONE_MATCH=first["ETag"])
        assert (again.status_code, again.content) == (304, b"")
    other = client.get(f"{API}images/{image.pk}/explanation/?class=FAC", HTTP_IF_NONE_MATCH=first["ETag"])
    assert other.status_code == 200


def test_neighbours_are_told_with_the_label_then_and_now(
    api: Api, image: Image, version: ModelVersion
) -> None:
    response = api("viewer").get(f"{API}images/{image.pk}/neighbours/?k=3")
    assert response.status_code == 200
    told = response.json()
    assert (told["state"], told["copies"], len(told["neighbours"])) == ("ready", 0, 3)
    assert told["prepared"]["done"] == told["prepared"]["total"] == 12
    train = {each.pk: each for each in images_in(version.split, Subset.TRAIN)}  # type: ignore[arg-type]
    for each in told["neighbours"]:
        assert each["label_then"] == each["label_now"] == train[each["image"]].label.name
        assert -1 <= each["similarity"] <= 1
    similarities = [each["similarity"] for each in told["neighbours"]]
    assert similarities == sorted(similarities, reverse=True)


def test_while_they_are_prepared_the_answer_says_how_far(
    api: Api, image: Image, version: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training_jobs import vectors

    monkeypatch.setattr(vectors, "AT_ONCE", 0)
    monkeypatch.setattr("celery.current_app.send_task", lambda *_, **__: None)
    response = api("viewer").get(f"{API}images/{image.pk}/neighbours/")
    assert response.status_code == 202
    told = response.json()
    assert (told["state"], told["prepared"]["done"], told["prepared"]["total"]) == ("preparing", 0, 12)
    job = api("viewer").get(f"{API}inference-jobs/{told['prepared']['job']}/").json()
    assert (job["kind"], job["state"]) == ("vectors", "queued")


@pytest.mark.parametrize("what", ["explanation/", "explanation/heatmap/", "neighbours/"])
def test_who_may_not_see_images_or_models_is_told_nothing(
    api: Api, image: Image, version: ModelVersion, what: str
) -> None:
    assert_error(api("").get(f"{API}images/{image.pk}/{what}"), 401, "not_authenticated")
    from django.contrib.auth.models import Permission

    from tests.factories import UserFactory

    client = APIClient()
    stranger = UserFactory()
    client.force_authenticate(stranger)
    assert_error(client.get(f"{API}images/{image.pk}/{what}"), 403, "permission_denied")
    stranger.user_permissions.add(Permission.objects.get(codename="view_image"))
    client.force_authenticate(type(stranger).objects.get(pk=stranger.pk))
    assert_error(client.get(f"{API}images/{image.pk}/{what}"), 503, "no_model")
    assert_error(client.get(f"{API}images/{image.pk}/{what}?model={version.pk}"), 404, "unknown_model")


@pytest.mark.parametrize(
    ("what", "query", "status", "code"),
    [
        ("explanation/", "class=Cat", 400, "unknown_class"),
        ("explanation/", "method=guess", 400, "bad_method"),
        ("explanation/heatmap/", "model=none@1", 404, "unknown_model"),
        ("neighbours/", "k=0", 400, "bad_count"),
        ("neighbours/", "k=many", 400, "bad_count"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(
    api: Api, image: Image, version: ModelVersion, what: str, query: str, status: int, code: str
) -> None:
    assert_error(api("viewer").get(f"{API}images/{image.pk}/{what}?{query}"), status, code)


def test_files_that_are_gone_are_named(api: Api, image: Image, version: ModelVersion) -> None:
    client = api("viewer")
    elsewhere = ModelVersionFactory(sees=True)
    assert_error(
        client.get(f"{API}images/{image.pk}/neighbours/?model={elsewhere.pk}"), 409, "no_training_set"
    )
    path_of(image.sha256).unlink()
    assert_error(client.get(f"{API}images/{image.pk}/explanation/"), 404, "bytes_missing")
    version.onnx_path.unlink()
    for what in ("explanation/", "neighbours/"):
        assert_error(client.get(f"{API}images/{image.pk}/{what}"), 503, "artefact_missing")


def test_a_relabelled_image_is_told_with_its_label_of_now(
    api: Api, image: Image, version: ModelVersion
) -> None:
    client = api("curator")
    address = f"{API}images/{image.pk}/explanation/"
    first = client.get(address)
    client.put(f"{API}images/{image.pk}/label/", {"label": "Macroscopy", "reason": ""}, HTTP_IF_MATCH='"1"')
    again = client.get(address, HTTP_IF_NONE_MATCH=first["ETag"])
    assert (again.status_code, again.json()["label"]) == (200, "Macroscopy")
    assert set(again.json()["probabilities"]) == set(CLASSES)
