"""Messages from handsets, in the forms that message centres give them: octets by 23.040 §9.2.3.24
and SMPP v3.4 §5.3.2.22 to 24."""

from random import Random

import msgspec
import pytest

from carriers_sim.mobile_originated import MobileOriginated, alert_notification, deliver_sms
from gateway.smpp.constants import EsmClass, Tag
from gateway.smpp.pdus import DeliverSm
from tests.carriers_sim.carrier_builder import world
from tests.support.virtual_time import virtual_time

LONG = "a" * 200


def sent(body: str = LONG, **keys: object) -> list[DeliverSm]:
    form = {"from": "+15005551234", "to": "55501", "body": body} | keys
    message = msgspec.convert(form, MobileOriginated)
    return deliver_sms(message, 7, Random(1))


def headers(pdus: list[DeliverSm]) -> list[str]:
    return [pdu.short_message[: pdu.short_message[0] + 1].hex() for pdu in pdus]


def test_gsm_16_parts_say_so_in_a_header_of_8_bits() -> None:
    assert headers(sent()) == ["050003070201", "050003070202"]


def test_gsm_3_parts_say_so_in_a_header_of_16_bits() -> None:
    pdus = sent(concatenation="udh16")
    assert headers(pdus) == ["06080400070201", "06080400070202"]
    assert len(pdus[0].short_message) == 7 + 152


def test_srv_21_parts_say_so_in_sar_tlvs() -> None:
    first, second = sent(concatenation="sar")
    assert first.esm_class == second.esm_class == 0
    assert second.tlvs == {
        Tag.SAR_MSG_REF_NUM: b"\0\7",
        Tag.SAR_TOTAL_SEGMENTS: b"\2",
        Tag.SAR_SEGMENT_SEQNUM: b"\2",
    }


def test_srv_19_a_long_message_comes_whole_in_a_payload() -> None:
    (pdu,) = sent(concatenation="payload")
    assert (pdu.short_message, pdu.tlvs) == (b"", {Tag.MESSAGE_PAYLOAD: LONG.encode()})


def test_gsm_15_parts_come_in_any_order_twice_or_not_at_all() -> None:
    body = "a" * 450
    assert [header[-1] for header in headers(sent(body, order="reversed"))] == ["3", "2", "1"]
    assert [header[-1] for header in headers(sent(body, duplicated=[2]))] == ["1", "2", "2", "3"]
    assert [header[-1] for header in headers(sent(body, missing=[1, 3]))] == ["2"]
    assert sorted(headers(sent(body, order="shuffled"))) == headers(sent(body))


@pytest.mark.parametrize(
    ("encoding", "body", "data_coding", "octets"),
    [
        ("auto", "@é", 0, b"\x00\x05"),
        ("auto", "ż", 8, b"\x01\x7c"),
        ("gsm", "€", 0, b"\x1b\x65"),
        ("latin1", "é", 3, b"\xe9"),
        ("ucs2", "a🐢", 8, b"\x00a\xd8\x3d\xdc\x22"),
        ("binary", "00ff", 4, b"\x00\xff"),
    ],
)
def test_srv_26_the_data_coding_says_how_to_read_it(
    encoding: str, body: str, data_coding: int, octets: bytes
) -> None:
    (pdu,) = sent(body, encoding=encoding)
    assert (pdu.data_coding, pdu.short_message) == (data_coding, octets)


def test_gsm_6_some_message_centres_cut_through_a_character() -> None:
    first, second = sent("🐢" * 40, encoding="ucs2")
    assert first.short_message[-2:] == b"\xd8\x3d"
    assert second.short_message[6:8] == b"\xdc\x22"


@pytest.mark.parametrize(("surplus", "length"), [(200, 205), (-2, 3)])
def test_srv_20_a_header_may_be_wrong_about_its_length(surplus: int, length: int) -> None:
    pdus = sent(udh_surplus=surplus)
    assert [pdu.short_message[0] for pdu in pdus] == [length, length]


def test_srv_20_a_message_of_one_part_may_have_a_wrong_header_too() -> None:
    (pdu,) = sent("hello", udh_surplus=100)
    assert (pdu.esm_class, pdu.short_message) == (EsmClass.UDHI, b"\x64hello")


def test_rcp_1_a_text_like_a_receipt_is_one_by_its_esm_class_alone() -> None:
    text = "id:1 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000"
    (message,), (receipt,) = sent(text), sent(text, esm_class=0x04)
    assert message.short_message == receipt.short_message
    assert (message.esm_class, receipt.esm_class) == (0, 4)


@pytest.mark.parametrize(
    "keys",
    [
        {"encoding": "gsm", "body": "ż"},
        {"encoding": "latin1", "body": "ż"},
        {"encoding": "binary", "body": "hello"},
        {"encoding": "ucs2", "body": "\ud800"},
        {"encoding": "binary", "body": "00" * 40_000},
    ],
)
def test_what_has_no_such_form_is_refused(keys: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r".+"):
        sent(**keys)


def test_an_alert_says_which_handset_and_for_whom() -> None:
    alert = alert_notification("+15005551234", "55501")
    assert (alert.source_addr, alert.esme_addr) == ("15005551234", "55501")


@virtual_time
async def test_a_message_is_injected_in_its_form() -> None:
    alpha = await world()
    customer = await alpha.bound()
    parts = alpha.smsc.inject_mo("+15005551234", "55501", LONG, concatenation="sar", duplicated=[1])
    pdus = await customer.wait_for_delivered(3)
    assert parts == 3
    assert [pdu.tlvs[Tag.SAR_SEGMENT_SEQNUM] for pdu in pdus] == [b"\1", b"\1", b"\2"]
    assert alpha.simulator.violations == []
