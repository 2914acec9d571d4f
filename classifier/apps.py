"""The app's place in Django."""

from django.apps import AppConfig


class ClassifierConfig(AppConfig):
    """Registers the app."""

    name = "classifier"
    default_auto_field = "django.db.models.BigAutoField"
