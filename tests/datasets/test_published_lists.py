"""Lists of papers as they are published: taken where every entry can be a paper, else refused by name."""

from pathlib import Path

import pytest

from datasets.errors import Refused
from datasets.published_lists import parse_official, read_official


def test_numbers_are_taken_as_texts() -> None:
    assert parse_official(b'{"train": [1, "2"], "test": []}') == {"train": ["1", "2"], "test": []}


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"train": []}',
        '{"train": ["1"], "test": "2"}',
        '{"train": ["1"], "test": [["2"]]}',
        '{"train": ["1"], "test": ["1"]}',
        '{"train": ["1"], "test": ["2"], "more": []}',
        '{"train": ["1"], "test": ["2", ""]}',
    ],
)
def test_a_file_that_is_no_list_of_papers_is_refused(content: str, tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text(content)
    with pytest.raises(Refused) as raised:
        read_official(tmp_path / "s.json")
    assert raised.value.code == "not_a_split_file"


@pytest.mark.parametrize(
    ("entry", "named"),
    [("a\\u0000b", r"'a\x00b'"), ("\\ud800", r"'\ud800'"), ("../x", "'../x'"), ("x" * 201, "'xxxx")],
)
def test_an_entry_that_no_paper_can_be_called_is_named(entry: str, named: str) -> None:
    with pytest.raises(Refused) as raised:
        parse_official(f'{{"train": ["1"], "test": ["2", "{entry}"]}}'.encode())
    assert raised.value.code == "not_a_split_file"
    assert f"test names what is no paper. The paper {named}" in str(raised.value)
