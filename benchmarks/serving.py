"""How quick and how steady is classifying, against a plain Flask page that asks Keras' `predict`?

    python -m benchmarks.serving [--only PART...] [--rounds N] [--seconds S] [--quick] ...

A ResNet50 is trained from scratch on the drawn sample through the product, by the recipe in
`served/recipe.py`, once: it is kept under var/benchmark-serving. 500 files of the sample, PNG and JPEG in
turn, are sent over loopback by clients in a process of their own. Parts:

- rest: requests a second and latencies at 1, 4, 16, 64 clients; the page, INT8 and float32 take turns.
- flood: 64 clients for a minute: only 200, 429 and 503, and memory flat.
- switch: another champion under load and back: no failed request, heard everywhere within 2 s.
- alone: in process at batch 1, first answer and memory, each in fresh processes.
- bulk: stored files to stored predictions against decoding and engine alone.
- kills: many rows by a tiny CNN while workers are killed: each predicted once.
- accuracy: float32 and INT8 on the real images of BIOFORS_REFERENCE_DIR.
- limit: the share of what these cores multiply that each number reaches.

The last line is one JSON object; before it stand the measured points of docs/scaling.md as Markdown.
"""

import argparse
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.served import accuracy, bulk, in_process, rest, telling
from benchmarks.served.files import COUNT, mixed_files
from benchmarks.served.limit import shares
from benchmarks.served.limit import tell as tell_limit
from benchmarks.served.recipe import FULL, QUICK, Served, prepare
from benchmarks.served.servers import FLASK, FLOAT32, INT8, engine_told, served

PARTS = ("rest", "flood", "switch", "alone", "bulk", "kills", "accuracy", "limit")
BY_WEB = {"rest", "flood", "switch"}


def parsed() -> argparse.Namespace:
    """Return what is to be measured, and how long."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    parser.add_argument("--quick", action="store_true", help="whether all parts work; measures nothing")
    parser.add_argument("--rounds", type=int, help="5, or 1 with --quick")
    parser.add_argument("--seconds", type=float, help="of a round: 10, or 1 with --quick")
    parser.add_argument("--flood-seconds", type=float, help="60, or 4 with --quick")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16, 64])
    parser.add_argument("--files", type=int, default=COUNT)
    parser.add_argument("--rows", type=int, help="100,000, or 600 with --quick")
    parser.add_argument("--kills", type=int, help="5, or 1 with --quick")
    options = parser.parse_args()
    usual = {"rounds": 1, "seconds": 1.0, "flood_seconds": 4.0, "rows": 600, "kills": 1}
    if not options.quick:
        usual = {"rounds": 5, "seconds": 10.0, "flood_seconds": 60.0, "rows": 100_000, "kills": 5}
    for name, value in usual.items():
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def main() -> None:
    """Measure what was asked for; print tables, the points of the load model and one JSON object."""
    options = parsed()
    made = prepare(QUICK if options.quick else FULL)
    files = mixed_files(made.sample, made.installation.folder / f"files-{options.files}", count=options.files)
    print(
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores; {len(files)} files",
        flush=True,
    )
    found: dict[str, Any] = {}
    if BY_WEB & set(options.only):
        found |= by_web(made, files, options)
    if "alone" in options.only:
        found["alone"] = in_process.measure(made, files, rounds=options.rounds, seconds=options.seconds)
        in_process.tell(found["alone"])
    if "bulk" in options.only:
        found["bulk"] = bulk.measure(
            made, papers=QUICK.papers if options.quick else bulk.PAPERS, rounds=options.rounds
        )
        bulk.tell(found["bulk"])
    if "kills" in options.only:
        found["kills"] = bulk.kills(made, rows=options.rows, times=options.kills)
    if "accuracy" in options.only:
        found |= on_real_images(made, quick=options.quick)
    if "limit" in options.only:
        found |= of_the_limit(made, found, seconds=min(5.0, options.seconds))
    telling.report(found, quick=options.quick)


def by_web(made: Served, files: Sequence[Path], options: argparse.Namespace) -> dict[str, Any]:
    """Measure what is asked of the servers, all of them up; INT8 only where it is offered."""
    page = (FLASK,) if "rest" in options.only else ()
    with served(made, names=(*page, INT8, FLOAT32)) as servers:
        sites = {server.name: server for server in servers if server.name != FLASK}
        engines = {name: engine_told(site, files[0]) for name, site in sites.items()}
        found: dict[str, Any] = {"engine": engines}
        quickest = sites[INT8]
        if engines[INT8]["precision"] != "int8":
            print("INT8 is not offered: its gate failed, or there is no OpenVINO", flush=True)
            quickest = sites[FLOAT32]
            servers = [server for server in servers if server.name != INT8]
        if "rest" in options.only:
            found["rest"] = rest.measure(
                made,
                servers,
                files,
                clients=options.clients,
                rounds=options.rounds,
                seconds=options.seconds,
            )
            rest.tell(found["rest"])
        if "flood" in options.only:
            found["flood"] = rest.flood(made, quickest, files, seconds=options.flood_seconds)
        if "switch" in options.only:
            found["switch"] = rest.switch(made, quickest, files, seconds=max(9.0, 3 * options.seconds))
    return found


def on_real_images(made: Served, *, quick: bool) -> dict[str, Any]:
    """Measure what INT8 costs in right answers, where the real images are at hand."""
    if "BIOFORS_REFERENCE_DIR" not in os.environ:
        print("accuracy: skipped, set BIOFORS_REFERENCE_DIR to the folder that holds real/")
        return {}
    settings = {"epochs": 1, "drawn_papers": 0, "layout": "pooled"} if quick else {}
    measured = accuracy.measure(
        made.installation, Path(os.environ["BIOFORS_REFERENCE_DIR"]), settings=settings
    )
    accuracy.tell(measured)
    return {"accuracy": measured}


def of_the_limit(made: Served, found: dict[str, Any], *, seconds: float) -> dict[str, Any]:
    """Measure what the cores multiply, and which share of it each rate reaches."""
    from classifier.models import ModelVersion

    version = ModelVersion.objects.get(pk=made.resnet)
    words = ["--onnx", version.onnx_path, "--size", version.input_size, "--seconds", seconds]
    limit = made.installation.ask("benchmarks.served.limit", *words)
    reached = shares(limit, telling.rates(found))
    tell_limit(limit, reached)
    return {"limit": limit, "share_of_limit": reached}


if __name__ == "__main__":
    main()
