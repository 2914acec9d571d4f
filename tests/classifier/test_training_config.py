"""The settings of a training run: what is read, what is refused and with which words."""

from dataclasses import fields
from pathlib import Path

import pytest

from classifier.networks.config import FIELDS, TrainingConfig
from classifier.networks.errors import InvalidConfig, RandomBaseFrozen, WeightsUnavailable


def test_texts_are_read_as_the_settings_own_types() -> None:
    config = TrainingConfig.defaults("cnn").with_overrides(
        {"epochs": "3", "learning_rate": "0.001", "augment": "false", "balance": "weights", "l2": 0}
    )
    assert (config.epochs, config.learning_rate, config.l2) == (3, 0.001, 0.0)
    assert config.augment is False
    assert config.balance == "weights"


def test_all_wrong_settings_are_named_at_once_with_their_ranges() -> None:
    with pytest.raises(InvalidConfig) as caught:
        TrainingConfig.defaults("cnn").with_overrides(
            {"epochs": "0", "dropout": 2, "geometry": "crop", "augment": "perhaps", "image_size": "wide"}
        )
    sentences = {name: " ".join(said) for name, said in caught.value.fields.items()}
    assert set(sentences) == {"epochs", "dropout", "geometry", "augment", "image_size"}
    assert "from 1 to 500" in sentences["epochs"]
    assert "from 0 to 0.9" in sentences["dropout"]
    assert "letterbox, stretch" in sentences["geometry"]
    assert "true or false" in sentences["augment"]
    assert "whole number from 32 to 512" in sentences["image_size"]
    assert caught.value.code == "invalid_config"
    assert sentences["dropout"] in str(caught.value)


@pytest.mark.parametrize(
    "value", ["nan", "inf", "1e400", "", None, True, [3], "3.5", 3.5, "-1", "9" * 400, 10**400]
)
def test_a_number_that_is_none_is_refused(value: object) -> None:
    with pytest.raises(InvalidConfig, match="whole number"):
        TrainingConfig.defaults("cnn").with_overrides({"epochs": value})


def test_an_unknown_setting_is_refused_and_the_known_ones_are_named() -> None:
    with pytest.raises(InvalidConfig, match=r"epoch is not a setting.*epochs"):
        TrainingConfig.defaults("cnn").with_overrides({"epoch": 3})


def test_an_unknown_architecture_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="cnn, resnet50"):
        TrainingConfig.defaults("vgg")


def test_a_run_may_not_name_a_file_of_the_server_as_weights() -> None:
    config = TrainingConfig.defaults("resnet50")
    with pytest.raises(InvalidConfig, match="RESNET50_WEIGHTS"):
        config.with_overrides({"weights": "/etc/passwd"})
    trusted = config.with_overrides({"weights": "/srv/resnet.h5"}, by_installation=True)
    assert trusted.weights == "/srv/resnet.h5"


def test_shown_settings_do_not_tell_where_the_weights_lie() -> None:
    config = TrainingConfig.defaults("resnet50", weights="/srv/secret/resnet.h5")
    assert config.described()["weights"] == "resnet.h5"
    assert config.as_dict()["weights"] == "/srv/secret/resnet.h5"


def test_stored_settings_are_read_back_as_they_were() -> None:
    config = TrainingConfig.defaults("resnet50", weights="none").with_overrides({"seed": 7, "l2": "0.5"})
    assert TrainingConfig.from_dict(config.as_dict()) == config


def test_a_random_base_trains_by_default_and_is_refused_frozen() -> None:
    config = TrainingConfig.defaults("resnet50", weights="none")
    config.check_weights()
    with pytest.raises(RandomBaseFrozen, match="train_base") as caught:
        config.with_overrides({"train_base": False}).check_weights()
    assert caught.value.code == "random_base_frozen"


def test_a_missing_weights_file_is_named_with_what_to_do(tmp_path: Path) -> None:
    config = TrainingConfig.defaults("resnet50", weights=str(tmp_path / "gone.h5"))
    with pytest.raises(WeightsUnavailable, match=r"gone\.h5.*Set RESNET50_WEIGHTS to the path of") as caught:
        config.check_weights()
    assert caught.value.code == "weights_unavailable"
    assert str(tmp_path) not in str(caught.value)


def test_every_setting_has_what_a_form_needs() -> None:
    assert set(FIELDS) == {field.name for field in fields(TrainingConfig)}
    for field in FIELDS.values():
        assert field.label
        assert field.help.endswith(".")
        assert (field.type == "choice") == bool(field.choices)
        assert (field.type in ("int", "float")) == (field.min is not None and field.max is not None)
