"""A training that was stopped goes on as if it had not been: the same figures, the same weights."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from classifier.networks.config import TrainingConfig
from classifier.networks.errors import FittingCancelled, FittingInterrupted
from tests.classifier.test_networks import CLASSES, SIZE, nothing, panels, tiny, train, without_times

pytestmark = pytest.mark.keras
STEPS = 3


def weights_of(result: Any, config: TrainingConfig) -> list[Any]:
    """The best weights of a training, read into a new network."""
    from classifier.networks.architectures import build
    from classifier.networks.weights import read_weights

    network = build(config, class_count=len(CLASSES))
    read_weights(network, result.weights)
    return list(network.get_weights())


def same(one: Any, other: Any, config: TrainingConfig) -> bool:
    """Whether two trainings came to the same, bit by bit."""
    pairs = zip(weights_of(one, config), weights_of(other, config), strict=True)
    return without_times(one.epochs) == without_times(other.epochs) and all(
        (mine == theirs).all() for mine, theirs in pairs
    )


def stop_after(steps: int, error: Exception | None = None) -> Callable[[], bool]:
    """A person, or a machine, that wants an end after so many steps."""
    asked = iter(range(10**6))

    def should_stop() -> bool:
        if next(asked) + 1 < steps:
            return False
        if error is not None:
            raise error
        return True

    return should_stop


@pytest.fixture(scope="module")
def config() -> TrainingConfig:
    """Three epochs of three steps, with everything random that there is."""
    return tiny(epochs=3, augment=True, dropout=0.3, seed=11, balance="weights")


@pytest.fixture(scope="module")
def whole(config: TrainingConfig, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The training without an interruption."""
    return train(config, tmp_path_factory.mktemp("whole"))


# After each step, and once more for each batch that is judged.
@pytest.mark.parametrize(
    "steps", [pytest.param(1, marks=pytest.mark.slow), 4, pytest.param(6, marks=pytest.mark.slow)]
)
def test_a_training_stopped_anywhere_comes_to_the_same(
    config: TrainingConfig, whole: Any, tmp_path: Path, steps: int
) -> None:
    with pytest.raises(FittingInterrupted):
        train(config, tmp_path / "1", should_stop=stop_after(steps, FittingInterrupted("The worker ends.")))
    gone_on: list[Any] = []
    result = train(
        config,
        tmp_path / "2",
        go_on_from=[tmp_path / "1"],
        on_going_on=lambda epochs, step: gone_on.append((len(epochs), step)),
    )
    # Each epoch asks once more than it has steps: after its one batch of validation.
    epochs, asked = divmod(steps - 1, STEPS + 1)
    assert gone_on == [(epochs, min(asked + 1, STEPS))]
    assert same(whole, result, config)


@pytest.mark.slow
def test_a_killed_training_goes_on_from_its_last_epoch(
    config: TrainingConfig, whole: Any, tmp_path: Path
) -> None:
    class Killed(BaseException):
        """What nothing catches."""

    def on_batch(done: int, *_: float) -> None:
        if done == 2 * STEPS + 1:
            raise Killed

    with pytest.raises(Killed):
        train(config, tmp_path, on_batch=on_batch)
    taught: list[int] = []
    result = train(config, tmp_path, on_batch=lambda done, *_: taught.append(done))
    assert taught == [7, 8, 9]
    assert same(whole, result, config)


def test_a_finished_training_learns_nothing_more(config: TrainingConfig, whole: Any, tmp_path: Path) -> None:
    train(config, tmp_path / "1")
    taught: list[int] = []
    again = train(
        config, tmp_path / "2", go_on_from=[tmp_path / "1"], on_batch=lambda done, *_: taught.append(done)
    )
    assert taught == []
    assert same(whole, again, config)


@pytest.mark.slow
def test_a_paused_training_goes_on_as_if_it_had_not_paused(
    config: TrainingConfig, whole: Any, tmp_path: Path
) -> None:
    paused = train(config, tmp_path / "1", stop_after=1)
    assert without_times(paused.epochs) == without_times(whole.epochs[:1])
    still = train(config, tmp_path / "2", stop_after=1, go_on_from=[tmp_path / "1"])
    assert same(paused, still, config)
    assert same(whole, train(config, tmp_path / "3", go_on_from=[tmp_path / "2", tmp_path / "1"]), config)


def test_broken_checkpoints_cost_an_epoch_and_no_more(
    config: TrainingConfig, whole: Any, tmp_path: Path
) -> None:
    with pytest.raises(FittingCancelled):
        train(config, tmp_path, should_stop=stop_after(2 * (STEPS + 1) + 1))
    newest = max(tmp_path.glob("checkpoint-*.npz"))
    newest.write_bytes(newest.read_bytes()[:-100])
    taught: list[int] = []
    result = train(config, tmp_path, on_batch=lambda done, *_: taught.append(done))
    assert taught == [7, 8, 9]
    assert same(whole, result, config)


@pytest.mark.slow
@pytest.mark.parametrize("other", [{"seed": 12}, {"epochs": 4}, {"learning_rate": 0.01}])
def test_a_checkpoint_of_other_settings_is_left_alone(
    config: TrainingConfig, tmp_path: Path, other: dict[str, Any]
) -> None:
    train(config, tmp_path / "1")
    taught: list[int] = []
    changed = config.with_overrides(other)
    train(changed, tmp_path / "2", go_on_from=[tmp_path / "1"], on_batch=lambda done, *_: taught.append(done))
    assert taught[0] == 1


@pytest.mark.slow
def test_a_checkpoint_whose_best_weights_are_gone_is_left_alone(
    config: TrainingConfig, tmp_path: Path
) -> None:
    train(config, tmp_path / "1")
    for path in (tmp_path / "1").glob("best-*.npz"):
        path.unlink()
    taught: list[int] = []
    train(config, tmp_path / "2", go_on_from=[tmp_path / "1"], on_batch=lambda done, *_: taught.append(done))
    assert taught[0] == 1


def test_patience_ends_a_training_that_gains_nothing(tmp_path: Path) -> None:
    config = tiny(epochs=30, patience=2, learning_rate=1e-6, schedule="constant")
    result = train(config, tmp_path)
    assert len(result.epochs) == result.best_epoch + 2 < 30
    assert {each.learning_rate for each in result.epochs} == {1e-6}


def test_patience_without_validation_goes_by_training(tmp_path: Path) -> None:
    result = train(tiny(epochs=3, patience=1), tmp_path, validation=nothing())
    assert 1 <= len(result.epochs) <= 3


def test_smoothed_labels_and_weights_leave_the_told_loss_a_cross_entropy(tmp_path: Path) -> None:
    sure = {"epochs": 25, "learning_rate": 0.003, "label_smoothing": 0.5, "balance": "weights"}
    result = train(tiny(**sure), tmp_path)
    assert result.best_score >= 0.9
    # No probability passes 1 - 0.5 + 0.5 / 3 for long: the cross-entropy of a true label ends there.
    assert result.epochs[-1].val_loss > -np.log(0.85)


@pytest.mark.slow
def test_images_may_lie_anywhere_in_a_file(tmp_path: Path) -> None:
    from classifier.networks.pipeline import LabelledPixels

    plain = panels(24)
    scattered = np.zeros((60, SIZE, SIZE, 3), np.uint8)
    rows = np.random.default_rng(0).permutation(60)[:24]
    scattered[rows] = plain.pixels
    moved = LabelledPixels(scattered, plain.labels, rows)
    config = tiny(augment=True)
    one, other = train(config, tmp_path / "a"), train(config, tmp_path / "b", train=moved)
    assert same(one, other, config)


@pytest.mark.slow
def test_a_stage_that_ends_early_leaves_the_next_its_own_epochs_and_rates(tmp_path: Path) -> None:
    from classifier.networks.architectures import build
    from classifier.networks.attempt import Attempt
    from classifier.networks.stages import Stage

    config = tiny(epochs=9, patience=1, learning_rate=1e-6)
    network = build(config, class_count=len(CLASSES))
    images = {"train": panels(24), "validation": panels(12, seed=1)}
    stages = [
        Stage(network, config, epochs=epochs, rate=rate, **images) for epochs, rate in ((9, 1e-7), (2, 1e-3))
    ]
    given = {"classes": CLASSES, "directory": tmp_path, "on_epoch": lambda _: None, "on_batch": None}
    attempt = Attempt(config, stages=stages, should_stop=lambda: False, **given)
    attempt.run()
    first = [each for each in attempt.at.epochs if each.learning_rate < 1e-6]
    later = attempt.at.epochs[len(first) :]
    assert len(first) < 9
    assert 1 <= len(later) <= 2
    assert all(1e-5 < each.learning_rate <= 1e-3 for each in later)
