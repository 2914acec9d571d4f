"""The learning rate of each step, as a plain function: a training that goes on needs no state for it."""

import math

FIRST_SHARE = 0.1
LAST_SHARE = 0.02
WARMUP_SHARE = 0.08
LONGEST_WARMUP = 100


def learning_rate(step: int, *, steps: int, highest: float, schedule: str) -> float:
    """Return the learning rate of a step, 0 to steps - 1.

    `cosine`: a linear warm-up from a tenth over at most 8 % of the steps, then half a cosine down to a
    fiftieth (I. Loshchilov and F. Hutter, "SGDR", 2017, without restarts). `constant`: always the highest.
    """
    if schedule == "constant":
        return highest
    warmup = min(LONGEST_WARMUP, math.ceil(steps * WARMUP_SHARE))
    if step < warmup:
        return highest * (FIRST_SHARE + (1 - FIRST_SHARE) * step / warmup)
    share = min(1.0, (step - warmup) / max(1, steps - warmup))
    return highest * (LAST_SHARE + (1 - LAST_SHARE) * (1 + math.cos(math.pi * share)) / 2)
