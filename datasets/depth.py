"""More than 8 bit to 8, some rows at a time: copies of a whole image would fill the memory."""

from collections.abc import Callable, Iterator
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Blocks = Callable[[], Iterator[NDArray[Any]]]

DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
# An image of more than 8 bit takes the most memory of all; two at once would take twice as much.
ONE_AT_A_TIME = Lock()
_DEEP_COLOUR = {f"{bands};16{order}" for bands in ("RGB", "RGBA") for order in "BLN"}
_STRETCH = (0.5, 99.8)
_PIXELS_AT_ONCE = 2**18
_BINS = 2**16


def strips(image: Any) -> Iterator[tuple[slice, Any]]:
    """Cut a loaded image into strips; yield the rows of each with its picture."""
    width, height = image.size
    for rows in _rows(height, width):
        yield rows, image.crop((0, rows.start, width, rows.stop))


def by_strips(image: Any, convert: Callable[[Any], Any], *, bands: int = 3) -> Pixels:
    """Convert a loaded image strip by strip to uint8 (height, width, bands)."""
    width, height = image.size
    pixels = np.empty((height, width, bands), np.uint8)
    for rows, strip in strips(image):
        pixels[rows] = np.asarray(convert(strip))
    return pixels


def deep_grey(image: Any) -> Pixels:
    """Stretch a loaded image of a deep mode to uint8 RGB, (height, width, 3)."""
    white_is_zero = getattr(image, "tag_v2", {}).get(262) == 0

    def values(strip: Any) -> NDArray[Any]:
        found = np.asarray(strip)
        if not white_is_zero:
            return found
        return 65535 - found if _is_16_bit(found) else -found.astype(np.float32)

    scale = _scaling(lambda: (values(strip) for _, strip in strips(image)))
    return by_strips(image, lambda strip: scale(values(strip))[:, :, None])


def deep_rawmode(image: Any) -> str:
    """Return the raw mode of a 16-bit colour image whose low bytes Pillow would drop, else an empty text."""
    for tile in getattr(image, "tile", ()):
        arguments = tile[3]
        raw = arguments if isinstance(arguments, str) else (arguments or [""])[0]
        if raw in _DEEP_COLOUR:
            return str(raw)
    return ""


def read_low_bytes(image: Any, raw: str) -> None:
    """Load an opened 16-bit colour image by its low bytes, as if they were the high ones."""
    bands, order = raw.split(";16")
    swapped = f"{bands};16{'L' if order == 'B' else 'B'}"
    image.tile = [
        tile._replace(args=swapped if isinstance(tile.args, str) else (swapped, *tile.args[1:]))
        for tile in image.tile
    ]
    image.load()


def deep_colour(high: Pixels, low: Any) -> Pixels:
    """Stretch 16-bit colour to uint8 RGB, alpha laid over white; spends `high`.

    high: the high bytes, uint8 (height, width, 3 or 4). low: the image as `read_low_bytes` loads it.
    """

    def joined() -> Iterator[tuple[slice, NDArray[np.uint16]]]:
        for rows, strip in strips(low):
            yield rows, high[rows].astype(np.uint16) << 8 | np.asarray(strip)

    scale = _scaling(lambda: (values[:, :, :3] for _, values in joined()))
    for rows, values in joined():
        colour = scale(values[:, :, :3])
        if high.shape[2] == 4:
            alpha = values[:, :, 3:].astype(np.float32) / 65535.0
            colour = np.rint(colour * alpha + 255.0 * (1.0 - alpha)).astype(np.uint8)
        high[rows, :, :3] = colour
    return high[:, :, :3]


def stretch(values: NDArray[Any]) -> Pixels:
    """Map the 0.5 to 99.8 percentiles of an array of any depth to 0 to 255, uint8; not-a-number becomes 0."""
    parts = list(_rows(len(values), values[0].size))
    scale = _scaling(lambda: (values[rows] for rows in parts))
    return np.concatenate([scale(values[rows]) for rows in parts])


def _rows(height: int, width: int) -> Iterator[slice]:
    """Cut a height into rows that hold about 2**18 pixels."""
    step = max(1, _PIXELS_AT_ONCE // width)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def _scaling(blocks: Blocks) -> Callable[[NDArray[Any]], Pixels]:
    """Return what maps values to uint8 by the percentiles of all blocks."""
    low, high = _limits(blocks)
    factor = 255.0 / (high - low) if high > low else 0.0

    def scale(values: NDArray[Any]) -> Pixels:
        numbers = np.nan_to_num(values.astype(np.float64), nan=low, posinf=high, neginf=low)
        return np.clip(np.rint((numbers - low) * factor), 0, 255).astype(np.uint8)

    table = scale(np.arange(_BINS))
    return lambda values: table[values] if _is_16_bit(values) else scale(values)


def _is_16_bit(values: NDArray[Any]) -> bool:
    return values.dtype.kind == "u" and values.dtype.itemsize == 2


def _limits(blocks: Blocks) -> tuple[float, float]:
    """Return the percentiles that become 0 and 255; the least and the largest value where those are one."""
    counts = np.zeros(_BINS, np.int64)
    whole = False
    for block in blocks():
        whole = _is_16_bit(block)
        counts += np.bincount(_keys(block) >> 16, minlength=_BINS)
    ends = counts.cumsum()
    last = int(ends[-1]) - 1
    if last < 0:
        return 0.0, 0.0
    places = [last * share / 100 for share in _STRETCH]
    ranks = {0, last, *(min(int(place) + step, last) for place in places for step in (0, 1))}
    found = _at_ranks(ranks, ends, blocks, whole=whole)
    low, high = (
        found[int(place)] + place % 1 * (found[min(int(place) + 1, last)] - found[int(place)])
        for place in places
    )
    # A few bright spots on an even ground: the percentiles see the ground only.
    return (low, high) if high > low else (found[0], found[last])


def _at_ranks(ranks: set[int], ends: NDArray[np.int64], blocks: Blocks, *, whole: bool) -> dict[int, float]:
    """Return the values at these places of all values in order; `ends` counts them by their high 16 bits."""
    bins = {rank: int(np.searchsorted(ends, rank, side="right")) for rank in ranks}
    if whole:
        return {rank: float(value) for rank, value in bins.items()}
    within = {each: np.zeros(_BINS, np.int64) for each in bins.values()}
    for block in blocks():
        keys = _keys(block)
        for each, counts in within.items():
            counts += np.bincount(keys[keys >> 16 == each] & 0xFFFF, minlength=_BINS)
    found = {}
    for rank, each in bins.items():
        below = int(ends[each - 1]) if each else 0
        found[rank] = _value(
            each << 16 | int(np.searchsorted(within[each].cumsum(), rank - below, side="right"))
        )
    return found


def _keys(values: NDArray[Any]) -> NDArray[np.uint32]:
    """Return the values that are finite as numbers of 32 bit in the same order.

    Of 16 bit: in the high half. Others: the bits of a float, negative ones reversed.
    """
    if _is_16_bit(values):
        return values.ravel().astype(np.uint32) << np.uint32(16)
    floats = values.astype(np.float32).ravel()
    bits = floats[np.isfinite(floats)].view(np.uint32)
    return bits ^ np.where(bits >> 31, 0xFFFFFFFF, 1 << 31).astype(np.uint32)


def _value(key: int) -> float:
    """Return the float of a key."""
    bits = key ^ (1 << 31) if key >> 31 else ~key & 0xFFFFFFFF
    return float(np.uint32(bits).view(np.float32))
