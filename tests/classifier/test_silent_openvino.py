"""OpenVINO and nncf report their use to another host by themselves; here they may not."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from django.conf import settings

from tests.classifier.test_serving_engine import strongest_colour

# Told by the interpreter itself: no library can open a connection past it, and none is opened.
WATCHED = """
import json, sys
from pathlib import Path
seen = []
REPORTING = ("socket.connect", "socket.getaddrinfo", "urllib.Request", "subprocess.Popen", "os.fork")
def watch(event, args):
    if event in REPORTING:
        seen.append(event)
        raise OSError("not here")
sys.addaudithook(watch)
"""
USED = """
import numpy as np
from classifier.serving.engine import Engine
from classifier.serving.quantising import quantise
onnx, target = Path(sys.argv[1]), Path(sys.argv[2])
quantise(onnx, target, calibration=np.load(sys.argv[3]))
engine = Engine.load(target, classes=("a", "b", "c"), size=32, geometry="stretch", runtime="openvino")
engine.classify(np.zeros((32, 32, 3), dtype=np.uint8))
print(json.dumps(seen))
"""


def _events(program: str, home: Path, *words: Path) -> list[str]:
    """Run a program in a home of its own; return what it reports having seen on its last line."""
    said = subprocess.run(
        [sys.executable, "-c", WATCHED + program, *map(str, words)],
        cwd=settings.BASE_DIR,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    events: list[str] = json.loads(said.stdout.splitlines()[-1])
    return events


def test_quantising_and_answering_ask_no_other_host_and_leave_the_home_alone(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    onnx, pixels = strongest_colour(tmp_path / "model.onnx"), tmp_path / "pixels.npy"
    np.save(pixels, np.random.default_rng(0).integers(0, 256, (8, 32, 32, 3), dtype=np.uint8))
    assert _events(USED, home, onnx, tmp_path / "model-int8.xml", pixels) == []
    assert list(home.iterdir()) == []


def test_openvino_by_itself_would_have_been_seen(tmp_path: Path) -> None:
    """So that the test above cannot pass by looking in the wrong place."""
    _events("import openvino\nprint(json.dumps(seen))", tmp_path)
    assert (tmp_path / "intel").is_dir()
