"""Batch 1 without a web: the product's engines and Keras' `predict`, each in fresh processes, in turn."""

import json
import statistics
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.served.engines import CALIBRATION_IMAGES, UNGATED, facts_of, fitted, int8_of, ungated_int8_of
from benchmarks.served.recipe import Served
from benchmarks.served.servers import FLOAT32, INT8

KERAS = "Keras predict"


def measure(made: Served, files: Sequence[Path], *, rounds: int, seconds: float) -> dict[str, dict[str, Any]]:
    """Return by network the medians of rate, seconds to the first answer, and memory."""
    told: dict[str, list[dict[str, Any]]] = {name: [] for name in networks(made, files)}
    for turn in range(rounds):
        for name, each in told.items():
            each.append(one_process(made, name, files[turn % len(files)], seconds=seconds))
    return {name: {**each[0], **middle(each)} for name, each in told.items()}


def networks(made: Served, files: Sequence[Path]) -> list[str]:
    """Return what is measured, with what loads it written down: INT8 without its gate where that failed."""
    from classifier.engines import float32_of
    from classifier.models import Export, ModelVersion

    version = ModelVersion.objects.get(pk=made.resnet)
    specs = {KERAS: float32_of(version), INT8: int8_of(version), FLOAT32: float32_of(version)}
    if specs[INT8] is None:
        tried = version.exports.filter(format=Export.Format.INT8).first()
        reason = tried.reason if tried else "nobody has quantised this version"
        print(f"in process: INT8 is not offered ({reason}); it is timed without its gate", flush=True)
        # How quick it is does not depend on what it is quantised by.
        shown = partial(fitted, files[:CALIBRATION_IMAGES], specs[FLOAT32])
        specs[UNGATED] = ungated_int8_of(version, made.installation.folder / "ungated", shown)
    there = {name: spec for name, spec in specs.items() if spec is not None}
    for name, spec in there.items():
        path_of(made, name).write_text(json.dumps(facts_of(version, spec)))
    return list(there)


def path_of(made: Served, name: str) -> Path:
    """Return where a fresh process finds what it needs to load a network."""
    return made.installation.folder / f"facts-{name.split()[-1].lower()}.json"


def one_process(made: Served, name: str, file: Path, *, seconds: float) -> dict[str, Any]:
    """Return what a fresh process measured of a network."""
    words = ["--facts", path_of(made, name), "--image", file, "--seconds", seconds]
    kind = "keras" if name == KERAS else "engine"
    born = time.monotonic()
    return made.installation.ask("benchmarks.served.alone", kind, *words, "--born", born)


def middle(rounds: Sequence[dict[str, Any]]) -> dict[str, float]:
    """Return the medians of what was measured in several processes."""
    return {
        name: statistics.median(each[name] for each in rounds)
        for name in ("first", "mib", "rate", "resident_mib", "peak_mib")
    }


def tell(measured: dict[str, dict[str, Any]]) -> None:
    """Print the table."""
    memory = f"{'most MiB':>10}{'share':>8}{'then':>8}{'share':>8}"
    print(f"\n{'in process':18}{'a second':>10}{'times':>8}{'first s':>10}{'share':>8}{memory}")
    base = measured[KERAS]
    for name, one in measured.items():
        print(
            f"{name:18}{one['rate']:10.1f}{one['rate'] / base['rate']:8.1f}{one['first']:10.2f}"
            f"{one['first'] / base['first']:8.3f}{one['mib']:10.0f}{one['mib'] / base['mib']:8.2f}"
            f"{one['resident_mib']:8.0f}{one['resident_mib'] / base['resident_mib']:8.2f}"
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
