"""Settings of runs and versions say by `balance` what `oversample` said, and what was always so before."""

from typing import Any

from django.db import migrations

# What runs did that were queued before these were settings. The network of the CNN is another since; versions
# hold their own.
THEN: dict[str, Any] = {
    "layout": "pooled",
    "schedule": "cosine",
    "patience": 0,
    "label_smoothing": 0.05,
    "drawn_papers": 0,
    "views": 1,
    "finetune_epochs": 0,
    "finetune_from": "conv5",
    "finetune_learning_rate": 1e-4,
    "flip_sideways": 0.5,
    "flip_upside_down": 0.25,
    "turn": 8.0,
    "scale": 0.2,
    "stretch": 0.15,
    "shift": 0.08,
    "blur": 0.15,
    "invert": 0.12,
    "grey": 0.12,
    "swap_channels": 0.13,
    "contrast": 0.5,
    "gamma": 0.0,
    "noise": 0.0,
    "stain": 0.2,
    "jpeg": 0.0,
}


def rename(config: dict[str, Any]) -> dict[str, Any]:
    """Return settings in the newer words."""
    old = config.pop("oversample", True)
    return {**THEN, **config, "balance": "oversample" if old else "none"}


def rename_back(config: dict[str, Any]) -> dict[str, Any]:
    """Return settings in the older words."""
    kept = {name: value for name, value in config.items() if name not in {*THEN, "balance"}}
    return {**kept, "oversample": config.get("balance") == "oversample"}


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
