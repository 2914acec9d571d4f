"""The site: settings, pages that join rooms, the Celery application."""

from biofors_site.celery import app as celery_app

__all__ = ["celery_app"]
