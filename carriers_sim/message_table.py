"""The messages that query_sm, cancel_sm and replace_sm ask for (SMPP v3.4 §4.8 to §4.10)."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from carriers_sim.dlr_schedule import STATES, Stage
from gateway.smpp.constants import CommandStatus, MessageState
from gateway.smpp.pdus import CancelSm, QuerySm, QuerySmResp, ReplaceSm, SubmitSm
from gateway.smpp.times import receipt_date

MESSAGES_MAX = 100_000

FINAL = frozenset(MessageState) - {
    MessageState.SCHEDULED,
    MessageState.ENROUTE,
    MessageState.ACCEPTED,
}


class TabledMessage(msgspec.Struct):
    """An accepted message, and when it passes from stage to stage: Unix seconds from `at`."""

    pdu: SubmitSm
    at: float
    stages: tuple[Stage, ...]
    canceled_at: float | None = None

    def state(self, now: float) -> tuple[MessageState, float, int]:
        """Its state, since when, and the network's error_code."""
        if self.canceled_at is not None:
            return MessageState.DELETED, self.canceled_at, 0
        state, since, error = MessageState.ENROUTE, self.at, 0
        for stage in self.stages:
            if self.at + stage.after_s > now:
                break
            state, since = STATES[stage.stat], self.at + stage.after_s
            error = int(stage.err) % 256 if stage.err.isdecimal() else 0
        return state, since, error

    def is_sent_by(self, ton: int, npi: int, address: str) -> bool:
        pdu = self.pdu
        return (pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr) == (ton, npi, address)


class MessageTable:
    """Of one carrier; the oldest message is forgotten when it is full."""

    def __init__(self) -> None:
        self._messages: dict[str, TabledMessage] = {}

    def add(self, message_id: str, message: TabledMessage) -> None:
        if len(self._messages) >= MESSAGES_MAX:
            del self._messages[next(iter(self._messages))]
        self._messages[message_id] = message

    def clear(self) -> None:
        self._messages.clear()

    def is_canceled(self, message_id: str) -> bool:
        message = self._messages.get(message_id)
        return message is not None and message.canceled_at is not None

    def query(self, pdu: QuerySm, now: float) -> QuerySmResp | None:
        """None where there is no such message of that source: ESME_RQUERYFAIL."""
        message = self._messages.get(pdu.message_id)
        if message is None or not message.is_sent_by(
            pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr
        ):
            return None
        state, since, error = message.state(now)
        # A receipt's date, to the minute, and UTC behind it: the absolute form of §7.1.1.
        final_date = f"{receipt_date(since)}00000+" if state in FINAL else ""
        return QuerySmResp(pdu.message_id, final_date, state, error)

    def cancel(self, pdu: CancelSm, now: float) -> int:
        """One by its id, or, without one, all that are pending between two addresses."""
        if pdu.message_id:
            named = self._messages.get(pdu.message_id)
            candidates = [named] if named else []
        else:
            candidates = [
                message
                for message in self._messages.values()
                if message.pdu.destination_addr == pdu.destination_addr
                and message.pdu.service_type == pdu.service_type
            ]
        pending = [
            message
            for message in candidates
            if message.is_sent_by(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr)
            and message.state(now)[0] not in FINAL
        ]
        for message in pending:
            message.canceled_at = now
        return CommandStatus.ESME_ROK if pending else CommandStatus.ESME_RCANCELFAIL

    def replace(self, pdu: ReplaceSm, now: float) -> int:
        """Another text for a message that is pending; it keeps its id."""
        message = self._messages.get(pdu.message_id)
        if (
            message is None
            or not message.is_sent_by(pdu.source_addr_ton, pdu.source_addr_npi, pdu.source_addr)
            or message.state(now)[0] in FINAL
        ):
            return CommandStatus.ESME_RREPLACEFAIL
        message.pdu = replace(
            message.pdu,
            short_message=pdu.short_message,
            validity_period=pdu.validity_period or message.pdu.validity_period,
            registered_delivery=pdu.registered_delivery,
        )
        return CommandStatus.ESME_ROK
