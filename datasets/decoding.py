"""Untrusted bytes to pixels, or a named refusal: the only place that opens an image."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageCms, UnidentifiedImageError

from datasets.errors import Refused

MAX_BYTES = 20 * 1024 * 1024
MIN_SIDE = 8
MAX_SIDE = 20_000
MAX_PIXELS = 25_000_000
MAX_NAME_BYTES = 255
_STRETCH = (0.5, 99.8)

Pixels = NDArray[np.uint8]

# What the first bytes say, because a name says nothing.
_ALLOWED = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)
_OTHERS = (
    (b"GIF8", "a GIF"),
    (b"RIFF", "a WebP or another RIFF file"),
    (b"BM", "a BMP"),
    (b"%PDF", "a PDF"),
    (b"\x00\x00\x01\x00", "an icon"),
    (b"8BPS", "a Photoshop file"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"version https://git-lfs", "a Git LFS pointer: fetch the file itself with 'git lfs pull'"),
)
_DEEP_MODES = {"I;16", "I;16L", "I;16B", "I;16N", "I", "F"}
_ALPHA_MODES = {"LA", "La", "PA", "RGBA", "RGBa"}
_PLAIN_MODES = {"1", "L", "P", "RGB", "RGBX", "YCbCr", "HSV"}

_UPRIGHT: dict[int, Callable[[Pixels], Pixels]] = {
    2: np.fliplr,
    3: lambda pixels: np.rot90(pixels, 2),
    4: np.flipud,
    5: lambda pixels: np.swapaxes(pixels, 0, 1),
    6: lambda pixels: np.rot90(pixels, -1),
    7: lambda pixels: np.swapaxes(np.rot90(pixels, 2), 0, 1),
    8: np.rot90,
}


class ImageRefused(Refused):
    """Raised for bytes or a name that are no acceptable image; `code` is one of INTERFACE's."""

    code = "corrupt"
    status = 422


@dataclass(frozen=True)
class Decoded:
    """An image as everything else sees it.

    pixels: uint8, (height, width, 3), RGB, upright. format: PNG, JPEG or TIFF. notes: what was changed.
    """

    pixels: Pixels
    format: str
    notes: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        """Width in pixels, upright."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels, upright."""
        return int(self.pixels.shape[0])


def safe_name(name: str, *, what: str, longest: int = MAX_NAME_BYTES) -> str:
    """Return the name as it is; `ImageRefused` (unsafe_name) where it could reach another folder."""
    if not isinstance(name, str) or not name.strip() or name in {".", ".."}:
        reason = "it is empty or a folder's own name"
    elif "/" in name or "\\" in name:
        reason = "it holds a path separator"
    elif any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        reason = "it holds a control character"
    elif len(name.encode()) > longest:
        reason = f"it is longer than {longest} bytes"
    else:
        return name
    raise ImageRefused(f"The {what} {name!r:.120} is not safe: {reason}. Rename it.", code="unsafe_name")


def safe_file_name(name: str) -> str:
    """Return the file name as it is; `ImageRefused` (unsafe_name) otherwise."""
    return safe_name(name, what="file name")


def safe_paper(identifier: str) -> str:
    """Return the paper's identifier as it is; `ImageRefused` (unsafe_name) otherwise."""
    return safe_name(identifier, what="paper", longest=200)


def decode(data: bytes) -> Decoded:
    """Turn bytes into upright 8-bit RGB; `ImageRefused` with a code and a sentence otherwise."""
    if not data:
        raise ImageRefused("The file is empty.", code="empty")
    check_byte_size(len(data))
    found = _format_of(data)
    try:
        with _opened(data, found) as image:
            _check_size(*image.size)
            notes: list[str] = []
            if found == "PNG":
                # load() reads past a broken checksum; verify() does not, and spends the file it is given.
                with _opened(data, found) as again:
                    again.verify()
            deep = _deep_rawmode(image)
            image.load()
            orientation = _orientation(image)
            pixels = _deep_colour(data, image, deep, notes) if deep else _to_rgb(image, notes)
            _note_pages(image, found, notes)
    except ImageRefused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        _refuse_pixels(error)
    except UnidentifiedImageError as error:
        raise ImageRefused(f"The file is a damaged {found}: its header cannot be read.") from error
    except Exception as error:
        # Hostile files raise far more than OSError: SyntaxError, TypeError, IndexError, struct.error, ...
        raise ImageRefused(f"The file is a damaged or cut off {found}: {error}.") from error
    if orientation in _UPRIGHT:
        pixels = _UPRIGHT[orientation](pixels)
        notes.append(f"turned upright (EXIF orientation {orientation})")
    return Decoded(np.ascontiguousarray(pixels), found, notes)


def check_byte_size(size: int) -> None:
    """Raise `ImageRefused` (too_large) above 20 MB."""
    if size > MAX_BYTES:
        raise ImageRefused(
            f"The file has {size / 2**20:.1f} MB; at most {MAX_BYTES // 2**20} MB are taken.",
            code="too_large",
        )


def _opened(data: bytes, found: str) -> Any:
    """Open the header only, with the one reader that the first bytes name."""
    formats = ["JPEG", "MPO"] if found == "JPEG" else [found]
    return Image.open(BytesIO(data), formats=formats)


def _format_of(data: bytes) -> str:
    """Return PNG, JPEG or TIFF by the first bytes; refuse anything else by its name where it is known."""
    for start, name in _ALLOWED:
        if data.startswith(start):
            return name
    named = next((name for start, name in _OTHERS if data.startswith(start)), None)
    if named is None:
        text = data[:400].lstrip().lower()
        named = "a web page" if text.startswith((b"<!doctype", b"<html")) else "no image that is known here"
    raise ImageRefused(f"PNG, JPEG and TIFF are taken; this is {named}.", code="format_not_allowed")


def _check_size(width: int, height: int) -> None:
    """Refuse by the header's size, before any pixel is read."""
    if width * height > MAX_PIXELS:
        raise ImageRefused(
            f"The image has {width} x {height} pixels; at most 25 megapixels are taken. Make it smaller.",
            code="too_many_pixels",
        )
    if min(width, height) < MIN_SIDE or max(width, height) > MAX_SIDE:
        raise ImageRefused(
            f"The image has {width} x {height} pixels; each side must have {MIN_SIDE} to {MAX_SIDE:,}.",
            code="bad_dimensions",
        )


def _refuse_pixels(error: Exception) -> NoReturn:
    raise ImageRefused(
        "The image has far more than 25 megapixels. Make it smaller.", code="too_many_pixels"
    ) from error


def _orientation(image: Any) -> int:
    """Return the EXIF orientation; a broken EXIF block counts as none."""
    try:
        return int(image.getexif().get(0x0112, 1))
    except Exception:
        return 1


def _note_pages(image: Any, found: str, notes: list[str]) -> None:
    """Note that only the first of several pages or frames is shown."""
    pages = getattr(image, "n_frames", 1)
    if pages > 1:
        notes.append(f"first of {pages} {'pages' if found == 'TIFF' else 'frames'}")


def _to_rgb(image: Any, notes: list[str]) -> Pixels:
    """Bring a loaded image of any mode to uint8 RGB, (height, width, 3)."""
    if image.mode in _DEEP_MODES:
        values = np.asarray(image)
        notes.append(f"stretched to 8 bit from {'float' if image.mode == 'F' else 'more than 8 bit'}")
        if getattr(image, "tag_v2", {}).get(262) == 0:
            values = values.max() - values.astype(np.float64)
        return np.repeat(stretch(values)[:, :, None], 3, axis=2)
    if image.mode == "CMYK":
        notes.append("converted from CMYK")
        return np.asarray(_cmyk_to_rgb(image))
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        notes.append("alpha laid over white")
        return _over_white(image)
    if image.mode in _PLAIN_MODES:
        return np.asarray(image.convert("RGB"))
    if image.mode == "LAB":
        lab = ImageCms.buildTransform(
            ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
        )
        converted = ImageCms.applyTransform(image, lab)
        assert converted is not None
        return np.asarray(converted)
    raise ImageRefused(
        f"Images of mode {image.mode} are not taken. Save it as RGB.", code="mode_not_supported"
    )


def _over_white(image: Any) -> Pixels:
    """Lay an image with transparency over white."""
    if image.mode not in {"RGBA", "RGBa"}:
        # PA to RGBA keeps alpha only by way of the palette's own conversion.
        image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return np.asarray(Image.alpha_composite(white, image.convert("RGBA")).convert("RGB"))


def _cmyk_to_rgb(image: Any) -> Any:
    """Convert CMYK by its own colour profile where it has one, else by the usual formula."""
    if image.format in {"JPEG", "MPO"} and "adobe" not in image.info:
        # Pillow takes every CMYK JPEG for Adobe's inverted one.
        image = ImageChops.invert(image)
    profile = image.info.get("icc_profile")
    if profile:
        try:
            return ImageCms.profileToProfile(
                image,
                ImageCms.ImageCmsProfile(BytesIO(profile)),
                ImageCms.createProfile("sRGB"),
                outputMode="RGB",
            )
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            # A damaged profile is no reason to refuse the picture.
            return image.convert("RGB")
    return image.convert("RGB")


def stretch(values: NDArray[Any]) -> Pixels:
    """Map the 0.5 to 99.8 percentiles of an array of any depth to 0 to 255, uint8; not-a-number becomes 0."""
    numbers = values.astype(np.float32)
    finite = numbers[np.isfinite(numbers)]
    if finite.size == 0:
        return np.zeros(values.shape, np.uint8)
    low, high = np.percentile(finite, _STRETCH)
    if high <= low:
        # A few bright spots on an even ground: the percentiles see the ground only.
        low, high = float(finite.min()), float(finite.max())
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    scaled = (np.nan_to_num(numbers, nan=low, posinf=high, neginf=low) - low) * (255.0 / (high - low))
    return np.clip(np.rint(scaled), 0, 255).astype(np.uint8)


def _deep_rawmode(image: Any) -> str:
    """Return the raw mode of a 16-bit colour image whose low bytes Pillow would drop, else an empty text."""
    for tile in getattr(image, "tile", ()):
        arguments = tile[3]
        raw = arguments if isinstance(arguments, str) else (arguments or [""])[0]
        if raw in {"RGB;16B", "RGB;16L", "RGB;16N", "RGBA;16B", "RGBA;16L", "RGBA;16N"}:
            return str(raw)
    return ""


def _deep_colour(data: bytes, high: Any, raw: str, notes: list[str]) -> Pixels:
    """Bring 16-bit colour to 8 bit: read the low bytes as if they were the high ones, join, stretch."""
    bands, order = raw.split(";16")
    swapped = f"{bands};16{'L' if order == 'B' else 'B'}"
    with _opened(data, high.format) as low:
        low.tile = [
            tile._replace(args=swapped if isinstance(tile.args, str) else (swapped, *tile.args[1:]))
            for tile in low.tile
        ]
        low.load()
        values = np.asarray(high).astype(np.uint16) * 256 + np.asarray(low)
    notes.append("stretched to 8 bit from 16-bit colour")
    colour = stretch(values[:, :, :3])
    if bands == "RGB":
        return colour
    notes.append("alpha laid over white")
    alpha = values[:, :, 3:].astype(np.float32) / 65535.0
    return np.rint(colour * alpha + 255.0 * (1.0 - alpha)).astype(np.uint8)
