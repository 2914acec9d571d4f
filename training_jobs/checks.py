"""What Django's system check says of this app's settings."""

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Warning, register

from training_jobs.mirroring import why_not


@register
def check_mirror(**_: Any) -> list[CheckMessage]:
    """Warn where a mirror is asked for and its client is missing."""
    told = why_not() if settings.MLFLOW_TRACKING_URI else ""
    return [Warning(told, id="training_jobs.W001")] if told else []
