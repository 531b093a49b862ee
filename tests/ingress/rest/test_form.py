import contextlib
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ingress.rest.errors import RequestError
from gateway.ingress.rest.form import is_form, parse_form, read_body


def test_of_a_repeated_name_the_last_value_counts() -> None:
    assert parse_form(b"Body=a&Body=b").text("Body") == "b"


def test_an_empty_value_is_not_an_absent_one() -> None:
    form = parse_form(b"Body=")

    assert "Body" in form
    assert "Status" not in form
    assert form.text("Body") == form.text("Status") == ""


def test_octets_outside_ascii_are_read_as_utf_8() -> None:
    assert parse_form("Body=\u00e9".encode()).text("Body") == "\u00e9"


@pytest.mark.parametrize(
    ("encoded", "number"),
    [
        (b"To=%2B15005550009", "+15005550009"),
        (b"To=+15005550009", "+15005550009"),
        (b"To=+15005550009+", "+15005550009"),
        (b"From=+55501", "55501"),
        (b"From=+DEMO+", "DEMO"),
        (b"To=", ""),
    ],
)
def test_a_phone_number_gets_its_plus_back(encoded: bytes, number: str) -> None:
    form = parse_form(encoded)

    assert form.phone_number(next(iter(form))) == number


values = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


@given(pairs=st.lists(st.tuples(values, values), max_size=10))
def test_every_form_is_read_as_it_was_encoded(pairs: list[tuple[str, str]]) -> None:
    form = parse_form(urlencode(pairs).encode())

    assert form == dict(pairs)


@given(encoded=st.text("aB&=+% \u00e92C", max_size=30))
def test_a_form_is_read_as_the_standard_library_reads_it(encoded: str) -> None:
    try:
        expected = dict(parse_qsl(encoded, keep_blank_values=True, errors="strict"))
    except UnicodeDecodeError:
        return

    assert parse_form(encoded.encode()) == expected


@given(encoded=st.binary(max_size=200))
def test_any_octets_are_a_form_or_a_request_error(encoded: bytes) -> None:
    with contextlib.suppress(RequestError):
        parse_form(encoded)


@pytest.mark.parametrize("content_type", [b"text/plain", b"application/json; charset=utf-8", b""])
def test_other_content_types_are_no_forms(content_type: bytes) -> None:
    assert not is_form(content_type)


async def test_a_connection_that_ends_within_the_body_is_an_error() -> None:
    events = iter(
        [
            {"type": "http.request", "body": b"To=", "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive() -> object:
        return next(events)

    with pytest.raises(RequestError):
        await read_body(receive)  # type: ignore[arg-type]  # events as a server sends them
