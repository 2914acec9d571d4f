"""The process that turns plain arrays into a published network: `python -m ... FOLDER`.

The folder holds `weights.npz`, which the opening process left, and `asked.json`; where there are images to
compare both forms on, `parity.npy`. The published files come to lie in `published`. A line of JSON
tells of them.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from classifier.networks.artefacts import publish_network
from classifier.networks.errors import NetworkError
from classifier.networks.foreign.building import SCALING, Arrays, rebuilt
from classifier.networks.foreign.opening import WEIGHTS
from classifier.networks.foreign.plan import planned
from classifier.networks.foreign.stated import Stated

ASKED = "asked.json"
PARITY = "parity.npy"
PUBLISHED = "published"


def rebuild(folder: Path) -> dict[str, Any]:
    """Build, fill and publish; returns the columns of the version. Raises NetworkError."""
    asked = json.loads((folder / ASKED).read_text(encoding="utf-8"))
    stated, classes = Stated.from_dict(asked["stated"]), list(asked["classes"])
    plan = planned(asked["foreign"], stated, class_count=len(classes))
    network = rebuilt(
        plan,
        _arrays(asked["foreign"], folder / WEIGHTS),
        architecture=stated.architecture,
        class_count=len(classes),
    )
    described = plan.described(stated)
    pixels = np.load(folder / PARITY, allow_pickle=False) if (folder / PARITY).is_file() else None
    artefacts = publish_network(
        network,
        described=described,
        classes=classes,
        geometry=stated.geometry,
        scaling=SCALING[plan.preprocessing],
        directory=folder / PUBLISHED,
        parity_pixels=np.empty((0,), dtype=np.uint8) if pixels is None else pixels,
        notes=asked["notes"],
    )
    return {
        "config": described,
        "input_size": plan.image_size,
        "geometry": stated.geometry,
        "keras_sha256": artefacts.keras_sha256,
        "onnx_sha256": artefacts.onnx_sha256,
        "parity": artefacts.parity,
        "libraries": artefacts.libraries,
    }


def _arrays(foreign: dict[str, Any], path: Path) -> Arrays:
    """Return {layer: {variable: values}} of the arrays that lie numbered in a file."""
    with np.load(path, allow_pickle=False) as file:
        return {
            layer["name"]: {
                variable: file[f"{place}.{number}"] for number, variable in enumerate(layer["variables"])
            }
            for place, layer in enumerate(foreign["layers"])
        }


def main(folder: str) -> None:
    """Rebuild and tell."""
    try:
        told = rebuild(Path(folder))
    except NetworkError as refusal:
        told = {"refused": {"code": refusal.code, "detail": str(refusal)}}
    sys.stdout.write("\n" + json.dumps(told) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
