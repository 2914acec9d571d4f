"""The confusion matrix as it is shown, and as it is drawn."""

from datetime import UTC, datetime
from io import BytesIO
from xml.etree import ElementTree

import pytest
from PIL import Image as Picture

from classifier.figures import draw_matrix
from classifier.matrix import DEEP, SCALE, shown_difference, shown_matrix

CLASSES = ["BlotGel", "FAC", "Map"]
COUNTS = [[1_200, 300, 0], [2, 1, 0], [0, 0, 0]]
LOOKS = {"BlotGel": {"short": "B", "colour": "#0072b2"}, "FAC": {"short": "F", "colour": "#e69f00"}}
SVG = "{http://www.w3.org/2000/svg}"


def drawn(counts: list[list[int]] = COUNTS, *, title: str = "panels@1 on d/s test") -> list[str]:
    """The texts of the picture."""
    told = [f"labels of {datetime(2026, 1, 2, 3, 4, tzinfo=UTC):%Y-%m-%d %H:%M} UTC"]
    svg = draw_matrix(shown_matrix(CLASSES, counts), looks=LOOKS, title=title, told=told)
    return ["".join(text.itertext()).strip() for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_picture_holds_title_cut_off_axes_classes_and_numbers_as_text() -> None:
    texts = drawn()
    for expected in ("panels@1 on d/s test", "labels of 2026-01-02 03:04 UTC", "Actual", "Predicted"):
        assert expected in texts
    for name in CLASSES:
        assert texts.count(name) == 2
    for number in ("80%", "1,200", "20%", "67%", "33%", "1,500", "1,202", "1,503"):
        assert number in texts


def test_empty_cells_are_not_written_and_an_empty_class_says_so() -> None:
    texts = drawn()
    # The scale's own end is the only one.
    assert not [text for text in texts if text == "0%"]
    assert "no image of this class" in texts


def test_a_name_is_never_taken_for_a_formula_or_for_markup() -> None:
    assert "a$x^2$ <b> & c" in drawn(title="a$x^2$ <b> & c")


def test_the_same_matrix_gives_the_same_file() -> None:
    matrix = shown_matrix(CLASSES, COUNTS)
    assert draw_matrix(matrix, looks=LOOKS, title="t") == draw_matrix(matrix, looks=LOOKS, title="t")


def test_the_png_is_a_picture_with_the_deep_end_of_the_scale_where_all_are_right() -> None:
    matrix = shown_matrix(["a", "b"], [[9, 0], [0, 9]])
    picture = Picture.open(BytesIO(draw_matrix(matrix, looks={}, title="t", file_format="png")))
    colours = picture.convert("RGB").getcolors(maxcolors=1 << 24) or []
    found = {f"#{red:02x}{green:02x}{blue:02x}": count for count, (red, green, blue) in colours}
    assert picture.width > 400
    for end in SCALE:
        assert found.get(end, 0) > 1_000


def test_another_format_is_refused() -> None:
    with pytest.raises(ValueError, match="gif"):
        draw_matrix(shown_matrix(CLASSES, COUNTS), looks={}, title="t", file_format="gif")


def test_cells_know_their_share_their_words_and_where_their_images_are() -> None:
    matrix = shown_matrix(CLASSES, COUNTS, link=lambda actual, predicted: f"{actual}/{predicted}")
    first = matrix.rows[0].cells
    assert [cell.strength for cell in first] == ["80.0", "20.0", "0.0"]
    assert [cell.is_deep for cell in first] == [DEEP <= 80, False, False]
    assert first[1].told == "300 of 1,500 images labelled BlotGel were taken for FAC"
    assert first[0].told == "1,200 of 1,500 images labelled BlotGel were recognised"
    assert (first[1].link, matrix.rows[0].total.link, matrix.columns[1].link) == (
        "BlotGel/FAC",
        "BlotGel/None",
        "None/FAC",
    )
    assert (matrix.rows[2].is_empty, matrix.total) == (True, 1_503)


def test_confusions_come_largest_first_without_the_diagonal_and_without_empty_cells() -> None:
    found = shown_matrix(CLASSES, COUNTS).confusions(5)
    assert [(cell.actual, cell.predicted, cell.count) for cell in found] == [
        ("BlotGel", "FAC", 300),
        ("FAC", "BlotGel", 2),
    ]


def test_a_difference_is_signed_and_coloured_by_its_largest_cell() -> None:
    rows = shown_difference(["a", "b"], [[-4, 4], [0, 0]])
    assert [cell.shown for cell in rows[0]] == ["\N{MINUS SIGN}4", "+4"]
    assert rows[0][0].strength == rows[0][1].strength
    assert rows[0][0].told == "4 images fewer labelled a recognised"
    assert rows[0][1].told == "4 images more labelled a taken for b"
    assert rows[1][0].strength == "0.0"
    assert [cell.is_right for cell in rows[0]] == [True, False]
