"""A confusion matrix tells whether the classes stand in another order than was said."""

import numpy as np

from classifier.class_order import better_order

CLASSES = ["a", "b", "c"]


def test_two_classes_changed_for_one_another_are_told() -> None:
    found = better_order(CLASSES, [[1, 9, 0], [8, 1, 1], [0, 0, 10]])
    assert found is not None
    assert found.classes == ("b", "a", "c")
    assert str(found) == (
        "With the order b, a, c accuracy would be 0.90 instead of 0.40: are the classes in the right order?"
    )


def test_classes_turned_in_a_ring_are_told_in_the_order_of_the_outputs() -> None:
    # What is called a is b in truth, what is called b is c, what is called c is a.
    found = better_order(CLASSES, [[0, 0, 10], [10, 0, 0], [0, 10, 0]])
    assert found is not None
    assert found.classes == ("b", "c", "a")


def test_a_network_in_order_is_left_in_peace() -> None:
    assert better_order(CLASSES, [[9, 1, 0], [2, 7, 1], [0, 3, 7]]) is None


def test_a_network_that_knows_nothing_is_no_reason_to_doubt_the_order() -> None:
    # It says always the same: with another name it would only be right about the largest class.
    assert better_order(CLASSES, [[0, 20, 0], [0, 2, 0], [0, 3, 0]]) is None
    guesses = np.random.default_rng(0).multinomial(40, [1 / 3] * 3, size=3)
    assert better_order(CLASSES, guesses.tolist()) is None


def test_a_class_without_images_keeps_its_place() -> None:
    found = better_order(["a", "b", "c", "d"], [[0, 9, 0, 0], [9, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    assert found is not None
    assert found.classes == ("b", "a", "c", "d")


def test_no_image_says_nothing() -> None:
    assert better_order(CLASSES, [[0] * 3] * 3) is None
