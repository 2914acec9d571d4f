"""The arithmetic of the serving benchmark: what its tables say of the requests that were made."""

import math
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from benchmarks.served.clients import request_bytes, run
from benchmarks.served.figures import Outcome, last_from, medians, percentile, summary
from benchmarks.served.files import mixed_files
from benchmarks.served.rest import Move, told_switch


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(each) for each in range(1, 101)]
    assert [percentile(values, share) for share in (0.5, 0.95, 0.99, 1.0)] == [50.0, 95.0, 99.0, 100.0]
    assert percentile([7.0], 0.99) == 7.0
    assert math.isnan(percentile([], 0.5))


def test_rate_counts_answers_within_the_window_and_latencies_those_after_it_too() -> None:
    outcomes = [Outcome(0.0, 1.0, "200"), Outcome(1.0, 2.0, "200"), Outcome(1.5, 9.5, "200")]
    told = summary(outcomes, began=0.0, seconds=4.0)
    assert told["rate"] == 0.5
    assert told["answered"] == 3
    assert told["p99"] == 8000.0


def test_refusals_are_told_apart_from_errors() -> None:
    kinds = ["200", "429", "503", "503", "500", "ConnectionResetError"]
    told = summary([Outcome(0.0, 1.0, kind) for kind in kinds], began=0.0, seconds=1.0)
    assert told["refused"] == {"429": 1, "503": 2}
    assert told["errors"] == {"500": 1, "ConnectionResetError": 1}


def test_medians_of_rounds_keep_every_error() -> None:
    rounds = [
        {"rate": 1.0, "answered": 5, "errors": {"500": 1}},
        {"rate": 9.0, "answered": 5, "errors": {}},
        {"rate": 2.0, "answered": 6, "errors": {"500": 1, "Closed": 2}},
    ]
    assert medians(rounds) == {"rate": 2.0, "answered": 16, "errors": {"500": 2, "Closed": 2}}


def test_a_switch_lasts_until_the_last_request_that_the_model_before_answered() -> None:
    outcomes = [
        Outcome(0.9, 1.3, "200", 1),
        Outcome(1.2, 1.4, "200", 1),
        Outcome(1.1, 1.5, "200", 2),
        Outcome(1.7, 1.8, "200", 2),
    ]
    assert last_from(outcomes, model=1, after=1.0) == pytest.approx(0.2)
    assert last_from(outcomes, model=1, after=1.5) == 0.0


def test_answers_of_the_next_switch_are_not_late_ones_of_this(capsys: pytest.CaptureFixture[str]) -> None:
    moves = [Move(2, 1.0, 1.1), Move(1, 5.0, 5.5)]
    outcomes = [
        Outcome(0.5, 0.9, "200", 1),
        Outcome(1.4, 1.9, "200", 1),
        Outcome(2.0, 2.5, "200", 2),
        Outcome(4.9, 5.3, "200", 1),
        Outcome(5.6, 5.7, "200", 1),
        Outcome(5.6, 5.7, "503"),
    ]
    told = told_switch(outcomes, moves, models=(1, 2))
    assert (told["seconds"], told["failed"], told["refused"], told["holds"]) == (0.3, 0, 1, True)
    assert not told_switch([*outcomes, Outcome(1.5, 1.6, "500")], moves, models=(1, 2))["holds"]
    assert "failed" in capsys.readouterr().out


@pytest.fixture
def answers() -> Iterator[tuple[int, list[bytes]]]:
    """A port that answers on one connection as it is told, then closes it; a new one begins anew."""
    told: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    for answer in told:
                        if not connection.recv(65536):
                            break
                        connection.sendall(answer)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1], told
        listening.shutdown(socket.SHUT_RDWR)


def test_a_connection_closed_without_an_answer_is_an_error_by_its_name(
    answers: tuple[int, list[bytes]],
) -> None:
    port, told = answers
    body = b'{"model": {"id": 7, "name": "n"}, "results": []}'
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    told += [head + body, b"HTTP/1.1 429 Busy\r\nContent-Length: 0\r\n\r\n"]
    _, outcomes = run(port, [b"POST / HTTP/1.1\r\n\r\n"], clients=1, seconds=0.2)
    kinds = [each.kind for each in outcomes]
    assert kinds[:3] == ["200", "429", "Closed"]
    assert outcomes[0].model == 7


def test_files_are_png_and_jpeg_in_turn_and_the_same_each_time(tmp_path: Path) -> None:
    folder = tmp_path / "sample" / "images" / "1"
    folder.mkdir(parents=True)
    for place in range(3):
        pixels = np.full((12, 10, 3), place, dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{place:06}.png")
    files = mixed_files(tmp_path / "sample", tmp_path / "files", count=6)
    assert [path.suffix for path in files] == [".png", ".jpg"] * 3
    assert [Image.open(path).format for path in files] == ["PNG", "JPEG"] * 3
    before = [path.stat().st_mtime_ns for path in files]
    again = mixed_files(tmp_path / "sample", tmp_path / "files", count=6)
    assert [path.stat().st_mtime_ns for path in again] == before
    request = request_bytes(files[1], path="/x", field="images", token="t")
    assert b'name="images"; filename="001.jpg"' in request
    assert b"Authorization: Token t" in request
