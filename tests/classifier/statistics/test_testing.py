"""Several tests at once."""

import pytest

from classifier.statistics.testing import holm


def test_the_example_of_holm_comes_out_as_published() -> None:
    """Four p-values: 0.01, 0.04, 0.03, 0.005 become 0.03, 0.06, 0.06, 0.02 (R: p.adjust, "holm")."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_no_p_rises_above_one_or_falls_below_a_smaller_one() -> None:
    raised = holm([0.6, 0.5, 0.9])
    assert raised == [1.0, 1.0, 1.0]
    assert holm([]) == []
    assert holm([0.2]) == [0.2]
