"""Settings of runs that were queued before there were more of them."""

from importlib import import_module
from typing import Any

import pytest

from classifier.networks.config import TrainingConfig

MOVE = import_module("training_jobs.migrations.0003_balance")
OLD: dict[str, Any] = {"architecture": "cnn", "image_size": 64, "epochs": 3, "augment": True, "seed": 4}


@pytest.mark.parametrize(("oversampled", "balance"), [(True, "oversample"), (False, "none")])
def test_an_older_run_keeps_what_it_did_in_the_newer_words(oversampled: bool, balance: str) -> None:
    old = {**OLD, "oversample": oversampled}
    config = TrainingConfig.from_dict(MOVE.rename(dict(old)))
    assert config.balance == balance
    assert (config.image_size, config.epochs, config.seed) == (64, 3, 4)
    # None of what came later was done then.
    assert (config.drawn_papers, config.noise, config.gamma, config.jpeg, config.finetune_epochs) == (0,) * 5
    assert MOVE.rename_back(MOVE.rename(dict(old))) == old
