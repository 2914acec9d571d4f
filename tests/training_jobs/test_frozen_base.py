"""A ResNet50 whose base is frozen: it looks at each image once, its head learns, then its last stages."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.networks.config import TrainingConfig
from classifier.row_cache import RowCache
from tests.classifier.test_networks import CLASSES, SIZE, panels, train
from tests.factories_models import labelled_dataset, split_of
from training_jobs import tasks
from training_jobs.launching import queue_training
from training_jobs.models import EpochMetric, Job, TrainingRun

pytestmark = [pytest.mark.keras, pytest.mark.slow]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of weights for the base, as good as any but for what they know."""
    import keras

    keras.utils.set_random_seed(0)
    base = keras.applications.ResNet50(include_top=False, weights=None, input_shape=(SIZE, SIZE, 3))
    path = tmp_path_factory.mktemp("weights") / "resnet50_notop.weights.h5"
    base.save_weights(path)
    return path


def frozen(weights: Path, **settings: object) -> TrainingConfig:
    """A tiny run over a frozen base."""
    return TrainingConfig.defaults("resnet50", weights=str(weights)).with_overrides(
        {"image_size": SIZE, "epochs": 2, "batch_size": 8, "augment": False, **settings}
    )


def by_keras(network: Any) -> Any:
    """The features of the test's images, by the network itself."""
    from classifier.networks.architectures import features_of
    from classifier.networks.stages import Features

    base = features_of(network)
    values = base.predict(
        np.concatenate([panels(24).pixels, panels(12, seed=1).pixels]).astype(np.float32), verbose=0
    )
    return Features(values, np.arange(24)[:, None], np.arange(24, 36))


def test_a_head_learns_from_features_as_it_does_through_the_base(weights: Path, tmp_path: Path) -> None:
    config = frozen(weights)
    through = train(config, tmp_path / "through")
    once = train(config, tmp_path / "once", featured=by_keras)
    for one, other in zip(through.epochs, once.epochs, strict=True):
        assert other.loss == pytest.approx(one.loss, rel=1e-3)
        assert other.val_loss == pytest.approx(one.val_loss, rel=1e-3)


def test_fine_tuning_changes_the_last_stages_and_no_normalisation(weights: Path, tmp_path: Path) -> None:
    import keras

    from classifier.networks.architectures import build

    config = frozen(weights, finetune_epochs=2, finetune_learning_rate=1e-3)
    result = train(config, tmp_path, featured=by_keras)
    assert [each.epoch for each in result.epochs] == [1, 2, 3, 4]
    before = build(config, class_count=len(CLASSES)).get_layer("resnet50")
    network = build(config, class_count=len(CLASSES), base_weights=False)
    # The last epoch's weights: the best may be those before the fine-tuning.
    from classifier.networks import checkpoints

    last = checkpoints.newest([tmp_path])
    assert last is not None
    for variable, value in zip(network.variables, last.arrays["model"], strict=True):
        variable.assign(value)
    for layer, was in zip(network.get_layer("resnet50").layers, before.layers, strict=True):
        pairs = zip(layer.get_weights(), was.get_weights(), strict=True)
        same = all((one == other).all() for one, other in pairs)
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        assert same == (normalises or not layer.weights or not layer.name.startswith("conv5")), layer.name


@pytest.mark.django_db
def test_a_run_computes_features_once_for_all_runs(
    weights: Path, settings: Any, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.RESNET50_WEIGHTS = str(weights)
    split = split_of(labelled_dataset(papers=4, per_paper=6))
    added: list[int] = []
    add = RowCache.add

    def counted(cache: RowCache, keys: Any, rows: Any) -> None:
        added.append(len(keys) if cache.directory.parent.name == "features" else 0)
        add(cache, keys, rows)

    monkeypatch.setattr(RowCache, "add", counted)
    settings_of_run = {"image_size": SIZE, "batch_size": 8, "views": 2, "finetune_epochs": 1}

    def finished(**more: object) -> TrainingRun:
        added.clear()
        run = queue_training(split, architecture="resnet50", config={**settings_of_run, **more})
        tasks.train(run.pk)
        run.refresh_from_db()
        assert run.state == Job.State.SUCCEEDED, run.error
        return run

    first = finished(epochs=2)
    counts = split.counts["images"]
    assert sum(added) == 2 * counts["train"] + counts["val"]
    assert EpochMetric.objects.filter(run=first).count() == 3
    finished(epochs=1)
    assert sum(added) == 0
    finished(epochs=1, turn=20.0)
    assert sum(added) == 2 * counts["train"] + counts["val"]
    assert len(list(data_dir.glob("cache/bases/*.onnx"))) == 1
    assert not list(data_dir.glob("checkpoints/*"))
