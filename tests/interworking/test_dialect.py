"""Carriers that want submit_sm otherwise, and write deliver_sm otherwise: octets made by hand."""

from typing import Any

import pytest

from gateway.config.carrier import CarrierBind
from gateway.config.dialect import (
    AddressForms,
    Concatenation,
    ConstantTlv,
    DefaultAlphabet,
    Dialect,
    PassedTlvs,
    ValidityForm,
)
from gateway.interworking.carrier_text import CannotCarry
from gateway.interworking.deliver_sm import MobileOriginated, from_carrier
from gateway.interworking.submit_sm import parts, to_submit_sm, whole_submit_sm
from gateway.message import Encoding, Message, SmppFields
from gateway.smpp.constants import Tag
from gateway.smpp.pdus import DataSm, DeliverSm, SubmitSm
from gateway.text.segmentation import count
from tests.messaging.traffic_world import a_bind
from tests.store.builders import a_message

NOW = 1_700_000_000.0  # 2023-11-14 22:13:20 UTC
GSM = DefaultAlphabet.GSM
PACKED = DefaultAlphabet.GSM_PACKED
LATIN_1 = DefaultAlphabet.LATIN_1
ASCII = DefaultAlphabet.ASCII
# "hello" in five octets (23.038 §6.1.2.1), and the same a bit further, behind a header of six.
HELLO = bytes.fromhex("e8329bfd06")
HELLO_BEHIND_SIX = bytes.fromhex("d06536fb0d")
HEADER = bytes.fromhex("0500032a0201")


def a_dialect(**keys: Any) -> CarrierBind:
    return a_bind(dialect=Dialect(**keys))


def a_text(body: str, ref_bits: int = 8, **changes: Any) -> Message:
    encoding, segments = count(body, ref_bits)
    fields: dict[str, Any] = {
        "encoding": Encoding(encoding.value),
        "segments": segments,
        "concat_ref": 0x1234,
    }
    return a_message(body=body, ref_bits=ref_bits, **(fields | changes))


def sent(message: Message, bind: CarrierBind, part: int = 1) -> SubmitSm:
    return to_submit_sm(message, parts(message)[part - 1], bind, NOW)


def all_sent(message: Message, bind: CarrierBind) -> list[SubmitSm]:
    return [sent(message, bind, part) for part in range(1, message.segments + 1)]


def read(octets: bytes, dialect: Dialect, **fields: Any) -> MobileOriginated:
    values = {"source_addr_ton": 1, "source_addr": "15005550009", "destination_addr": "55501"}
    pdu = DeliverSm(short_message=octets, **(values | fields))  # type: ignore[arg-type]
    delivered = from_carrier(pdu, dialect)
    assert isinstance(delivered, MobileOriginated)
    return delivered


# The alphabet of data_coding 0, towards the carrier


@pytest.mark.parametrize(
    ("alphabet", "body", "octets"),
    [
        (GSM, "@$_Ç", b"\x00\x02\x11\x09"),
        (PACKED, "hello", HELLO),
        (PACKED, "hellohello", bytes.fromhex("e8329bfd4697d9ec37")),
        (LATIN_1, "@$_£é", b"@$_\xa3\xe9"),
        (ASCII, "@$_[", b"@$_["),
    ],
)
def test_gsm_10_data_coding_0_is_what_the_carrier_means(
    alphabet: DefaultAlphabet, body: str, octets: bytes
) -> None:
    pdu = sent(a_text(body), a_dialect(default_alphabet=alphabet))
    assert (pdu.data_coding, pdu.short_message) == (0, octets)


def test_gsm_9_packed_text_begins_at_a_septet_behind_its_header() -> None:
    message = a_message(body="hello", udh=HEADER)
    pdu = sent(message, a_dialect(default_alphabet=PACKED))
    assert (pdu.esm_class, pdu.short_message) == (0x40, HEADER + HELLO_BEHIND_SIX)


def test_gsm_9_a_packed_part_is_no_longer_than_140_octets() -> None:
    message = a_text("x" * 400)
    made = all_sent(message, a_dialect(default_alphabet=PACKED))
    assert [len(pdu.short_message) for pdu in made] == [140, 140, 6 + 83]


def test_gsm_11_seven_bits_that_are_left_are_a_cr() -> None:
    """Else a peer without a count of septets reads an @."""
    pdu = sent(a_text("1234567"), a_dialect(default_alphabet=PACKED))
    assert pdu.short_message == bytes.fromhex("31d98c56b3dd1a")


@pytest.mark.parametrize(("alphabet", "body"), [(LATIN_1, "€ 5"), (LATIN_1, "Δ"), (ASCII, "£5")])
def test_gsm_19_a_text_that_does_not_fit_the_alphabet_goes_as_ucs2(
    alphabet: DefaultAlphabet, body: str
) -> None:
    pdu = sent(a_text(body), a_dialect(default_alphabet=alphabet))
    assert (pdu.data_coding, pdu.short_message) == (8, body.encode("utf-16-be"))


def test_gsm_8_ucs2_is_big_endian_without_a_mark() -> None:
    pdu = sent(a_text("пи"), a_dialect(default_alphabet=LATIN_1))
    assert (pdu.data_coding, pdu.short_message) == (8, b"\x04\x3f\x04\x38")


@pytest.mark.parametrize("body", ["€" + "x" * 70, "€" + "x" * 200])
def test_gsm_19_a_text_that_would_take_more_parts_as_ucs2_is_not_for_this_carrier(
    body: str,
) -> None:
    with pytest.raises(CannotCarry):
        sent(a_text(body), a_dialect(default_alphabet=LATIN_1))


def test_gsm_19_half_of_a_character_cannot_be_converted() -> None:
    message = a_message(body="x ", octets=b"x\x1b", udh=HEADER)
    with pytest.raises(CannotCarry):
        sent(message, a_dialect(default_alphabet=LATIN_1))


@pytest.mark.parametrize("alphabet", [GSM, LATIN_1, ASCII])
def test_a_message_class_is_kept_and_names_the_gsm_alphabet(alphabet: DefaultAlphabet) -> None:
    message = a_text("@", smpp=SmppFields(data_coding=0x10))
    pdu = sent(message, a_dialect(default_alphabet=alphabet))
    assert (pdu.data_coding, pdu.short_message) == (0x10, b"\x00")


@pytest.mark.parametrize(
    ("encoding", "data_coding"), [(Encoding.UCS2, 0x18), (Encoding.BINARY, 0xF5)]
)
def test_a_message_class_of_ucs2_and_of_octets_is_kept(
    encoding: Encoding, data_coding: int
) -> None:
    smpp = SmppFields(data_coding=data_coding)
    message = a_message(body="", octets=b"\x00\x01", encoding=encoding, smpp=smpp, udh=HEADER)
    pdu = sent(message, a_dialect())
    assert (pdu.data_coding, pdu.short_message) == (data_coding, HEADER + b"\x00\x01")


# And from it


@pytest.mark.parametrize(
    ("alphabet", "octets", "body"),
    [
        (GSM, b"\x00\x02\x11", "@$_"),
        (PACKED, HELLO, "hello"),
        (PACKED, bytes.fromhex("31d98c56b3dd1a"), "1234567"),
        (LATIN_1, b"caf\xe9 @", "café @"),
        (ASCII, b"a@b", "a@b"),
    ],
)
def test_gsm_10_a_handsets_text_is_read_in_the_carriers_alphabet(
    alphabet: DefaultAlphabet, octets: bytes, body: str
) -> None:
    data = read(octets, Dialect(default_alphabet=alphabet)).data
    assert (data.body, data.encoding) == (body, Encoding.GSM_7BIT)


def test_gsm_9_a_packed_part_is_read_behind_its_header() -> None:
    dialect = Dialect(default_alphabet=PACKED)
    data = read(HEADER + HELLO_BEHIND_SIX, dialect, esm_class=0x40).data
    assert (data.body, data.octets, data.udh) == ("hello", b"hello", HEADER)


@pytest.mark.parametrize("alphabet", DefaultAlphabet)
@pytest.mark.parametrize(
    ("data_coding", "octets", "body"),
    [(8, b"\x04\x3f", "п"), (3, b"\xe9", "é"), (1, b"a_", "a_")],
)
def test_another_data_coding_is_what_it_says(
    alphabet: DefaultAlphabet, data_coding: int, octets: bytes, body: str
) -> None:
    dialect = Dialect(default_alphabet=alphabet)
    assert read(octets, dialect, data_coding=data_coding).data.body == body


# Concatenation: one way, and never two at once


def test_gsm_3_references_of_16_bits_are_those_that_were_counted() -> None:
    message = a_text("x" * 305, ref_bits=16)
    made = [pdu.short_message[:7].hex() for pdu in all_sent(message, a_bind())]
    assert made == ["06080412340301", "06080412340302", "06080412340303"]


def test_gsm_17_sar_stands_in_place_of_the_header() -> None:
    first, second = all_sent(a_text("x" * 200), a_dialect(concatenation=Concatenation.SAR))
    assert (first.esm_class, first.short_message) == (0, b"x" * 153)
    assert first.tlvs == {0x020C: b"\x12\x34", 0x020E: b"\x02", 0x020F: b"\x01"}
    assert second.tlvs == {0x020C: b"\x12\x34", 0x020E: b"\x02", 0x020F: b"\x02"}


def test_gsm_17_a_customers_own_header_becomes_sar_too() -> None:
    message = a_message(body="hi", udh=HEADER)
    pdu = sent(message, a_dialect(concatenation=Concatenation.SAR))
    assert (pdu.esm_class, pdu.short_message) == (0, b"hi")
    assert pdu.tlvs == {0x020C: b"\x00\x2a", 0x020E: b"\x02", 0x020F: b"\x01"}


@pytest.mark.parametrize("header", ["0b05040b8423f000032a0201", "06050423f40000"])
def test_gsm_17_a_header_that_says_more_stays_and_there_is_no_sar(header: str) -> None:
    """Ports, with a concatenation or alone."""
    udh = bytes.fromhex(header)
    message = a_message(body="", octets=b"\xff", encoding=Encoding.BINARY, udh=udh)
    pdu = sent(message, a_dialect(concatenation=Concatenation.SAR))
    assert (pdu.esm_class, pdu.short_message, pdu.tlvs) == (0x40, udh + b"\xff", {})


def test_gsm_17_a_message_sent_whole_has_neither() -> None:
    body = "x" * 400
    pdu = whole_submit_sm(a_text(body), a_dialect(concatenation=Concatenation.PAYLOAD), NOW)
    assert (pdu.esm_class, pdu.short_message, pdu.data_coding) == (0, b"", 0)
    assert pdu.tlvs == {Tag.MESSAGE_PAYLOAD: body.encode()}


@pytest.mark.parametrize(
    ("alphabet", "body", "data_coding", "octets"),
    [
        (LATIN_1, "é" * 200, 0, b"\xe9" * 200),
        (LATIN_1, "€" * 200, 8, b"\x20\xac" * 200),
        (PACKED, "hellohello" * 16 + "h", 0, None),
        (GSM, "п" * 100, 8, b"\x04\x3f" * 100),
    ],
)
def test_gsm_17_a_message_sent_whole_is_in_the_carriers_alphabet(
    alphabet: DefaultAlphabet, body: str, data_coding: int, octets: bytes | None
) -> None:
    pdu = whole_submit_sm(a_text(body), a_dialect(default_alphabet=alphabet), NOW)
    assert pdu.data_coding == data_coding
    payload = pdu.tlvs[Tag.MESSAGE_PAYLOAD]
    assert payload == octets if octets else len(payload) == 141


# Addresses


UK = AddressForms(national_prefix="0")


@pytest.mark.parametrize(
    ("sender", "forms", "expected"),
    [
        ("+447700900123", AddressForms(), (2, 1, "7700900123")),
        ("+447700900123", UK, (2, 1, "07700900123")),
        ("+15005550006", AddressForms(), (1, 1, "15005550006")),
        ("+15005550006", AddressForms(international_prefix="+"), (1, 1, "+15005550006")),
        ("+15005550006", AddressForms(international_prefix="00"), (1, 1, "0015005550006")),
        ("55501", AddressForms(short_code_ton=6, short_code_npi=9), (6, 9, "55501")),
        ("ACME", AddressForms(alphanumeric_npi=1), (5, 1, "ACME")),
    ],
)
def test_an_address_is_written_by_its_kind(
    sender: str, forms: AddressForms, expected: tuple[int, int, str]
) -> None:
    pdu = sent(a_message(sender=sender), a_dialect(source=forms, country_code="44"))
    assert (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == expected


def test_a_destination_has_forms_of_its_own() -> None:
    bind = a_dialect(destination=AddressForms(international_ton=0, international_npi=0))
    pdu = sent(a_message(recipient="+447700900123"), bind)
    found = (pdu.dest_addr_ton, pdu.dest_addr_npi, pdu.destination_addr)
    assert found == (0, 0, "447700900123")


@pytest.mark.parametrize(
    ("ton", "addr", "sender"),
    [
        (2, "7700900123", "+447700900123"),
        (0, "07700900123", "+447700900123"),
        (2, "07700900123", "+447700900123"),
        (0, "00447700900123", "+447700900123"),
        (1, "15005550006", "+15005550006"),
        (0, "15005550006", "+15005550006"),
        (5, "0ACME", "0ACME"),
        (0, "55501", "55501"),
    ],
)
def test_a_national_number_of_a_handset_is_read_as_e164(ton: int, addr: str, sender: str) -> None:
    dialect = Dialect(country_code="44", destination=UK)
    assert read(b"hi", dialect, source_addr_ton=ton, source_addr=addr).sender == sender


# The other fields


def test_fields_that_only_smpp_has_go_to_the_carrier() -> None:
    smpp = SmppFields(service_type="VMN", protocol_id=0x41, priority_flag=2)
    pdu = sent(a_message(smpp=smpp), a_bind())
    assert (pdu.service_type, pdu.protocol_id, pdu.priority_flag) == ("", 0x41, 2)


def test_what_the_carrier_wants_said_goes_before_them() -> None:
    bind = a_dialect(service_type="CMT", protocol_id=0, priority=1)
    pdu = sent(a_message(smpp=SmppFields(protocol_id=0x41, priority_flag=2)), bind)
    assert (pdu.service_type, pdu.protocol_id, pdu.priority_flag) == ("CMT", 0, 1)


@pytest.mark.parametrize(
    ("form", "left_s", "expected"),
    [
        (ValidityForm.NONE, 600, ""),
        (ValidityForm.RELATIVE, 600, "000000001000000R"),
        (ValidityForm.RELATIVE, 40 * 86_400 + 3_661, "000110010101000R"),
        (ValidityForm.RELATIVE, -5, "000000000001000R"),
        (ValidityForm.ABSOLUTE, 600, "231114222320000+"),
        (ValidityForm.ABSOLUTE, -5, "231114221321000+"),
    ],
)
def test_what_is_left_of_its_time_is_passed_on(
    form: ValidityForm, left_s: int, expected: str
) -> None:
    pdu = sent(a_message(expires_at=NOW + left_s), a_dialect(validity=form))
    assert pdu.validity_period == expected


@pytest.mark.parametrize(
    ("passed", "expected"),
    [
        (PassedTlvs.NONE, {}),
        (PassedTlvs.STANDARD, {0x0204: b"\x00\x07"}),
        (PassedTlvs.ALL, {0x0204: b"\x00\x07", 0x1401: b"x"}),
    ],
)
def test_tlvs_are_passed_on_by_rule_in_both_directions(
    passed: PassedTlvs, expected: dict[int, bytes]
) -> None:
    tlvs = {0x0204: b"\x00\x07", 0x1401: b"x", Tag.MESSAGE_STATE: b"\x02"}
    pdu = sent(a_message(smpp=SmppFields(tlvs=tlvs)), a_dialect(tlvs=passed))
    assert pdu.tlvs == expected
    smpp = read(b"hi", Dialect(tlvs=passed), tlvs=tlvs).smpp
    assert (smpp.tlvs if smpp else {}) == expected


@pytest.mark.parametrize(("udh", "ports"), [(b"", {0x020B: b"\x23\xf0"}), (HEADER, {})])
def test_gsm_17_port_tlvs_do_not_stand_beside_a_header(udh: bytes, ports: dict[int, bytes]) -> None:
    smpp = SmppFields(tlvs={0x020B: b"\x23\xf0"})
    pdu = sent(a_message(udh=udh, smpp=smpp), a_dialect(tlvs=PassedTlvs.ALL))
    assert pdu.tlvs == ports


def test_a_message_class_is_let_go_with_the_encoding_that_it_named() -> None:
    smpp = read(b"caf\xe9", Dialect(), data_coding=0x10).smpp
    assert smpp is None


def test_each_submit_sm_has_the_tlvs_that_the_carrier_asks_for() -> None:
    bind = a_dialect(constant_tlvs=(ConstantTlv(0x1600, "cafe00"),))
    assert sent(a_message(), bind).tlvs == {0x1600: b"\xca\xfe\x00"}


@pytest.mark.parametrize(
    ("receipts", "intermediate", "expected"),
    [(True, False, 0x01), (True, True, 0x11), (False, True, 0x00)],
)
def test_rcp_5_intermediate_notifications_are_asked_for_where_the_message_asks(
    receipts: bool, intermediate: bool, expected: int
) -> None:
    message = a_message(smpp=SmppFields(intermediate=intermediate))
    assert sent(message, a_bind(receipts=receipts)).registered_delivery == expected


def test_what_a_handset_says_beyond_its_text_is_kept() -> None:
    smpp = read(b"hi", Dialect(), data_coding=0x10, protocol_id=0x7F).smpp
    assert smpp == SmppFields(protocol_id=0x7F, data_coding=0x10)
    assert read(b"hi", Dialect()).smpp is None


def test_a_message_in_a_data_sm_is_read_in_the_dialect() -> None:
    pdu = DataSm(destination_addr="55501", tlvs={Tag.MESSAGE_PAYLOAD: HELLO})
    delivered = from_carrier(pdu, Dialect(default_alphabet=PACKED))
    assert isinstance(delivered, MobileOriginated)
    assert delivered.data.body == "hello"
