"""What the serving benchmark makes of its figures: goals, and the points of the load model."""

import json
from typing import Any

import pytest

from benchmarks.served.in_process import KERAS
from benchmarks.served.servers import FLASK, FLOAT32, INT8
from benchmarks.served.telling import curve, holds, report


def asked(rate: float, p95: float, **errors: int) -> dict[str, Any]:
    """Return what a load run came to."""
    return {"rate": rate, "p50": p95 / 2, "p95": p95, "p99": p95, "refused": {}, "errors": errors}


def test_int8_is_judged_by_ten_times_the_page_and_float32_by_two_and_a_half() -> None:
    rest = {
        FLASK: {16: asked(6.0, 4000.0)},
        INT8: {16: asked(61.0, 390.0)},
        FLOAT32: {16: asked(14.0, 1100.0)},
    }
    assert holds({"rest": rest}) == {
        "REST, INT8": True,
        "p95, INT8": True,
        "REST, float32": False,
        "p95, float32": False,
    }
    rest[INT8][16] = asked(61.0, 390.0, Closed=1)
    assert not holds({"rest": rest})["REST, INT8"]


def test_nothing_is_held_to_a_goal_of_int8_that_is_not_offered() -> None:
    alone = {
        KERAS: {"rate": 8.0, "first": 9.0, "mib": 1200.0},
        FLOAT32: {"rate": 32.0, "first": 0.9, "mib": 300.0, "precision": "float32"},
    }
    scores = {"macro_f1": 0.7, "precision": "float32"}
    told = holds({"alone": alone, "accuracy": {INT8: scores, FLOAT32: scores}})
    assert told == {"in process, float32": True, "first answer, float32": True, "memory, float32": True}


def test_last_line_is_the_figures_as_one_object(capsys: pytest.CaptureFixture[str]) -> None:
    rest = {FLASK: {1: asked(4.0, 300.0), 16: asked(6.0, 4000.0)}}
    rest[FLOAT32] = {1: asked(9.0, 200.0), 16: asked(18.0, 390.0)}
    floats = {"runtime": "onnxruntime", "precision": "float32"}
    report({"rest": rest, "engine": {INT8: floats, FLOAT32: floats}}, quick=False)
    told = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (told["name"], told["int8"], told["ratio"], told["goal"]) == ("serving", "not offered", 3.0, 2.5)
    assert told["holds"]


def test_rate_is_foretold_to_rise_with_the_clients_until_it_is_reached() -> None:
    by = {1: asked(9.0, 200.0), 4: asked(17.0, 300.0), 16: asked(18.0, 900.0)}
    assert curve(by) == [(1, 10.0, 9.0), (4, 18.0, 17.0), (16, 18.0, 18.0)]
    assert curve({1: asked(9.0, 200.0)}) == []
