"""Untrusted bytes: accepted and shown right, or refused by name."""

import struct
import zlib
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, TiffImagePlugin

from datasets.decoding import ImageRefused, decode


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of an image in a format."""
    written = BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def raw_png(width: int, height: int, *, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG from its raw rows, each with its filter byte."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", zlib.compress(rows))
        + png_chunk(b"IEND", b"")
    )


def refusal(data: bytes) -> str:
    """The code with which bytes are refused; the sentence holds no path."""
    with pytest.raises(ImageRefused) as raised:
        decode(data)
    assert len(str(raised.value)) > 10
    assert "<_io" not in str(raised.value)
    return raised.value.code


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_a_plain_picture_comes_back_as_rgb(kind: str) -> None:
    decoded = decode(saved(Image.new("RGB", (20, 10), (200, 100, 50)), kind))
    assert (decoded.format, decoded.width, decoded.height, decoded.notes) == (kind, 20, 10, [])
    assert decoded.pixels.dtype == np.uint8
    assert np.abs(decoded.pixels[5, 5].astype(int) - (200, 100, 50)).max() <= 2


@pytest.mark.parametrize("mode", ["1", "L", "P"])
def test_black_and_white_grey_and_palette_become_rgb(mode: str) -> None:
    image = Image.new("RGB", (16, 16), "white")
    image.paste("black", (0, 0, 8, 16))
    pixels = decode(saved(image.convert(mode), "PNG")).pixels
    assert pixels.shape == (16, 16, 3)
    assert pixels[4, 2].tolist() == [0, 0, 0]
    assert pixels[4, 12].tolist() == [255, 255, 255]


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_what_is_transparent_becomes_white_not_black(mode: str) -> None:
    image = Image.new("RGBA", (16, 16), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (0, 0, 8, 16))
    decoded = decode(saved(image.convert(mode), "PNG"))
    assert decoded.pixels[4, 12].tolist() == [255, 255, 255]
    assert decoded.pixels[4, 2].tolist() == [0, 0, 0]
    assert decoded.notes == ["alpha laid over white"]


def test_half_transparent_black_becomes_middle_grey() -> None:
    pixels = decode(saved(Image.new("RGBA", (16, 16), (0, 0, 0, 128)), "PNG")).pixels
    assert abs(int(pixels[3, 3, 0]) - 127) <= 1


def test_a_transparent_palette_colour_becomes_white() -> None:
    image = Image.new("P", (16, 16), 1)
    image.putpalette([255, 0, 0, 0, 0, 0])
    image.paste(0, (0, 0, 8, 16))
    pixels = decode(saved(image, "PNG", transparency=1)).pixels
    assert pixels[4, 2].tolist() == [255, 0, 0]
    assert pixels[4, 12].tolist() == [255, 255, 255]


def test_a_transparent_grey_value_becomes_white() -> None:
    image = Image.new("L", (16, 16), 0)
    image.paste(90, (0, 0, 8, 16))
    pixels = decode(saved(image, "PNG", transparency=0)).pixels
    assert pixels[4, 12].tolist() == [255, 255, 255]
    assert pixels[4, 2].tolist() == [90, 90, 90]


def test_cmyk_ink_becomes_its_colour() -> None:
    image = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    for data in (saved(image, "TIFF"), saved(image, "JPEG", quality=95)):
        decoded = decode(data)
        red, green, blue = decoded.pixels[8, 8].tolist()
        assert red > 230
        assert max(green, blue) < 40
        assert decoded.notes == ["converted from CMYK"]


def test_cmyk_jpeg_without_adobes_marker_is_not_inverted() -> None:
    # Pillow writes Adobe's marker and inverted ink; without the marker the same bytes mean the opposite.
    data = saved(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG", quality=95)
    start = data.index(b"\xff\xee")
    length = struct.unpack(">H", data[start + 2 : start + 4])[0]
    plain = decode(data[:start] + data[start + 2 + length :]).pixels[8, 8].tolist()
    assert plain == [0, 0, 0]


def test_exif_rotation_is_applied() -> None:
    image = Image.new("RGB", (40, 20), "white")
    image.paste("black", (0, 0, 10, 20))
    exif = Image.Exif()
    exif[0x0112] = 6
    decoded = decode(saved(image, "JPEG", exif=exif, quality=95))
    assert (decoded.width, decoded.height) == (20, 40)
    # Stored on its side: its left edge is the upright picture's top.
    assert decoded.pixels[3, 10, 0] < 60
    assert decoded.pixels[35, 10, 0] > 200
    assert "EXIF" in decoded.notes[0]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_turned_as_pillow_turns_it(orientation: int) -> None:
    from PIL import ImageOps

    noise = np.random.default_rng(0).integers(0, 255, (12, 20, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(noise), "PNG", exif=exif)
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(BytesIO(data))))
    assert np.array_equal(decode(data).pixels, wanted)


def test_the_first_page_of_a_tiff_is_taken_and_noted() -> None:
    pages = [Image.new("L", (16, 16), value) for value in (10, 200, 250)]
    decoded = decode(saved(pages[0], "TIFF", save_all=True, append_images=pages[1:]))
    assert decoded.pixels[3, 3].tolist() == [10, 10, 10]
    assert decoded.notes == ["first of several pages"]


def test_no_more_than_the_second_page_of_a_tiff_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []
    load = TiffImagePlugin.ImageFileDirectory_v2.load

    def counting(directory: Any, file: Any) -> None:
        read.append(file.tell())
        load(directory, file)

    monkeypatch.setattr(TiffImagePlugin.ImageFileDirectory_v2, "load", counting)
    pages = [Image.new("L", (16, 16), value) for value in range(60)]
    data = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    read.clear()
    assert decode(data).notes == ["first of several pages"]
    assert len(set(read)) == 2


@pytest.mark.parametrize("second", [b"", b"\xff" * 40])
def test_a_sound_page_before_a_damaged_one_is_taken(second: bytes) -> None:
    data = bytearray(saved(Image.new("L", (16, 16), 90), "TIFF"))
    data += b"\0" * (len(data) % 2)
    start = struct.unpack_from("<I", data, 4)[0]
    entries = struct.unpack_from("<H", data, start)[0]
    struct.pack_into("<I", data, start + 2 + 12 * entries, len(data))
    decoded = decode(bytes(data) + second)
    assert (decoded.pixels[3, 3].tolist(), decoded.notes) == ([90, 90, 90], [])


def test_the_first_frame_of_an_mpo_is_a_jpeg() -> None:
    frames = [Image.new("RGB", (16, 16), colour) for colour in ("red", "blue")]
    decoded = decode(saved(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert decoded.format == "JPEG"
    assert decoded.pixels[3, 3, 0] > 200
    assert decoded.notes == ["first of 2 frames"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"not an image at all", "format_not_allowed"),
        (b"<!DOCTYPE html><html>404</html>", "format_not_allowed"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "format_not_allowed"),
        (saved(Image.new("P", (16, 16)), "GIF"), "format_not_allowed"),
        (saved(Image.new("RGB", (16, 16)), "BMP"), "format_not_allowed"),
        (saved(Image.new("RGB", (16, 16)), "WEBP"), "format_not_allowed"),
        (b"\x89PNG\r\n\x1a\n", "corrupt"),
        (b"\xff\xd8\xff\xe0", "corrupt"),
        (b"II*\x00\x08\x00\x00\x00", "corrupt"),
        (b"MM\x00*" + b"\xff" * 40, "corrupt"),
        (saved(Image.new("1", (1, 1)), "PNG"), "bad_dimensions"),
        (saved(Image.new("L", (3000, 3)), "PNG"), "bad_dimensions"),
        (saved(Image.new("1", (20_001, 8)), "PNG"), "bad_dimensions"),
        (saved(Image.new("1", (5001, 5000)), "PNG"), "too_many_pixels"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * (20 * 2**20), "too_large"),
    ],
)
def test_what_is_no_acceptable_image_is_refused_by_name(data: bytes, code: str) -> None:
    assert refusal(data) == code


def test_a_decompression_bomb_is_refused_by_its_header() -> None:
    row = b"\0" + b"\xff" * (30_000 // 8)
    bomb = raw_png(30_000, 30_000, depth=1, colour=0, rows=row)
    assert refusal(bomb) == "too_many_pixels"


def test_the_smallest_and_the_widest_pictures_are_taken() -> None:
    assert decode(saved(Image.new("L", (8, 8)), "PNG")).width == 8
    assert decode(saved(Image.new("1", (20_000, 8)), "PNG")).width == 20_000
    assert decode(saved(Image.new("1", (5000, 5000)), "PNG")).height == 5000


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("share", [0.1, 0.4, 0.55, 0.9])
def test_a_file_cut_off_is_refused_as_corrupt(kind: str, share: float) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), kind)
    assert refusal(data[: int(len(data) * share)]) == "corrupt"


def test_zeroed_bytes_in_a_png_are_noticed() -> None:
    noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), "PNG")
    middle = len(data) // 2
    assert refusal(data[:middle] + b"\0" * 64 + data[middle + 64 :]) == "corrupt"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
def test_random_damage_never_raises_anything_but_a_refusal(kind: str) -> None:
    random = np.random.default_rng(7)
    noise = random.integers(0, 255, (24, 24, 3), dtype=np.uint8)
    whole = saved(Image.fromarray(noise), kind)
    codes = set()
    for _ in range(150):
        data = bytearray(whole)
        for place in random.integers(4, len(data), 6):
            data[place] = random.integers(0, 256)
        try:
            assert decode(bytes(data)).pixels.shape[2] == 3
        except ImageRefused as refused:
            codes.add(refused.code)
    assert codes


AWKWARD = {
    "01": ("TIFF", "stretched"), "02": ("TIFF", "several pages"), "03": ("TIFF", "several pages"),
    "04": ("TIFF", "float"), "05": ("PNG", "stretched"), "06": ("JPEG", "CMYK"), "07": ("PNG", "alpha"),
    "08": ("PNG", "alpha"), "09": "format_not_allowed", "10": ("JPEG", "EXIF"), "11": "corrupt",
    "12": "corrupt", "13": "too_many_pixels", "14": "format_not_allowed", "15": "empty",
    "16": "format_not_allowed", "17": "format_not_allowed", "18": ("JPEG", ""), "19": "bad_dimensions",
    "20": "bad_dimensions", "21": ("PNG", ""), "22": ("PNG", "alpha"),
}  # fmt: skip


@pytest.mark.reference
@pytest.mark.parametrize("number", AWKWARD)
def test_awkward_files_are_shown_right_or_refused(number: str, reference_dir: Path) -> None:
    (path,) = (reference_dir / "real" / "awkward").glob(f"{number}*")
    expected = AWKWARD[number]
    if isinstance(expected, str):
        assert refusal(path.read_bytes()) == expected
        return
    decoded = decode(path.read_bytes())
    assert decoded.format == expected[0]
    assert expected[1] in " ".join(decoded.notes)
    if number == "10":
        assert decoded.height < decoded.width
    if number == "22":
        assert decoded.pixels.min() == 255
