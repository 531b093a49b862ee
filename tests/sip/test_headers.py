"""Header fields: names, order, values that stay as they are (RFC 3261 §7.3)."""

from __future__ import annotations

import pytest

from gateway.sip.errors import ValueRefused
from gateway.sip.header_names import COMPACT_FORMS, NAMES
from gateway.sip.headers import Headers

HEADERS = Headers(
    [
        ("Via", "SIP/2.0/UDP a"),
        ("X-Trace", "1"),
        ("Via", "SIP/2.0/UDP b"),
        ("Allow", "INVITE, ACK"),
        ("allow", "BYE"),
        ("x-trace", "2"),
    ]
)


@pytest.mark.parametrize("name", ["Via", "via", "VIA", "v", "V", "vIa"])
def test_a_name_is_found_in_any_spelling(name: str) -> None:
    assert HEADERS.get(name) == "SIP/2.0/UDP a"
    assert HEADERS.get_all(name) == ["SIP/2.0/UDP a", "SIP/2.0/UDP b"]
    assert name in HEADERS


@pytest.mark.parametrize("name", ["X-Trace", "x-trace", "X-TRACE"])
def test_a_name_that_nobody_knows_is_found_in_any_spelling(name: str) -> None:
    assert HEADERS.get(name) == "1"
    assert HEADERS.get_all(name) == ["1", "2"]


def test_a_name_that_nobody_knows_stays_as_it_is_written() -> None:
    assert [name for name, _ in HEADERS] == ["Via", "X-Trace", "Via", "Allow", "Allow", "x-trace"]


def test_what_is_not_there_is_none() -> None:
    assert HEADERS.get("Contact") is None
    assert HEADERS.get("m") is None
    assert HEADERS.get("X-Other") is None
    assert HEADERS.get_all("Contact") == []
    assert "Contact" not in HEADERS


def test_elements_come_from_all_lines_of_a_name() -> None:
    assert HEADERS.elements("Allow") == ["INVITE", "ACK", "BYE"]


@pytest.mark.parametrize(("form", "name"), COMPACT_FORMS.items())
def test_a_compact_form_is_its_name(form: str, name: str) -> None:
    assert (NAMES[form], NAMES[form.upper()], NAMES[f"{form} "]) == (name, name, name)


def test_names_of_a_peers_invention_are_not_kept() -> None:
    before = len(NAMES)
    assert NAMES["X-Whatever-1"] == "X-Whatever-1"
    assert len(NAMES) == before


def test_adding_puts_fields_at_the_end() -> None:
    assert list(Headers([("To", "a")]).adding("t", "b", "c")) == [
        ("To", "a"),
        ("To", "b"),
        ("To", "c"),
    ]


def test_prepending_puts_fields_before_all_others() -> None:
    assert HEADERS.prepending("v", "SIP/2.0/UDP c").get("Via") == "SIP/2.0/UDP c"


def test_replacing_takes_the_place_of_the_first_of_the_name() -> None:
    assert [name for name, _ in HEADERS.replacing("Via", "c")] == [
        "Via",
        "X-Trace",
        "Allow",
        "Allow",
        "x-trace",
    ]
    assert HEADERS.replacing("X-TRACE", "3", "4").get_all("x-trace") == ["3", "4"]
    assert HEADERS.replacing("To", "t").get_all("To") == ["t"]


def test_without_leaves_the_others() -> None:
    assert [name for name, _ in HEADERS.without("via", "x-trace")] == ["Allow", "Allow"]


def test_what_is_altered_is_another() -> None:
    before = list(HEADERS)
    HEADERS.adding("To", "x")
    HEADERS.replacing("Via", "x")
    HEADERS.without("Allow")
    assert list(HEADERS) == before
    assert Headers(before) == HEADERS
    assert before != HEADERS


@pytest.mark.parametrize("value", ["x\r\nEvil: 1", "x\nEvil: 1", "x\rEvil: 1", "\r\n"])
def test_a_value_of_ours_cannot_end_its_line(value: str) -> None:
    with pytest.raises(ValueRefused):
        Headers([("Subject", value)])
    for altering in (HEADERS.adding, HEADERS.prepending, HEADERS.replacing):
        with pytest.raises(ValueRefused):
            altering("Subject", value)


@pytest.mark.parametrize("name", ["", "Evil: 1\r\nSubject", "Sub ject", "Subject:", "Súbject"])
def test_a_name_of_ours_is_a_token(name: str) -> None:
    with pytest.raises(ValueRefused):
        Headers([(name, "x")])
    with pytest.raises(ValueRefused):
        HEADERS.without(name)
