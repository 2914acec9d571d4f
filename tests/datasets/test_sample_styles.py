"""The drawing styles: each draws, siblings are alike, and a new one is one function."""

from collections.abc import Iterator

import numpy as np
import pytest

from datasets.sample import styles
from datasets.sample.looks import Look
from datasets.sample.near_copies import changed
from datasets.sample.planning import CHANGES, plan_sample
from datasets.sample.styles import LABELS, OTHER, Panel, all_styles, style, styles_of
from datasets.sample.textures import Field


def panel(name: str, *, kin: int, own: int, look: int = 0) -> Panel:
    """What a style is asked to draw, at the size of its panel group."""
    shared = np.random.default_rng([1, kin])
    width, height = all_styles()[name].panel_size(shared)
    paper = Look.of_paper(np.random.default_rng([3, look]))
    return Panel(width, height, shared, np.random.default_rng([2, own]), paper)


@pytest.fixture
def own_register(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A register that a test may add to."""
    monkeypatch.setattr(styles, "_register", dict(all_styles()))
    all_styles.cache_clear()
    yield
    monkeypatch.undo()
    all_styles.cache_clear()


@pytest.mark.parametrize("label", LABELS)
def test_a_class_has_at_least_three_styles(label: str) -> None:
    assert len(styles_of(label)) >= 3


@pytest.mark.parametrize("name", sorted(all_styles()))
def test_a_style_draws_an_image_of_the_size_asked_that_is_not_blank(name: str) -> None:
    for kin in range(2):
        asked = panel(name, kin=kin, own=kin, look=kin)
        image = all_styles()[name].draw(asked)
        assert image.shape[:2] == (asked.height, asked.width)
        assert image.ndim == 2 or image.shape[2] == 3
        pixels = asked.look.printed(image, asked.own)
        assert pixels.dtype == np.uint8
        assert np.isfinite(image).all()
        assert pixels.std() > 2


@pytest.mark.parametrize("name", sorted(all_styles()))
def test_siblings_share_their_size_but_not_their_pixels(name: str) -> None:
    first, second = (all_styles()[name].draw(panel(name, kin=4, own=own)) for own in (1, 2))
    assert first.shape[:2] == second.shape[:2]
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("name", ["agarose_gel", "pseudocolour_dots", "glands", "leaves", "bar_chart"])
def test_a_style_draws_the_same_again_from_the_same_numbers(name: str) -> None:
    first, second = (all_styles()[name].draw(panel(name, kin=5, own=6)) for _ in range(2))
    assert np.array_equal(first, second)


def test_a_new_style_is_one_function(own_register: None) -> None:
    @style(OTHER, weight=2)
    def white_sheet(asked: Panel) -> Field:
        """Nothing at all."""
        return np.ones((asked.height, asked.width), np.float32)

    assert white_sheet.__name__ in {one.name for one in styles_of(OTHER)}
    drawn = {image.style for image in plan_sample(papers=40, seed=0).images()}
    assert "white_sheet" in drawn


def test_two_styles_of_one_name_are_refused(own_register: None) -> None:
    with pytest.raises(ValueError, match="leaves"):

        @style(OTHER)
        def leaves(asked: Panel) -> Field:
            """A name that is taken."""
            return np.ones((asked.height, asked.width), np.float32)


def test_papers_differ_in_their_look() -> None:
    looks = {Look.of_paper(np.random.default_rng(seed)).palette for seed in range(60)}
    assert len(looks) > 4


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_of_a_near_copy_changes_the_bytes(change: str) -> None:
    pixels = np.random.default_rng(0).integers(60, 200, (50, 90, 3), dtype=np.uint8)
    copy = changed(pixels, (change,), np.random.default_rng(1))
    assert copy.dtype == np.uint8
    assert copy.shape != pixels.shape or not np.array_equal(copy, pixels)


def test_a_change_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="melt"):
        changed(np.zeros((9, 9, 3), np.uint8), ("melt",), np.random.default_rng(0))
