"""What a sample will hold, before anything is drawn."""

from collections import Counter

import pytest

from datasets.sample.planning import DEFAULT_PAPERS, PlannedImage, plan_sample
from datasets.sample.styles import BLOT, LABELS, styles_of


def where(copy: PlannedImage) -> str:
    """How far a near-copy lies from its original."""
    assert copy.copy_of is not None
    if copy.paper != copy.copy_of.paper:
        return "another paper"
    return "the same figure" if copy.figure == copy.copy_of.figure else "another figure"


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_each_class_occurs_in_several_papers_even_of_few(seed: int) -> None:
    papers = plan_sample(papers=6, seed=seed).papers
    for label in LABELS:
        assert sum(any(image.label == label for image in paper) for paper in papers) >= 3


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_default_sample_is_as_large_and_as_uneven_as_promised(seed: int) -> None:
    images = list(plan_sample(papers=DEFAULT_PAPERS, seed=seed).images())
    assert 900 <= len(images) <= 1300
    counts = Counter(image.label for image in images)
    assert counts.most_common(1)[0][0] == BLOT
    assert 2 <= counts[BLOT] / min(counts.values()) <= 6


def test_near_copies_lie_in_the_same_figure_in_others_and_in_other_papers() -> None:
    copies = [image for image in plan_sample(papers=DEFAULT_PAPERS, seed=0).images() if image.copy_of]
    places = Counter(where(copy) for copy in copies)
    assert set(places) == {"the same figure", "another figure", "another paper"}
    assert places["another paper"] < len(copies) / 2


def test_no_error_is_planted_on_a_near_copy_or_its_original() -> None:
    images = list(plan_sample(papers=DEFAULT_PAPERS, seed=0).images())
    originals = {
        (image.copy_of.paper_name, image.copy_of.file_name) for image in images if image.copy_of is not None
    }
    for image in images:
        if image.copy_of or (image.paper_name, image.file_name) in originals:
            assert image.given == image.label


def test_wrong_labels_are_the_ones_that_people_confuse_more_often_than_others() -> None:
    images = plan_sample(papers=300, seed=0).images()
    taken = Counter((image.label, image.given) for image in images if image.given != image.label)
    assert taken["Macroscopy", "Microscopy"] > taken["Macroscopy", "Blot/Gel"]
    assert taken["FACS", "Noneoftheabove"] > taken["FACS", "Microscopy"]


def test_names_are_given_once_in_a_paper() -> None:
    for paper in plan_sample(papers=DEFAULT_PAPERS, seed=0).papers:
        assert len({image.file_name for image in paper}) == len(paper)


def test_panels_of_a_group_have_one_style() -> None:
    for paper in plan_sample(papers=DEFAULT_PAPERS, seed=0).papers:
        groups: dict[tuple[int, int], set[str]] = {}
        for image in paper:
            if image.copy_of is None:
                groups.setdefault((image.figure, image.group), set()).add(image.style)
        assert all(len(styles) == 1 for styles in groups.values())


def test_many_styles_of_each_class_are_drawn_in_one_sample() -> None:
    used: dict[str, set[str]] = {}
    for image in plan_sample(papers=DEFAULT_PAPERS, seed=0).images():
        used.setdefault(image.label, set()).add(image.style)
    assert all(len(used[label]) >= 0.7 * len(styles_of(label)) for label in LABELS)


def test_the_same_seed_plans_the_same_and_another_seed_another() -> None:
    assert plan_sample(papers=8, seed=4) == plan_sample(papers=8, seed=4)
    assert plan_sample(papers=8, seed=4).papers != plan_sample(papers=8, seed=5).papers
