"""Real, tiny trainings: what is learnt, kept, published, and how it stops."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.networks.config import TrainingConfig
from classifier.networks.errors import (
    FittingCancelled,
    NothingToTrainOn,
    ParityFailed,
    RandomBaseFrozen,
    WeightsUnavailable,
)
from classifier.networks.pipeline import LabelledPixels
from classifier.serving.engine import Engine

CLASSES = ("BlotGel", "FAC", "Macroscopy")
SIZE = 32


def panels(count: int, *, seed: int = 0) -> LabelledPixels:
    """Noise with a band whose height tells the class: (count, 32, 32, 3)."""
    generator = np.random.default_rng(seed)
    labels = np.arange(count, dtype=np.int64) % len(CLASSES)
    pixels = generator.integers(0, 80, (count, SIZE, SIZE, 3), dtype=np.uint8)
    for row, label in enumerate(labels):
        pixels[row, 2 + 10 * label : 8 + 10 * label] += 150
    return LabelledPixels(pixels, labels)


def nothing() -> LabelledPixels:
    """No images."""
    return LabelledPixels(np.zeros((0, SIZE, SIZE, 3), np.uint8), np.zeros(0, np.int64))


def tiny(**overrides: object) -> TrainingConfig:
    """A CNN that trains in a second."""
    return TrainingConfig.defaults("cnn").with_overrides(
        {
            "layout": "pooled",
            "image_size": SIZE,
            "epochs": 2,
            "batch_size": 8,
            "augment": False,
            **overrides,
        }
    )


def train(config: TrainingConfig, directory: Path, **arguments: Any) -> Any:
    """Fit on 24 generated panels, judged by 12 others unless told otherwise."""
    from classifier.networks.fitting import fit

    given = {"train": panels(24), "validation": panels(12, seed=1), "on_epoch": lambda epoch: None}
    return fit(config, classes=CLASSES, directory=directory, **{**given, **arguments})


def without_times(epochs: list[Any]) -> list[dict[str, Any]]:
    """Epochs but for how long they took."""
    return [{name: value for name, value in vars(each).items() if name != "seconds"} for each in epochs]


@pytest.mark.keras
def test_a_tiny_network_learns_what_is_plain(tmp_path: Path) -> None:
    result = train(tiny(epochs=10, learning_rate=0.003), tmp_path)
    assert result.best_score >= 0.9
    assert result.epochs[-1].loss < result.epochs[0].loss


@pytest.mark.keras
def test_with_shortcuts_a_block_adds_to_what_its_first_convolution_found() -> None:
    from classifier.networks.architectures import build

    network = build(tiny(layout="shortcuts"), class_count=3)
    plainer = build(tiny(layout="pooled"), class_count=3)
    convolutions = [
        [layer.name for layer in each.layers if layer.name.startswith("conv_")] for each in (plainer, network)
    ]
    assert set(convolutions[1]) - set(convolutions[0]) == {"conv_2b", "conv_3b", "conv_4b", "conv_5b"}
    sources = [tensor._keras_history.operation.name for tensor in network.get_layer("add_5").input]
    assert sources == ["norm_5b", "relu_5"]


@pytest.mark.keras
def test_every_epoch_and_batch_is_reported(tmp_path: Path) -> None:
    epochs, told = [], []
    result = train(tiny(), tmp_path, on_epoch=epochs.append, on_batch=lambda *figures: told.append(figures))
    assert [each.epoch for each in epochs] == [1, 2]
    assert epochs == result.epochs
    assert [(done, total) for done, total, _ in told] == [(step, 6) for step in range(1, 7)]
    assert [rate for *_, rate in told[2::3]] == [each.learning_rate for each in epochs]
    assert all(0 <= each.val_macro_f1 <= 1 and each.val_loss > 0 and each.seconds > 0 for each in epochs)


@pytest.mark.keras
@pytest.mark.parametrize("best_by", ["val_accuracy", "val_macro_f1"])
def test_the_weights_of_the_best_epoch_are_kept(
    best_by: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second epoch is judged best: the file holds what the network was then, not what it became."""
    from classifier.networks import attempt
    from classifier.networks.architectures import build
    from classifier.networks.weights import read_weights

    judged = iter(
        {"val_loss": loss, "val_accuracy": accuracy, "val_macro_f1": f1}
        for loss, accuracy, f1 in [(1.0, 0.5, 0.5), (0.8, 0.7, 0.6), (0.9, 0.7, 0.6), (0.1, 0.6, 0.5)]
    )
    seen: list[Any] = []

    def judge(stage: Any, *_: Any, **__: Any) -> Any:
        seen.append(stage.model.get_weights())
        return next(judged)

    monkeypatch.setattr(attempt, "judge", judge)
    config = tiny(epochs=4, best_by=best_by)
    result = train(config, tmp_path)
    assert result.best_epoch == 2
    assert result.best_score == (0.7 if best_by == "val_accuracy" else 0.6)
    assert [each.is_best for each in result.epochs] == [True, True, False, False]
    kept = build(config, class_count=3)
    read_weights(kept, result.weights)
    assert all((one == two).all() for one, two in zip(kept.get_weights(), seen[1], strict=True))
    assert any((one != two).any() for one, two in zip(kept.get_weights(), seen[3], strict=True))
    assert result.weights.name == "best.npz"


@pytest.mark.slow
@pytest.mark.keras
def test_the_same_seed_gives_the_same_training(tmp_path: Path) -> None:
    one, two, other = (
        train(tiny(augment=True, seed=seed), tmp_path / name) for seed, name in ((5, "a"), (5, "b"), (6, "c"))
    )
    assert without_times(one.epochs) == without_times(two.epochs)
    assert without_times(one.epochs) != without_times(other.epochs)


@pytest.mark.keras
def test_a_cancelled_training_stops_after_the_batch(tmp_path: Path) -> None:
    done: list[int] = []
    with pytest.raises(FittingCancelled):
        train(
            tiny(epochs=50),
            tmp_path,
            on_batch=lambda step, *_: done.append(step),
            should_stop=lambda: len(done) >= 4,
        )
    assert done == [1, 2, 3, 4]


@pytest.mark.keras
def test_without_validation_images_the_training_accuracy_decides(tmp_path: Path) -> None:
    result = train(tiny(), tmp_path, validation=nothing())
    assert result.best_score == max(each.accuracy for each in result.epochs)
    assert result.epochs[0].val_accuracy is None
    assert result.weights.is_file()


@pytest.mark.keras
def test_a_training_subset_of_one_class_is_refused(tmp_path: Path) -> None:
    pixels = panels(6).pixels
    with pytest.raises(NothingToTrainOn, match="two classes"):
        train(tiny(), tmp_path, train=LabelledPixels(pixels, np.zeros(6, np.int64)))
    with pytest.raises(NothingToTrainOn):
        train(tiny(), tmp_path, train=nothing())


@pytest.mark.keras
def test_published_files_answer_alike_and_serving_reads_them(tmp_path: Path) -> None:
    from classifier.networks.artefacts import load_keras, publish, sha256_of

    result = train(tiny(), tmp_path / "run")
    pixels = panels(10, seed=3).pixels
    published = publish(
        result.weights,
        config=tiny(),
        classes=CLASSES,
        directory=tmp_path / "model",
        parity_pixels=pixels,
        notes={"seed_of_split": 4},
    )
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "model.keras",
        "model.onnx",
        "recipe.json",
    ]
    assert 0 <= published.parity <= 1e-3
    assert published.onnx_sha256 == sha256_of(published.onnx)
    recipe = json.loads(published.recipe.read_text())
    assert recipe["classes"] == list(CLASSES)
    assert recipe["config"] == tiny().as_dict()
    assert recipe["seed_of_split"] == 4
    assert recipe["libraries"]["keras"] == published.libraries["keras"]
    engine = Engine.load(published.onnx, classes=CLASSES, size=SIZE, geometry="letterbox")
    expected = load_keras(published.keras).predict(pixels.astype(np.float32), verbose=0)
    assert engine.probabilities(list(pixels)) == pytest.approx(expected, abs=1e-3)


@pytest.mark.keras
def test_a_model_that_answers_otherwise_after_export_is_not_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from classifier.networks import artefacts

    result = train(tiny(epochs=1), tmp_path / "run")
    for differs in (0.002, float("nan")):
        monkeypatch.setattr(artefacts, "measure_parity", lambda *_, value=differs, **__: value)
        with pytest.raises(ParityFailed) as caught:
            artefacts.publish(
                result.weights,
                config=tiny(),
                classes=CLASSES,
                directory=tmp_path / "model",
                parity_pixels=nothing().pixels,
            )
        assert caught.value.code == "parity_failed"
    assert list((tmp_path / "model").iterdir()) == []


@pytest.mark.keras
def test_the_values_of_resnet50_are_scaled_in_caffe_mode_inside_the_model() -> None:
    import keras

    from classifier.networks.architectures import build

    config = TrainingConfig.defaults("resnet50", weights="none").with_overrides({"image_size": SIZE})
    model = build(config, class_count=3)
    scaled = keras.Model(model.input, model.get_layer("caffe").output)
    pixels = panels(2).pixels.astype(np.float32)
    expected = keras.applications.resnet50.preprocess_input(pixels.copy())
    assert np.asarray(scaled(pixels)) == pytest.approx(expected, abs=1e-3)


@pytest.mark.keras
def test_a_random_base_is_not_frozen(tmp_path: Path) -> None:
    config = TrainingConfig.defaults("resnet50", weights="none").with_overrides(
        {"image_size": SIZE, "train_base": False}
    )
    with pytest.raises(RandomBaseFrozen):
        train(config, tmp_path)


@pytest.mark.keras
def test_a_weights_file_of_another_network_is_refused_and_named(tmp_path: Path) -> None:
    from classifier.networks.architectures import build

    other = tmp_path / "other.weights.h5"
    build(tiny(), class_count=3).save_weights(other)
    for file, content in ((other, None), (tmp_path / "text.h5", b"not weights"), (tmp_path / "a.bin", b"x")):
        if content is not None:
            file.write_bytes(content)
        config = TrainingConfig.defaults("resnet50", weights=str(file)).with_overrides({"image_size": SIZE})
        with pytest.raises(WeightsUnavailable, match=file.name) as caught:
            build(config, class_count=3)
        assert "Set RESNET50_WEIGHTS" in str(caught.value)
        assert str(tmp_path) not in str(caught.value)


@pytest.mark.keras
def test_weights_that_can_not_be_downloaded_say_how_to_supply_them(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    from classifier.networks.architectures import build

    def unreachable(**_: Any) -> None:
        raise OSError("URL fetch failure: Name or service not known")

    monkeypatch.setattr(keras.applications, "ResNet50", unreachable)
    with pytest.raises(WeightsUnavailable, match=r"Set RESNET50_WEIGHTS to the path of .*notop\.h5"):
        build(TrainingConfig.defaults("resnet50"), class_count=3)


@pytest.mark.keras
def test_a_long_reason_is_cut_at_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    import keras

    from classifier.networks.architectures import build

    def unreachable(**_: Any) -> None:
        raise OSError("URL fetch failure on https://weights.example/notop.h5: " + "unreachable " * 20)

    monkeypatch.setattr(keras.applications, "ResNet50", unreachable)
    with pytest.raises(WeightsUnavailable, match=r"notop\.h5: (unreachable )+…\)\."):
        build(TrainingConfig.defaults("resnet50"), class_count=3)


@pytest.mark.keras
@pytest.mark.slow
def test_a_frozen_resnet50_from_a_file_trains_its_head_only_and_is_published(tmp_path: Path) -> None:
    import keras

    from classifier.networks.architectures import build
    from classifier.networks.artefacts import publish
    from classifier.networks.weights import read_weights

    keras.utils.set_random_seed(0)
    base = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    file = tmp_path / "resnet50_notop.weights.h5"
    base.save_weights(file)
    config = TrainingConfig.defaults("resnet50", weights=str(file)).with_overrides(
        {"image_size": SIZE, "epochs": 1, "batch_size": 8}
    )
    result = train(config, tmp_path / "run")
    trained = build(config, class_count=3, base_weights=False)
    read_weights(trained, result.weights)
    kept = trained.get_layer("resnet50").get_weights()
    assert all((one == two).all() for one, two in zip(kept, base.get_weights(), strict=True))
    published = publish(
        result.weights,
        config=config,
        classes=CLASSES,
        directory=tmp_path / "model",
        parity_pixels=panels(6, seed=2).pixels,
    )
    assert published.parity <= 1e-3
    assert json.loads(published.recipe.read_text())["config"]["weights"] == file.name
