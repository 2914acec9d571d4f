"""Untrusted bytes to pixels, or a named refusal: the only place that opens an image."""

import unicodedata
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, NoReturn

import numpy as np
from PIL import Image, ImageChops, ImageCms, UnidentifiedImageError

from datasets.depth import (
    DEEP_MODES,
    ONE_AT_A_TIME,
    Pixels,
    by_strips,
    deep_colour,
    deep_grey,
    deep_rawmode,
    read_low_bytes,
)
from datasets.errors import Refused

MAX_BYTES = 20 * 1024 * 1024
MIN_SIDE = 8
MAX_SIDE = 20_000
MAX_PIXELS = 25_000_000
MAX_NAME_BYTES = 255
_LEFT_BEHIND = {"thumbs.db", "desktop.ini", "__macosx"}

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


def safe_name(name: str, *, what: str, longest: int = MAX_NAME_BYTES, hidden: bool = True) -> str:
    """Return the name as it is; `ImageRefused` (unsafe_name) where it could reach another folder.

    Without `hidden` also where no import would find it again.
    """
    if not isinstance(name, str) or not name.strip() or name in {".", ".."}:
        reason = "it is empty or a folder's own name"
    elif "/" in name or "\\" in name:
        reason = "it holds a path separator"
    elif any(unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"} for character in name):
        reason = "it holds a control character"
    elif len(name.encode()) > longest:
        reason = f"it is longer than {longest} bytes"
    elif not hidden and is_hidden(name):
        reason = "folders hide such names, and imports pass them over"
    else:
        return name
    raise ImageRefused(f"The {what} {name!r:.120} is not safe: {reason}. Rename it.", code="unsafe_name")


def is_hidden(name: str) -> bool:
    """Whether folders hide what is named so: by a dot, or because systems leave it behind."""
    return name.startswith(".") or name.casefold() in _LEFT_BEHIND


def safe_file_name(name: str) -> str:
    """Return the file name as it is; `ImageRefused` (unsafe_name) otherwise."""
    return safe_name(name, what="file name", hidden=False)


def safe_paper(identifier: str) -> str:
    """Return the paper's identifier as it is; `ImageRefused` (unsafe_name) otherwise."""
    return safe_name(identifier, what="paper", longest=200, hidden=False)


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
            raw = deep_rawmode(image)
            with ONE_AT_A_TIME if raw or image.mode in DEEP_MODES else nullcontext():
                image.load()
                orientation = _orientation(image)
                pixels = _deep_colour(data, image, raw, notes) if raw else _to_rgb(image, notes)
        _note_pages(data, found, notes)
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


def _note_pages(data: bytes, found: str, notes: list[str]) -> None:
    """Note that only the first of several pages or frames is shown; a damaged second page is none."""
    try:
        with _opened(data, found) as image:
            if found != "TIFF":
                pages = getattr(image, "n_frames", 1)
                notes += [f"first of {pages} frames"] if pages > 1 else []
                return
            # To count them all takes time by the square of their number, and a small file holds thousands.
            image.seek(1)
            notes.append("first of several pages")
    except Exception:
        return


def _to_rgb(image: Any, notes: list[str]) -> Pixels:
    """Bring a loaded image of any mode to uint8 RGB, (height, width, 3)."""
    if image.mode in DEEP_MODES:
        notes.append(f"stretched to 8 bit from {'float' if image.mode == 'F' else 'more than 8 bit'}")
        return deep_grey(image)
    if image.mode == "CMYK":
        notes.append("converted from CMYK")
        return by_strips(image, _from_cmyk(image))
    if image.mode in _ALPHA_MODES or "transparency" in image.info:
        notes.append("alpha laid over white")
        return by_strips(image, _over_white)
    if image.mode in _PLAIN_MODES:
        return by_strips(image, lambda strip: strip.convert("RGB"))
    if image.mode == "LAB":
        lab = ImageCms.buildTransform(
            ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB"
        )
        return by_strips(image, lambda strip: ImageCms.applyTransform(strip, lab))
    raise ImageRefused(
        f"Images of mode {image.mode} are not taken. Save it as RGB.", code="mode_not_supported"
    )


def _over_white(image: Any) -> Any:
    """Lay an image with transparency over white."""
    if image.mode not in {"RGBA", "RGBa"}:
        # PA to RGBA keeps alpha only by way of the palette's own conversion.
        image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")


def _from_cmyk(image: Any) -> Callable[[Any], Any]:
    """Return what converts CMYK: by the image's own colour profile, or by the usual formula without one."""
    # Pillow takes every CMYK JPEG for Adobe's inverted one.
    inverted = image.format in {"JPEG", "MPO"} and "adobe" not in image.info
    profile = None
    if data := image.info.get("icc_profile"):
        # A damaged profile is no reason to refuse the picture.
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            profile = ImageCms.buildTransform(
                ImageCms.ImageCmsProfile(BytesIO(data)), ImageCms.createProfile("sRGB"), "CMYK", "RGB"
            )

    def convert(strip: Any) -> Any:
        strip = ImageChops.invert(strip) if inverted else strip
        return ImageCms.applyTransform(strip, profile) if profile else strip.convert("RGB")

    return convert


def _deep_colour(data: bytes, image: Any, raw: str, notes: list[str]) -> Pixels:
    """Bring 16-bit colour to uint8 RGB: Pillow reads the high bytes only, so the low ones are read apart."""
    found, bands = image.format, raw.partition(";")[0]
    high = by_strips(image, lambda strip: strip, bands=len(bands))
    # The second reading takes as much memory again.
    image.close()
    notes.append("stretched to 8 bit from 16-bit colour")
    if bands == "RGBA":
        notes.append("alpha laid over white")
    with _opened(data, found) as low:
        read_low_bytes(low, raw)
        return deep_colour(high, low)
