"""query_sm, cancel_sm, replace_sm, and the replacing of a submit_sm (SMPP v3.4 §4.8 to §4.10,
§5.2.18): what becomes of messages that were taken before.

Who asks must know a message by its id and its source address. What is not found, and what is found
but is not the ESME's to change, is answered alike.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from gateway.clock import message_id_of
from gateway.errors import Refusal, Refused
from gateway.ingress.bound_esme import BoundEsme
from gateway.interworking.addresses import from_smpp
from gateway.interworking.customer_deliver_sm import STAT_BY_STATUS, stat_of
from gateway.interworking.esme_message_id import short_id_of
from gateway.interworking.submission import (
    read_registered_delivery,
    read_text,
    read_times,
)
from gateway.interworking.user_data import DATA_CODING
from gateway.message import Message, Status
from gateway.messaging.admission import SendRequest
from gateway.messaging.pending_messages import PendingMessages, Replacement, Standing
from gateway.messaging.phone_number import normalize_sender, parse
from gateway.smpp import receipt
from gateway.smpp.constants import CommandStatus, EsmClass, MessageState
from gateway.smpp.errors import PduError
from gateway.smpp.pdus import (
    CancelSm,
    CancelSmResp,
    QuerySm,
    QuerySmResp,
    ReplaceSm,
    ReplaceSmResp,
)
from gateway.smpp.times import receipt_date

# Of a cancel_sm without an id, how many are canceled at once.
CANCELS_AT_ONCE = 100
ERROR_CODE_MAX = 255
# What says that a message has gone on while it was to be changed.
_GONE = frozenset({Refusal.NOT_FOUND, Refusal.NOT_CANCELABLE, Refusal.NOT_REPLACEABLE})


class PendingRequests:
    """Each method raises PduError or Refused where the answer is not ESME_ROK."""

    def __init__(self, pending: PendingMessages) -> None:
        self._pending = pending

    async def query(self, bound: BoundEsme, pdu: QuerySm) -> QuerySmResp:
        """Where a message stands (§4.8)."""
        source = from_smpp(pdu.source_addr_ton, pdu.source_addr)
        standing = await self._find(bound, pdu.message_id, source, CommandStatus.ESME_RQUERYFAIL)
        final = standing.status in STAT_BY_STATUS
        return QuerySmResp(
            message_id=pdu.message_id,
            final_date=_absolute(standing.at) if final else "",
            message_state=_message_state(standing, bound.is_5_0),
            error_code=min(standing.error_code % 1000, ERROR_CODE_MAX),
        )

    async def cancel(self, bound: BoundEsme, pdu: CancelSm) -> CancelSmResp:
        """One message by its id, or all that wait from an address to another (§4.9)."""
        failed = CommandStatus.ESME_RCANCELFAIL
        source = from_smpp(pdu.source_addr_ton, pdu.source_addr)
        recipient = from_smpp(pdu.dest_addr_ton, pdu.destination_addr)
        account_sid = bound.account.sid
        if pdu.message_id:
            message = (await self._find(bound, pdu.message_id, source, failed)).message
            if recipient and _e164(recipient) != message.recipient:
                raise PduError("another destination", failed)
            ids: Sequence[int] = (message.id,)
        else:
            ids = await self._pending.find(
                account_sid, _sender(source), _e164(recipient), pdu.service_type or None
            )
        canceled = 0
        for at in range(0, len(ids), CANCELS_AT_ONCE):
            some = ids[at : at + CANCELS_AT_ONCE]
            canceled += sum(await asyncio.gather(*(self._cancel(account_sid, id) for id in some)))
        if not canceled:
            raise PduError("nothing to cancel", failed)
        return CancelSmResp()

    async def replace(self, bound: BoundEsme, pdu: ReplaceSm, now: float) -> ReplaceSmResp:
        """A message keeps its id and gets another text (§4.10), which is read in the encoding of
        the one before: a replace_sm has no data_coding."""
        failed = CommandStatus.ESME_RREPLACEFAIL
        source = from_smpp(pdu.source_addr_ton, pdu.source_addr)
        message = (await self._find(bound, pdu.message_id, source, failed)).message
        replacement = _replacement(bound, message, pdu, now)
        try:
            await self._pending.replace(bound.account, message.id, replacement)
        except Refused as refused:
            if refused.refusal in _GONE:
                raise PduError("it has gone", failed) from None
            raise
        return ReplaceSmResp()

    async def replace_present(self, request: SendRequest) -> Message | None:
        """The newest message with the same addresses and service_type that still waits, once it
        is replaced (§5.2.18); None where there is none."""
        account = request.account
        service_type = request.smpp.service_type if request.smpp else ""
        ids = await self._pending.find(
            account.sid, _sender(request.sender), _e164(request.recipient), service_type
        )
        for message_id in ids:
            standing = await self._pending.query(account.sid, message_id)
            if standing is None:
                continue
            try:
                await self._pending.replace(account, message_id, _as_replacement(request))
            except Refused as refused:
                if refused.refusal not in _GONE:
                    raise
            else:
                return standing.message
        return None

    async def _find(
        self, bound: BoundEsme, message_id: str, source: str, failed: CommandStatus
    ) -> Standing:
        account_sid, sender = bound.account.sid, _sender(source)
        found = message_id_of(message_id)
        if found is None:
            short_id = short_id_of(message_id)
            if short_id is None:
                raise PduError("no message_id of ours", CommandStatus.ESME_RINVMSGID)
            found = await self._pending.find_short(account_sid, short_id, sender)
        standing = await self._pending.query(account_sid, found) if found is not None else None
        if standing is None or standing.message.sender != sender:
            raise PduError("no such message of this source", failed)
        return standing

    async def _cancel(self, account_sid: str, message_id: int) -> bool:
        """Whether it is canceled; not where it has gone on meanwhile."""
        try:
            await self._pending.cancel(account_sid, message_id)
        except Refused as refused:
            if refused.refusal in _GONE:
                return False
            raise
        return True


def _message_state(standing: Standing, is_5_0: bool) -> MessageState:
    """§5.2.28. SCHEDULED is v5.0's; to others, what waits is under way."""
    if standing.status in STAT_BY_STATUS:
        stat = stat_of(standing.status, standing.error_code, standing.carrier_status)
        return MessageState(receipt.STATE_BY_STAT[stat])
    if standing.status is Status.SCHEDULED and is_5_0:
        return MessageState.SCHEDULED
    return MessageState.ENROUTE


def _absolute(at: float) -> str:
    """`YYMMDDhhmmsstnnp` in UTC (§7.1.1)."""
    return f"{receipt_date(at)}{int(at) % 60:02d}000+"


def _replacement(bound: BoundEsme, message: Message, pdu: ReplaceSm, now: float) -> Replacement:
    """Raises PduError."""
    version = bound.interface_version
    send_at, validity_s = read_times(pdu, now, otherwise_at=message.send_at)
    receipts, intermediate = read_registered_delivery(pdu.registered_delivery, version)
    if pdu.sm_default_msg_id and not (pdu.short_message or pdu.tlvs):
        raise PduError("there are no default messages", CommandStatus.ESME_RINVDFTMSGID)
    data = read_text(
        EsmClass.UDHI if message.udh else EsmClass.DEFAULT,
        DATA_CODING[message.encoding],
        pdu.short_message,
        pdu.tlvs,
        version,
    )
    return Replacement(
        body=data.body,
        encoding=data.encoding,
        octets=data.octets,
        udh=data.udh,
        receipts=receipts,
        intermediate=intermediate,
        send_at=send_at if pdu.schedule_delivery_time else None,
        validity_s=validity_s,
    )


def _as_replacement(request: SendRequest) -> Replacement:
    return Replacement(
        body=request.body,
        encoding=request.encoding,
        octets=request.octets,
        udh=request.udh,
        receipts=request.receipts,
        intermediate=bool(request.smpp and request.smpp.intermediate),
        send_at=request.send_at,
        validity_s=request.validity_s,
    )


def _sender(text: str) -> str:
    """As messages have it, or as it was written where it can be no message's."""
    return normalize_sender(text) or text


def _e164(text: str) -> str:
    """As messages have it, or as it was written where it can be no message's."""
    number = parse(text)
    return number.e164 if number else text
