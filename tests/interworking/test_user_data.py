"""What a PDU carries: text or octets, behind a header or not."""

from typing import Any

import pytest
import smpplib.gsm
from hypothesis import given
from hypothesis import strategies as st

from gateway.interworking import user_data
from gateway.interworking.user_data import DATA_CODING, UserData
from gateway.message import Encoding
from gateway.smpp.constants import CommandStatus, DataCoding, Tag
from gateway.smpp.errors import PduError
from gateway.text import gsm_03_38
from tests.store.builders import a_message

UDHI = 0x40
HEADER = bytes.fromhex("0500032a0201")
SAR: dict[int, bytes] = {
    Tag.SAR_MSG_REF_NUM: b"\x01\x2a",
    Tag.SAR_TOTAL_SEGMENTS: b"\x02",
    Tag.SAR_SEGMENT_SEQNUM: b"\x01",
}
GSM_TEXT = st.text(
    st.sampled_from(gsm_03_38.DEFAULT_ALPHABET.replace("\x1b", "") + "^{}\\[~]|€\f"), max_size=160
)
UCS2_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=70)


def read(
    short_message: bytes = b"",
    data_coding: int = 0,
    esm_class: int = 0,
    tlvs: dict[int, bytes] | None = None,
    lenient: bool = False,
) -> UserData:
    return user_data.read(esm_class, data_coding, short_message, tlvs or {}, lenient)


def refusal(*args: Any, **kwargs: Any) -> CommandStatus:
    with pytest.raises(PduError) as raised:
        read(*args, **kwargs)
    return raised.value.status


# Towards carriers


@given(GSM_TEXT)
def test_gsm_text_comes_back_as_it_went(text: str) -> None:
    octets = user_data.octets(a_message(body=text, encoding=Encoding.GSM_7BIT))
    assert read(octets, DATA_CODING[Encoding.GSM_7BIT]) == UserData(Encoding.GSM_7BIT, text)


@given(UCS2_TEXT)
def test_ucs2_text_comes_back_as_it_went(text: str) -> None:
    octets = user_data.octets(a_message(body=text, encoding=Encoding.UCS2))
    assert read(octets, DATA_CODING[Encoding.UCS2]) == UserData(Encoding.UCS2, text)


@given(st.binary(max_size=140))
def test_octets_come_back_as_they_went(octets: bytes) -> None:
    message = a_message(body="", octets=octets, encoding=Encoding.BINARY)
    data = read(user_data.octets(message), DATA_CODING[Encoding.BINARY])
    assert data == UserData(Encoding.BINARY, "", octets)


@pytest.mark.parametrize("text", ["Hello @ $_", "ÄÖÑÜ¿äöñüà", "10 € [x] {y} ~^|\\"])
def test_gsm_text_has_the_octets_of_smpplib(text: str) -> None:
    foreign = smpplib.gsm.gsm_encode(text)
    assert user_data.octets(a_message(body=text, encoding=Encoding.GSM_7BIT)) == foreign


def test_ucs2_text_has_the_octets_of_smpplib() -> None:
    parts, data_coding, _ = smpplib.gsm.make_parts("Привет 👋")
    message = a_message(body="Привет 👋", encoding=Encoding.UCS2)
    assert (data_coding, parts) == (DATA_CODING[Encoding.UCS2], [user_data.octets(message)])


# From peers: data_coding


@pytest.mark.parametrize(
    ("data_coding", "octets", "expected"),
    [
        (0x00, b"a\x00\x02\x11\x1be", UserData(Encoding.GSM_7BIT, "a@$_€")),
        (0x01, b"a@$_", UserData(Encoding.GSM_7BIT, "a@$_")),
        (0x01, b"a`b", UserData(Encoding.UCS2, "a`b")),
        (0x02, b"\x00\xff", UserData(Encoding.BINARY, "", b"\x00\xff")),
        (0x03, b"\xc4rger @", UserData(Encoding.GSM_7BIT, "Ärger @")),
        (0x03, b"\xe7a va", UserData(Encoding.UCS2, "ça va")),
        (0x04, b"\x00\xff", UserData(Encoding.BINARY, "", b"\x00\xff")),
        (0x08, b"\x00h\x04\x3f", UserData(Encoding.UCS2, "hп")),
        (0x08, b"\xd8\x3d\xdc\x4b", UserData(Encoding.UCS2, "👋")),
    ],
)
def test_data_coding_of_smpp(data_coding: int, octets: bytes, expected: UserData) -> None:
    """SMPP v3.4 §5.2.19."""
    assert read(octets, data_coding) == expected


@pytest.mark.parametrize("message_class", range(4))
@pytest.mark.parametrize(
    ("group", "octets", "expected"),
    [
        (0x10, b"a\x00", UserData(Encoding.GSM_7BIT, "a@")),
        (0x14, b"\x00\xff", UserData(Encoding.BINARY, "", b"\x00\xff")),
        (0x18, b"\x04\x3f", UserData(Encoding.UCS2, "п")),
        (0xF0, b"a\x00", UserData(Encoding.GSM_7BIT, "a@")),
        (0xF4, b"\x00\xff", UserData(Encoding.BINARY, "", b"\x00\xff")),
        (0xF8, b"a\x00", UserData(Encoding.GSM_7BIT, "a@")),
    ],
)
def test_data_coding_with_a_message_class(
    group: int, message_class: int, octets: bytes, expected: UserData
) -> None:
    """TS 23.038 §4: the general group with a class, and the coding/class group."""
    assert read(octets, group | message_class) == expected


@pytest.mark.parametrize(
    "data_coding",
    [*range(0x05, 0x08), *range(0x09, 0x10), *range(0x1C, 0x20), 0x20, 0x3F, 0x80, 0xC0, 0xE8],
)
def test_any_other_data_coding_is_refused(data_coding: int) -> None:
    """Compressed text, message waiting, JIS, Cyrillic, and what is reserved."""
    assert refusal(b"a", data_coding) is CommandStatus.ESME_RSUBMITFAIL


@pytest.mark.parametrize("data_coding", [0x00, 0x01, 0x10, 0xF0])
def test_octets_that_are_no_text_are_refused(data_coding: int) -> None:
    """Not sent with a replacement that nobody wrote."""
    assert refusal(b"caf\xe9", data_coding) is CommandStatus.ESME_RSUBMITFAIL


@pytest.mark.parametrize("octets", [b"\x00a\x00", b"\xd8\x3d\x00a"], ids=["odd octet", "surrogate"])
def test_ucs2_that_is_no_whole_text_is_refused(octets: bytes) -> None:
    assert refusal(octets, DataCoding.UCS2) is CommandStatus.ESME_RSUBMITFAIL


def test_a_replacement_character_that_the_sender_wrote_is_text() -> None:
    assert read("\ufffd".encode("utf-16-be"), DataCoding.UCS2).body == "\ufffd"


@pytest.mark.parametrize("data_coding", [0x00, 0x01, 0xF1])
def test_octets_of_a_handset_that_are_no_text_are_shown_as_such(data_coding: int) -> None:
    assert read(b"caf\xe9", data_coding, lenient=True) == UserData(Encoding.UCS2, "caf\ufffd")


@pytest.mark.parametrize(
    ("data_coding", "octets", "encoding"),
    [(0x01, b"hi\0", Encoding.GSM_7BIT), (0x08, b"\0h\0i\0\0", Encoding.UCS2)],
)
def test_nul_of_a_handset_is_dropped(data_coding: int, octets: bytes, encoding: Encoding) -> None:
    """Whoever is told of the message could not send it on."""
    assert read(octets, data_coding, lenient=True) == UserData(encoding, "hi")


@given(st.integers(0, 255), st.binary(max_size=140), st.booleans())
def test_whatever_a_handset_sends_can_be_sent_on(
    data_coding: int, octets: bytes, udhi: bool
) -> None:
    try:
        data = read(octets, data_coding, UDHI if udhi else 0, lenient=True)
    except PduError:
        return
    message = a_message(body=data.body, octets=data.octets, encoding=data.encoding)
    assert isinstance(user_data.octets(message), bytes)


# From peers: where the text stands, and its header


def test_long_text_comes_in_message_payload() -> None:
    data = read(tlvs={Tag.MESSAGE_PAYLOAD: b"x" * 500})
    assert data == UserData(Encoding.GSM_7BIT, "x" * 500)


def test_short_message_and_message_payload_exclude_each_other() -> None:
    status = refusal(b"a", tlvs={Tag.MESSAGE_PAYLOAD: b"b"})
    assert status is CommandStatus.ESME_RINVMSGLEN


def test_nothing_at_all_is_an_empty_text() -> None:
    assert read() == UserData(Encoding.GSM_7BIT, "")


def test_a_tlv_that_is_not_of_the_text_changes_nothing() -> None:
    assert read(b"a", tlvs={0x1400: b"b"}) == UserData(Encoding.GSM_7BIT, "a")


@pytest.mark.parametrize("data_coding", [0, 4, 8])
def test_a_header_is_taken_off_the_text(data_coding: int) -> None:
    assert read(HEADER + b"\0h", data_coding, UDHI).udh == HEADER


@pytest.mark.parametrize("in_payload", [False, True])
def test_text_behind_a_header_is_read(in_payload: bool) -> None:
    octets = HEADER + b"hi"
    data = (
        read(esm_class=UDHI, tlvs={Tag.MESSAGE_PAYLOAD: octets})
        if in_payload
        else read(octets, esm_class=UDHI)
    )
    assert data == UserData(Encoding.GSM_7BIT, "hi", b"hi", HEADER)


@pytest.mark.parametrize(
    ("data_coding", "half"),
    [(DataCoding.DEFAULT_ALPHABET, b"x\x1b"), (DataCoding.UCS2, b"\x00x\xd8\x3d")],
    ids=["escape", "surrogate"],
)
def test_gsm_5_gsm_6_what_a_customer_cut_within_a_character_goes_on_as_it_came(
    data_coding: int, half: bytes
) -> None:
    data = read(HEADER + half, esm_class=UDHI, data_coding=data_coding)
    assert data.octets == half


@pytest.mark.parametrize("octets", [b"", b"\x06\x00\x03\x2a\x02\x01", b"\x05\x00\x03\x2a\x02"])
@pytest.mark.parametrize("lenient", [False, True])
def test_a_header_that_does_not_fit_is_refused(octets: bytes, lenient: bool) -> None:
    status = refusal(octets, esm_class=UDHI, lenient=lenient)
    assert status is CommandStatus.ESME_RINVESMCLASS


def test_what_looks_like_a_header_without_udhi_is_text() -> None:
    assert read(HEADER).udh == b""


# From peers: SAR TLVs (§5.3.2.22 to 24)


def test_sar_becomes_the_header_that_says_the_same() -> None:
    assert read(b"hi", tlvs=SAR) == UserData(Encoding.GSM_7BIT, "hi", b"hi", HEADER)


@pytest.mark.parametrize(
    "wrong",
    [
        {Tag.SAR_MSG_REF_NUM: b""},
        {Tag.SAR_MSG_REF_NUM: b"\x2a"},
        {Tag.SAR_TOTAL_SEGMENTS: b""},
        {Tag.SAR_TOTAL_SEGMENTS: b"\x00"},
        {Tag.SAR_TOTAL_SEGMENTS: b"\x01"},
        {Tag.SAR_TOTAL_SEGMENTS: b"\x01\x00"},
        {Tag.SAR_SEGMENT_SEQNUM: b""},
        {Tag.SAR_SEGMENT_SEQNUM: b"\x00"},
        {Tag.SAR_SEGMENT_SEQNUM: b"\x03"},
    ],
)
def test_sar_that_is_not_whole_counts_as_none(wrong: dict[int, bytes]) -> None:
    assert read(b"hi", tlvs={**SAR, **wrong}).udh == b""


def test_a_header_beside_sar_is_refused() -> None:
    status = refusal(HEADER + b"hi", esm_class=UDHI, tlvs=SAR)
    assert status is CommandStatus.ESME_RINVESMCLASS


def test_a_header_of_a_handset_goes_before_sar() -> None:
    header = bytes.fromhex("050003770302")
    data = read(header + b"hi", esm_class=UDHI, tlvs=SAR, lenient=True)
    assert data == UserData(Encoding.GSM_7BIT, "hi", b"hi", header)
