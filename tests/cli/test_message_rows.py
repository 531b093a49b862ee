from pathlib import Path

import pytest

from gateway.cli import message_rows
from gateway.cli.console import CommandError
from gateway.cli.message_rows import Row, count_rows, read_rows


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.csv"


def mistake(path: Path, octets: bytes) -> str:
    path.write_bytes(octets)
    with pytest.raises(CommandError) as caught:
        count_rows(path)
    return str(caught.value).replace(f"{path.parent}/", "")


def test_columns_are_found_by_the_header(path: Path) -> None:
    path.write_text("Body,to,from\nHello,+1500,55501\n")
    assert list(read_rows(path)) == [Row(2, "+1500", "55501", "Hello")]


def test_a_body_may_go_over_several_lines(path: Path) -> None:
    path.write_text('to,from,body\n+1,2,"a\nb\n"\n\n+3,4,c\n')
    assert list(read_rows(path)) == [Row(2, "+1", "2", "a\nb\n"), Row(6, "+3", "4", "c")]


def test_a_byte_order_mark_is_no_part_of_the_header(path: Path) -> None:
    path.write_bytes(b"\xef\xbb\xbfto,from,body\r\n+1,2,c\r\n")
    assert count_rows(path) == 1


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", "m.csv:1: expected the header to,from,body, got ''"),
        (b"+1,2,c\n", "m.csv:1: expected the header to,from,body, got '+1,2,c'"),
        (b"to,from,text\n", "m.csv:1: expected the header to,from,body, got 'to,from,text'"),
        (b"to,from,body\n", "m.csv: expected a row under the header"),
        (b"to,from,body\n+1,2,a\n+1,2\n", "m.csv:3: expected 3 columns, got 2"),
        (b"to,from,body\n+1,2,a,b\n", "m.csv:2: expected 3 columns, got 4"),
        (b"to,from,body\n+1, ,a\n", "m.csv:2: from is empty"),
        (b'to,from,body\n+1,2,a\n+1,2,"a"b\n', "m.csv:3: not CSV: ',' expected after '\"'"),
        (b'to,from,body\n+1,2,"a\n', "m.csv:2: not CSV: unexpected end of data"),
        (b"to,from,body\n+1,2,\xff\n", "m.csv: expected UTF-8 text (after line 0)"),
    ],
)
def test_a_mistake_names_its_line(path: Path, octets: bytes, expected: str) -> None:
    assert mistake(path, octets) == expected


def test_a_missing_file_is_named(path: Path) -> None:
    with pytest.raises(CommandError, match=r"m\.csv: no such file or directory$"):
        count_rows(path)


def test_a_file_beyond_the_bound_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_rows, "ROWS_MAX", 2)
    assert mistake(path, b"to,from,body\n" + b"+1,2,c\n" * 3) == (
        "m.csv:4: expected at most 2 rows; split it"
    )
