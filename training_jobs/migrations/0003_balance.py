"""Settings of runs and versions say by `balance` what `oversample` said."""

from typing import Any

from django.db import migrations


def rename(config: dict[str, Any]) -> dict[str, Any]:
    """Return settings in the newer words."""
    old = config.pop("oversample", None)
    return config if old is None else {**config, "balance": "oversample" if old else "none"}


def rename_back(config: dict[str, Any]) -> dict[str, Any]:
    """Return settings in the older words."""
    new = config.pop("balance", None)
    return config if new is None else {**config, "oversample": new == "oversample"}


def _change(how: Any) -> Any:
    def change(apps: Any, schema_editor: Any) -> None:
        for model in (apps.get_model("training_jobs", "TrainingRun"), apps.get_model("classifier", "ModelVersion")):
            for row in model._default_manager.only("pk", "config").iterator():
                row.config = how(dict(row.config))
                row.save(update_fields=["config"])

    return change


class Migration(migrations.Migration):
    dependencies = (
        ("training_jobs", "0002_devices_and_priority"),
        ("classifier", "0002_prediction_uncertainty"),
    )

    operations = (migrations.RunPython(_change(rename), _change(rename_back)),)
