"""What was explained once is kept, by the bytes of the image and of the network: a small file each."""

import hashlib
import json
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from classifier.models import ModelVersion
from classifier.networks.storing import written_whole
from classifier.pixels import PREPROCESSING, caches

# Raise it where a map comes out otherwise than before: those of before are not read any more.
METHOD = 1

logger = logging.getLogger(__name__)


def kept(
    version: ModelVersion, key: tuple[str, ...], make: Callable[[], NDArray[np.float64]]
) -> NDArray[np.float64]:
    """Return an array that a version makes of what the key names, from its file or made and kept now."""
    named = hashlib.sha256(repr((key, version.classes, version.geometry)).encode()).hexdigest()
    path = (
        caches() / "explanations" / f"{version.onnx_sha256[:32]}-{METHOD}-{PREPROCESSING}" / f"{named}.json"
    )
    try:
        return np.array(json.loads(path.read_text()), dtype=np.float64)
    except (OSError, ValueError):
        made = make()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with written_whole(path) as temporary:
            temporary.write_text(json.dumps(made.tolist()))
    except OSError as error:
        logger.warning("An explanation could not be kept: %s", error)
    return made


def tag_of(version: ModelVersion, *parts: Any) -> str:
    """Return what changes where an explanation would: 64 hexadecimal digits."""
    told = (version.onnx_sha256, version.classes, version.geometry, METHOD, PREPROCESSING, parts)
    return hashlib.sha256(repr(told).encode()).hexdigest()
