"""Named recipes: settings that go together, and how the split they were meant for is cut."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_NO_VARIATION = {
    "blur": 0.0,
    "invert": 0.0,
    "grey": 0.0,
    "swap_channels": 0.0,
    "contrast": 0.0,
    "gamma": 0.0,
    "noise": 0.0,
    "stain": 0.0,
    "jpeg": 0.0,
}


@dataclass(frozen=True)
class Recipe:
    """Settings of an architecture that differ from its defaults; `ratios` train:val:test of its split."""

    name: str
    architecture: str
    ratios: str
    tells: str
    settings: Mapping[str, Any]


# What the scripts leave open is our choice: docs/recipes.md lists each value.
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "patient-cnn",
            "cnn",
            "65:15:20",
            "The default CNN for a few thousand images at most: among more drawn panels, and for longer.",
            {"epochs": 70, "drawn_papers": 100},
        ),
        Recipe(
            "seed-resnet50",
            "resnet50",
            "65:15:20",
            "As the older scripts do it: a new head on a frozen ResNet50, varied images, the epoch with the "
            "best validation accuracy.",
            {
                **_NO_VARIATION,
                "geometry": "stretch",
                "schedule": "constant",
                "learning_rate": 1e-3,
                "epochs": 10,
                "balance": "none",
                "label_smoothing": 0.0,
                "dropout": 0.5,
                "l2": 0.0,
                "views": 4,
                "flip_upside_down": 0.0,
                "turn": 20.0,
                "shift": 0.2,
                "best_by": "val_accuracy",
            },
        ),
        Recipe(
            "seed-cnn",
            "cnn",
            "70:15:15",
            "As the older scripts do it: a plain CNN from scratch, small classes oversampled, an L2 penalty "
            "on its dense layer.",
            {
                "layout": "plain",
                "geometry": "stretch",
                "image_size": 128,
                "schedule": "constant",
                "learning_rate": 1e-3,
                "epochs": 20,
                "balance": "oversample",
                "label_smoothing": 0.0,
                "dropout": 0.0,
                "l2": 1e-2,
                "augment": False,
                "drawn_papers": 0,
                "best_by": "val_accuracy",
            },
        ),
    )
}
