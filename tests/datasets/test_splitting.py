"""Whole papers into subsets, frozen, with what leaks told."""

import json
from collections import defaultdict
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction

from datasets.errors import Refused
from datasets.labelling import correct_label
from datasets.models import Dataset, Image, Label, Split, SplitMember
from datasets.models.image import panel_position
from datasets.models.split import SplitFrozen
from datasets.splitting import find_split, make_split, plan_split, read_official, read_ratios
from datasets.stratifying import assign_groups
from tests.factories import DatasetFactory, ImageFactory, PaperFactory, UserFactory

CLASSES = ("BlotGel", "FAC", "Macroscopy", "Microscopy", "Noneoftheabove")


def fill(papers: dict[str, dict[str, int]], *, slug: str = "d", per_group: int = 4) -> Dataset:
    """A dataset of papers with so many images of each class, without bytes; the names as in BioFors."""
    dataset = DatasetFactory(slug=slug)
    for identifier, holds in papers.items():
        paper = PaperFactory(dataset=dataset, identifier=identifier)
        place = 0
        for name, number in holds.items():
            label = dataset.class_named(name)
            for _ in range(number):
                file_name = f"01{place // per_group:02}{place % per_group:02}.png"
                figure, group = panel_position(file_name)
                Image.objects.create(
                    dataset=dataset, paper=paper, file_name=file_name, figure=figure, panel_group=group,
                    sha256=f"{identifier}{place:060}"[-64:], byte_size=1, width=9, height=9,
                    format="PNG", label=label, version=1,
                )  # fmt: skip
                place += 1
    Label.objects.bulk_create(
        Label(image=image, version=1, label_class=image.label, source="imported", created_at=image.created_at)
        for image in dataset.images.all()
    )
    return dataset


@pytest.fixture
def dataset(db: None) -> Dataset:
    """Thirty papers of unequal size and mixture."""
    random = np.random.default_rng(5)
    return fill(
        {
            str(100 + n): {
                name: int(random.integers(1, 12)) for name in random.choice(CLASSES, 2, replace=False)
            }
            for n in range(30)
        }
    )


def subsets_of(dataset: Dataset, assignment: dict[int, str], key: str) -> dict[Any, set[str]]:
    """For each value of a field the subsets it lies in."""
    found: defaultdict[Any, set[str]] = defaultdict(set)
    for pk, value in dataset.images.values_list("pk", key):
        if pk in assignment:
            found[value].add(assignment[pk])
    return found


@pytest.mark.parametrize("ratios", ["65:15:20", "70:15:15", "80:10:10", "2:1:1"])
@pytest.mark.parametrize("seed", [0, 1])
def test_papers_stay_whole_and_every_subset_holds_every_class_near_its_share(
    dataset: Dataset, ratios: str, seed: int
) -> None:
    plan = plan_split(dataset, ratios=ratios, seed=seed)
    assert len(plan.assignment) == dataset.images.count()
    assert all(len(subsets) == 1 for subsets in subsets_of(dataset, plan.assignment, "paper").values())
    assert plan.leak_report["shared_papers"] == plan.leak_report["papers"] == 0
    assert plan.warnings == []
    shares = np.array(read_ratios(ratios)) / sum(read_ratios(ratios))
    for name in CLASSES:
        held = np.array([plan.counts[subset][name] for subset in ("train", "val", "test")])
        assert held.min() > 0
        assert np.abs(held / held.sum() - shares).max() < 0.13
    sizes = np.array(list(plan.images.values()))
    assert np.abs(sizes / sizes.sum() - shares).max() < 0.06


def test_the_same_seed_gives_the_same_split_and_another_seed_another(dataset: Dataset) -> None:
    first = plan_split(dataset, ratios="65:15:20", seed=3).assignment
    assert plan_split(dataset, ratios=[0.65, 0.15, 0.2], seed=3).assignment == first
    assert plan_split(dataset, ratios="65:15:20", seed=4).assignment != first


def test_a_split_by_image_leaks_and_says_so(dataset: Dataset) -> None:
    plan = plan_split(dataset, by="image")
    report = plan.leak_report
    assert report["papers"] > 0.9 * report["test_images"]
    assert 0 < report["panel_groups"] <= report["papers"]
    assert report["shared_papers"] > 20
    assert "share a paper with train" in plan.warnings[0]


def test_a_split_by_panel_group_keeps_groups_whole(dataset: Dataset) -> None:
    plan = plan_split(dataset, by="panel_group")
    groups = defaultdict(set)
    for pk, paper, group in dataset.images.values_list("pk", "paper", "panel_group"):
        groups[paper, group].add(plan.assignment[pk])
    assert all(len(subsets) == 1 for subsets in groups.values())
    assert plan.leak_report["panel_groups"] == 0
    assert "share a paper" in plan.warnings[0]


@pytest.mark.django_db
def test_exact_copies_in_another_paper_are_reported() -> None:
    dataset = fill({str(n): {"FAC": 3} for n in range(6)})
    dataset.images.update(sha256="f" * 64)
    plan = plan_split(dataset)
    assert plan.leak_report["exact_bytes"] == plan.leak_report["test_images"] > 0
    assert any("byte for byte" in warning for warning in plan.warnings)


@pytest.mark.django_db
def test_a_class_of_one_paper_goes_to_train_and_of_two_papers_to_test_too() -> None:
    base = {str(n): {"BlotGel": 10, "Microscopy": 6} for n in range(12)}
    for seed in range(4):
        dataset = fill(
            base | {"90": {"FAC": 4}, "91": {"Macroscopy": 5}, "92": {"Macroscopy": 3}}, slug=f"d{seed}"
        )
        plan = plan_split(dataset, seed=seed)
        assert [plan.counts[subset]["FAC"] for subset in ("train", "val", "test")] == [4, 0, 0]
        assert plan.counts["train"]["Macroscopy"] and plan.counts["test"]["Macroscopy"]
        assert any("FAC has no image in test" in warning for warning in plan.warnings)
        assert any("Macroscopy has no image in val" in warning for warning in plan.warnings)
        assert any("Noneoftheabove has no image in this dataset" in warning for warning in plan.warnings)


@pytest.mark.django_db
def test_a_class_absent_from_train_alone_is_refused_with_what_to_do() -> None:
    dataset = fill({"1": {"FAC": 3}, "2": {"BlotGel": 3}, "3": {"BlotGel": 3}})
    official = {"train": ["2"], "test": ["1", "3"]}
    with pytest.raises(Refused, match="exclude its images") as raised:
        make_split(dataset, name="s", official=official)
    assert raised.value.code == "class_absent_from_train"
    assert not Split.objects.exists()


@pytest.mark.django_db
def test_only_labelled_images_that_are_not_excluded_are_members() -> None:
    dataset = fill({str(n): {"FAC": 2, "BlotGel": 2} for n in range(6)})
    out, bare = dataset.images.order_by("pk")[:2]
    correct_label(out, label=out.label, excluded=True, author=None, expected_version=1)
    correct_label(bare, label=None, excluded=False, author=None, expected_version=1)
    ImageFactory(dataset=dataset, paper=dataset.papers.first(), file_name="x.png")
    plan = plan_split(dataset)
    assert len(plan.assignment) == 22
    assert not {out.pk, bare.pk} & plan.assignment.keys()


@pytest.mark.django_db
def test_images_without_a_paper_are_papers_of_their_own() -> None:
    dataset = DatasetFactory()
    for _, name in product(range(20), ("FAC", "BlotGel")):
        ImageFactory(dataset=dataset, paper=None, label=name)
    plan = plan_split(dataset)
    assert plan.images == {"train": 26, "val": 6, "test": 8}
    assert plan.papers == plan.images
    assert plan.leak_report["papers"] == 0


@pytest.mark.django_db
def test_a_subset_can_be_left_out() -> None:
    dataset = fill({str(n): {"FAC": 2, "BlotGel": 2} for n in range(10)})
    plan = plan_split(dataset, ratios="80:0:20")
    assert plan.images["val"] == 0
    assert not any(" val" in warning for warning in plan.warnings)


@pytest.mark.django_db
def test_a_dataset_without_labels_is_refused_with_what_to_do() -> None:
    with pytest.raises(Refused, match="label some first") as raised:
        plan_split(DatasetFactory())
    assert raised.value.code == "empty_dataset"


@pytest.mark.parametrize(
    "ratios",
    ["", "65:35", "1:2:3:4", "a:b:c", "0:50:50", "100:0:0", "-1:1:1", "nan:1:1", "inf:1:1", [1, 2], None],
)
def test_ratios_that_are_none_are_refused(ratios: Any) -> None:
    with pytest.raises(Refused) as raised:
        read_ratios(ratios)
    assert raised.value.code == "bad_ratios"


@pytest.mark.parametrize(("by", "seed", "code"), [("figure", 0, "bad_by"), ("paper", -1, "bad_seed")])
def test_a_wrong_choice_or_seed_is_refused(dataset: Dataset, by: str, seed: int, code: str) -> None:
    with pytest.raises(Refused) as raised:
        plan_split(dataset, by=by, seed=seed)
    assert raised.value.code == code


def test_a_made_split_keeps_its_counts_and_its_members(dataset: Dataset) -> None:
    ana = UserFactory()
    split = make_split(dataset, name="r1", ratios="65:15:20", author=ana)
    assert split.counts["images"]["train"] == split.members.filter(subset="train").count()
    assert sum(split.counts["images"].values()) == split.members.count() == dataset.images.count()
    assert split.counts["papers"]["train"] + split.counts["papers"]["val"] < 30
    assert sum(split.counts["classes"]["test"].values()) == split.counts["images"]["test"]
    assert (split.ratios, split.by, split.seed, split.created_by) == ([65, 15, 20], "paper", 0, ana)
    assert not split.leaks
    assert str(split) == "d/r1"


def test_a_split_is_frozen(dataset: Dataset) -> None:
    split = make_split(dataset, name="r1")
    with pytest.raises(SplitFrozen):
        split.save()
    with pytest.raises(SplitFrozen):
        SplitMember.objects.filter(split=split).update(subset="train")
    before = dict(split.members.values_list("image_id", "subset"))
    image = dataset.images.first()
    correct_label(image, label=None, excluded=True, author=None, expected_version=1)
    assert dict(split.members.values_list("image_id", "subset")) == before


def test_a_name_is_used_once_in_a_dataset(dataset: Dataset) -> None:
    make_split(dataset, name="r1")
    with pytest.raises(Refused) as raised:
        make_split(dataset, name="r1")
    assert (raised.value.code, raised.value.status) == ("name_taken", 409)
    with pytest.raises(Refused) as raised:
        make_split(dataset, name="no name/")
    assert raised.value.code == "bad_name"


def test_published_lists_are_followed_and_val_is_taken_from_train(dataset: Dataset) -> None:
    papers = sorted(dataset.papers.values_list("identifier", flat=True))
    split = make_split(
        dataset, name="o", official={"train": papers[:20], "test": [*papers[20:28], "unheard of"]}
    )
    where = subsets_of(dataset, dict(split.members.values_list("image_id", "subset")), "paper__identifier")
    assert all(where[paper] == {"test"} for paper in papers[20:28])
    assert {subset for paper in papers[:20] for subset in where[paper]} == {"train", "val"}
    assert not set(papers[28:]) & where.keys()
    told = " ".join(split.warnings)
    assert "unheard of" in told
    assert "of 2 papers that the lists do not name" in told
    assert split.official


def test_lists_of_another_dataset_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(json.dumps({"train": [1], "test": [2]}))
    with pytest.raises(Refused) as raised:
        plan_split(dataset, official=read_official(tmp_path / "s.json"))
    assert raised.value.code == "unknown_paper"


def test_a_split_is_found_by_its_name_or_with_its_dataset(dataset: Dataset) -> None:
    split = make_split(dataset, name="r1")
    assert find_split("r1") == find_split("d/r1") == split
    make_split(fill({"1": {"FAC": 3}, "2": {"FAC": 3}}, slug="other"), name="r1")
    with pytest.raises(Refused, match="d/r1, other/r1") as raised:
        find_split("r1")
    assert raised.value.code == "ambiguous_split"
    with pytest.raises(Refused) as raised:
        find_split("d/none")
    assert (raised.value.code, raised.value.status) == ("unknown_split", 404)
    with pytest.raises(Refused):
        find_split("d/r1", user=UserFactory())


def test_groups_of_every_shape_are_assigned_once_and_whole() -> None:
    random = np.random.default_rng(0)
    for groups, members in ((1, 5), (2, 2), (3, 40), (50, 50), (7, 300)):
        keys = [int(key) for key in random.integers(0, groups, members)]
        labels = [str(label) for label in random.choice(CLASSES, members)]
        places = assign_groups(keys, labels, shares=[65, 15, 20], seed=1)
        where = defaultdict(set)
        for key, place in zip(keys, places, strict=True):
            where[key].add(place)
        assert len(places) == members
        assert all(len(found) == 1 for found in where.values())
        assert 0 in places


def test_a_failing_split_leaves_no_rows(dataset: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_args: Any, **_options: Any) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(SplitMember.objects, "bulk_create", fail)
    with pytest.raises(RuntimeError), transaction.atomic():
        make_split(dataset, name="r1")
    assert connection.is_usable()
    assert not Split.objects.exists()
