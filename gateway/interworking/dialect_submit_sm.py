"""submit_sm for carriers that want it otherwise, and for messages with fields of SMPP's own."""

from __future__ import annotations

from gateway.config.carrier import CarrierBind
from gateway.config.dialect import Concatenation, Dialect, PassedTlvs, ValidityForm
from gateway.interworking import carrier_addresses, carrier_text
from gateway.message import Message, SmppFields
from gateway.smpp.constants import EsmClass, RegisteredDelivery, Tag
from gateway.smpp.pdus import SubmitSm
from gateway.smpp.times import receipt_date
from gateway.text import udh
from gateway.text.errors import TextError

VENDOR_TAGS_FROM = 0x1400
DAY_S = 86_400
# A validity_period that has passed when it arrives would be refused.
VALIDITY_MIN_S = 1
# A relative time counts months of 30 days and years of 365 (see `gateway.smpp.times`): without
# years it reaches so far.
RELATIVE_DAYS_MAX = 359
# Of these each is our own to say, or says nothing in a submit_sm.
NEVER_PASSED = frozenset(
    {
        Tag.MESSAGE_PAYLOAD,
        Tag.SAR_MSG_REF_NUM,
        Tag.SAR_TOTAL_SEGMENTS,
        Tag.SAR_SEGMENT_SEQNUM,
        Tag.SC_INTERFACE_VERSION,
        Tag.RECEIPTED_MESSAGE_ID,
        Tag.MESSAGE_STATE,
        Tag.NETWORK_ERROR_CODE,
        Tag.CONGESTION_STATE,
    }
)
# They must not stand beside a user data header (§5.2.12).
PORTS = (Tag.SOURCE_PORT, Tag.DESTINATION_PORT)
_NO_FIELDS = SmppFields()


def part(message: Message, short_message: bytes, config: CarrierBind, now: float) -> SubmitSm:
    """One part of a message, header included, as it is to be written for this carrier.

    Raises:
        CannotCarry: not without a loss.
    """
    dialect = config.dialect
    header = b""
    if message.udh or message.segments > 1 or message.locking_shift or message.single_shift:
        header = short_message[: 1 + short_message[0]]
    octets = short_message[len(header) :]
    tlvs: dict[int, bytes] = {}
    if header and dialect.concatenation is Concatenation.SAR:
        header, tlvs = _as_sar(message, header)
    header, octets, data_coding = carrier_text.write(
        message, header, octets, dialect.default_alphabet
    )
    return _submit_sm(message, config, now, header, octets, data_coding, tlvs)


def whole(message: Message, config: CarrierBind, now: float) -> SubmitSm:
    """A text that was not cut, in message_payload."""
    header, octets, data_coding = carrier_text.write_whole(message, config.dialect.default_alphabet)
    return _submit_sm(message, config, now, header, octets, data_coding, {}, whole=True)


def _submit_sm(
    message: Message,
    config: CarrierBind,
    now: float,
    header: bytes,
    octets: bytes,
    data_coding: int,
    sar: dict[int, bytes],
    whole: bool = False,
) -> SubmitSm:
    dialect = config.dialect
    fields = message.smpp or _NO_FIELDS
    country_code = dialect.country_code
    source = carrier_addresses.write(message.sender, dialect.source, country_code)
    destination = carrier_addresses.write(message.recipient, dialect.destination, country_code)
    priority, protocol_id = dialect.priority, dialect.protocol_id
    tlvs = _constant(dialect) | passed(dialect.tlvs, fields.tlvs) | sar
    if header:
        for tag in PORTS:
            tlvs.pop(tag, None)
    if whole:
        tlvs[Tag.MESSAGE_PAYLOAD] = header + octets
    return SubmitSm(
        service_type=dialect.service_type,
        source_addr_ton=source.ton,
        source_addr_npi=source.npi,
        source_addr=source.addr,
        dest_addr_ton=destination.ton,
        dest_addr_npi=destination.npi,
        destination_addr=destination.addr,
        esm_class=EsmClass.UDHI if header else EsmClass.DEFAULT,
        protocol_id=fields.protocol_id if protocol_id is None else protocol_id,
        priority_flag=fields.priority_flag if priority is None else priority,
        validity_period=_validity_period(dialect.validity, message.expires_at, now),
        registered_delivery=_registered_delivery(config.receipts, fields.intermediate),
        data_coding=data_coding,
        short_message=b"" if whole else header + octets,
        tlvs=tlvs,
    )


def _as_sar(message: Message, header: bytes) -> tuple[bytes, dict[int, bytes]]:
    """Concatenation as TLVs in place of the header; a header that says anything more stays, and
    then there are no TLVs (§5.3.2.22: never both)."""
    try:
        elements, _ = udh.parse(header)
    except TextError:
        return header, {}
    concatenation = udh.concatenation(elements)
    if concatenation is None or len(elements) > 1:
        return header, {}
    # Our own reference has 16 bits, of which a header may have shown 8.
    ref = concatenation.ref if message.udh else message.concat_ref & 0xFFFF
    return b"", {
        Tag.SAR_MSG_REF_NUM: ref.to_bytes(2, "big"),
        Tag.SAR_TOTAL_SEGMENTS: bytes([concatenation.total]),
        Tag.SAR_SEGMENT_SEQNUM: bytes([concatenation.number]),
    }


def _registered_delivery(receipts: bool, intermediate: bool) -> int:
    """What the customer wants to hear of does not change what we ask for: routing learns from each
    receipt."""
    if not receipts:
        return RegisteredDelivery.NONE
    return RegisteredDelivery.ALL | (RegisteredDelivery.INTERMEDIATE if intermediate else 0)


def _validity_period(form: ValidityForm, expires_at: float, now: float) -> str:
    """What is left of the message's own time."""
    if form is ValidityForm.NONE:
        return ""
    left_s = max(VALIDITY_MIN_S, int(expires_at - now))
    if form is ValidityForm.ABSOLUTE:
        at = int(now) + left_s
        return f"{receipt_date(at)}{at % 60:02d}000+"
    days, seconds = divmod(left_s, DAY_S)
    months, days = divmod(min(days, RELATIVE_DAYS_MAX), 30)
    minutes, seconds = divmod(seconds, 60)
    return f"00{months:02d}{days:02d}{minutes // 60:02d}{minutes % 60:02d}{seconds:02d}000R"


def _constant(dialect: Dialect) -> dict[int, bytes]:
    return {tlv.tag: bytes.fromhex(tlv.value) for tlv in dialect.constant_tlvs}


def passed(which: PassedTlvs, tlvs: dict[int, bytes]) -> dict[int, bytes]:
    """Those of one side that the other gets."""
    if which is PassedTlvs.NONE or not tlvs:
        return {}
    every = which is PassedTlvs.ALL
    return {
        tag: value
        for tag, value in tlvs.items()
        if tag not in NEVER_PASSED and (every or tag < VENDOR_TAGS_FROM)
    }
