"""The versions that are served: a ResNet50 from scratch on the drawn sample, and a tiny CNN beside it."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.served.installation import ROOT, Installation, settings_of

DATASET = "sample"
SPLIT = "papers"
RATIOS = "65:15:20"


@dataclass(frozen=True)
class Recipe:
    """How the ResNet50 is made: of how many drawn papers, with which settings of a run.

    Its input is 224 pixels from the first step to the last answer. Nothing is varied and no label smoothed:
    in so few steps it is to learn the drawn styles well and to be sure of them, as a served version is;
    an engine of INT8 that blurs what it learnt would show. `batch_size` is small for more steps: the
    moving averages of batch normalisation need some hundreds of them.
    """

    papers: int = 60
    seed: int = 0
    settings: dict[str, Any] = field(
        default_factory=lambda: {
            "epochs": 5,
            "batch_size": 8,
            "learning_rate": 5e-4,
            "augment": "false",
            "balance": "none",
            "label_smoothing": 0.0,
            "l2": 0.0,
        }
    )

    @property
    def key(self) -> str:
        """What tells it from other recipes."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:8]


FULL = Recipe()
# For a look at whether all parts work: it has learnt next to nothing.
QUICK = Recipe(papers=6, settings={**FULL.settings, "epochs": 1})
TINY = {"layout": "pooled", "image_size": 32, "epochs": 1, "drawn_papers": 0}


@dataclass(frozen=True)
class Served:
    """The installation, its ResNet50 and its tiny CNN by id, and the folder of its sample."""

    installation: Installation
    resnet: int
    tiny: int
    sample: Path


def prepare(recipe: Recipe) -> Served:
    """Make the installation with both versions, or find it made; the ResNet50 is champion."""
    installation = Installation(ROOT / "var" / "benchmark-serving" / recipe.key)
    installation.open()
    sample = installation.imported_sample(DATASET, papers=recipe.papers, seed=recipe.seed)
    installation.once(
        "split", lambda: installation.told("make_split", DATASET, "--name", SPLIT, "--ratios", RATIOS)
    )
    versions = [
        installation.trained(f"{DATASET}/{SPLIT}", name=name, settings=["--architecture", name, *settings])
        for name, settings in (
            ("cnn", settings_of(TINY)),
            ("resnet50", settings_of(recipe.settings)),
        )
    ]
    tiny, resnet = (int(each["model"]["id"]) for each in versions)
    make_champion(resnet, reason="It is measured")
    tell_scores(versions[1])
    return Served(installation, resnet=resnet, tiny=tiny, sample=Path(sample["folder"]))


def make_champion(version: int, *, reason: str) -> None:
    """Let a version answer, whatever its gates say; nothing where it does already."""
    from classifier.aliases import promote
    from classifier.models import Alias, ModelVersion

    if not Alias.objects.filter(name="champion", version=version).exists():
        promote(ModelVersion.objects.get(pk=version), alias="champion", reason=reason, override=True)


def tell_scores(trained: dict[str, Any]) -> None:
    """Say how well the ResNet50 does on the test papers."""
    scores = trained["evaluation"]
    if scores:
        print(f"ResNet50 from scratch on the drawn sample: test macro-F1 {scores['macro_f1']:.3f}")
