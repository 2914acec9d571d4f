"""What a search varies: for each setting a range or some values, and seeded draws from them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count, islice
from typing import Any, Self

import numpy as np

from classifier.networks.config import FIELDS, TrainingConfig
from classifier.networks.errors import InvalidConfig

BETWEEN = ".."
# What must be the same for scores to compare.
_OF_ALL_TRIALS = ("seed", "best_by")
# What is spread over orders of magnitude.
_BY_FACTORS = ("learning_rate", "finetune_learning_rate", "l2")
_FIGURES = 3
# A space of few combinations: so often the same may be drawn again before it counts as gone through.
_DRAWS_PER_CANDIDATE = 200

_OF_ALL = {
    "dropout": "0..0.6",
    "l2": "1e-6..1e-2",
    "label_smoothing": "0..0.15",
    "balance": "oversample, weights, papers, none",
}
# What is varied where a person names nothing.
SPACES: dict[str, dict[str, str]] = {
    "cnn": {"learning_rate": "3e-4..6e-3", **_OF_ALL},
    "resnet50": {"learning_rate": "1e-4..1e-2", **_OF_ALL},
}

Draws = np.random.Generator


@dataclass(frozen=True)
class Varied:
    """What one setting may be: one of some `values`, or a number from `low` to `high`, each included."""

    name: str
    values: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0

    @classmethod
    def read(cls, name: str, given: object) -> Self:
        """Read "0.1..0.5", "8, 16, 32" or a list of values; raises ValueError with a sentence."""
        if name not in FIELDS or not FIELDS[name].editable or name in _OF_ALL_TRIALS:
            raise ValueError(f"{name} is not a setting that a search can vary.")
        field = FIELDS[name]
        if isinstance(given, str) and BETWEEN in given and field.type in ("int", "float"):
            low, high = (field.parse(end.strip()) for end in given.split(BETWEEN, 1))
            if low >= high:
                raise ValueError(f"{name}: the range {given.strip()} does not rise.")
            if name in _BY_FACTORS and not low:
                raise ValueError(f"{name} is varied by factors: its range must begin above 0.")
            return cls(name, low=low, high=high)
        parts = given.split(",") if isinstance(given, str) else given
        if not isinstance(parts, Sequence):
            raise ValueError(f"{name}: give a range such as 0.1{BETWEEN}0.5, or values with commas.")
        read = [field.parse(part.strip() if isinstance(part, str) else part) for part in parts]
        return cls(name, values=tuple(dict.fromkeys(read)))

    def draw(self, random: Draws) -> Any:
        """Return one of what it may be; numbers over orders of magnitude evenly by their logarithm."""
        if self.values:
            return self.values[int(random.integers(len(self.values)))]
        if FIELDS[self.name].type == "int":
            return int(random.integers(int(self.low), int(self.high) + 1))
        if self.name in _BY_FACTORS:
            drawn = math.exp(random.uniform(math.log(self.low), math.log(self.high)))
        else:
            drawn = random.uniform(self.low, self.high)
        return min(self.high, max(self.low, float(f"{drawn:.{_FIGURES}g}")))

    def __str__(self) -> str:
        if self.values:
            return ", ".join(str(value) for value in self.values)
        return f"{self.low:g}{BETWEEN}{self.high:g}"


Space = dict[str, Varied]


def read_space(given: Mapping[str, object], base: TrainingConfig) -> Space:
    """Read what is varied around a configuration: {setting: range or values}; raises InvalidConfig.

    Without any, what `SPACES` proposes for the architecture.
    """
    space: Space = {}
    problems: dict[str, list[str]] = {}
    for name, each in (given or SPACES[base.architecture]).items():
        try:
            space[name] = Varied.read(name, each)
            if not FIELDS[name].applies_to(base.architecture):
                raise ValueError(f"{name} is a setting of {FIELDS[name].only_for} only.")
        except ValueError as error:
            problems[name] = [str(error)]
    if problems:
        raise InvalidConfig(problems)
    return space


def candidates(space: Space, base: TrainingConfig, *, number: int, seed: int) -> list[dict[str, Any]]:
    """Return settings to try, no two the same: first what `base` has, then random ones.

    Random search as in Bergstra and Bengio, JMLR 13 (2012) 281-305. The same space and seed give the same,
    and a larger number the same ones first. Raises InvalidConfig where the space holds fewer.
    """
    found = [{name: getattr(base, name) for name in space}]
    draws = (_drawn(space, seed, place) for place in count())
    for settings in islice(draws, number * _DRAWS_PER_CANDIDATE):
        if len(found) == number:
            break
        if settings not in found:
            base.with_overrides(settings)
            found.append(settings)
    if len(found) < number:
        told = f"What is varied allows some {len(found)} combinations only: vary more, or try fewer."
        raise InvalidConfig({"candidates": [told]})
    return found


def _drawn(space: Space, seed: int, place: int) -> dict[str, Any]:
    """Return the settings of one place in the endless row of draws."""
    return {
        name: each.draw(np.random.default_rng([seed, place, list(FIELDS).index(name)]))
        for name, each in space.items()
    }
