"""The Celery application; messages only wake workers, the job rows are the truth."""

import os

from celery import Celery
from celery.signals import worker_ready, worker_shutting_down

from training_jobs import endings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "biofors_site.settings")

app = Celery("biofors")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.update(
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_ignore_result=True,
    worker_prefetch_multiplier=1,
    task_default_queue="inference",
    task_publish_retry=False,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    task_serializer="json",
    accept_content=["json"],
)
app.autodiscover_tasks()


@worker_shutting_down.connect
def _tell_children(**_: object) -> None:
    """Let the jobs at work be given back: Celery itself would wait until they have ended."""
    endings.tell_all()


@worker_ready.connect
def _watch(**_: object) -> None:
    """Notice where this worker stops consuming without saying so."""
    from training_jobs.watching import start_watch

    start_watch(tuple(app.amqp.queues.consume_from))
