"""Drawn panels that join the training images: drawn once, labelled by what was drawn."""

from collections import Counter

import numpy as np
import pytest

from classifier import drawn
from classifier.drawn import DrawnPanels, drawn_panels
from classifier.pixels import pixel_cache

NUMBERS = {"Blot/Gel": 0, "BlotGel": 0, "FACS": 1, "FAC": 1, "Microscopy": 2}


def panels(papers: int = 6) -> DrawnPanels:
    """Panels of so many papers, small."""
    return drawn_panels(
        papers, numbers=NUMBERS, size=32, geometry="letterbox", progress=lambda done, total: None
    )


def test_panels_are_drawn_once_and_only_of_the_classes_that_there_are(
    data_dir: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = panels()
    assert set(first.labels) == {0, 1, 2}
    assert set(first.papers) <= set(range(1, 7))
    assert len(set(first.rows)) == len(first.labels) > 40
    pixels = pixel_cache(size=32, geometry="letterbox").rows
    assert pixels[first.rows].std(axis=(1, 2, 3)).min() > 1

    def not_again(_: object) -> None:
        raise AssertionError("drawn twice")

    monkeypatch.setattr(drawn, "draw_image", not_again)
    again = panels()
    for one, other in zip(vars(first).values(), vars(again).values(), strict=True):
        assert np.array_equal(one, other)


def test_whoever_stops_the_drawing_keeps_what_was_drawn(data_dir: object) -> None:
    def stop(done: int, total: int) -> None:
        if done >= 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        drawn_panels(6, numbers=NUMBERS, size=32, geometry="letterbox", progress=stop)
    assert len(pixel_cache(size=32, geometry="letterbox")) == 32


def test_the_labels_are_the_truth_not_what_a_person_in_a_hurry_said(data_dir: object) -> None:
    from datasets.sample.planning import plan_sample

    plan = plan_sample(papers=6, seed=drawn.SEED)
    truth = Counter(
        NUMBERS[each.label] for each in plan.images() if not each.copy_of and each.label in NUMBERS
    )
    assert Counter(panels().labels.tolist()) == truth
