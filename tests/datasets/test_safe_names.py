"""Names of files and papers: those that no folder could hold, or would hide, are refused."""

import pytest

from datasets.decoding import ImageRefused, safe_file_name, safe_paper


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "   ",
        "../a.png",
        "/etc/passwd",
        "a\\b.png",
        "a\0.png",
        "a\n.png",
        "\ud800.png",
        "x" * 256,
        ".a.png",
        "..a.png",
        "Thumbs.db",
        "DESKTOP.INI",
    ],
)
def test_unsafe_names_are_refused(name: str) -> None:
    with pytest.raises(ImageRefused) as raised:
        safe_file_name(name)
    assert raised.value.code == "unsafe_name"
    str(raised.value).encode()


@pytest.mark.parametrize(
    "name", ["030201.png", "21 spaces (and) Ünïcode 画像.png", "a..png", "Thumbs.db.png"]
)
def test_unusual_names_survive(name: str) -> None:
    assert safe_file_name(name) == name


@pytest.mark.parametrize("identifier", ["...", ".p", "__MACOSX", "a/b", "7\n", "x" * 201])
def test_unsafe_papers_are_refused(identifier: str) -> None:
    with pytest.raises(ImageRefused) as raised:
        safe_paper(identifier)
    assert raised.value.code == "unsafe_name"
