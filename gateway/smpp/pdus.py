"""The PDUs of SMPP v3.4 §4: one class each, its fields in the order of the wire.

A PDU knows neither its sequence_number nor its command_status: those belong to the exchange.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec

from gateway.smpp.constants import INTERFACE_3_4, CommandId, CommandStatus
from gateway.smpp.fields import (
    COctetString,
    Destinations,
    Octet,
    ShortMessage,
    Tlvs,
    UnsuccessfulDestinations,
)

ServiceType = Annotated[str, COctetString(6, CommandStatus.ESME_RINVSERTYP, rare=True)]
SourceAddress = Annotated[str, COctetString(21, CommandStatus.ESME_RINVSRCADR)]
DestinationAddress = Annotated[str, COctetString(21, CommandStatus.ESME_RINVDSTADR)]
LongSourceAddress = Annotated[str, COctetString(65, CommandStatus.ESME_RINVSRCADR)]
LongDestinationAddress = Annotated[str, COctetString(65, CommandStatus.ESME_RINVDSTADR)]
ScheduleTime = Annotated[str, COctetString(17, CommandStatus.ESME_RINVSCHED, rare=True)]
ValidityTime = Annotated[str, COctetString(17, CommandStatus.ESME_RINVEXPIRY, rare=True)]
SystemId = Annotated[str, COctetString(16, CommandStatus.ESME_RINVSYSID)]
Password = Annotated[str, COctetString(9, CommandStatus.ESME_RINVPASWD)]
SystemType = Annotated[str, COctetString(13, CommandStatus.ESME_RINVSYSTYP)]
AddressRange = Annotated[str, COctetString(41, CommandStatus.ESME_RBINDFAIL)]
MessageId = Annotated[str, COctetString(65, CommandStatus.ESME_RINVMSGID)]
# Of an answer that has none.
NoMessageId = Annotated[str, COctetString(65, CommandStatus.ESME_RINVMSGID, rare=True)]
FinalDate = Annotated[str, COctetString(17, CommandStatus.ESME_RQUERYFAIL)]
EsmeAddress = Annotated[str, COctetString(65, CommandStatus.ESME_RINVDSTADR)]


class Pdu(msgspec.Struct, frozen=True, gc=False):
    """What every PDU has: a command_id."""

    command_id: ClassVar[CommandId]


class BindFields(Pdu, frozen=True, gc=False):
    """§4.1.1, the same fields in each bind."""

    system_id: SystemId = ""
    password: Password = ""
    system_type: SystemType = ""
    interface_version: Octet = INTERFACE_3_4
    addr_ton: Octet = 0
    addr_npi: Octet = 0
    address_range: AddressRange = ""


class BindRespFields(Pdu, frozen=True, gc=False):
    """§4.1.2, the same fields in each answer to a bind."""

    system_id: SystemId = ""
    tlvs: Tlvs = {}


class BindTransmitter(BindFields, frozen=True, gc=False):
    """§4.1.1"""

    command_id: ClassVar[CommandId] = CommandId.BIND_TRANSMITTER


class BindTransmitterResp(BindRespFields, frozen=True, gc=False):
    """§4.1.2"""

    command_id: ClassVar[CommandId] = CommandId.BIND_TRANSMITTER_RESP


class BindReceiver(BindFields, frozen=True, gc=False):
    """§4.1.3"""

    command_id: ClassVar[CommandId] = CommandId.BIND_RECEIVER


class BindReceiverResp(BindRespFields, frozen=True, gc=False):
    """§4.1.4"""

    command_id: ClassVar[CommandId] = CommandId.BIND_RECEIVER_RESP


class BindTransceiver(BindFields, frozen=True, gc=False):
    """§4.1.5"""

    command_id: ClassVar[CommandId] = CommandId.BIND_TRANSCEIVER


class BindTransceiverResp(BindRespFields, frozen=True, gc=False):
    """§4.1.6"""

    command_id: ClassVar[CommandId] = CommandId.BIND_TRANSCEIVER_RESP


class Unbind(Pdu, frozen=True, gc=False):
    """§4.2.1"""

    command_id: ClassVar[CommandId] = CommandId.UNBIND


class UnbindResp(Pdu, frozen=True, gc=False):
    """§4.2.2"""

    command_id: ClassVar[CommandId] = CommandId.UNBIND_RESP


class GenericNack(Pdu, frozen=True, gc=False):
    """§4.3.1"""

    command_id: ClassVar[CommandId] = CommandId.GENERIC_NACK


class MessageFields(Pdu, frozen=True, gc=False):
    """§4.4.1 and §4.6.1: submit_sm and deliver_sm share their layout."""

    service_type: ServiceType = ""
    source_addr_ton: Octet = 0
    source_addr_npi: Octet = 0
    source_addr: SourceAddress = ""
    dest_addr_ton: Octet = 0
    dest_addr_npi: Octet = 0
    destination_addr: DestinationAddress = ""
    esm_class: Octet = 0
    protocol_id: Octet = 0
    priority_flag: Octet = 0
    schedule_delivery_time: ScheduleTime = ""
    validity_period: ValidityTime = ""
    registered_delivery: Octet = 0
    replace_if_present_flag: Octet = 0
    data_coding: Octet = 0
    sm_default_msg_id: Octet = 0
    short_message: Annotated[bytes, ShortMessage()] = b""
    tlvs: Tlvs = {}


class SubmitSm(MessageFields, frozen=True, gc=False):
    """§4.4.1"""

    command_id: ClassVar[CommandId] = CommandId.SUBMIT_SM


class SubmitSmResp(Pdu, frozen=True, gc=False):
    """§4.4.2; 5.0 adds TLVs."""

    command_id: ClassVar[CommandId] = CommandId.SUBMIT_SM_RESP
    message_id: MessageId = ""
    tlvs: Tlvs = {}


class DeliverSm(MessageFields, frozen=True, gc=False):
    """§4.6.1"""

    command_id: ClassVar[CommandId] = CommandId.DELIVER_SM


class WrittenDeliverSm(Pdu, frozen=True, gc=False):
    """A deliver_sm of ours whose octets after the header its owner has written himself."""

    command_id: ClassVar[CommandId] = CommandId.DELIVER_SM
    body: bytes


class DeliverSmResp(Pdu, frozen=True, gc=False):
    """§4.6.2: message_id is one NUL."""

    command_id: ClassVar[CommandId] = CommandId.DELIVER_SM_RESP
    message_id: NoMessageId = ""
    tlvs: Tlvs = {}


class DataSm(Pdu, frozen=True, gc=False):
    """§4.7.1"""

    command_id: ClassVar[CommandId] = CommandId.DATA_SM
    service_type: ServiceType = ""
    source_addr_ton: Octet = 0
    source_addr_npi: Octet = 0
    source_addr: LongSourceAddress = ""
    dest_addr_ton: Octet = 0
    dest_addr_npi: Octet = 0
    destination_addr: LongDestinationAddress = ""
    esm_class: Octet = 0
    registered_delivery: Octet = 0
    data_coding: Octet = 0
    tlvs: Tlvs = {}


class DataSmResp(Pdu, frozen=True, gc=False):
    """§4.7.2"""

    command_id: ClassVar[CommandId] = CommandId.DATA_SM_RESP
    message_id: MessageId = ""
    tlvs: Tlvs = {}


class SmeAddress(msgspec.Struct, frozen=True, gc=False):
    """dest_flag 1: one recipient of a submit_multi (§4.5.1.1)."""

    ton: int
    npi: int
    addr: str


class DistributionList(msgspec.Struct, frozen=True, gc=False):
    """dest_flag 2: a list that the SMSC keeps, by its name (§4.5.1.2)."""

    name: str


class UnsuccessfulSme(msgspec.Struct, frozen=True, gc=False):
    """A recipient to whom the message was not submitted, and why (§4.5.2.1)."""

    ton: int
    npi: int
    addr: str
    error_status_code: int


DestinationList = Annotated[tuple[SmeAddress | DistributionList, ...], Destinations()]
UnsuccessList = Annotated[tuple[UnsuccessfulSme, ...], UnsuccessfulDestinations()]


class SubmitMulti(Pdu, frozen=True, gc=False):
    """§4.5.1: one message to 254 recipients at most."""

    command_id: ClassVar[CommandId] = CommandId.SUBMIT_MULTI
    service_type: ServiceType = ""
    source_addr_ton: Octet = 0
    source_addr_npi: Octet = 0
    source_addr: SourceAddress = ""
    dest_addresses: DestinationList = (SmeAddress(0, 0, ""),)
    esm_class: Octet = 0
    protocol_id: Octet = 0
    priority_flag: Octet = 0
    schedule_delivery_time: ScheduleTime = ""
    validity_period: ValidityTime = ""
    registered_delivery: Octet = 0
    replace_if_present_flag: Octet = 0
    data_coding: Octet = 0
    sm_default_msg_id: Octet = 0
    short_message: Annotated[bytes, ShortMessage()] = b""
    tlvs: Tlvs = {}


class SubmitMultiResp(Pdu, frozen=True, gc=False):
    """§4.5.2"""

    command_id: ClassVar[CommandId] = CommandId.SUBMIT_MULTI_RESP
    message_id: MessageId = ""
    unsuccess_sme: UnsuccessList = ()
    tlvs: Tlvs = {}


class QuerySm(Pdu, frozen=True, gc=False):
    """§4.8.1"""

    command_id: ClassVar[CommandId] = CommandId.QUERY_SM
    message_id: MessageId = ""
    source_addr_ton: Octet = 0
    source_addr_npi: Octet = 0
    source_addr: SourceAddress = ""


class QuerySmResp(Pdu, frozen=True, gc=False):
    """§4.8.2: final_date is empty until there is one; error_code is the network's."""

    command_id: ClassVar[CommandId] = CommandId.QUERY_SM_RESP
    message_id: MessageId = ""
    final_date: FinalDate = ""
    message_state: Octet = 0
    error_code: Octet = 0
    tlvs: Tlvs = {}


class CancelSm(Pdu, frozen=True, gc=False):
    """§4.9.1: one message by its id, or, without one, all between two addresses."""

    command_id: ClassVar[CommandId] = CommandId.CANCEL_SM
    service_type: ServiceType = ""
    message_id: MessageId = ""
    source_addr_ton: Octet = 0
    source_addr_npi: Octet = 0
    source_addr: SourceAddress = ""
    dest_addr_ton: Octet = 0
    dest_addr_npi: Octet = 0
    destination_addr: DestinationAddress = ""


class CancelSmResp(Pdu, frozen=True, gc=False):
    """§4.9.2"""

    command_id: ClassVar[CommandId] = CommandId.CANCEL_SM_RESP


class ReplaceSm(Pdu, frozen=True, gc=False):
    """§4.10.1; 5.0 adds TLVs, message_payload among them."""

    command_id: ClassVar[CommandId] = CommandId.REPLACE_SM
    message_id: MessageId = ""
    source_addr_ton: Octet = 0
    source_addr_npi: Octet = 0
    source_addr: SourceAddress = ""
    schedule_delivery_time: ScheduleTime = ""
    validity_period: ValidityTime = ""
    registered_delivery: Octet = 0
    sm_default_msg_id: Octet = 0
    short_message: Annotated[bytes, ShortMessage()] = b""
    tlvs: Tlvs = {}


class ReplaceSmResp(Pdu, frozen=True, gc=False):
    """§4.10.2"""

    command_id: ClassVar[CommandId] = CommandId.REPLACE_SM_RESP


class AlertNotification(Pdu, frozen=True, gc=False):
    """§4.12.1: a handset is there again. Nobody answers it."""

    command_id: ClassVar[CommandId] = CommandId.ALERT_NOTIFICATION
    source_addr_ton: Octet = 0
    source_addr_npi: Octet = 0
    source_addr: LongSourceAddress = ""
    esme_addr_ton: Octet = 0
    esme_addr_npi: Octet = 0
    esme_addr: EsmeAddress = ""
    tlvs: Tlvs = {}


class Outbind(Pdu, frozen=True, gc=False):
    """§4.1.7: the SMSC asks the ESME to bind over this connection. Nobody answers it."""

    command_id: ClassVar[CommandId] = CommandId.OUTBIND
    system_id: SystemId = ""
    password: Password = ""


class EnquireLink(Pdu, frozen=True, gc=False):
    """§4.11.1"""

    command_id: ClassVar[CommandId] = CommandId.ENQUIRE_LINK


class EnquireLinkResp(Pdu, frozen=True, gc=False):
    """§4.11.2"""

    command_id: ClassVar[CommandId] = CommandId.ENQUIRE_LINK_RESP


PDUS: tuple[type[Pdu], ...] = (
    BindTransmitter,
    BindTransmitterResp,
    BindReceiver,
    BindReceiverResp,
    BindTransceiver,
    BindTransceiverResp,
    Unbind,
    UnbindResp,
    GenericNack,
    SubmitSm,
    SubmitSmResp,
    DeliverSm,
    DeliverSmResp,
    DataSm,
    DataSmResp,
    SubmitMulti,
    SubmitMultiResp,
    QuerySm,
    QuerySmResp,
    CancelSm,
    CancelSmResp,
    ReplaceSm,
    ReplaceSmResp,
    AlertNotification,
    Outbind,
    EnquireLink,
    EnquireLinkResp,
)

Bind = BindTransmitter | BindReceiver | BindTransceiver
BIND_RESP: dict[CommandId, type[BindRespFields]] = {
    CommandId.BIND_TRANSMITTER: BindTransmitterResp,
    CommandId.BIND_RECEIVER: BindReceiverResp,
    CommandId.BIND_TRANSCEIVER: BindTransceiverResp,
}
