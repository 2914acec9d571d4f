"""Whether the site lives, and whether it can do its work."""

import logging

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from biofors_site.celery import app
from classifier.models import Alias
from classifier.models.registry import CHAMPION

logger = logging.getLogger(__name__)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Say that this process answers."""
    return JsonResponse({"status": "alive"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Say whether database and queue can be used, and which model answers; 503 where they cannot."""
    model: str | None = None
    try:
        connection.ensure_connection()
        alias = Alias.objects.filter(name=CHAMPION).select_related("version").first()
        model = f"{alias.version.name}@{alias.version.version}" if alias else None
        database = True
    except DatabaseError:
        logger.exception("The database cannot be used")
        database = False
    queue = _queue_answers()
    ready = database and queue
    return JsonResponse(
        {
            "status": "ready" if ready else "not ready",
            "database": "ready" if database else "unreachable",
            "queue": "ready" if queue else "unreachable",
            "model": model,
        },
        status=200 if ready else 503,
    )


def _queue_answers() -> bool:
    """Return whether a message could be sent now."""
    options = {**settings.CELERY_BROKER_TRANSPORT_OPTIONS, "socket_connect_timeout": 2, "socket_timeout": 2}
    try:
        with app.connection_for_write(connect_timeout=2, transport_options=options) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=3)
            broker.default_channel.queue_declare("inference", passive=False)
    except Exception:  # each transport has errors of its own
        logger.exception("The queue cannot be reached")
        return False
    return True
