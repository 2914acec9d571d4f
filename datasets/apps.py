"""The app's place in Django."""

from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    """Registers the app."""

    name = "datasets"
    default_auto_field = "django.db.models.BigAutoField"
