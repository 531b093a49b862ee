"""Delivery receipts as the specification has them, and as vendors write them (RCP-1 to RCP-3)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.smpp.constants import MessageState, Tag
from gateway.smpp.receipt import (
    STAT_BY_STATE,
    STATE_BY_STAT,
    TEXT_MAX,
    Receipt,
    format_text,
    is_receipt,
    parse,
    tlvs,
)

NOON = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
AS_SPECIFIED = (
    "id:0123456789 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 "
    "stat:DELIVRD err:000 text:Hello"
)

# What differs from vendor to vendor: (how, the text, what it says).
VARIANTS: list[tuple[str, str, Receipt]] = [
    ("appendix B", AS_SPECIFIED, Receipt("0123456789", "DELIVRD", "000", "2311142213")),
    (
        "dates with seconds",
        "id:77 sub:001 dlvrd:001 submit date:231114221207 done date:231114221309 "
        "stat:DELIVRD err:000 text:",
        Receipt("77", "DELIVRD", "000", "231114221309"),
    ),
    (
        "dates with the century",
        "id:77 sub:001 dlvrd:001 submit date:20231114221207 done date:20231114221309 "
        "stat:DELIVRD err:000 text:",
        Receipt("77", "DELIVRD", "000", "231114221309"),
    ),
    (
        "no dates",
        "id:77 sub:001 dlvrd:001 submit date: done date: stat:UNDELIV err:001 text:",
        Receipt("77", "UNDELIV", "001"),
    ),
    (
        "no sub, no dlvrd",
        "id:77 submit date:2311142212 done date:2311142213 stat:EXPIRED err:031 text:Hi",
        Receipt("77", "EXPIRED", "031", "2311142213"),
    ),
    (
        "empty sub and dlvrd",
        "id:77 sub: dlvrd: submit date:2311142212 done date:2311142213 stat:DELIVRD err:000 text:",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "counts of one digit",
        "id:77 sub:1 dlvrd:1 submit date:2311142212 done date:2311142213 stat:DELIVRD err:0 text:",
        Receipt("77", "DELIVRD", "0", "2311142213"),
    ),
    (
        "Text",
        "id:77 sub:001 dlvrd:000 submit date:2311142212 done date:2311142213 "
        "stat:REJECTD err:069 Text:Hello",
        Receipt("77", "REJECTD", "069", "2311142213"),
    ),
    (
        "no text",
        "id:77 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 stat:DELIVRD err:000",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "no err",
        "id:77 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 stat:DELIVRD text:",
        Receipt("77", "DELIVRD", "", "2311142213"),
    ),
    (
        "empty err",
        "id:77 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 stat:DELIVRD err: "
        "text:Hello",
        Receipt("77", "DELIVRD", "", "2311142213"),
    ),
    (
        "err in hex",
        "id:77 sub:001 dlvrd:000 submit date:2311142212 done date:2311142213 "
        "stat:UNDELIV err:0x1B text:",
        Receipt("77", "UNDELIV", "0x1B", "2311142213"),
    ),
    (
        "err in letters",
        "id:77 sub:001 dlvrd:000 submit date:2311142212 done date:2311142213 "
        "stat:UNDELIV err:EC_ABSENT text:",
        Receipt("77", "UNDELIV", "EC_ABSENT", "2311142213"),
    ),
    (
        "err below zero",
        "id:77 sub:001 dlvrd:000 submit date:2311142212 done date:2311142213 "
        "stat:UNDELIV err:-1 text:",
        Receipt("77", "UNDELIV", "-1", "2311142213"),
    ),
    (
        "stat in small letters",
        "id:77 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 "
        "stat:delivrd err:000 text:",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "stat in full",
        "id:77 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 "
        "stat:Delivered err:000 text:",
        Receipt("77", "DELIVERED", "000", "2311142213"),
    ),
    (
        "spaces behind the colons",
        "id: 77 sub: 001 dlvrd: 001 submit date: 2311142212 done date: 2311142213 "
        "stat: DELIVRD err: 000 text: Hello",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "spaces before the colons",
        "id :77 sub :001 dlvrd :001 submit date :2311142212 done date :2311142213 "
        "stat :DELIVRD err :000 text :Hello",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "capitals",
        "ID:77 SUB:001 DLVRD:001 SUBMIT DATE:2311142212 DONE DATE:2311142213 "
        "STAT:DELIVRD ERR:000 TEXT:Hello",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "dates in one word",
        "id:77 sub:001 dlvrd:001 submitdate:2311142212 donedate:2311142213 stat:DELIVRD err:000",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "dates with an underscore",
        "id:77 sub:001 dlvrd:001 submit_date:2311142212 done_date:2311142213 stat:DELIVRD err:000",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "dates for people",
        "id:77 sub:001 dlvrd:001 submit date:2023-11-14 22:12:07 done date:2023-11-14 22:13:09 "
        "stat:DELIVRD err:000",
        Receipt("77", "DELIVRD", "000"),
    ),
    (
        "commas",
        "id:77,sub:001,dlvrd:001,submit date:2311142212,done date:2311142213,stat:DELIVRD,err:000",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "lines",
        "id:77\nsub:001\ndlvrd:001\nsubmit date:2311142212\ndone date:2311142213\n"
        "stat:DELIVRD\nerr:000\ntext:Hello",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "a space in front",
        " id:77 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 "
        "stat:DELIVRD err:000 text:",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "another order",
        "stat:DELIVRD err:000 id:77 done date:2311142213 text:Hello",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "fields of its own",
        "id:77 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 stat:DELIVRD "
        "nw:310260 err:000 msgid:8 text:Hello",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "a UUID",
        "id:5e0f6f9c-1f2c-4d63-9a41-0c6b5c8a1d2e sub:001 dlvrd:001 submit date:2311142212 "
        "done date:2311142213 stat:DELIVRD err:000 text:",
        Receipt("5e0f6f9c-1f2c-4d63-9a41-0c6b5c8a1d2e", "DELIVRD", "000", "2311142213"),
    ),
    (
        "an id with a colon",
        "id:smsc1:77 submit date:2311142212 done date:2311142213 stat:DELIVRD err:000",
        Receipt("smsc1:77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "leading zeros",
        "id:00000000000000000077 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 "
        "stat:DELIVRD err:000 text:",
        Receipt("00000000000000000077", "DELIVRD", "000", "2311142213"),
    ),
    (
        "a NUL at the end",
        "id:77 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 stat:DELIVRD "
        "err:000\0",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "quotes",
        'id:"77" sub:"001" dlvrd:"001" submit date:"2311142212" done date:"2311142213" '
        'stat:"DELIVRD" err:"000" text:"Hello"',
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "the id alone in quotes",
        "id:'77' sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 stat:DELIVRD",
        Receipt("77", "DELIVRD", "", "2311142213"),
    ),
    (
        "equals signs",
        "id=77 sub=001 dlvrd=001 submit date=2311142212 done date=2311142213 stat=DELIVRD err=000",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "the state as a number",
        "id:77 sub:001 dlvrd:000 submit date:2311142212 done date:2311142213 stat:5 err:001 text:",
        Receipt("77", "UNDELIV", "001", "2311142213"),
    ),
    (
        "the state as a number of three digits",
        "id:77 sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 stat:002 err:000",
        Receipt("77", "DELIVRD", "000", "2311142213"),
    ),
    (
        "the state in hex",
        "id:77 sub:001 dlvrd:000 submit date:2311142212 done date:2311142213 stat:0x08 err:000",
        Receipt("77", "REJECTD", "000", "2311142213"),
    ),
    (
        "a state that is no number of the specification",
        "id:77 stat:42 err:000",
        Receipt("77", "42", "000"),
    ),
    ("only what matters", "id:77 stat:UNDELIV", Receipt("77", "UNDELIV")),
]


@pytest.mark.parametrize(
    ("text", "expected"), [pytest.param(text, says, id=how) for how, text, says in VARIANTS]
)
def test_rcp_3_receipt_of_every_vendor_is_read(text: str, expected: Receipt) -> None:
    assert parse(text.encode("latin-1"), {}) == expected


def test_rcp_3_receipt_in_ucs2_is_read() -> None:
    expected = Receipt("0123456789", "DELIVRD", "000", "2311142213")
    assert parse(AS_SPECIFIED.encode("utf-16-be"), {}) == expected


@pytest.mark.parametrize("state", MessageState)
def test_rcp_3_every_state_has_its_word(state: MessageState) -> None:
    stat = STAT_BY_STATE[state]
    assert (len(stat), STATE_BY_STAT[stat]) == (7, state)


# What the sender wrote is never taken for what the carrier says


@pytest.mark.parametrize(
    "text",
    [
        "id:77 stat:DELIVRD text:id:88 stat:UNDELIV err:001 done date:2311142213",
        "id:77 sub:001 dlvrd:001 stat:DELIVRD Text:err:001",
    ],
)
def test_rcp_3_fields_within_the_text_are_the_senders(text: str) -> None:
    assert parse(text.encode(), {}) == Receipt("77", "DELIVRD")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Your parcel comes at noon",
        "id:77",
        "stat:DELIVRD",
        "id: stat:DELIVRD",
        "id: sub:001 dlvrd:001 submit date:2311142212 done date:2311142213 stat:DELIVRD err:000",
        "id:77 stat: err:000",
        "text:id:77 stat:DELIVRD",
        f"id:{'7' * 65} stat:DELIVRD",
        f"{'x' * TEXT_MAX} id:77 stat:DELIVRD",
    ],
)
def test_rcp_3_what_names_no_message_or_no_state_says_nothing(text: str) -> None:
    assert parse(text.encode(), {}) is None


# TLVs (§4.7.1, §5.3.2.12, §5.3.2.31, §5.3.2.35)


def test_rcp_2_tlvs_win_over_the_text() -> None:
    optional: dict[int, bytes] = {
        Tag.RECEIPTED_MESSAGE_ID: b"4a5b6c\0",
        Tag.MESSAGE_STATE: b"\x05",
        Tag.NETWORK_ERROR_CODE: b"\x03\x00\x1b",
    }
    expected = Receipt("4a5b6c", "UNDELIV", "027", "2311142213")
    assert parse(AS_SPECIFIED.encode(), optional) == expected


@pytest.mark.parametrize("text", [b"", b"delivered", b"id: stat: err:"])
def test_rcp_2_tlvs_do_without_a_text(text: bytes) -> None:
    assert parse(text, tlvs("4a5b", "DELIVRD")) == Receipt("4a5b", "DELIVRD")


@pytest.mark.parametrize("receipted", [b"4a5b", b"4a5b\0", b"4a5b\0\0", b"4a5b\0junk"])
def test_rcp_2_receipted_message_id_ends_with_its_nul(receipted: bytes) -> None:
    receipt = parse(b"id:77 stat:DELIVRD", {Tag.RECEIPTED_MESSAGE_ID: receipted})
    assert receipt == Receipt("4a5b", "DELIVRD")


@pytest.mark.parametrize(
    "useless",
    [
        {Tag.RECEIPTED_MESSAGE_ID: b"\0"},
        {Tag.RECEIPTED_MESSAGE_ID: b""},
        {Tag.MESSAGE_STATE: b""},
        {Tag.MESSAGE_STATE: b"\x63"},
        {Tag.NETWORK_ERROR_CODE: b"\x03\x1b"},
        {0x1400: b"vendor"},
    ],
)
def test_rcp_2_a_tlv_that_says_nothing_leaves_the_text(useless: dict[int, bytes]) -> None:
    assert parse(b"id:77 stat:DELIVRD err:000", useless) == Receipt("77", "DELIVRD", "000")


def test_rcp_2_an_empty_text_beside_the_tlvs_is_no_trouble() -> None:
    """With the error of the network: GSM, 0x0020."""
    optional: dict[int, bytes] = {
        Tag.RECEIPTED_MESSAGE_ID: b"0A\0",
        Tag.MESSAGE_STATE: b"\x03",
        Tag.NETWORK_ERROR_CODE: b"\x03\x00\x20",
    }
    assert parse(b"", optional) == Receipt("0A", "EXPIRED", "032")


# esm_class alone (§5.2.12)


@pytest.mark.parametrize(
    ("esm_class", "expected"),
    [
        (0x00, False),
        (0x03, False),
        (0x04, True),
        (0x07, True),
        (0x08, False),
        (0x10, False),
        (0x18, False),
        (0x20, True),
        (0x40, False),
        (0x44, True),
        (0x80, False),
        (0xE4, True),
    ],
)
def test_rcp_1_message_type_bits_alone_make_a_receipt(esm_class: int, expected: bool) -> None:
    assert is_receipt(esm_class) is expected


# What we write


@pytest.mark.parametrize("stat", sorted(STATE_BY_STAT))
def test_what_we_write_is_read_back(stat: str) -> None:
    text = format_text("SM0", stat, NOON, NOON + 60, "001", "Hello")
    expected = Receipt("SM0", stat, "001", "2311142214")
    assert parse(text, {}) == parse(text, tlvs("SM0", stat)) == expected


def test_text_is_cut_at_20_characters() -> None:
    assert format_text("1", "DELIVRD", NOON, NOON, text="x" * 30).endswith(b"text:" + b"x" * 20)


@pytest.mark.parametrize(("stat", "dlvrd"), [("DELIVRD", b"001"), ("UNDELIV", b"000")])
def test_dlvrd_counts_what_was_delivered(stat: str, dlvrd: bytes) -> None:
    assert b"dlvrd:" + dlvrd in format_text("1", stat, NOON, NOON)


@given(st.text(max_size=30))
def test_any_text_of_a_customer_can_be_quoted(text: str) -> None:
    """It cannot change what the receipt says either."""
    written = format_text("77", "UNDELIV", NOON, NOON, "001", text)
    assert parse(written, {}) == Receipt("77", "UNDELIV", "001", "2311142213")


@given(st.binary(max_size=300), st.dictionaries(st.sampled_from([*Tag]), st.binary(max_size=5)))
def test_any_octets_are_read_or_say_nothing(octets: bytes, optional: dict[int, bytes]) -> None:
    receipt = parse(octets, optional)
    assert receipt is None or (receipt.message_id and receipt.stat)


ANY_WORD = st.text(st.characters(codec="latin-1"), max_size=70)


@given(
    ANY_WORD,
    st.from_regex(r"[0-9]{0,15}", fullmatch=True),
    st.one_of(st.sampled_from(sorted(STATE_BY_STAT)), st.from_regex(r"\w{1,20}", fullmatch=True)),
    ANY_WORD,
    ANY_WORD,
)
def test_the_usual_form_says_what_any_other_would(
    message_id: str, date: str, stat: str, err: str, text: str
) -> None:
    """NULs are overlooked, and with one in front no text is of the usual form."""
    octets = (
        f"id:{message_id} sub:001 dlvrd:001 submit date:{date} done date:{date} stat:{stat} "
        f"err:{err} text:{text}"
    ).encode("latin-1", "replace")
    assert parse(octets, {}) == parse(b"\0" + octets, {})
