"""Files trained elsewhere, hostile and damaged ones too: each is read or refused by name, nothing is run."""

import io
import json
import pickle
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from classifier.networks.foreign import children
from classifier.networks.foreign.children import open_foreign
from classifier.networks.foreign.errors import ForeignRefused
from classifier.networks.foreign.opening import WEIGHTS, opened
from tests.classifier.foreign_files import Layer, colour_network, write_h5

DENSE = {"kernel": np.ones((3, 5), dtype=np.float32), "bias": np.zeros(5, dtype=np.float32)}


def refused(path: Path, folder: Path) -> str:
    """The code by which the limited process refuses a file, whose sentence says something."""
    with pytest.raises(ForeignRefused) as refusal:
        open_foreign(path, folder)
    assert len(str(refusal.value)) > 20
    return refusal.value.code


def changed(path: Path, change: Callable[[h5py.File], Any]) -> Path:
    """A network's file with something changed in it."""
    colour_network(path)
    with h5py.File(path, "r+") as file:
        change(file)
    return path


def replaced(variable: str, **how: Any) -> Callable[[h5py.File], Any]:
    """A change that puts another dataset in the place of a variable of the dense layer."""

    def change(file: h5py.File) -> None:
        name = f"model_weights/dense/dense/{variable}:0"
        del file[name]
        file.create_dataset(name, **how)

    return change


def archive(path: Path, **files: bytes) -> Path:
    """A zip with these files; a double underscore stands for a dot."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in files.items():
            made.writestr(name.replace("__", "."), data)
    return path


def test_weights_come_as_plain_arrays_with_the_outline_of_the_network(tmp_path: Path) -> None:
    told = open_foreign(colour_network(tmp_path / "m.h5"), tmp_path)
    assert [layer["name"] for layer in told["layers"]] == ["conv2d", "dense"]
    assert told["layers"][1]["variables"] == {"kernel": [3, 5], "bias": [5]}
    assert [layer["class"] for layer in told["outline"]] == [
        "InputLayer", "Conv2D", "MaxPooling2D", "GlobalAveragePooling2D", "Dropout", "Dense",
    ]  # fmt: skip
    with np.load(tmp_path / WEIGHTS, allow_pickle=False) as arrays:
        assert {name: arrays[name].dtype for name in arrays.files} == {
            name: np.float32 for name in ("0.0", "0.1", "1.0", "1.1")
        }
        assert arrays["1.0"][0, 0] == 20


def test_a_file_that_is_no_network_is_refused(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "ran",))

    path = tmp_path / "m.h5"
    for data in (b"", b"no network", pickle.dumps(Evil()), b"\x89HDF"):
        path.write_bytes(data)
        assert refused(path, tmp_path) == "not_a_model_file"
    assert refused(archive(path, data__pkl=pickle.dumps(Evil())), tmp_path) == "not_a_model_file"
    inner = archive(path, model__weights__h5=pickle.dumps(Evil()), config__json=b"{}")
    assert refused(inner, tmp_path) == "not_a_model_file"
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("share", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, share: float) -> None:
    path = colour_network(tmp_path / "m.h5")
    data = path.read_bytes()
    path.write_bytes(data[: int(share * len(data))])
    assert refused(path, tmp_path) == "damaged_file"


def test_a_file_with_noise_in_its_middle_is_refused_or_read(tmp_path: Path) -> None:
    path = colour_network(tmp_path / "m.h5")
    data = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(40):
        noisy = bytearray(data)
        place = int(random.integers(8, len(data) - 64))
        noisy[place : place + 64] = random.bytes(64)
        path.write_bytes(bytes(noisy))
        try:
            # In this process: what the file says may raise nothing but a refusal.
            opened(path, tmp_path)
        except ForeignRefused as refusal:
            assert refusal.code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (replaced("kernel", shape=(2**20, 2**20), dtype="f4", chunks=(1024, 1024)), "too_large"),
        (replaced("kernel", shape=(3, 5), maxshape=(None, None), chunks=(2**14, 2**15)), "too_large"),
        (replaced("kernel", data=np.ones((3, 5), dtype=np.int64)), "bad_dtype"),
        (replaced("kernel", data=np.array([b"x"], dtype=object), dtype=h5py.string_dtype()), "bad_dtype"),
        (replaced("kernel", data=np.full((3, 5), np.nan, dtype=np.float32)), "not_finite"),
        (replaced("bias", data=np.array([1e300] * 5)), "not_finite"),
        (replaced("bias", shape=(5,), dtype="f4", external=[("/etc/passwd", 0, 20)]), "linked_weights"),
    ],
)  # fmt: skip
def test_numbers_that_no_network_has_are_refused(
    tmp_path: Path, change: Callable[[h5py.File], Any], code: str
) -> None:
    assert refused(changed(tmp_path / "m.h5", change), tmp_path) == code


@pytest.mark.parametrize(
    "link", [h5py.ExternalLink("/etc/passwd", "/"), h5py.SoftLink("/model_weights/conv2d"), None]
)
def test_links_are_not_followed(tmp_path: Path, link: Any) -> None:
    def change(file: h5py.File) -> None:
        del file["model_weights/dense"]
        if link is not None:
            file["model_weights/dense"] = link

    code = refused(changed(tmp_path / "m.h5", change), tmp_path)
    assert code == ("damaged_file" if link is None else "linked_weights")


def test_a_virtual_dataset_is_not_followed(tmp_path: Path) -> None:
    def change(file: h5py.File) -> None:
        del file["model_weights/dense/dense/bias:0"]
        layout = h5py.VirtualLayout(shape=(5,), dtype="f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", shape=(5,))
        file.create_virtual_dataset("model_weights/dense/dense/bias:0", layout)

    assert refused(changed(tmp_path / "m.h5", change), tmp_path) == "linked_weights"


def test_groups_in_a_ring_come_to_an_end(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        layers = file.create_group("layers")
        layers["round"] = layers
    assert refused(path, tmp_path) == "too_large"


def test_an_archive_that_unpacks_to_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from classifier.networks.foreign import opening

    monkeypatch.setattr(opening, "MOST_BYTES", 2**20)
    bomb = archive(tmp_path / "m.keras", model__weights__h5=bytes(2**24), config__json=b"{}")
    assert bomb.stat().st_size < 2**16
    with pytest.raises(ForeignRefused, match="unpack to more"):
        opened(bomb, tmp_path)
    long = archive(tmp_path / "m.keras", model__weights__h5=b"", config__json=b" " * (2**24 + 1))
    assert refused(long, tmp_path) == "too_large"


def test_the_process_that_reads_is_limited_in_memory_and_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from classifier.networks.foreign import opening; opening._limit(); bytearray(5 * 2**30)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MemoryError" in ended.stderr
    monkeypatch.setattr(children, "OPENS_WITHIN", 0.0)
    monkeypatch.setattr(children, "ASK_EVERY", 0.01)
    assert refused(colour_network(tmp_path / "m.h5"), tmp_path) == "import_timed_out"


def test_a_process_that_dies_on_a_file_says_nothing_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children, "OPENING", "no.such.module")
    with pytest.raises(ForeignRefused) as refusal:
        open_foreign(tmp_path / "m.h5", tmp_path)
    assert refusal.value.code == "damaged_file"
    assert str(tmp_path) not in str(refusal.value)


def test_what_is_asked_meanwhile_may_stop_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(Exception):
        pass

    def ask() -> None:
        raise Stopped

    monkeypatch.setattr(children, "ASK_EVERY", 0.01)
    with pytest.raises(Stopped):
        open_foreign(colour_network(tmp_path / "m.h5"), tmp_path, ask=ask)


def test_code_in_a_configuration_is_only_text(tmp_path: Path) -> None:
    path = write_h5(
        tmp_path / "m.h5",
        [
            Layer("Lambda", "evil", {"function": ["4wEAAAAAAAAA", None, None], "function_type": "lambda"}),
            Layer("Dense", "dense", {"activation": {"class_name": "function", "config": "os.system"}}, DENSE),
        ],
        size=32,
    )
    outline = open_foreign(path, tmp_path)["outline"]
    assert [(layer["class"], layer.get("activation")) for layer in outline[1:]] == [
        ("Lambda", None),
        ("Dense", "custom"),
    ]
    assert "4wEAAAAAAAAA" not in json.dumps(outline)


@pytest.mark.parametrize(
    "config", ["{", "[]", "{}", '{"config": 3}', '{"config": {"layers": [3]}}', "[" * 100_000]
)
def test_a_configuration_that_is_none_is_refused(tmp_path: Path, config: str) -> None:
    inner = io.BytesIO()
    with h5py.File(inner, "w") as file:
        variables = file.create_group("layers/dense/vars")
        variables["0"], variables["1"] = DENSE["kernel"], DENSE["bias"]
    path = archive(tmp_path / "m.keras", model__weights__h5=inner.getvalue(), config__json=config.encode())
    assert refused(path, tmp_path) == "damaged_file"


def test_a_file_without_weights_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.h5"
    with h5py.File(path, "w") as file:
        file.create_group("layers")
    assert refused(path, tmp_path) == "no_weights"
