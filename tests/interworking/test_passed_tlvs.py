"""Which TLVs of a submit_sm go along with the message."""

import pytest

from gateway.interworking.passed_tlvs import (
    FIRST_OCTET_MAX,
    PASSED,
    TLV_OCTETS_MAX,
    passed_tlvs,
)
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.errors import PduError
from gateway.smpp.tlv import LENGTHS


def refusal(tlvs: dict[int, bytes]) -> CommandStatus:
    with pytest.raises(PduError) as raised:
        passed_tlvs(tlvs)
    return raised.value.status


@pytest.mark.parametrize(
    ("tag", "value"),
    [
        (Tag.USER_MESSAGE_REFERENCE, b"\x12\x34"),
        (Tag.SOURCE_PORT, b"\x0b\x84"),
        (Tag.CALLBACK_NUM, b"\x01\x01\x0115005550006"),
        (Tag.ALERT_ON_MESSAGE_DELIVERY, b""),
        (Tag.ALERT_ON_MESSAGE_DELIVERY, b"\x01"),
        (Tag.MS_VALIDITY, b"\x02"),
        (Tag.MS_VALIDITY, b"\x01\x02\x00\x03"),
        (Tag.DEST_SUBADDRESS, b"\xa0123"),
        (Tag.ITS_SESSION_INFO, b"\x01\x02"),
        (Tag.PRIVACY_INDICATOR, b"\xff"),  # Reserved, and no error (§3.3).
        (0x1400, b""),
        (0x3FFF, b"vendor"),
    ],
)
def test_srv_22_what_tells_the_carrier_something_goes_along(tag: int, value: bytes) -> None:
    assert passed_tlvs({tag: value}) == {tag: value}


@pytest.mark.parametrize(
    "tag", [0x0000, 0x00FF, 0x0FFF, 0x13FF, 0x4000, 0xFFFF, Tag.MESSAGE_STATE, Tag.DPF_RESULT]
)
def test_srv_22_unknown_tlvs_are_ignored(tag: int) -> None:
    assert passed_tlvs({tag: b"whatever"}) == {}


@pytest.mark.parametrize("tag", sorted(PASSED))
def test_srv_22_each_has_its_length(tag: int) -> None:
    _, longest = LENGTHS[Tag(tag)]
    assert refusal({tag: b"\0" * (longest + 1)}) is CommandStatus.ESME_RINVPARLEN


@pytest.mark.parametrize(("tag", "most"), FIRST_OCTET_MAX.items())
def test_srv_22_what_the_specification_forbids_is_refused(tag: int, most: int) -> None:
    _, longest = LENGTHS[Tag(tag)]
    rest = b"\0" * (longest - 1)
    assert passed_tlvs({tag: bytes([most]) + rest}) == {tag: bytes([most]) + rest}
    assert refusal({tag: bytes([most + 1]) + rest}) is CommandStatus.ESME_RINVOPTPARAMVAL


def test_srv_22_all_together_have_a_bound() -> None:
    half = TLV_OCTETS_MAX // 2 - 4
    assert len(passed_tlvs({0x1401: b"x" * half, 0x1402: b"x" * half})) == 2
    assert refusal({0x1401: b"x" * half, 0x1402: b"x" * (half + 1)}) is (
        CommandStatus.ESME_RINVPARLEN
    )


def test_the_idempotency_key_is_for_us() -> None:
    assert passed_tlvs({0x1400: b"order-7", 0x1401: b"x"}, key_tag=0x1400) == {0x1401: b"x"}
