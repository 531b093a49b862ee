"""What a server's answer asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.twiml.messaging_response import (
    MessagingResponse,
)

from gateway.messaging.twiml import REPLIES_MAX, Replies, Reply, TwimlError, parse

XML = "text/xml"


def replies(document: str) -> tuple[Reply, ...]:
    return parse(XML, document.encode()).replies


def warning_codes(document: str) -> list[int]:
    return [warning.code for warning in parse(XML, document.encode()).warnings]


def test_text_of_a_message_is_a_reply() -> None:
    assert replies("<Response><Message>Hi</Message></Response>") == (Reply("Hi"),)


def test_body_of_a_message_is_a_reply() -> None:
    assert replies("<Response><Message><Body>Hi</Body></Message></Response>") == (Reply("Hi"),)


def test_older_name_of_message_is_understood() -> None:
    assert replies("<Response><Sms>Hi</Sms></Response>") == (Reply("Hi"),)


def test_attributes_say_from_whom_to_whom_and_what_to_call() -> None:
    document = (
        '<Response><Message to="+15005550010" from="55501" action="/old" '
        'statusCallback="https://example.com/s">Hi</Message></Response>'
    )
    assert replies(document) == (Reply("Hi", "+15005550010", "55501", "https://example.com/s"),)


def test_action_is_the_older_name_of_status_callback() -> None:
    (reply,) = replies('<Response><Message action="/s">Hi</Message></Response>')
    assert reply.status_callback == "/s"


def test_several_messages_are_replies_in_their_order() -> None:
    found = replies("<Response><Message>1</Message><Message>2</Message></Response>")
    assert found == (Reply("1"), Reply("2"))


def test_space_around_a_text_is_not_sent() -> None:
    assert replies("<Response><Message>\n  <Body>\n Hi\n you </Body>\n</Message></Response>") == (
        Reply("Hi\n you"),
    )


@pytest.mark.parametrize("document", ["<Response/>", "<Response></Response>", "", "  \n"])
def test_empty_answer_asks_for_nothing(document: str) -> None:
    assert parse(XML, document.encode()) == Replies()


def test_plain_text_of_invisible_characters_asks_for_nothing() -> None:
    assert parse("text/plain", "\u00a0\u2003".encode()) == Replies()


def test_empty_body_needs_no_content_type() -> None:
    assert parse("", b"") == Replies()


@pytest.mark.parametrize("content_type", ["text/plain", "Text/Plain; charset=UTF-8"])
def test_plain_text_is_one_message(content_type: str) -> None:
    assert parse(content_type, "caf\u00e9 <b>".encode()).replies == (Reply("caf\u00e9 <b>"),)


@pytest.mark.parametrize(
    "content_type", ["text/xml", "application/xml", "text/html", "TEXT/XML;charset=utf-8"]
)
def test_twiml_comes_under_three_content_types(content_type: str) -> None:
    document = b"<Response><Message>Hi</Message></Response>"
    assert parse(content_type, document).replies == (Reply("Hi"),)


@pytest.mark.parametrize(
    ("content_type", "document"),
    [
        ("text/xml; charset=iso-8859-1", "<Response><Sms>\u00e9</Sms></Response>"),
        ('text/xml; charset="ISO-8859-1"', "<Response><Sms>\u00e9</Sms></Response>"),
        (
            "text/xml",
            '<?xml version="1.0" encoding="latin-1"?><Response><Sms>\u00e9</Sms></Response>',
        ),
        ("text/plain; charset=latin-1", "\u00e9"),
    ],
)
def test_charset_is_that_of_the_header_or_the_document(content_type: str, document: str) -> None:
    assert parse(content_type, document.encode("latin-1")).replies == (Reply("\u00e9"),)


@pytest.mark.parametrize("charset", ["klingon", ""])
def test_unknown_charset_is_read_as_utf_8(charset: str) -> None:
    answer = parse(f"text/plain; charset={charset}", "\u00e9".encode())
    assert answer.replies == (Reply("\u00e9"),)


@pytest.mark.parametrize("content_type", ["", "application/json", "text/xmlish", "image/png"])
def test_another_content_type_is_12300(content_type: str) -> None:
    with pytest.raises(TwimlError) as caught:
        parse(content_type, b"{}")
    assert caught.value.code == 12300


@pytest.mark.parametrize(
    "document",
    [
        "<Response>",
        "Hi",
        "<Response></Wrong>",
        "<Response>&nbsp;</Response>",
        '<?xml version="1.0" encoding="klingon"?><Response/>',
        '<?xml version="1.0" encoding="utf-32"?><Response/>',
        '<!DOCTYPE r [<!ENTITY a "aaaa">]><Response><Message>&a;</Message></Response>',
        '<!DOCTYPE r SYSTEM "file:///etc/passwd"><Response/>',
    ],
)
def test_document_that_is_not_well_formed_or_has_a_dtd_is_12100(document: str) -> None:
    with pytest.raises(TwimlError) as caught:
        parse(XML, document.encode())
    assert caught.value.code == 12100


def test_answer_above_the_bound_is_11750() -> None:
    with pytest.raises(TwimlError) as caught:
        parse(XML, b"<Response/>", truncated=True)
    assert caught.value.code == 11750


@pytest.mark.parametrize(
    "document",
    [
        "<Reply/>",
        "<Response><Redirect>http://example.com</Redirect></Response>",
        "<Response><Say>Hi</Say></Response>",
        "<Response><message>Hi</message></Response>",
    ],
)
def test_what_is_not_understood_is_12200_and_asks_for_nothing(document: str) -> None:
    answer = parse(XML, document.encode())
    assert [warning.code for warning in answer.warnings] == [12200]
    assert answer.replies == ()


def test_what_is_understood_is_used_beside_what_is_not() -> None:
    document = (
        "<Response><Redirect>/x</Redirect>"
        "<Message>Hi<Media>http://example.com/1.png</Media></Message></Response>"
    )
    assert replies(document) == (Reply("Hi"),)
    assert warning_codes(document) == [12200, 12200]


def test_message_without_text_is_14103() -> None:
    assert warning_codes("<Response><Message> </Message></Response>") == [14103]


def test_replies_beyond_the_limit_are_14109() -> None:
    document = "<Response>" + "<Message>Hi</Message>" * (REPLIES_MAX + 1) + "</Response>"
    assert len(replies(document)) == REPLIES_MAX
    assert warning_codes(document) == [14109]


def test_deep_document_is_read() -> None:
    depth = 9_000
    document = "<Response>" + "<a>" * depth + "</a>" * depth + "</Response>"
    assert warning_codes(document) == [12200]


def test_document_of_twilios_sdk_is_understood() -> None:
    response = MessagingResponse()
    response.message("caf\u00e9 & <more>", to="+15005550010", status_callback="/s")
    (reply,) = replies(str(response))
    assert reply == Reply("caf\u00e9 & <more>", "+15005550010", "", "/s")


@given(st.binary(max_size=200), st.sampled_from(["text/xml", "text/plain", "text/html; charset=x"]))
def test_any_octets_are_replies_or_an_error(body: bytes, content_type: str) -> None:
    try:
        answer = parse(content_type, body)
    except TwimlError:
        return
    assert all(reply.body for reply in answer.replies)
