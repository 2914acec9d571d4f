"""How many images a user may have classified in a while; counted in the cache, which processes share."""

import math
import time
from typing import Any

from django.conf import settings
from django.core.cache import cache

from datasets.errors import Refused


class Throttled(Refused):
    """Raised where a user has had as many images classified as one may; `retry_after` is in seconds."""

    code = "throttled"
    status = 429

    def __init__(self, text: str, *, retry_after: int) -> None:
        super().__init__(text)
        self.retry_after = retry_after


def charge(user: Any, *, images: int) -> None:
    """Count images that a user asks to have classified; raises Throttled where those before used up the rate.

    Time is cut into windows as long as the rate's. A request that begins within the rate is answered whole.
    """
    rate = settings.CLASSIFY_RATE
    if rate is None:
        return
    now = time.time()
    window = int(now // rate.seconds)
    key = f"classified:{user.pk}:{window}"
    cache.add(key, 0, timeout=rate.seconds + 1)
    try:
        before = cache.incr(key, images) - images
    except ValueError:
        # The cache has dropped it: it is counted anew.
        return
    if before >= rate.images:
        wait = math.ceil((window + 1) * rate.seconds - now)
        raise Throttled(
            f"You have had {rate.images:,} images classified, as many as one may in {rate.seconds} s. "
            f"Go on in {wait} s.",
            retry_after=wait,
        )
