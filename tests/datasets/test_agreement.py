"""Cohen's kappa, against scikit-learn, a published example and a simulation."""

from collections import Counter

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score

from datasets.queues.agreement import Kappa, agreement_of, cohens_kappa
from datasets.queues.asking import ask_second_opinion
from datasets.queues.deciding import give_opinion
from tests.factories import UserFactory
from tests.factories_models import labelled_dataset

# J. L. Fleiss, J. Cohen and B. S. Everitt, Psychological Bulletin 72 (1969), table 1: shares of 200 cases.
PUBLISHED = {
    ("a", "a"): 106, ("a", "b"): 10, ("a", "c"): 4,
    ("b", "a"): 22, ("b", "b"): 28, ("b", "c"): 10,
    ("c", "a"): 2, ("c", "b"): 12, ("c", "c"): 6,
}  # fmt: skip


def test_kappa_and_its_error_are_those_of_the_published_example() -> None:
    found = cohens_kappa(PUBLISHED)
    assert found.kappa == pytest.approx(0.429, abs=1e-3)
    assert found.low is not None and found.high is not None
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.05365, abs=2e-4)


@pytest.mark.parametrize("seed", range(5))
def test_kappa_is_scikit_learns(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 4, 120)
    second = np.where(rng.random(120) < 0.6, first, rng.integers(0, 4, 120))
    table = Counter((str(one), str(other)) for one, other in zip(first, second, strict=True))
    found = cohens_kappa(table)
    assert found.kappa == pytest.approx(cohen_kappa_score(first, second))
    assert found.observed == pytest.approx(float((first == second).mean()))


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([0.4, 0.05, 0.1, 0.45])
    pairs = [("a", "a"), ("a", "b"), ("b", "a"), ("b", "b")]
    truth = cohens_kappa(dict(zip(pairs, (shares * 1000).astype(int).tolist(), strict=True))).kappa
    covered = 0
    for _ in range(400):
        counts = rng.multinomial(200, shares).tolist()
        found = cohens_kappa(dict(zip(pairs, counts, strict=True)))
        assert found.low is not None and found.high is not None and truth is not None
        covered += found.low <= truth <= found.high
    assert 0.91 <= covered / 400 <= 0.98


def test_where_chance_agrees_on_everything_there_is_no_kappa() -> None:
    assert cohens_kappa({("a", "a"): 9}) == Kappa(9, 1.0, None)
    assert cohens_kappa({}) == Kappa(0, 0.0, None)


def test_full_agreement_has_no_interval() -> None:
    assert cohens_kappa({("a", "a"): 4, ("b", "b"): 5}) == Kappa(9, 1.0, 1.0)


@pytest.mark.django_db
def test_a_pair_is_who_labelled_and_who_did_not_see_it() -> None:
    dataset = labelled_dataset(papers=2, per_paper=4)
    admin, ben = UserFactory(is_superuser=True), UserFactory(username="ben")
    ids = list(dataset.images.order_by("pk").values_list("pk", flat=True))
    queue = ask_second_opinion(dataset, ids).queue
    for pk in ids[:6]:
        give_opinion(queue, [pk], label=dataset.images.get(pk=pk).label, excluded=False, author=ben)
    give_opinion(queue, ids[6:7], label=dataset.class_named("FAC"), excluded=False, author=ben)
    give_opinion(queue, ids[7:], label=None, excluded=True, author=ben)
    (pair,) = agreement_of(dataset, admin)
    assert (pair.first, pair.second, pair.overall.images) == ("import", "ben", 8)
    assert pair.overall.observed == 0.75
    assert list(pair.classes) == ["BlotGel", "FAC", "Microscopy", "excluded"]
    assert pair.classes["BlotGel"].observed == pytest.approx(7 / 8)
    assert agreement_of(dataset, UserFactory()) == []
