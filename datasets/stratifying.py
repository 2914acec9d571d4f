"""Groups into subsets so that every class comes near its share: greedy, then mended move by move; seeded."""

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.int64]
Floats = NDArray[np.float64]

# What a subset loses by holding nothing of a class, in train, val and test: train is asked for first.
_ABSENCE = np.array([1000.0, 10.0, 100.0])
_LARGEST_TO_MEND = 3000
_MOST_MOVES = 400
_MOST_TRIES = 12
_GROUPS_TRIED = 8000


def assign_groups(
    keys: Sequence[Hashable], labels: Sequence[str], *, shares: Sequence[float], seed: int
) -> list[int]:
    """Return for each member the place (0 train, 1 val, 2 test) of its group; a group is never cut.

    Each group goes where it brings the classes' and the whole's counts nearest to the shares, large and rare
    ones first (after Sechidis, Tsoumakas and Vlahavas, "On the stratification of multi-label data", 2011).
    """
    groups = {key: place for place, key in enumerate(dict.fromkeys(keys))}
    classes = {label: place for place, label in enumerate(sorted(set(labels)))}
    of_group = np.fromiter((groups[key] for key in keys), np.int64, len(keys))
    of_class = np.fromiter((classes[label] for label in labels), np.int64, len(labels))
    counts = np.zeros((len(groups), len(classes)), np.int64)
    np.add.at(counts, (of_group, of_class), 1)
    # What is greedy depends on the order: several orders are tried where that costs little.
    tries = int(np.clip(_GROUPS_TRIED // len(groups), 1, _MOST_TRIES))
    random = np.random.default_rng(seed)
    found = [_Stratifying(counts, np.asarray(shares, np.float64), random) for _ in range(tries)]
    places = min((one.places() for one in found), key=lambda places: found[0].distance(places))
    return [int(place) for place in places[of_group]]


class _Stratifying:
    """Counts of each class in each group, and how far the subsets are from what they should hold.

    counts: int64 (groups, classes). shares: float64 (3,), any positive scale.
    """

    def __init__(self, counts: Counts, shares: Floats, random: np.random.Generator) -> None:
        self.random = random
        # The whole is one more column, so that sizes are kept as well as classes.
        self.counts = np.column_stack([counts, counts.sum(axis=1)])
        self.shares = shares / shares.sum()
        self.open = np.flatnonzero(self.shares > 0)
        self.totals = self.counts.sum(axis=0)
        self.targets = np.outer(self.shares, self.totals)
        self.scale = 1.0 / (np.maximum(self.shares, 1e-9)[:, None] * self.totals.astype(np.float64) ** 2)
        self.held = np.zeros((3, self.counts.shape[1]), np.int64)
        self.chosen = np.full(len(counts), -1, np.int64)

    def places(self) -> Counts:
        """Assign every group; int64 (groups,)."""
        sizes = self.counts[:, -1]
        several = np.flatnonzero(sizes > 1)
        rarity = (self.counts[:, :-1] / self.totals[:-1]).sum(axis=1)
        order = several[np.argsort(-rarity[several] * self.random.uniform(0.6, 1.4, len(several)))]
        for group in order:
            self._put(group)
        self._put_singles(np.flatnonzero(sizes == 1))
        if len(self.chosen) <= _LARGEST_TO_MEND:
            self._mend()
        return self.chosen

    def distance(self, places: Counts) -> float:
        """Return how far an assignment is from the targets, absence weighing most; places (groups,)."""
        held = np.zeros_like(self.held)
        np.add.at(held, places, self.counts)
        return float(self._cost(held, np.arange(3))[self.open].sum())

    def _cost(self, held: NDArray[np.int64], places: NDArray[np.int64]) -> Floats:
        """Return how far subsets are from their target; held (..., columns) as the subset of that place."""
        away = ((held - self.targets[places]) ** 2 * self.scale[places]).sum(axis=-1)
        absent = (held[..., :-1] == 0).sum(axis=-1)
        return np.asarray(away + absent * _ABSENCE[places])

    def _put(self, group: int) -> None:
        """Put a group where the distance from the targets grows least."""
        now = self.held[self.open]
        after = now + self.counts[group]
        # Absence counts only when mending: at the start all subsets hold nothing.
        grows = (
            ((after - self.targets[self.open]) ** 2 - (now - self.targets[self.open]) ** 2)
            * self.scale[self.open]
        ).sum(axis=1)
        place = int(self.open[np.argmin(grows)])
        self.chosen[group] = place
        self.held[place] += self.counts[group]

    def _put_singles(self, singles: Counts) -> None:
        """Deal groups of one image, class by class, to whatever subset is furthest below its target."""
        of_class = self.counts[singles, :-1].argmax(axis=1)
        for column in np.unique(of_class):
            mine = self.random.permutation(singles[of_class == column])
            lacking = np.maximum(self.targets[:, column] - self.held[:, column], 0.0) * (self.shares > 0)
            wanted = lacking * (len(mine) / lacking.sum()) if lacking.sum() else self.shares * len(mine)
            numbers = np.floor(wanted).astype(np.int64)
            left = len(mine) - int(numbers.sum())
            for place in np.argsort(-(wanted - numbers), kind="stable")[:left]:
                numbers[place] += 1
            self.chosen[mine] = np.repeat(np.arange(3), numbers)
            self.held[:, column] += numbers
            self.held[:, -1] += numbers

    def _mend(self) -> None:
        """Move one group at a time, always the one that helps most, until none helps."""
        groups = np.arange(len(self.chosen))
        for _ in range(_MOST_MOVES):
            costs = self._cost(self.held, np.arange(3))
            leaving = self._cost(self.held[self.chosen] - self.counts, self.chosen) - costs[self.chosen]
            gains = np.full((len(groups), 3), np.inf)
            for place in self.open:
                arriving = self._cost(self.held[place] + self.counts, np.full(len(groups), place))
                gains[:, place] = leaving + arriving - costs[place]
            gains[groups, self.chosen] = np.inf
            group, place = np.unravel_index(np.argmin(gains), gains.shape)
            if gains[group, place] > -1e-12:
                return
            self.held[self.chosen[group]] -= self.counts[group]
            self.held[place] += self.counts[group]
            self.chosen[group] = place
