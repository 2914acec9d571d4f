"""The app's place in Django."""

from django.apps import AppConfig


class TrainingJobsConfig(AppConfig):
    """Registers the app."""

    name = "training_jobs"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register what the system check asks."""
        from training_jobs import checks  # noqa: F401
