"""Rates as a person writes them in the environment: `600/minute`."""

import re
from typing import NamedTuple

from django.core.exceptions import ImproperlyConfigured

_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}
_RATE = re.compile(rf"(?P<images>[1-9]\d{{0,8}})/(?P<window>{'|'.join(_SECONDS)})")


class Rate(NamedTuple):
    """So many images in so many seconds."""

    images: int
    seconds: int


def read_rate(text: str, *, name: str) -> Rate | None:
    """Return a rate, None for an empty text; raises ImproperlyConfigured, naming the variable."""
    if not text:
        return None
    found = _RATE.fullmatch(text.strip())
    if found is None:
        raise ImproperlyConfigured(
            f"{name} is {text!r:.40}. Write a number of images and one of {', '.join(_SECONDS)}: 600/minute."
        )
    return Rate(int(found["images"]), _SECONDS[found["window"]])
