"""Who may do what over REST, and how errors look whoever asks."""

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from rest_framework.authtoken.models import Token
from rest_framework.test import APIClient

from datasets.models import Image, LabelBatch, Queue, SavedView
from tests.factories import ImageFactory
from tests.factories_models import (
    ImportJobFactory,
    InferenceJobFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    labelled_dataset,
    split_of,
)
from tests.rest import API, ROLES, api, assert_error

__all__ = ["api"]

pytestmark = pytest.mark.django_db
Api = Callable[..., APIClient]

READS = (
    "datasets/",
    "datasets/d/",
    "images/",
    "images/{image}/",
    "images/{image}/file/",
    "images/{image}/thumbnail/",
    "images/{image}/labels/",
    "splits/",
    "splits/{split}/",
    "training-runs/",
    "training-runs/{run}/",
    "models/",
    "models/{model}/",
    "models/{model}/download/?format=onnx",
    "models/{model}/gates/",
    "models/{model}/card/",
    "aliases/",
    "export-jobs/",
    "evaluations/",
    "inference-jobs/",
    "inference-jobs/{job}/",
    "inference-jobs/{job}/results.csv",
    "inference-jobs/{job}/results.jsonl",
    "imports/",
    "imports/{import}/",
    "exports/d/",
    "compare/",
    "images/facets/",
    "views/",
    "queues/",
    "queues/{queue}/",
    "queues/{queue}/audit/",
    "second-opinions/?dataset=d",
)
# The least role that may do it; each request fails for another reason once it is allowed, or does no harm.
WRITES = (
    ("post", "datasets/", "curator"),
    ("patch", "datasets/d/", "curator"),
    ("post", "images/", "curator"),
    ("put", "images/{image}/label/", "annotator"),
    ("post", "relabel/", "annotator"),
    ("post", "accept/", "annotator"),
    ("post", "relabel/{batch}/undo/", "annotator"),
    ("post", "relabel/{batch}/redo/", "annotator"),
    ("post", "splits/", "curator"),
    ("post", "training-runs/", "curator"),
    ("patch", "training-runs/{run}/", "curator"),
    ("post", "training-runs/{run}/cancel/", "curator"),
    ("post", "training-runs/{run}/retry/", "curator"),
    ("post", "models/{model}/promote/", "curator"),
    ("patch", "models/{model}/", "curator"),
    ("delete", "models/{model}/", "curator"),
    ("post", "models/{model}/exports/", "curator"),
    ("post", "aliases/champion/rollback/", "curator"),
    ("post", "models/{model}/calibrate/", "curator"),
    ("put", "models/{model}/threshold/", "curator"),
    ("post", "models/{model}/priors/", "viewer"),
    ("post", "evaluations/", "curator"),
    ("post", "classify/", "viewer"),
    ("post", "feedback/", "annotator"),
    ("delete", "images/{image}/", "curator"),
    ("post", "inference-jobs/", "curator"),
    ("post", "inference-jobs/{job}/cancel/", "curator"),
    ("post", "inference-jobs/{job}/retry/", "curator"),
    ("post", "imports/", "curator"),
    ("post", "views/", "viewer"),
    ("post", "queues/", "curator"),
    ("patch", "queues/{queue}/", "curator"),
    ("post", "queues/{queue}/take/", "annotator"),
    ("post", "queues/{queue}/hold/", "annotator"),
    ("post", "queues/{queue}/release/", "annotator"),
    ("post", "queues/{queue}/decide/", "annotator"),
    ("post", "second-opinions/", "annotator"),
)


@pytest.fixture
def rows() -> dict[str, int]:
    """One row of each kind, by the names that routes use."""
    split = split_of(labelled_dataset(slug="d"))
    image = Image.objects.first()
    assert image
    return {
        "image": image.pk,
        "split": split.pk,
        "batch": LabelBatch.objects.create(dataset=image.dataset, kind="import").pk,
        "queue": Queue.objects.create(dataset=image.dataset, kind="audit", name="q").pk,
        "run": TrainingRunFactory(split=split).pk,
        "model": ModelVersionFactory().pk,
        "job": InferenceJobFactory(dataset=split.dataset).pk,
        "import": ImportJobFactory().pk,
        "view": SavedView.objects.create(
            dataset=split.dataset,
            owner=get_user_model().objects.create(username="owner"),
            name="v",
            shared=True,
        ).pk,
    }


def ask(client: APIClient, method: str, route: str, rows: dict[str, int]) -> Any:
    with patch("celery.current_app.send_task"):
        address = API + route.format(**rows)
        if method == "get":
            return client.get(address)
        form = "multipart" if route in {"images/", "classify/", "feedback/", "imports/"} else "json"
        return getattr(client, method)(address, {}, format=form)


@pytest.mark.parametrize("route", READS)
def test_every_role_reads(api: Api, rows: dict[str, int], route: str) -> None:
    assert_error(ask(api(""), "get", route, rows), 401, "not_authenticated")
    for role in ROLES:
        response = ask(api(role), "get", route, rows)
        assert response.status_code == (400 if route == "compare/" else 200), (role, response.content)


@pytest.mark.parametrize("route", READS)
def test_a_person_without_a_role_reads_nothing(rows: dict[str, int], route: str) -> None:
    client = APIClient()
    client.force_authenticate(get_user_model().objects.create(username="nobody"))
    assert_error(ask(client, "get", route, rows), 403, "permission_denied")


@pytest.mark.parametrize(("method", "route", "least"), WRITES)
def test_a_role_writes_what_it_may(
    api: Api, rows: dict[str, int], method: str, route: str, least: str
) -> None:
    assert_error(ask(api(""), method, route, rows), 401, "not_authenticated")
    for role in ROLES:
        response = ask(api(role), method, route, rows)
        if ROLES.index(role) < ROLES.index(least):
            assert_error(response, 403, "permission_denied")
        else:
            assert response.status_code not in {401, 403, 404, 405, 500}, (role, response.content)


@pytest.mark.parametrize("what", ["take", "hold", "release", "decide"])
def test_opinions_that_differ_are_not_there_for_annotators(api: Api, rows: dict[str, int], what: str) -> None:
    settle = Queue.objects.create(dataset=Image.objects.all()[0].dataset, kind="settle", name="s").pk
    assert_error(ask(api("annotator"), "post", f"queues/{settle}/{what}/", rows), 404, "not_found")
    assert ask(api("curator"), "post", f"queues/{settle}/{what}/", rows).status_code in {200, 400}


def test_a_route_that_nobody_gave_permissions_is_refused(api: Api, rows: dict[str, int]) -> None:
    from biofors_site.api.views import PredictedImageViewSet

    with patch.object(PredictedImageViewSet, "required_permissions", {}):
        assert_error(ask(api("admin"), "post", "images/", rows), 403, "permission_denied")


def test_a_wrong_token_or_a_user_put_off_is_401(api: Api, user_in_role: Callable[[str], User]) -> None:
    client = APIClient()
    for given in ("Token nonsense", "Token", "Token a b"):
        client.credentials(HTTP_AUTHORIZATION=given)
        response = client.get(f"{API}images/")
        assert_error(response, 401, "authentication_failed")
        assert response["WWW-Authenticate"] == "Token"
    client = api("viewer")
    get_user_model().objects.filter(username="viewer").update(is_active=False)
    assert_error(client.get(f"{API}images/"), 401, "authentication_failed")
    assert Token.objects.count() == 1


def test_a_browser_session_writes_with_its_csrf_token_only(user_in_role: Callable[[str], User]) -> None:
    image = ImageFactory()
    client = Client(enforce_csrf_checks=True)
    client.force_login(user_in_role("annotator"))
    asked: dict[str, Any] = {
        "path": f"{API}images/{image.pk}/label/",
        "data": {"label": "FAC"},
        "content_type": "application/json",
    }
    refused = client.put(**asked, headers={"If-Match": '"0"'})
    assert_error(refused, 403, "permission_denied")
    assert "CSRF" in refused.json()["detail"]
    token = "a" * 32
    client.cookies["csrftoken"] = token
    done = client.put(**asked, headers={"If-Match": '"0"', "X-CSRFToken": token})
    assert done.status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "/api/",
        "/api/v1/",
        "/api/v1/nothing/",
        "/api/v1/images",
        "/api/v1/images/x/",
        "/api/v2/images/",
        "/api/%00",
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_an_unknown_address_is_json(api: Api, path: str, method: str) -> None:
    assert_error(getattr(api("admin"), method)(path), 404, "not_found")
    assert_error(getattr(api(""), method)(path), 404, "not_found")


def test_a_method_that_a_route_lacks_is_405(api: Api, rows: dict[str, int]) -> None:
    for method, route in [
        ("patch", "images/{image}/"),
        ("put", "images/"),
        ("get", "relabel/"),
        ("get", "classify/"),
        ("post", "compare/"),
        ("patch", "splits/{split}/"),
    ]:
        response = ask(api("viewer"), method, route, rows)
        assert_error(response, 405, "method_not_allowed")


def test_what_nobody_foresaw_tells_nothing_of_the_server(api: Api, caplog: Any) -> None:
    with patch("datasets.api.views.counts_of", side_effect=RuntimeError("/srv/place/secret")):
        response = api().get(f"{API}datasets/d/") if ImageFactory(paper__dataset__slug="d") else None
    assert_error(response, 500, "server_error")
    assert b"secret" not in response.content  # type: ignore[union-attr]
    assert "secret" in caplog.text


def test_the_description_of_the_api_is_complete(api: Api, tmp_path: Any) -> None:
    written = tmp_path / "schema.yml"
    call_command("spectacular", "--validate", "--fail-on-warn", file=str(written))
    text = written.read_text()
    for route in ("images/{id}/label/", "relabel/{id}/undo/", "classify/", "inference-jobs/{id}/results.csv"):
        assert f"/api/v1/{route}" in text
    assert api("viewer").get("/api/schema/").status_code == 200
    assert api("").get("/api/schema/").status_code == 401


@pytest.mark.parametrize(
    ("route", "body"),
    [
        ("training-runs/", '{"split": "d/s", "architecture": "cnn", "config": {"\\ud800": 1}}'),
        ("relabel/", '{"filter": {"\\ud800": "x"}, "as_of": "2026-01-01T00:00:00Z", "label": null}'),
        ("relabel/", '{"images": [{"id": 1, "version": 0}], "label": "\\ud800\\u0000"}'),
        ("relabel/", "[" * 100_000),
        ("splits/", '{"dataset": "d", "name": "\\ud800", "ratios": "\\ud800"}'),
        ("splits/", '{"dataset": "d", "name": "n", "ratios": [1e999, NaN, 1]}'),
        ("datasets/", b"\xff\xfe"),
        ("datasets/", "null"),
        ("datasets/", ""),
    ],
)
def test_hostile_json_is_refused(api: Api, rows: dict[str, int], route: str, body: Any) -> None:
    response = api("admin").post(f"{API}{route}", body, content_type="application/json")
    assert response.status_code == 400, response.content
    assert_error(response, 400, response.json()["code"])


def test_a_head_request_is_a_read(api: Api, rows: dict[str, int]) -> None:
    for route in ("images/", "images/{image}/", "images/{image}/file/", "exports/d/", "datasets/d/"):
        assert api("viewer").head(API + route.format(**rows)).status_code == 200
        assert api("").head(API + route.format(**rows)).status_code == 401


def test_a_broken_cursor_or_a_large_number_is_no_server_error(api: Api, rows: dict[str, int]) -> None:
    client = api("viewer")
    for query in ("cursor=%ff%00", "page_size=" + "9" * 400, "page_size=٣", "ordering=id&ordering=-id"):
        for route in ("images/", "splits/", "models/", "training-runs/", "evaluations/", "imports/"):
            assert client.get(f"{API}{route}?{query}").status_code in {200, 400}
    for route in (
        "images/999999999999999999/",
        "splits/99999999999999999999999/",
        "models/?split=1e400",
        "compare/?models=%00&split=%00",
    ):
        assert client.get(API + route).status_code in {400, 404}
