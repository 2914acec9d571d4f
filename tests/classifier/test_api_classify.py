"""Classification over REST: what is sent, what is answered, and what is said where it is too much."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from django.core.cache import cache
from rest_framework.test import APIClient

from biofors_site.rates import read_rate
from classifier.admission import Admission
from classifier.models import ModelVersion
from classifier.serving.cache import forget_engines
from datasets.models import Image
from tests.factories import png
from tests.factories_models import ModelVersionFactory
from tests.rest import API, AWKWARD, api, assert_error, upload

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]


@pytest.fixture
def model() -> ModelVersion:
    """A version that answers."""
    forget_engines()
    return ModelVersionFactory(answers=True)


def classify(client: APIClient, *files: Any, **fields: Any) -> Any:
    return client.post(f"{API}classify/", {"images": list(files), **fields}, format="multipart")


def test_files_are_classified_in_their_order(api: Api, model: ModelVersion) -> None:
    response = classify(
        api("viewer"), upload(seed=1, name="a.png"), upload(b"", "b.png"), upload(name="c.png")
    )
    assert response.status_code == 200
    body = response.json()
    assert body["model"] == {
        "id": model.pk,
        "name": model.name,
        "version": model.version,
        "sha256": model.onnx_sha256,
    }
    first, second, third = body["results"]
    assert (first["file"], second["file"], third["file"]) == ("a.png", "b.png", "c.png")
    assert first["label"] == max(first["probabilities"], key=first["probabilities"].get)
    assert set(first["probabilities"]) == set(model.classes)
    assert np.isclose(sum(first["probabilities"].values()), 1)
    assert first["abstained"] is False
    assert body["engine"]["precision"] in {"float32", "int8"}
    assert list(body["timing"]) == ["waiting", "decoding", "inference", "total"]
    assert body["timing"]["total"] >= body["timing"]["decoding"] + body["timing"]["inference"] > 0
    assert second["error"]["code"] == "empty"
    assert set(second) == {"file", "error"}


def test_only_the_most_probable_classes_are_shown_if_wanted(api: Api, model: ModelVersion) -> None:
    body = classify(api("viewer"), upload(), top=2, model=str(model)).json()
    assert len(body["results"][0]["probabilities"]) == 2
    assert_error(classify(api("viewer"), upload(), top=0), 400, "invalid")


@pytest.mark.parametrize("kind", AWKWARD)
def test_a_file_that_is_no_image_is_told_by_its_code(api: Api, model: ModelVersion, kind: str) -> None:
    data, code = AWKWARD[kind]
    response = classify(api("viewer"), upload(data, f"{kind}.png"))
    assert response.status_code == 422
    assert response.json()["results"][0]["error"]["code"] == code


def test_what_cannot_be_classified_at_all_says_why(api: Api, model: ModelVersion) -> None:
    client = api("viewer")
    assert_error(classify(client), 400, "no_files")
    assert_error(client.post(f"{API}classify/", {"images": "text"}, format="multipart"), 400, "no_files")
    assert_error(classify(client, *(upload(seed=n) for n in range(33))), 413, "too_many_files")
    assert_error(classify(client, *(upload(b"x") for _ in range(101))), 413, "too_many_files")
    assert_error(classify(client, upload(), model="none"), 404, "unknown_model")
    assert_error(client.post(f"{API}classify/", {"images": []}, format="json"), 415, "unsupported_media_type")
    model.onnx_path.unlink()
    assert_error(classify(client, upload()), 503, "artefact_missing")


def test_without_any_model_nothing_is_classified(api: Api) -> None:
    assert_error(classify(api("viewer"), upload()), 503, "no_model")


def test_a_classified_file_leaves_nothing_behind(api: Api, model: ModelVersion, data_dir: Any) -> None:
    assert classify(api("viewer"), upload(png(5))).status_code == 200
    assert not Image.objects.exists()
    assert not (data_dir / "images").exists()


def classify_body(client: APIClient, data: bytes, *, query: str = "", kind: str = "image/png") -> Any:
    return client.generic("POST", f"{API}classify/{query}", data, content_type=kind)


@pytest.mark.parametrize("kind", ["image/png", "image/jpeg", "image/tiff", "application/octet-stream"])
def test_an_image_may_be_the_body_itself(api: Api, model: ModelVersion, kind: str) -> None:
    client = api("viewer")
    response = classify_body(client, png(3), query=f"?model={model}&top=2&filename=fig 1.png", kind=kind)
    assert response.status_code == 200
    body = response.json()
    sent = classify(client, upload(seed=3, name="fig 1.png"), top=2).json()
    assert (body["model"], body["results"]) == (sent["model"], sent["results"])
    assert len(body["results"]) == 1


def test_a_body_that_is_no_image_is_told_by_its_code(api: Api, model: ModelVersion) -> None:
    client = api("viewer")
    response = classify_body(client, b"GIF89a...")
    assert (response.status_code, response.json()["results"][0]["file"]) == (422, "image")
    assert response.json()["results"][0]["error"]["code"] == "format_not_allowed"
    assert_error(classify_body(client, png(), query="?top=x"), 400, "invalid")
    assert_error(classify_body(client, png(), query="?model=none"), 404, "unknown_model")
    assert_error(classify_body(client, png(), kind="text/plain"), 415, "unsupported_media_type")
    assert_error(classify_body(client, b""), 400, "no_files")
    chunked = client.post(f"{API}classify/", content_type="image/png", HTTP_TRANSFER_ENCODING="chunked")
    assert_error(chunked, 411, "length_required")


def test_beyond_the_line_it_says_at_once_when_to_come_again(
    api: Api, model: ModelVersion, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = Admission(at_work=1, waiting=0, patience=60)
    monkeypatch.setattr("classifier.classifying.get_admission", lambda: full)
    monkeypatch.setattr("classifier.api.classify.get_admission", lambda: full)
    client = api("viewer")
    with full.place():
        response = classify(client, upload())
        assert_error(response, 503, "busy")
        assert int(response["Retry-After"]) >= 1
        assert client.get(f"{API}models/").status_code == 200
    assert classify(client, upload()).status_code == 200


def test_a_user_beyond_the_rate_waits_and_others_do_not(api: Api, model: ModelVersion, settings: Any) -> None:
    cache.clear()
    settings.CLASSIFY_RATE = read_rate("3/day", name="RATE")
    client = api("viewer")
    assert classify(client, upload(seed=1), upload(seed=2)).status_code == 200
    assert classify_body(client, png(1)).status_code == 200
    response = classify(client, upload())
    assert_error(response, 429, "throttled")
    assert 1 <= int(response["Retry-After"]) <= 86_400
    assert classify(api("curator"), upload()).status_code == 200
    settings.CLASSIFY_RATE = None
    assert classify(client, upload()).status_code == 200


def test_a_second_request_in_the_same_moment_asks_the_database_nothing(
    api: Api, model: ModelVersion, settings: Any, django_assert_num_queries: Any
) -> None:
    settings.CLASSIFY_REMEMBER_SECONDS = 60.0
    client = api("viewer")
    first = classify_body(client, png(1)).json()
    with django_assert_num_queries(0):
        second = classify_body(client, png(1)).json()
    assert second["results"] == first["results"]
