"""Answers for a place where the classes are not as frequent as where they were learnt.

M. Saerens, P. Latinne and C. Decaestecker, "Adjusting the outputs of a classifier to new a priori
probabilities", Neural Computation 14 (2002) 21-41.
"""

import numpy as np

from classifier.statistics.resampling import Array

_ROUNDS = 1_000
_CLOSE = 1e-8


def with_priors(probabilities: Array, *, learnt: Array, new: Array) -> Array:
    """Return p(k) new(k) / learnt(k) of each row (N, K), summing to 1 again; equation 2.4 of Saerens et al.

    `learnt` and `new` (K,) are shares; the sum of each need not be 1. A class that was never learnt keeps
    no probability. ValueError for a negative share, or shares that are all 0.
    """
    learnt, new = _shares(learnt), _shares(new)
    ratio = np.divide(new, learnt, out=np.zeros_like(new), where=learnt > 0)
    if not ratio.any():
        raise ValueError("no class that was learnt has a share")
    corrected = probabilities * ratio
    total = corrected.sum(axis=1, keepdims=True)
    # Of what was sure of a class that is not there, nothing is known but how frequent the others are.
    return np.asarray(np.divide(corrected, total, out=np.tile(new, (len(corrected), 1)), where=total > 0))


def estimated_priors(probabilities: Array, *, learnt: Array) -> Array:
    """Return the shares of classes (K,) that make unlabelled images with these answers (N, K) likeliest.

    The EM of section 2.2 of Saerens et al.: correct by the shares, take the mean for the shares, again.
    It is as good as the probabilities are calibrated. ValueError without images.
    """
    if not len(probabilities):
        raise ValueError("shares cannot be estimated from no image")
    shares = _shares(learnt)
    for _ in range(_ROUNDS):
        before, shares = shares, with_priors(probabilities, learnt=learnt, new=shares).mean(axis=0)
        if np.abs(shares - before).max() < _CLOSE:
            break
    return shares


def _shares(given: Array) -> Array:
    given = np.asarray(given, dtype=np.float64)
    if (given < 0).any() or not given.sum() > 0:
        raise ValueError("shares are not negative, and not all 0")
    return given / given.sum()
