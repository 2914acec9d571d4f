"""Decoding in processes of its own: the same pixels, the same refusals, and no harm beyond the one file."""

import contextlib
import os
import resource
import select
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from classifier.geometry import Geometry, fit_pixels
from classifier.serving import decoding, decoding_child
from classifier.serving.decoding import Decoder, DecodingFailed, DecodingPool
from datasets.decoding import MAX_BYTES, ImageRefused, decode
from tests.factories import png
from tests.test_architecture import ROOT, loaded_by

SIZE = 24


@pytest.fixture
def pool() -> DecodingPool:
    """A pool of two."""
    return DecodingPool(2)


def idle_pid(pool: DecodingPool) -> int:
    """The process that the next file goes to."""
    return pool._idle[-1].pid


@pytest.mark.parametrize("geometry", list(Geometry))
def test_pixels_are_those_of_decoding_here(pool: DecodingPool, geometry: str) -> None:
    for seed in range(3):
        found = pool.decode(png(seed), size=SIZE, geometry=geometry)
        expected = fit_pixels(decode(png(seed)).pixels, size=SIZE, geometry=geometry)
        assert found.dtype == np.uint8
        assert (found == expected).all()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"text", "format_not_allowed"),
        (png(0)[:-30], "corrupt"),
        (b"\x89PNG\r\n\x1a\n" + b"x" * MAX_BYTES, "too_large"),
    ],
)
def test_a_refusal_is_the_one_of_decoding_here(pool: DecodingPool, data: bytes, code: str) -> None:
    with pytest.raises(ImageRefused) as here:
        decode(data)
    with pytest.raises(ImageRefused) as there:
        pool.decode(data, size=SIZE, geometry="letterbox")
    assert (there.value.code, str(there.value)) == (here.value.code, str(here.value))
    assert there.value.code == code


def test_a_refused_file_costs_no_process(pool: DecodingPool) -> None:
    pool.decode(png(0), size=SIZE, geometry="letterbox")
    before = idle_pid(pool)
    with pytest.raises(ImageRefused):
        pool.decode(b"text", size=SIZE, geometry="letterbox")
    assert idle_pid(pool) == before


def test_a_file_that_overruns_its_time_is_named_and_its_process_replaced(
    pool: DecodingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.decode(png(0), size=SIZE, geometry="letterbox")
    stuck = idle_pid(pool)
    os.kill(stuck, signal.SIGSTOP)
    monkeypatch.setattr(decoding, "IMAGE_SECONDS", 0.1)
    with pytest.raises(DecodingFailed) as failure:
        pool.decode(png(0), size=SIZE, geometry="letterbox")
    assert (failure.value.code, failure.value.status) == ("decoding_failed", 422)
    monkeypatch.undo()
    assert pool.decode(png(1), size=SIZE, geometry="letterbox").shape == (SIZE, SIZE, 3)
    with pytest.raises(ProcessLookupError):
        os.kill(stuck, 0)


def test_a_file_that_ends_its_process_is_named_and_the_next_is_decoded(
    pool: DecodingPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool.decode(png(0), size=SIZE, geometry="letterbox")
    os.kill(idle_pid(pool), signal.SIGKILL)
    # As if it died on this very file.
    monkeypatch.setattr(Decoder, "is_alive", lambda decoder: True)
    with pytest.raises(DecodingFailed, match="ended on it"):
        pool.decode(png(0), size=SIZE, geometry="letterbox")
    assert pool.decode(png(1), size=SIZE, geometry="letterbox").shape == (SIZE, SIZE, 3)


def test_a_process_that_ended_while_it_had_nothing_to_do_costs_no_file(pool: DecodingPool) -> None:
    pool.decode(png(0), size=SIZE, geometry="letterbox")
    lost = pool._idle[-1]
    os.kill(lost.pid, signal.SIGKILL)
    lost._process.wait()
    assert pool.decode(png(1), size=SIZE, geometry="letterbox").shape == (SIZE, SIZE, 3)


def test_an_image_that_takes_too_much_memory_is_named_and_its_process_goes_on(pool: DecodingPool) -> None:
    pool.decode(png(0), size=SIZE, geometry="letterbox")
    pid = idle_pid(pool)
    status = Path(f"/proc/{pid}/status").read_text()
    held = int(status.partition("VmSize:")[2].split()[0]) * 1024
    resource.prlimit(pid, resource.RLIMIT_AS, (held + 20 * 2**20, resource.RLIM_INFINITY))
    written = BytesIO()
    Picture.new("RGB", (4000, 4000)).save(written, "PNG")
    with pytest.raises(DecodingFailed, match="memory"):
        pool.decode(written.getvalue(), size=SIZE, geometry="letterbox")
    assert pool.decode(png(1), size=SIZE, geometry="letterbox").shape == (SIZE, SIZE, 3)
    assert idle_pid(pool) == pid


def test_many_at_once_share_few_processes_and_get_their_own_pixels(pool: DecodingPool) -> None:
    def right(seed: int) -> bool:
        found = pool.decode(png(seed), size=SIZE, geometry="stretch")
        return bool((found == fit_pixels(decode(png(seed)).pixels, size=SIZE, geometry="stretch")).all())

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(right, range(40)))
    assert 1 <= len(pool._idle) <= 2


def test_a_process_ends_with_its_parent_even_where_that_is_killed() -> None:
    code = (
        "import os, signal\n"
        "from classifier.serving.decoding import DecodingPool\n"
        f"png = {png(0)!r}\n"
        "pool = DecodingPool(1)\n"
        "pool.decode(png, size=8, geometry='stretch')\n"
        "print(pool._idle[0].pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    with contextlib.suppress(ProcessLookupError):
        watched = os.pidfd_open(int(ended.stdout))
        readable, _, _ = select.select([watched], [], [], 30)
        assert readable


def test_what_opens_images_of_strangers_loads_neither_django_nor_an_engine() -> None:
    loaded = loaded_by(f"import json, sys, {decoding_child.__name__}; print(json.dumps(sorted(sys.modules)))")
    assert loaded.isdisjoint({"django", "rest_framework", "tensorflow", "keras", "onnxruntime", "openvino"})


def test_it_is_told_no_secret(pool: DecodingPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "a very secret key")
    pool.warm()
    assert b"very secret" not in Path(f"/proc/{idle_pid(pool)}/environ").read_bytes()
