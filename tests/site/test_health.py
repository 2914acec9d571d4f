"""What a load balancer asks."""

import json
from typing import Any

import pytest
from django.db import OperationalError
from django.test import RequestFactory

from biofors_site import health
from biofors_site.health import healthz, readyz


def answer(view: Any) -> tuple[int, dict[str, Any]]:
    """Ask a view; return status and body."""
    response = view(RequestFactory().get("/"))
    return response.status_code, json.loads(response.content)


def test_a_process_says_that_it_lives_without_asking_the_database() -> None:
    assert answer(healthz) == (200, {"status": "alive"})


@pytest.mark.django_db
def test_an_installation_without_a_model_is_ready() -> None:
    assert answer(readyz) == (
        200,
        {"status": "ready", "database": "ready", "queue": "ready", "model": None},
    )


@pytest.mark.django_db
def test_an_installation_whose_queue_is_gone_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*args: object, **options: object) -> None:
        raise ConnectionError("refused")

    monkeypatch.setattr(health.app, "connection_for_write", gone)
    status, body = answer(readyz)
    assert (status, body["status"], body["queue"]) == (503, "not ready", "unreachable")


@pytest.mark.django_db
def test_an_installation_whose_database_is_gone_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone() -> None:
        raise OperationalError("refused")

    monkeypatch.setattr(health.connection, "ensure_connection", gone)
    status, body = answer(readyz)
    assert (status, body["status"], body["database"]) == (503, "not ready", "unreachable")
