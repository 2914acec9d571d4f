"""More than 8 bit: stretched by percentiles, without filling the memory."""

import struct
import tracemalloc
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from datasets.decoding import decode
from datasets.depth import ONE_AT_A_TIME, stretch
from tests.datasets.test_decoding import raw_png, saved

GRADIENT = np.tile(np.arange(64, dtype=np.uint16) * 40, (48, 1))
RANDOM = np.random.default_rng(3)
NOISE: dict[str, Any] = {
    "16 bit": (RANDOM.random((700, 500)) ** 3 * 65535).astype(np.uint16),
    "16-bit colour": (RANDOM.random((300, 400, 3)) ** 2 * 65535).astype(np.uint16),
    "32 bit": (RANDOM.normal(size=(700, 500)) * 2e6).astype(np.int32),
    "float": (RANDOM.normal(size=(700, 500)) * 1e-3).astype(np.float32),
    "few values": np.array([[-5.0, -4.0, 0.0, 9.0]], np.float32),
}


def deep_png(colour: Any, *, kind: int) -> bytes:
    """A 16-bit PNG of an array; kind: the colour type of its header."""
    height, width = colour.shape[:2]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in colour)
    return raw_png(width, height, depth=16, colour=kind, rows=rows)


@pytest.mark.parametrize("values", NOISE.values(), ids=NOISE)
def test_values_are_scaled_between_the_percentiles_that_numpy_finds(values: Any) -> None:
    low, high = np.percentile(values.astype(np.float64), (0.5, 99.8))
    wanted = np.clip((values.astype(np.float64) - low) * 255 / (high - low), 0, 255)
    assert np.abs(stretch(values) - wanted).max() <= 1


def test_what_is_not_finite_does_not_count() -> None:
    values = np.linspace(10, 20, 1000, dtype=np.float32).reshape(20, 50)
    values[0, :3] = np.nan, np.inf, -np.inf
    scaled = stretch(values)
    assert scaled[0, :3].tolist() == [0, 255, 0]
    assert (scaled[0, 3], scaled[10, 0], scaled[-1, -1]) == (0, 127, 255)
    assert stretch(np.full((8, 8), np.nan, np.float32)).max() == 0


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_keeps_its_steps(kind: str) -> None:
    decoded = decode(saved(Image.fromarray(GRADIENT), kind))
    row = decoded.pixels[10, :, 0]
    assert len(set(row.tolist())) > 60
    assert (row[0], row[-1]) == (0, 255)
    assert "8 bit" in decoded.notes[0]


def test_big_endian_sixteen_bit_tiff_looks_like_the_little_endian_one() -> None:
    strip = GRADIENT.astype(">u2").tobytes()
    entries = [
        (256, 4, 64), (257, 4, 48), (258, 3, 16 << 16), (259, 3, 1 << 16),
        (262, 3, 1 << 16), (273, 4, 8), (277, 3, 1 << 16), (278, 4, 48), (279, 4, len(strip)),
    ]  # fmt: skip
    directory = struct.pack(">H", len(entries))
    for tag, kind, value in entries:
        directory += struct.pack(">HHII", tag, kind, 1, value)
    data = b"MM\x00*" + struct.pack(">I", 8 + len(strip)) + strip + directory + b"\0\0\0\0"
    little = decode(saved(Image.fromarray(GRADIENT), "TIFF"))
    assert np.array_equal(decode(data).pixels, little.pixels)


def test_float_pixels_are_stretched_and_not_a_number_is_dark() -> None:
    values = np.linspace(-3.0, 9.0, 64 * 48, dtype=np.float32).reshape(48, 64)
    values[0, 0] = np.nan
    decoded = decode(saved(Image.fromarray(values), "TIFF"))
    assert decoded.pixels[0, 0, 0] == 0
    assert decoded.pixels[-1, -1, 0] == 255
    assert "float" in decoded.notes[0]


def test_a_few_bright_spots_on_an_even_ground_stay_visible() -> None:
    values = np.zeros((100, 100), np.uint16)
    values[50, 50] = 3000
    assert stretch(values)[50, 50] == 255
    assert stretch(np.full((10, 10), 7, np.uint16)).max() == 0


def test_sixteen_bit_colour_is_stretched_from_all_its_bits() -> None:
    """Twelve bits in a 16-bit file: by its high bytes alone it is nearly black."""
    colour = np.stack([GRADIENT, GRADIENT[:, ::-1], np.zeros_like(GRADIENT)], axis=2)
    decoded = decode(deep_png(colour, kind=2))
    assert decoded.pixels[10, -1, 0] == 255
    assert len(set(decoded.pixels[10, :, 0].tolist())) > 60
    assert decoded.pixels[:, :, 2].max() == 0
    assert decoded.notes == ["stretched to 8 bit from 16-bit colour"]


def test_light_on_white_is_zero_tiffs_are_not_shown_as_negatives() -> None:
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[262] = 0
    decoded = decode(saved(Image.fromarray(GRADIENT), "TIFF", tiffinfo=info))
    assert decoded.pixels[10, 0, 0] > decoded.pixels[10, -1, 0]


def test_sixteen_bit_colour_keeps_its_alpha() -> None:
    colour = np.stack([GRADIENT, GRADIENT, GRADIENT, np.full_like(GRADIENT, 65535)], axis=2)
    colour[:24, :, 3] = 0
    colour[24, :, 3] = 32768
    decoded = decode(deep_png(colour, kind=6))
    opaque = decode(deep_png(colour[:, :, :3], kind=2)).pixels
    assert decoded.pixels[:24].min() == 255
    assert np.array_equal(decoded.pixels[25:], opaque[25:])
    assert abs(int(decoded.pixels[24, 0, 0]) - 127) <= 1
    assert decoded.notes == ["stretched to 8 bit from 16-bit colour", "alpha laid over white"]


@pytest.mark.parametrize("kind", ["16-bit grey", "16-bit colour", "float"])
def test_a_large_image_is_scaled_without_copies_of_the_whole(kind: str) -> None:
    grey = np.tile(np.arange(2000, dtype=np.uint16) * 30, (2000, 1))
    image = Image.fromarray(grey.astype(np.float32)) if kind == "float" else Image.fromarray(grey)
    data = saved(image, "TIFF", compression="tiff_adobe_deflate")
    if kind == "16-bit colour":
        data = deep_png(np.repeat(grey[:, :, None], 3, axis=2), kind=2)
    tracemalloc.start()
    try:
        pixels = decode(data).pixels
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert pixels.shape == (2000, 2000, 3)
    assert peak < pixels.nbytes + 32 * 2**20


def test_deep_images_wait_for_each_other_and_plain_ones_do_not() -> None:
    deep = Thread(target=decode, args=(saved(Image.fromarray(GRADIENT), "PNG"),))
    with ONE_AT_A_TIME:
        deep.start()
        deep.join(0.3)
        assert deep.is_alive()
        assert decode(saved(Image.new("RGB", (16, 16)), "PNG")).width == 16
    deep.join(30)
    assert not deep.is_alive()
