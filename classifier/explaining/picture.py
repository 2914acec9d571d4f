"""A heat map as a picture that is laid over its image."""

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

LONGEST_SIDE = 320
# Every 17th of the 256 colours of viridis (S. van der Walt and N. Smith, 2015): equal steps look equal,
# also to those who see no red or no green.
VIRIDIS = np.array(
    [
        *((68, 1, 84), (72, 26, 108), (71, 47, 125), (65, 68, 135)),
        *((57, 86, 140), (49, 104, 142), (42, 120, 142), (35, 136, 142)),
        *((31, 152, 139), (34, 168, 132), (53, 183, 121), (84, 197, 104)),
        *((122, 209, 81), (165, 219, 54), (210, 226, 27), (253, 231, 37)),
    ],
    dtype=np.float64,
)
# How much is laid over the image where there is no heat, and where there is most.
_ALPHA = (0.15, 1.0)


def coloured(shares: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return shares from 0 to 1 in the colours of viridis, (*shape, 3) uint8."""
    steps = np.linspace(0, 1, len(VIRIDIS))
    channels = [np.interp(shares, steps, VIRIDIS[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def heat_png(heat: NDArray[np.float64], *, width: int, height: int) -> bytes:
    """Return a map over an image of this size, 0 to 1, as PNG in its proportions, clear where cool."""
    scale = min(1.0, LONGEST_SIDE / max(width, height))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    smooth = np.asarray(Image.fromarray(heat.astype(np.float32)).resize(size, Image.Resampling.BILINEAR))
    shares = np.clip(smooth.astype(np.float64), 0, 1)
    alpha = np.interp(shares, (0, 1), [255 * each for each in _ALPHA]).round().astype(np.uint8)
    written = BytesIO()
    Image.fromarray(np.dstack([coloured(shares), alpha])).save(written, "PNG", optimize=True)
    return written.getvalue()
