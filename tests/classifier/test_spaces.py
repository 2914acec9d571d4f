"""What a search varies: how it is read, and what is drawn from it."""

import numpy as np
import pytest

from classifier.networks.config import ARCHITECTURES, TrainingConfig
from classifier.networks.errors import InvalidConfig
from classifier.networks.spaces import SPACES, candidates, read_space

BASE = TrainingConfig.defaults("cnn")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_proposed_can_be_drawn_from(architecture: str) -> None:
    base = TrainingConfig.defaults(architecture, weights="none")
    space = read_space({}, base)
    assert set(space) == set(SPACES[architecture])
    found = candidates(space, base, number=30, seed=0)
    assert found[0] == {name: getattr(base, name) for name in space}
    assert len({tuple(each.items()) for each in found}) == 30


def test_the_same_seed_draws_the_same_and_more_of_them_begin_alike() -> None:
    space = read_space({}, BASE)
    nine = candidates(space, BASE, number=9, seed=4)
    assert candidates(space, BASE, number=20, seed=4)[:9] == nine
    assert candidates(space, BASE, number=9, seed=5)[1:] != nine[1:]


def test_another_setting_varied_leaves_the_draws_of_the_first_as_they_were() -> None:
    one = candidates(read_space({"dropout": "0..0.5"}, BASE), BASE, number=5, seed=0)
    two = candidates(read_space({"dropout": "0..0.5", "l2": "1e-6..1e-2"}, BASE), BASE, number=5, seed=0)
    assert [each["dropout"] for each in one] == [each["dropout"] for each in two]


def test_ranges_are_drawn_from_end_to_end_rates_by_their_logarithm() -> None:
    space = read_space(
        {"learning_rate": "1e-4..1e-2", "dropout": "0.2..0.4", "batch_size": "8..12", "schedule": "constant"},
        BASE,
    )
    found = candidates(space, BASE, number=200, seed=0)[1:]
    rates = np.array([each["learning_rate"] for each in found])
    assert rates.min() >= 1e-4 and rates.max() <= 1e-2
    # Half of them lie below the geometric middle.
    assert abs((rates < 1e-3).mean() - 0.5) < 0.12
    assert {each["batch_size"] for each in found} == {8, 9, 10, 11, 12}
    assert {each["schedule"] for each in found} == {"constant"}
    assert all(0.2 <= each["dropout"] <= 0.4 for each in found)


def test_values_are_read_in_their_own_type_from_a_text_and_from_a_list() -> None:
    assert read_space({"batch_size": "8, 16,32"}, BASE)["batch_size"].values == (8, 16, 32)
    assert read_space({"augment": ["true", False]}, BASE)["augment"].values == (True, False)
    assert str(read_space({"batch_size": "8, 16,8"}, BASE)["batch_size"]) == "8, 16"
    again = read_space({name: str(each) for name, each in read_space({}, BASE).items()}, BASE)
    assert again == read_space({}, BASE)


@pytest.mark.parametrize(
    ("name", "given", "told"),
    [
        ("no_such", "1..2", "not a setting"),
        ("weights", "a, b", "not a setting that a search can vary"),
        ("seed", "1..9", "not a setting that a search can vary"),
        ("dropout", "0.5..0.1", "does not rise"),
        ("dropout", "0..5", "from 0 to 0.9"),
        ("l2", "0..0.1", "begin above 0"),
        ("views", "1, 4", "resnet50 only"),
        ("balance", "papers..none", "must be one of"),
        ("batch_size", "", "whole number"),
        ("batch_size", 8, "give a range"),
    ],
)
def test_what_cannot_be_varied_is_refused_at_its_name(name: str, given: object, told: str) -> None:
    with pytest.raises(InvalidConfig) as refused:
        read_space({name: given, "dropout": "0..0.5"} if name != "dropout" else {name: given}, BASE)
    assert list(refused.value.fields) == [name]
    assert told in refused.value.fields[name][0]


def test_a_space_with_fewer_combinations_than_candidates_is_refused() -> None:
    with pytest.raises(InvalidConfig, match="3 combinations"):
        candidates(read_space({"batch_size": "8, 16, 32"}, BASE), BASE, number=4, seed=0)
