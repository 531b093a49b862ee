"""What one connection shows of its customer, octet by octet: who answers what, when, and with what.

It stands between the socket and the session, and so it also sees what a session keeps to itself:
answers to nothing, answers to enquire_link, and how a connection ends. It decides nothing.
"""

from __future__ import annotations

from math import inf

import msgspec

from carriers_sim.malformed_pdus import HEADER, Expected
from carriers_sim.violations import Invariant, Violations
from gateway.smpp.constants import (
    HEADER_LENGTH,
    INTERFACE_3_4,
    INTERFACE_5_0,
    RESPONSE,
    SEQUENCE_NUMBER_MAX,
    CommandId,
)
from gateway.smpp.session import PDU_LENGTH_MAX
from gateway.smpp.states import UNANSWERED

# Of requests without an answer the oldest are forgotten.
REMEMBERED_MAX = 100_000
# A session that closes over a dead link does so as its deadline comes, not after it.
SLACK_S = 0.5

ENQUIRE_LINK = int(CommandId.ENQUIRE_LINK)
UNBIND = int(CommandId.UNBIND)
UNBIND_RESP = int(CommandId.UNBIND_RESP)
DELIVER_SM_RESP = int(CommandId.DELIVER_SM_RESP)
GENERIC_NACK = int(CommandId.GENERIC_NACK)

NOT_ANSWERED = {
    ENQUIRE_LINK: Invariant.LINK_NOT_ANSWERED,
    UNBIND: Invariant.UNBIND_NOT_ANSWERED,
}


class Awaited(msgspec.Struct):
    """A request of ours. `deadline` is infinite where lateness is not for us to tell, or told."""

    command_id: int
    deadline: float
    expected: Expected | None = None


class Witness:
    """Of one connection, from its beginning to its end.

    `response_s` is our response timer; a customer's is no shorter than `patience_s`. `has_missed`
    says that there was a time in which we did not hear it.
    """

    def __init__(
        self, carrier: str, violations: Violations, response_s: float, patience_s: float
    ) -> None:
        self.interface_version = INTERFACE_3_4
        self.has_missed = False
        self._carrier = carrier
        self._violations = violations
        self._response_s = response_s
        self._patience_s = patience_s
        self._slack_s = min(SLACK_S, response_s / 2)
        self._received = b""
        self._is_lost = False
        self._is_hearing = True
        self._requests: dict[int, int] = {}
        self._awaited: dict[int, Awaited] = {}
        self._unbind_at: float | None = None
        self._is_unbound = False

    # Ours

    def sent(self, octets: bytes, now: float) -> None:
        """Whole PDUs of the session's, on their way to the customer."""
        at, end = 0, len(octets)
        while at < end:
            length, command_id, _, sequence_number = HEADER.unpack_from(octets, at)
            at += length
            if command_id & RESPONSE:
                self._requests.pop(sequence_number, None)
                self._is_unbound = self._is_unbound or command_id == UNBIND_RESP
            elif command_id not in UNANSWERED:
                is_timed = command_id in NOT_ANSWERED and self._is_hearing and self._response_s
                deadline = now + self._response_s if is_timed else inf
                self._await(sequence_number, Awaited(command_id, deadline))

    def expect(self, expected: Expected, now: float) -> None:
        """A request that was made by hand is on its way."""
        awaited = Awaited(expected.command_id, now + self._response_s, expected)
        self._await(expected.sequence_number, awaited)

    def _await(self, sequence_number: int, awaited: Awaited) -> None:
        if len(self._awaited) >= REMEMBERED_MAX:
            del self._awaited[next(iter(self._awaited))]
        self._awaited[sequence_number] = awaited

    def stop_hearing(self) -> None:
        """We read no further: nothing that does not come is the customer's fault."""
        self._is_hearing = False
        self.has_missed = True
        for awaited in self._awaited.values():
            awaited.deadline = inf

    def hear_again(self) -> None:
        self._is_hearing = True

    # The customer's

    def received(self, octets: bytes, now: float) -> None:
        """Octets of the customer's, cut anywhere."""
        if self._is_lost:
            return
        if self._received:
            octets = self._received + octets
        at, end = 0, len(octets)
        while end - at >= HEADER_LENGTH:
            length, command_id, status, sequence_number = HEADER.unpack_from(octets, at)
            if not HEADER_LENGTH <= length <= PDU_LENGTH_MAX:
                self._is_lost = True  # The session says so.
                break
            if end - at < length:
                break
            if command_id & RESPONSE:
                body = octets[at + HEADER_LENGTH : at + length]
                self._response(command_id, status, sequence_number, body, now)
            else:
                self._request(command_id, status, sequence_number, now)
            at += length
        self._received = octets[at:]

    def _request(self, command_id: int, status: int, sequence_number: int, now: float) -> None:
        shown = f"0x{command_id:08x} with {sequence_number}"
        if not 0 < sequence_number <= SEQUENCE_NUMBER_MAX or sequence_number in self._requests:
            self._add(Invariant.SEQUENCE_NUMBER, shown, now)
        if status:
            self._add(Invariant.RESERVED_VALUE, f"0x{command_id:08x} has a command_status", now)
        if self._unbind_at is not None or self._is_unbound:
            self._add(Invariant.REQUEST_AFTER_UNBIND, shown, now)
        if command_id == UNBIND:
            self._unbind_at = now
        if len(self._requests) >= REMEMBERED_MAX:
            del self._requests[next(iter(self._requests))]
        self._requests[sequence_number] = command_id

    def _response(
        self, command_id: int, status: int, sequence_number: int, body: bytes, now: float
    ) -> None:
        if not sequence_number:
            return  # The answer to what had none (§4.3.1).
        awaited = self._awaited.pop(sequence_number, None)
        shown = f"0x{command_id:08x} with {sequence_number}"
        if command_id == GENERIC_NACK:
            if awaited is None:
                self._add(Invariant.NACK_ANSWERED, shown, now)
            elif awaited.expected is None:
                self._add(Invariant.KNOWN_PDU_NACKED, f"0x{awaited.command_id:08x}", now)
        elif awaited is None:
            self._add(Invariant.ANSWER_TO_NOTHING, shown, now)
        elif awaited.expected is None and command_id != awaited.command_id | RESPONSE:
            detail = f"{shown} to 0x{awaited.command_id:08x}"
            self._add(Invariant.ANSWER_OF_ANOTHER, detail, now)
        elif command_id == UNBIND_RESP:
            self._is_unbound = True
        elif command_id == DELIVER_SM_RESP and not status and not self._is_one_nul(body):
            self._add(Invariant.MESSAGE_ID_NOT_NULL, f"{len(body)} octets (3.4 §4.6.2)", now)
        expected = awaited.expected if awaited else None
        if expected is not None and not expected.fits(command_id, status):
            detail = f"{shown}, command_status 0x{status:08x}"
            self._add(expected.invariant, detail, now)

    def _is_one_nul(self, body: bytes) -> bool:
        """5.0 allows TLVs behind it."""
        return body == b"\0" or (self.interface_version >= INTERFACE_5_0 and body[:1] == b"\0")

    # Time, and the end

    def look(self, now: float) -> None:
        """Tell what is overdue."""
        for awaited in self._awaited.values():
            if awaited.deadline - self._slack_s <= now:
                awaited.deadline = inf
                expected = awaited.expected
                invariant = expected.invariant if expected else NOT_ANSWERED[awaited.command_id]
                self._add(invariant, f"no answer within {self._response_s:g} s", now)

    def ended(self, now: float, by_customer: bool) -> None:
        """The connection is over."""
        self.look(now)
        if not by_customer:
            return
        for awaited in self._awaited.values():
            expected = awaited.expected
            if expected is not None and not expected.ends_session and awaited.deadline < inf:
                self._add(Invariant.SESSION_DROPPED, expected.invariant.name, now)
        if self._unbind_at is not None and not self._is_unbound:
            waited_s = now - self._unbind_at
            if waited_s < self._patience_s:
                detail = f"after {waited_s:.1f} s (3.4 §4.2)"
                self._add(Invariant.UNBIND_NOT_AWAITED, detail, now)

    def _add(self, invariant: Invariant, detail: str, now: float) -> None:
        self._violations.add(invariant, self._carrier, detail, now)
