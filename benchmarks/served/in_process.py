"""Batch 1 without a web: the product's engines and Keras' `predict`, each in fresh processes, in turn."""

import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.served.engines import facts_of, quantised_ungated
from benchmarks.served.recipe import Served
from benchmarks.served.servers import FLOAT32, INT8, PRECISIONS

KERAS, UNGATED = "Keras predict", "INT8, ungated"


def measure(made: Served, files: Sequence[Path], *, rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Return by network the medians of rate, seconds to the first answer, and memory."""
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in networks(made, files[0])}
    for turn in range(rounds):
        for name, each in told.items():
            each.append(one_process(made, name, files[turn % len(files)], seconds=seconds))
    return {name: {**each[0], **middle(each)} for name, each in told.items()}


def networks(made: Served, file: Path) -> list[str]:
    """Return what is measured: INT8 where it is offered, else without its gate where that can be made."""
    from classifier.models import ModelVersion

    version = ModelVersion.objects.get(pk=made.resnet)
    facts = facts_of(version)
    path_of(made, KERAS).write_text(json.dumps(facts))
    if one_process(made, INT8, file, seconds=0)["precision"] == "int8":
        return [KERAS, INT8, FLOAT32]
    quantised = quantised_ungated(version, made.installation.folder / "ungated")
    if quantised is None:
        print(
            "in process: INT8 is not offered, and there is no file of it to time without its gate", flush=True
        )
        return [KERAS, FLOAT32]
    print("in process: INT8 is not offered; it is timed without its gate", flush=True)
    path_of(made, UNGATED).write_text(json.dumps({**facts, "ungated": str(quantised)}))
    return [KERAS, UNGATED, FLOAT32]


def path_of(made: Served, name: str) -> Path:
    """Return where a fresh process finds what it needs to load a network."""
    return made.installation.folder / ("facts-ungated.json" if name == UNGATED else "facts.json")


def one_process(made: Served, name: str, file: Path, *, seconds: float) -> dict[str, Any]:
    """Return what a fresh process measured of a network."""
    words = ["--facts", path_of(made, name), "--image", file, "--seconds", seconds]
    kind = "keras" if name == KERAS else "engine"
    born = time.monotonic()
    extra = PRECISIONS.get(name, {})
    return made.installation.ask("benchmarks.served.alone", kind, *words, "--born", born, **extra)


def middle(rounds: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the medians of what was measured in several processes."""
    return {
        name: statistics.median(each[name] for each in rounds)
        for name in ("first", "mib", "rate", "peak_mib")
    }


def tell(measured: dict[str, dict[str, Any]]) -> None:
    """Print the table."""
    print(f"\n{'in process':18}{'a second':>10}{'times':>8}{'first s':>10}{'share':>8}{'MiB':>8}{'share':>8}")
    base = measured[KERAS]
    for name, one in measured.items():
        print(
            f"{name:18}{one['rate']:10.1f}{one['rate'] / base['rate']:8.1f}{one['first']:10.2f}"
            f"{one['first'] / base['first']:8.3f}{one['mib']:8.0f}{one['mib'] / base['mib']:8.2f}"
            f"  {one.get('runtime', '')} {one.get('precision', '')}"
        )


def verdicts(measured: dict[str, dict[str, Any]]) -> dict[str, bool]:
    """Return which goals hold: 12 times `predict` with INT8, 3 with float32; an eighth of the start, 0.35."""
    base = measured[KERAS]
    goals = {INT8: 12.0, FLOAT32: 3.0}
    found = {
        f"in process, {name}": measured[name]["rate"] >= goal * base["rate"]
        for name, goal in goals.items()
        if name in measured
    }
    for name in goals:
        if name in measured:
            found[f"first answer, {name}"] = measured[name]["first"] <= base["first"] / 8
            found[f"memory, {name}"] = measured[name]["mib"] <= 0.35 * base["mib"]
    return found
