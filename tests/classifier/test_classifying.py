"""Files that are not stored, classified."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from io import BytesIO
from threading import Barrier, BrokenBarrierError
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture

from classifier.classifying import NoFiles, TooManyFiles, any_classified, classify_files
from classifier.registry import NoModel, UnknownModel
from classifier.serving.decoding import DecodingFailed, DecodingPool, get_pool
from datasets.errors import Refused
from datasets.models import Image
from tests.factories_models import CLASSES, ModelVersionFactory

pytestmark = pytest.mark.django_db


def grey(value: int) -> bytes:
    """A PNG of one grey."""
    written = BytesIO()
    Picture.fromarray(np.full((20, 30, 3), value, dtype=np.uint8)).save(written, "PNG")
    return written.getvalue()


def given(name: str, data: bytes) -> tuple[str, Callable[[], bytes]]:
    """A file by its name and what reads it."""
    return name, lambda: data


def test_each_file_gets_its_class_in_the_order_given() -> None:
    version = ModelVersionFactory(answers=True)
    answer = classify_files([given("white.png", grey(255)), given("black.png", grey(0))])
    assert answer["model"] == {
        "id": version.pk,
        "name": version.name,
        "version": version.version,
        "sha256": version.onnx_sha256,
    }
    white, black = answer["results"]
    assert (white["file"], white["label"]) == ("white.png", CLASSES[-1])
    assert (black["file"], black["label"]) == ("black.png", CLASSES[0])
    assert white["abstained"] is False
    assert white["confidence"] == max(white["probabilities"].values())
    assert sum(white["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert not Image.objects.exists()


def test_a_file_that_is_no_image_has_its_error_beside_the_others_answers() -> None:
    ModelVersionFactory(answers=True)
    answer = classify_files([given("a.txt", b"text"), given("empty.png", b""), given("b.png", grey(0))])
    assert [result.get("error", {}).get("code") for result in answer["results"]] == [
        "format_not_allowed",
        "empty",
        None,
    ]
    assert answer["results"][2]["label"] == CLASSES[0]
    assert any_classified(answer)


def test_no_more_files_are_in_memory_than_are_decoded_at_once() -> None:
    ModelVersionFactory(answers=True)
    together = Barrier(get_pool().count + 1)
    begun: list[str] = []

    def reader(name: str) -> bytes:
        begun.append(name)
        # One more than are decoded at once would have to come for this to open.
        with suppress(BrokenBarrierError):
            together.wait(timeout=0.3)
        return grey(0)

    names = [f"{number}.png" for number in range(2 * get_pool().count)]
    answer = classify_files([(name, partial(reader, name)) for name in names])
    assert together.broken
    assert sorted(begun) == sorted(names)
    assert [result["file"] for result in answer["results"]] == names


def test_a_file_whose_decoding_fails_has_its_error_beside_the_others_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ModelVersionFactory(answers=True)
    decode = DecodingPool.decode

    def failing(pool: DecodingPool, data: bytes, **asked: Any) -> Any:
        if data == b"hostile":
            raise DecodingFailed("The process that opened the file ended on it.")
        return decode(pool, data, **asked)

    monkeypatch.setattr(DecodingPool, "decode", failing)
    files = [given("a.png", grey(0)), given("bad.png", b"hostile"), given("b.png", grey(255))]
    answer = classify_files(files)
    first, bad, last = answer["results"]
    assert bad["error"]["code"] == "decoding_failed"
    assert (first["label"], last["label"]) == (CLASSES[0], CLASSES[-1])


def test_where_no_file_is_an_image_the_answer_still_says_why() -> None:
    ModelVersionFactory(answers=True)
    answer = classify_files([given("a.txt", b"text")])
    assert not any_classified(answer)
    assert answer["results"][0]["error"]["detail"]


def test_only_the_most_probable_classes_are_kept_if_asked() -> None:
    ModelVersionFactory(answers=True)
    (result,) = classify_files([given("a.png", grey(250))], top=2)["results"]
    assert list(result["probabilities"]) == [CLASSES[4], CLASSES[3]]


def test_what_is_asked_wrongly_is_refused() -> None:
    with pytest.raises(NoModel):
        classify_files([given("a.png", grey(0))])
    version = ModelVersionFactory(answers=True)
    with pytest.raises(NoFiles):
        classify_files([])
    with pytest.raises(TooManyFiles):
        classify_files([given("a.png", grey(0))] * 33)
    with pytest.raises(UnknownModel):
        classify_files([given("a.png", grey(0))], model="nobody@1")
    with pytest.raises(Refused, match="top"):
        classify_files([given("a.png", grey(0))], top=0)
    version.onnx_path.unlink()
    with pytest.raises(Refused) as refusal:
        classify_files([given("a.png", grey(0))])
    assert (refusal.value.code, refusal.value.status) == ("artefact_missing", 503)
