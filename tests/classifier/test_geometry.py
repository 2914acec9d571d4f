"""The one resize: what it keeps, what it pads with, what it refuses."""

import numpy as np
import pytest

from classifier.geometry import Geometry, fit_pixels


def plain(height: int, width: int, colour: tuple[int, int, int]) -> np.ndarray:
    """An image (height, width, 3) uint8 of one colour."""
    return np.full((height, width, 3), colour, dtype=np.uint8)


@pytest.mark.parametrize("geometry", list(Geometry))
@pytest.mark.parametrize("shape", [(8, 20_000), (20_000, 8), (1, 1), (31, 97), (64, 64)])
def test_any_shape_becomes_the_square(shape: tuple[int, int], geometry: str) -> None:
    fitted = fit_pixels(plain(*shape, (10, 200, 30)), size=64, geometry=geometry)
    assert fitted.shape == (64, 64, 3)
    assert fitted.dtype == np.uint8
    assert (fitted == (10, 200, 30)).all()


def test_letterbox_keeps_the_proportions_where_stretch_does_not() -> None:
    wide = plain(50, 200, (255, 255, 255))
    wide[14:34, 90:110] = 0
    sides = {}
    for geometry in Geometry:
        dark = np.argwhere(fit_pixels(wide, size=100, geometry=geometry)[:, :, 0] < 128)
        sides[geometry] = tuple(dark.max(axis=0) - dark.min(axis=0) + 1)
    assert sides[Geometry.LETTERBOX] == (10, 10)
    assert sides[Geometry.STRETCH] == (40, 10)


def test_padding_has_the_colour_of_the_border_and_lies_on_both_sides() -> None:
    panel = plain(40, 80, (20, 40, 60))
    panel[5:35, 5:75] = 250
    fitted = fit_pixels(panel, size=80, geometry="letterbox")
    assert (fitted[:20] == (20, 40, 60)).all()
    assert (fitted[-20:] == (20, 40, 60)).all()
    assert (fitted[20:60] == panel).all()


def test_an_image_of_the_right_size_is_left_as_it_is_and_not_shared() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    fitted = fit_pixels(pixels, size=32, geometry="stretch")
    assert (fitted == pixels).all()
    assert not np.shares_memory(fitted, pixels)


def test_reduction_is_antialiased() -> None:
    """Lines one pixel wide turn to even grey: sampling single pixels would give black or white."""
    lines = plain(512, 512, (0, 0, 0))
    lines[:, ::2] = 255
    inner = fit_pixels(lines, size=32, geometry="stretch")[2:-2, 2:-2]
    assert inner.min() > 110
    assert inner.max() < 145


def test_a_view_with_other_strides_gives_the_same_as_its_copy() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (60, 90, 3), dtype=np.uint8)
    turned = pixels[::-1, ::2]
    assert (
        fit_pixels(turned, size=32, geometry="letterbox")
        == fit_pixels(turned.copy(), size=32, geometry="letterbox")
    ).all()


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((4, 4, 3), dtype=np.float32),
        np.zeros((0, 4, 3), dtype=np.uint8),
    ],
)
def test_what_is_no_rgb_image_is_refused(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="uint8"):
        fit_pixels(pixels, size=32, geometry="letterbox")


def test_an_unknown_geometry_or_size_is_refused() -> None:
    with pytest.raises(ValueError, match="crop"):
        fit_pixels(plain(4, 4, (0, 0, 0)), size=32, geometry="crop")
    with pytest.raises(ValueError, match="size"):
        fit_pixels(plain(4, 4, (0, 0, 0)), size=0, geometry="stretch")
