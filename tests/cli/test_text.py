from __future__ import annotations

import io
import json
import sys

import pytest

from gateway.cli import main
from gateway.cli.text import INPUT_OCTETS_MAX


class StandardInput:
    """Standard input of these octets."""

    def __init__(self, octets: bytes) -> None:
        self.buffer = io.BytesIO(octets)


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["text", *arguments]) == 0
    return capsys.readouterr().out


def complained(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["text", *arguments]) == 1
    caught = capsys.readouterr()
    assert caught.out == ""
    return caught.err


def test_a_text_is_shown_with_its_segments(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "5 \u20ac for \u201cyou\u201d \u0448") == (
        "encoding    UCS-2\n"
        "characters  15\n"
        "units       15 UTF-16 units, 70 a segment\n"
        "segments    1\n"
        "\n"
        "not in the GSM 7-bit alphabet:\n"
        "  \u201c  U+201C    at 8; smart encoding: '\"'\n"
        "  \u201d  U+201D    at 12; smart encoding: '\"'\n"
        "  \u0448  U+0448    at 14\n"
        "\n"
        "segment 1: 15 UTF-16 units\n"
        "  5 \u20ac for \u201cyou\u201d \u0448\n"
        "  0035002020ac00200066006f00720020201c0079006f0075201d00200448\n"
    )


def test_smart_encoding_comes_first(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "--smart", "\u201chi\u201d")
    assert "encoding    GSM-7\n" in shown
    assert '  "hi"\n  22686922\n' in shown


def test_gsm_12_a_language_is_used_where_it_saves_a_segment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shown = printed(capsys, "a" * 80 + "\u015f", "--language", "es", "--language", "tr")
    assert "encoding    GSM-7, single shift of 'tr'\n" in shown
    assert "units       82 septets, 155 a segment\n" in shown
    assert "  03240101 6161" in shown


def test_gsm_3_the_reference_may_have_16_bits(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "--reference-bits", "16", "a" * 161)
    assert "segment 1: 152 septets\n" in shown
    assert "  06080400000202 616161616161616161\n" in shown


def test_many_places_of_a_character_are_cut_short(capsys: pytest.CaptureFixture[str]) -> None:
    assert "at 0, 1, 2, 3, 4, 5, 6, 7 and 12 more\n" in printed(capsys, "\u0448" * 20)


def test_nothing_that_a_terminal_obeys_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    shown = printed(capsys, "a\x1b[31m\nb\u202e")
    assert "a\\x1b[31m\\nb\\u202e" in shown
    assert "\x1b" not in shown


def test_the_same_is_told_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    shown = json.loads(printed(capsys, "--json", "hi"))
    assert (shown["encoding"], shown["num_segments"]) == ("GSM-7", "1")
    assert shown["segments"][0]["user_data"] == "6869"


@pytest.mark.parametrize("octets", [b"h\xc3\xa9", b"h\xc3\xa9\n", b"h\xc3\xa9\r\n"])
def test_standard_input_is_read_without_its_last_line_end(
    octets: bytes, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", StandardInput(octets))
    assert json.loads(printed(capsys, "--json", "-"))["body"] == "h\u00e9"


@pytest.mark.parametrize(
    ("octets", "complaint"),
    [
        (b"a\xff", "standard input is not UTF-8 at octet 1"),
        (b"a" * (INPUT_OCTETS_MAX + 1), "standard input has more than 262144 octets"),
        (b"\n", "expected a text, got nothing"),
        (b"a\0", "U+0000 at character 1 cannot be sent"),
        (b"a" * 40_000, "the text needs 262 parts, 255 is the most"),
    ],
)
def test_what_cannot_be_sent_is_told_on_one_line(
    octets: bytes,
    complaint: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "stdin", StandardInput(octets))
    assert complained(capsys, "-") == f"supernet: {complaint}\n"


def test_a_text_with_a_lone_surrogate_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert complained(capsys, "a\ud83d") == "supernet: U+D83D at character 1 cannot be sent\n"


def test_an_unknown_language_is_a_wrong_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["text", "hi", "--language", "xx"])
    assert "invalid choice: 'xx'" in capsys.readouterr().err
