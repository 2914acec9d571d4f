"""Rates as the environment gives them."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from biofors_site.rates import Rate, read_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [("", None), ("600/minute", Rate(600, 60)), (" 5/second ", Rate(5, 1)), ("1/day", Rate(1, 86_400))],
)
def test_a_rate_is_a_number_of_images_and_a_window(text: str, rate: Rate | None) -> None:
    assert read_rate(text, name="BIOFORS_CLASSIFY_RATE") == rate


@pytest.mark.parametrize("text", ["0/minute", "-1/minute", "600", "600/fortnight", "many/minute", "1.5/hour"])
def test_what_is_no_rate_names_its_variable(text: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="BIOFORS_CLASSIFY_RATE"):
        read_rate(text, name="BIOFORS_CLASSIFY_RATE")
