"""Mixed precision: on a graphics card only, and what comes of it computes in float32."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.classifier.test_networks import CLASSES, SIZE, panels, tiny, train

pytestmark = pytest.mark.keras


@pytest.fixture
def as_on_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a training take this machine for one with a graphics card."""
    from classifier.networks import fitting

    monkeypatch.setattr(fitting, "has_gpu", lambda: True)


@pytest.mark.slow
@pytest.mark.usefixtures("as_on_a_gpu")
def test_a_mixed_training_learns_and_its_weights_serve_in_float32(tmp_path: Path) -> None:
    from classifier.networks.architectures import build
    from classifier.networks.weights import read_weights

    config = tiny(epochs=10, learning_rate=0.003, precision="mixed")
    result = train(config, tmp_path)
    assert result.best_score >= 0.9
    network = build(config, class_count=len(CLASSES))
    read_weights(network, result.weights)
    assert {layer.compute_dtype for layer in network.layers} == {"float32"}
    validation = panels(12, seed=1)
    said = network.predict_on_batch(validation.pixels.astype(np.float32)).argmax(axis=1)
    assert (said == validation.labels).mean() >= 0.9


@pytest.mark.slow
@pytest.mark.usefixtures("as_on_a_gpu")
def test_a_mixed_training_goes_on_from_its_checkpoint(tmp_path: Path) -> None:
    config = tiny(epochs=2, precision="mixed")
    train(config, tmp_path / "1", stop_after=1)
    gone_on: list[int] = []
    result = train(
        config,
        tmp_path / "2",
        go_on_from=[tmp_path / "1"],
        on_going_on=lambda epochs, steps: gone_on.append(len(epochs)),
    )
    assert gone_on == [1] and [epoch.epoch for epoch in result.epochs] == [1, 2]


@pytest.mark.slow
def test_without_a_graphics_card_mixed_is_float32(tmp_path: Path) -> None:
    mixed = train(tiny(precision="mixed"), tmp_path / "1")
    exact = train(tiny(), tmp_path / "2")
    assert [epoch.loss for epoch in mixed.epochs] == [epoch.loss for epoch in exact.epochs]


@pytest.mark.parametrize("architecture", ["cnn", pytest.param("resnet50", marks=pytest.mark.slow)])
def test_a_mixed_network_and_its_float32_twin_say_the_same(architecture: str) -> None:
    from classifier.networks.architectures import build, in_float32

    config: Any = tiny()
    if architecture == "resnet50":
        config = type(config).defaults("resnet50", weights="none").with_overrides({"image_size": SIZE})
    mixed = build(config, class_count=5, base_weights=False, mixed=True)
    assert mixed.get_layer("head_dense").compute_dtype == "bfloat16"
    assert {str(weight.dtype) for weight in mixed.weights} == {"float32"}
    twin = in_float32(mixed, config)
    assert twin is not mixed and in_float32(twin, config) is twin
    pixels = panels(8).pixels.astype(np.float32)
    assert np.abs(mixed.predict_on_batch(pixels) - twin.predict_on_batch(pixels)).max() < 0.05
