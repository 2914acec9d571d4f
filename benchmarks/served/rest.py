"""Classifying by REST beside the plain page: rates, latencies, a flood, a champion switched under load."""

import math
import statistics
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.served.figures import OK, REFUSED, Outcome, last_from, medians, percentile, summary
from benchmarks.served.recipe import Served, make_champion
from benchmarks.served.servers import Server

WARM_UP = 3.0
FLOOD_CLIENTS = 64
SWITCH_CLIENTS = 16
# Memory is flat where the last quarter of a flood holds at most so much more than the second.
FLAT = 1.1
WITHIN = 2.0


class Move(NamedTuple):
    """A champion made: which version, from when to when (monotonic seconds)."""

    model: int
    began: float
    done: float


def measure(
    made: Served,
    servers: Sequence[Server],
    files: Sequence[Path],
    *,
    clients: Sequence[int],
    rounds: int,
    seconds: float,
) -> dict[str, dict[int, dict[str, Any]]]:
    """Let the servers take turns at each number of clients; return the medians of the rounds."""
    for server in servers:
        server.load(made.installation, files, clients=4, seconds=WARM_UP)
    told: dict[str, dict[int, list[dict[str, Any]]]] = {
        server.name: {count: [] for count in clients} for server in servers
    }
    for turn in range(rounds):
        for count in clients:
            for server in servers:
                began, outcomes = server.load(made.installation, files, clients=count, seconds=seconds)
                one = summary(outcomes, began=began, seconds=seconds)
                told[server.name][count].append(one)
                print(
                    f"round {turn + 1}, {count:2} clients, {server.name:16}{one['rate']:8.1f}/s"
                    f"  p95 {one['p95']:8.0f} ms",
                    flush=True,
                )
    return {name: {count: medians(each) for count, each in by.items()} for name, by in told.items()}


def tell(measured: dict[str, dict[int, dict[str, Any]]]) -> None:
    """Print the table."""
    print(f"\n{'REST':18}{'clients':>8}{'a second':>10}{'p50':>8}{'p95':>8}{'p99':>8}  refused, errors")
    for name, by in measured.items():
        for count, one in by.items():
            print(
                f"{name:18}{count:8}{one['rate']:10.1f}{one['p50']:8.0f}{one['p95']:8.0f}{one['p99']:8.0f}"
                f"  {one['refused'] or '-'} {one['errors'] or '-'}"
            )


def flood(made: Served, server: Server, files: Sequence[Path], *, seconds: float) -> dict[str, Any]:
    """Let 64 clients ask for a minute; return what they got and whether memory stayed flat."""
    held: list[dict[str, float]] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(min(1.0, seconds / 20)):
            held.append(server.memory())

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        began, outcomes = server.load(made.installation, files, clients=FLOOD_CLIENTS, seconds=seconds)
    finally:
        over.set()
        watching.join()
    told = summary(outcomes, began=began, seconds=seconds)
    quarter = max(1, len(held) // 4)
    early = [statistics.median(each[name] for each in held[quarter : 2 * quarter]) for name in ("rss", "pss")]
    late = [statistics.median(each[name] for each in held[-quarter:]) for name in ("rss", "pss")]
    growth = late[0] / early[0]
    print(
        f"flood: {FLOOD_CLIENTS} clients for {seconds:g} s: {told['answered']} answered, refused "
        f"{told['refused'] or 'none'}, errors {told['errors'] or 'none'}; memory {early[0]:.0f} to "
        f"{late[0]:.0f} MiB (shared pages counted once: {late[1]:.0f})"
    )
    return {
        "rate": round(told["rate"], 1),
        "p95": round(told["p95"]),
        "refused": told["refused"],
        "errors": told["errors"],
        "rss_mib": round(late[0]),
        "pss_mib": round(late[1]),
        "memory_growth": round(growth, 3),
        "holds": not told["errors"] and bool(told["answered"]) and growth <= FLAT,
    }


def switch(made: Served, server: Server, files: Sequence[Path], *, seconds: float) -> dict[str, Any]:
    """Make the tiny CNN champion under load, and the ResNet50 again; return how both switches went.

    A switch is complete once no request that was sent after it is answered by the model before.
    """
    moves: list[Move] = []

    def move(model: int) -> None:
        began = time.monotonic()
        make_champion(model, reason="Under load")
        moves.append(Move(model, began, time.monotonic()))

    def both() -> None:
        try:
            time.sleep(seconds / 3)
            move(made.tiny)
            time.sleep(seconds / 3)
        finally:
            move(made.resnet)

    moving = threading.Thread(target=both)
    moving.start()
    _, outcomes = server.load(made.installation, files, clients=SWITCH_CLIENTS, seconds=seconds)
    moving.join()
    if len(moves) < 2:
        raise SystemExit("The champion could not be switched: see above.")
    return told_switch(outcomes, moves, models=(made.resnet, made.tiny))


def told_switch(
    outcomes: Sequence[Outcome], moves: Sequence[Move], *, models: tuple[int, int]
) -> dict[str, Any]:
    """Return what requests failed, and how long after each move the model before still answered."""
    failed = sum(each.kind not in (OK, *REFUSED) for each in outcomes)
    refused = sum(each.kind in REFUSED for each in outcomes)
    # What was answered once the next move had begun may be that one's.
    ends = [following.began for following in moves[1:]] + [math.inf]
    took = [
        last_from(
            [each for each in outcomes if each.done < end],
            model=next(other for other in models if other != move.model),
            after=move.done,
        )
        for move, end in zip(moves, ends, strict=True)
    ]
    seen = {each.model for each in outcomes if each.kind == OK}
    slowest = percentile([1000 * (each.done - each.sent) for each in outcomes if each.kind == OK], 1.0)
    print(
        f"switch: {len(outcomes)} requests, {failed} failed, {refused} refused; the model before was "
        f"last heard {' and '.join(f'{each:.2f}' for each in took)} s after; slowest answer {slowest:.0f} ms"
    )
    return {
        "requests": len(outcomes),
        "failed": failed,
        "refused": refused,
        "seconds": round(max(took), 2),
        "slowest_ms": round(slowest),
        "holds": not failed and seen == set(models) and max(took) <= WITHIN,
    }
