"""What the API's description promises is what its answers hold."""

from collections.abc import Callable
from typing import Any

import jsonschema
import pytest
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from classifier.aliases import promote
from classifier.evaluation import evaluate
from datasets.models import Image, SavedView
from datasets.queues.making import make_queue
from tests.factories import UserFactory
from tests.factories_models import (
    ImportJobFactory,
    InferenceJobFactory,
    ModelImportFactory,
    ModelVersionFactory,
    TrainingRunFactory,
    labelled_dataset,
    predict_all,
    split_of,
)
from tests.rest import API, api
from training_jobs.models import ExportJob
from training_jobs.sweeping import queue_sweep

__all__ = ["api"]

pytestmark = pytest.mark.django_db


@pytest.fixture
def ids() -> dict[str, Any]:
    """The id of one row of each kind, by the first part of its route."""
    split = split_of(labelled_dataset(slug="d"))
    version = ModelVersionFactory(split=split, sees=True, label_cutoff=timezone.now())
    predict_all(version, Image.objects.filter(dataset=split.dataset), wrong=2)
    evaluation = evaluate(version, split=split, subset="test")
    promote(version, reason="the only one")
    image = Image.objects.first()
    assert image
    return {
        "datasets": "d",
        "images": image.pk,
        "splits": split.pk,
        "models": version.pk,
        "evaluations": evaluation.pk,
        "training-runs": TrainingRunFactory(split=split).pk,
        "sweeps": queue_sweep(split, architecture="cnn", number=2).pk,
        "export-jobs": ExportJob.objects.create(version=version).pk,
        "inference-jobs": InferenceJobFactory(dataset=split.dataset, version=version).pk,
        "views": SavedView.objects.create(
            dataset=split.dataset,
            owner=UserFactory(),
            name="doubts",
            query={"state": "unlabelled"},
            shared=True,
        ).pk,
        "imports": ImportJobFactory(result={"created": 1}).pk,
        "model-imports": ModelImportFactory().pk,
        "queues": make_queue(
            split.dataset, kind="audit", name="q", images=[(image.pk, None)], population=1, author=None
        ).pk,
        "second-opinions": 0,
    }


def as_json_schema(described: Any) -> Any:
    """Turn OpenAPI 3.0's way of saying null into JSON Schema's."""
    if isinstance(described, list):
        return [as_json_schema(each) for each in described]
    if not isinstance(described, dict):
        return described
    changed = {key: as_json_schema(value) for key, value in described.items() if key != "nullable"}
    return {"anyOf": [changed, {"type": "null"}]} if described.get("nullable") is True else changed


def test_answers_hold_what_the_description_promises(
    api: Callable[..., APIClient], ids: dict[str, Any]
) -> None:
    described = as_json_schema(SchemaGenerator().get_schema(request=None, public=True))
    client = api("viewer")
    asked = 0
    for path, methods in described["paths"].items():
        content = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema")
        if schema is None or path.startswith((f"{API}compare", f"{API}exports")):
            continue
        address = path.replace("{slug}", "d").replace("{alias}", "champion")
        address = address.replace("{id}", str(ids.get(path.split("/")[3])))
        given = {"images": {"model": "champion"}, "second-opinions": {"dataset": "d"}}
        response = client.get(address, given.get(path.split("/")[3], {}))
        assert response.status_code == 200, (address, response.content)
        jsonschema.validate(response.json(), {**schema, "components": described["components"]})
        if "results" in response.json():
            assert response.json()["results"], address
        asked += 1
    assert asked >= 19
