"""What the measurements come to: which goals hold, the points of the load model, one JSON object."""

import json
import os
from typing import Any

from benchmarks.served.in_process import verdicts
from benchmarks.served.servers import FLASK, FLOAT32, INT8

AT = 16
# Times the plain page's requests a second at 16 clients.
GOALS = {INT8: 10.0, FLOAT32: 2.5}
# INT8 may cost so much macro-F1.
COST = 0.005


def rates(found: dict[str, Any]) -> dict[str, tuple[str, float]]:
    """Return each rate that goes through the ResNet50: its precision and answers a second."""
    told = {
        f"in process, {name}": (precision_of(one), one["rate"])
        for name, one in found.get("alone", {}).items()
    }
    for name, by in found.get("rest", {}).items():
        if AT in by:
            told[f"REST at {AT} clients, {name}"] = ("int8" if name == INT8 else "float32", by[AT]["rate"])
    if "bulk" in found:
        told["bulk"] = (precision_of(found["bulk"]), found["bulk"]["rate"])
    return told


def precision_of(one: dict[str, Any]) -> str:
    """Return what was answered in; Keras says nothing of it."""
    return str(one.get("precision", "float32"))


def offered(found: dict[str, Any]) -> bool | None:
    """Whether the version answers in INT8; None where no part asked it."""
    told = [by[INT8]["precision"] for by in (found.get("engine", {}), found.get("alone", {})) if INT8 in by]
    told += [found["bulk"]["precision"]] if "bulk" in found else []
    if told:
        return "int8" in told
    return False if "alone" in found else None


def quick_precision(found: dict[str, Any]) -> str:
    """Return the precision that the product answers in unless it is told otherwise."""
    return INT8 if offered(found) else FLOAT32


def holds(found: dict[str, Any]) -> dict[str, bool]:
    """Return each goal that something was measured for, and whether it holds."""
    told: dict[str, bool] = {}
    page = found.get("rest", {}).get(FLASK, {}).get(AT)
    for name, goal in GOALS.items():
        one = found.get("rest", {}).get(name, {}).get(AT)
        if page and one and page["rate"]:
            told[f"REST, {name}"] = one["rate"] >= goal * page["rate"] and not one["errors"]
            told[f"p95, {name}"] = one["p95"] <= page["p95"] / 10
    if "alone" in found:
        told |= verdicts(found["alone"])
    told |= {name: found[name]["holds"] for name in ("flood", "switch", "bulk", "kills") if name in found}
    if found.get("accuracy", {}).get(INT8, {}).get("precision") == "int8":
        told["accuracy"] = lost(found["accuracy"]) <= COST
    return told


def lost(measured: dict[str, Any]) -> float:
    """Return how much macro-F1 INT8 gives up."""
    return float(measured[FLOAT32]["macro_f1"] - measured[INT8]["macro_f1"])


def points(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Return the measured points of docs/scaling.md: its formulas' letter, what it is, its value."""
    told: list[tuple[str, str, str]] = []
    if "bulk" in found:
        stages = found["bulk"]["stages"]
        told += [
            ("S", "storage: files read", f"{stages['storage']:,.0f}/s"),
            ("D", "decoding and fitting, one core", f"{stages['decode']:,.0f}/s"),
            ("E", "engine, all cores", f"{stages['engine']:,.1f}/s"),
            ("W", "database: predictions written", f"{stages['database']:,.0f}/s"),
            ("B", "bulk: stored files to stored predictions", f"{found['bulk']['rate']:,.1f}/s"),
        ]
    for name, by in found.get("rest", {}).items():
        letter = "R" if name == quick_precision(found) else ""
        told += [
            (
                letter if count == AT else "",
                f"REST, {name}, {count} clients",
                f"{one['rate']:,.1f}/s, p95 {one['p95']:,.0f} ms",
            )
            for count, one in by.items()
        ]
    for name, one in found.get("alone", {}).items():
        letter = "M" if name == quick_precision(found) else ""
        told.append(("", f"one process, batch 1: {name}", f"{one['rate']:,.1f}/s"))
        told.append((letter, f"memory of a process: {name}", f"{one['mib']:,.0f} MiB"))
    if "kills" in found:
        rate = found["kills"]["predictions"] / found["kills"]["seconds"]
        told.append(("", "bulk: rows of a tiny CNN, workers killed", f"{rate:,.0f}/s"))
    return told


def curve(by: dict[int, dict[str, Any]]) -> list[tuple[int, float, float]]:
    """Return clients, the rate that docs/scaling.md foretells, and the rate; nothing without 1 and 16."""
    if 1 not in by or AT not in by:
        return []
    alone = by[1]["p50"] / 1000
    return [(count, min(count / alone, by[AT]["rate"]), one["rate"]) for count, one in by.items()]


def report(found: dict[str, Any], *, quick: bool) -> None:
    """Print the points, the goals and, last, one JSON object."""
    print(f"\n| | measured on {os.cpu_count()} cores | value |\n|---|---|---|")
    for letter, name, value in points(found):
        print(f"| {letter} | {name} | {value} |")
    foretold = curve(found.get("rest", {}).get(quick_precision(found), {}))
    if foretold:
        print("\n| clients | `min(k / L, R)` | measured |\n|---|---|---|")
    for count, expected, rate in foretold:
        print(f"| {count} | {expected:.1f}/s | {rate:.1f}/s |")
    goals = holds(found)
    print()
    for name, good in goals.items():
        print(f"{'holds ' if good else 'FAILS '} {name}")
    if quick:
        print("--quick: shows that all parts work; its figures mean nothing")
    name = quick_precision(found)
    by = found.get("rest", {})
    ours, page = by.get(name, {}).get(AT), by.get(FLASK, {}).get(AT)
    ratio = round(ours["rate"] / page["rate"], 2) if ours and page and page["rate"] else None
    told = {
        "name": "serving",
        "int8": {True: "offered", False: "not offered", None: "not asked"}[offered(found)],
        **figures(found),
        "goals": goals,
        "ratio": ratio,
        "goal": GOALS[name],
        "holds": bool(goals) and all(goals.values()),
    }
    print(json.dumps(told))


def figures(found: dict[str, Any]) -> dict[str, Any]:
    """Return what was measured, rounded; of REST and processes what the goals speak of."""
    rest = {
        name: {
            str(count): {key: round(one[key], 1) for key in ("rate", "p50", "p95", "p99")}
            | {"refused": one["refused"], "errors": one["errors"]}
            for count, one in by.items()
        }
        for name, by in found.get("rest", {}).items()
    }
    alone = {
        name: {"rate": round(one["rate"], 1), "first": round(one["first"], 2), "mib": round(one["mib"])}
        for name, one in found.get("alone", {}).items()
    }
    kept: dict[str, Any] = {
        name: found[name]
        for name in ("engine", "flood", "switch", "kills", "accuracy", "limit", "share_of_limit")
        if name in found
    }
    if "bulk" in found:
        kept["bulk"] = {**found["bulk"], "rate": round(found["bulk"]["rate"], 1)}
    return {**({"rest": rest} if rest else {}), **({"alone": alone} if alone else {}), **kept}
