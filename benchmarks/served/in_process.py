"""Batch 1 without a web: the product's engines and Keras' `predict`, each in fresh processes, in turn."""

import json
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.served.engines import facts_of
from benchmarks.served.recipe import Served
from benchmarks.served.servers import FLOAT32, INT8, PRECISIONS

KERAS = "Keras predict"


def measure(
    made: Served, files: Sequence[Path], *, precisions: Sequence[str], rounds: int, seconds: float
) -> dict[str, dict[str, Any]]:
    """Return by network the medians of rate, seconds to the first answer, and memory."""
    from classifier.models import ModelVersion

    facts = made.installation.folder / "facts.json"
    facts.write_text(json.dumps(facts_of(ModelVersion.objects.get(pk=made.resnet))))
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in (KERAS, *precisions)}
    for turn in range(rounds):
        for name, each in told.items():
            words = ["--facts", facts, "--image", files[turn % len(files)], "--seconds", seconds]
            kind = "keras" if name == KERAS else "engine"
            extra = PRECISIONS.get(name, {})
            born = time.monotonic()
            each.append(
                made.installation.ask("benchmarks.served.alone", kind, *words, "--born", born, **extra)
            )
    return {name: {**each[0], **middle(each)} for name, each in told.items()}


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
