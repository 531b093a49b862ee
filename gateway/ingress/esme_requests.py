"""What a bound ESME asks for: messages to be sent (SMPP v3.4 §4.4, §4.5, §4.7), and what becomes of
those that it has handed over before (§4.8 to §4.10).

Messages are answered once they are durable, by the intake's callbacks. The others, which are rare,
have a task each; as many as there are requests that await an answer.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial

import msgspec

from gateway.account import Account
from gateway.clock import Clock, message_sid
from gateway.errors import Refusal, Refused, StoreError
from gateway.ingress.bound_esme import BoundEsme
from gateway.ingress.pending_requests import PendingRequests
from gateway.ingress.rate import Rate
from gateway.ingress.submit_multi import MultiAnswer
from gateway.interworking.addresses import from_smpp
from gateway.interworking.esme_message_id import ShortIds, esme_message_id
from gateway.interworking.refusals import ANSWERS
from gateway.interworking.submission import from_submit_sm
from gateway.message import Message, Origin, SmppFields
from gateway.messaging.admission import SendRequest
from gateway.messaging.idempotency import Idempotency, OnTaken, Replayed
from gateway.messaging.idempotency_key import KEY_OCTETS_MAX, keyed
from gateway.messaging.intake import OnRefused
from gateway.messaging.pending_messages import PendingMessages
from gateway.messaging.phone_number import normalize_sender
from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import CommandStatus
from gateway.smpp.errors import PduError
from gateway.smpp.pdus import (
    CancelSm,
    DataSm,
    DataSmResp,
    DistributionList,
    Pdu,
    QuerySm,
    ReplaceSm,
    SubmitMulti,
    SubmitMultiResp,
    SubmitSm,
    SubmitSmResp,
)
from gateway.smpp.tlv import congestion_state

log = logging.getLogger(__name__)

# Of replace_if_present_flag; other values are reserved, and so as 0 (§5.2.18, §3.3).
REPLACE = 1

EsmeRequest = SubmitSm | DataSm | SubmitMulti | QuerySm | CancelSm | ReplaceSm
_SMPP = Origin.SMPP
# A tuple is looked through faster than a union.
_SUBMIT = (SubmitSm, DataSm)
# How full the queue of a sender of an account is, 0 to 1.
QueueFill = Callable[[str, str], float]


class EsmeRequests:
    """`ready` says whether messages are taken; until then all is answered with ESME_RSYSERR."""

    def __init__(
        self,
        intake: Idempotency,
        pending: PendingMessages,
        clock: Clock,
        ready: Callable[[], bool],
        queue_fill: QueueFill,
        idempotency_tag: int,
        short_ids: ShortIds,
    ) -> None:
        self._intake = intake
        self._pending = PendingRequests(pending)
        self._clock = clock
        self._ready = ready
        self._queue_fill = queue_fill
        self._idempotency_tag = idempotency_tag
        self._short_ids = short_ids
        self._rates: dict[str, Rate] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.submitted = 0
        self.throttled = 0

    def close(self) -> None:
        """Nobody waits for the answers any more."""
        for task in self._tasks:
            task.cancel()

    def take(
        self,
        connection: SmppConnection,
        bound: BoundEsme,
        sequence_number: int,
        pdu: EsmeRequest,
    ) -> None:
        """Answer a request, now or later."""
        now = self._clock.now()
        account = bound.account
        self.submitted += 1
        if not self._ready():
            connection.respond(sequence_number, None, CommandStatus.ESME_RSYSERR)
            return
        rate = self._rates.get(account.sid) or self._rate(account)
        if rate.ahead_s(now):
            self.throttled += 1
            connection.respond(sequence_number, None, CommandStatus.ESME_RTHROTTLED)
            return
        try:
            if isinstance(pdu, _SUBMIT):
                self._submit(connection, bound, sequence_number, pdu, now)
            elif isinstance(pdu, SubmitMulti):
                self._submit_multi(connection, bound, sequence_number, pdu, now)
            else:
                self._start(self._answer(connection, sequence_number, self._ask(bound, pdu, now)))
        except PduError as error:
            log.info("submit_sm refused", extra={"account": account.sid, "reason": str(error)})
            connection.respond(sequence_number, None, error.status)
        except Refused as refused:
            _refused(connection, sequence_number, refused)

    def _rate(self, account: Account) -> Rate:
        rate = self._rates.get(account.sid)
        if rate is None:
            rate = self._rates[account.sid] = Rate(account.submits_per_second)
        return rate

    # Messages

    def _submit(
        self,
        connection: SmppConnection,
        bound: BoundEsme,
        sequence_number: int,
        pdu: SubmitSm | DataSm,
        now: float,
    ) -> None:
        """Raises PduError, Refused."""
        request = self._request(bound, pdu, now)
        on_refused = partial(_refused, connection, sequence_number)
        if pdu.tlvs:
            key = self._key(bound, pdu)
            if key is not None:
                request = keyed(request, key, _times(pdu))
        if isinstance(pdu, SubmitSm):
            on_taken = partial(self._accepted, connection, sequence_number, SubmitSmResp, bound)
            if pdu.replace_if_present_flag == REPLACE:
                self._replace_or_submit(request, on_taken, on_refused)
                return
        else:
            on_taken = partial(self._accepted, connection, sequence_number, DataSmResp, bound)
        self._intake.submit(request, on_taken, on_refused)

    def _submit_multi(
        self,
        connection: SmppConnection,
        bound: BoundEsme,
        sequence_number: int,
        pdu: SubmitMulti,
        now: float,
    ) -> None:
        """Each destination is a message of its own, and counts as one in the account's rate.

        Raises:
            PduError, Refused: for all of them.
        """
        request = self._request(bound, pdu, now)
        key = self._key(bound, pdu) if pdu.tlvs else None
        if key is not None and not 1 <= len(key) <= KEY_OCTETS_MAX:
            raise Refused(Refusal.IDEMPOTENCY_KEY_INVALID)
        rate = self._rate(bound.account)
        answer = MultiAnswer(
            pdu.dest_addresses,
            partial(self._multi_answered, connection, sequence_number, bound, request.sender),
        )
        for index, destination in enumerate(pdu.dest_addresses):
            if index:
                self.submitted += 1
            if isinstance(destination, DistributionList):
                answer.refused(index, CommandStatus.ESME_RINVDLNAME)
                continue
            if index and rate.ahead_s(now):
                self.throttled += 1
                answer.refused(index, CommandStatus.ESME_RTHROTTLED)
                continue
            each = msgspec.structs.replace(
                request,
                recipient=from_smpp(destination.ton, destination.addr),
                smpp=request.smpp if bound.reads_tlvs else self._with_short_id(request.smpp),
            )
            if key is not None:
                each = keyed(each, _key_of_destination(key, index), _times(pdu))
            on_taken = partial(_multi_accepted, answer, index)
            on_refused = partial(_multi_refused, answer, index)
            if pdu.replace_if_present_flag == REPLACE:
                self._replace_or_submit(each, on_taken, on_refused)
            else:
                self._intake.submit(each, on_taken, on_refused)

    def _request(
        self, bound: BoundEsme, pdu: SubmitSm | DataSm | SubmitMulti, now: float
    ) -> SendRequest:
        """Raises PduError."""
        submission = from_submit_sm(pdu, now, bound.interface_version, self._idempotency_tag)
        data = submission.data
        return SendRequest(
            bound.account,
            submission.sender,
            submission.recipient,
            data.body,
            _SMPP,
            validity_s=submission.validity_s,
            send_at=submission.send_at,
            receipts=submission.receipts,
            udh=data.udh,
            octets=data.octets,
            encoding=data.encoding,
            smpp=submission.smpp if bound.reads_tlvs else self._with_short_id(submission.smpp),
        )

    def _with_short_id(self, smpp: SmppFields | None) -> SmppFields:
        return msgspec.structs.replace(smpp or SmppFields(), short_id=self._short_ids.next())

    def _key(self, bound: BoundEsme, pdu: SubmitSm | DataSm | SubmitMulti) -> bytes | None:
        """The idempotency key; none of an ESME without TLVs, whose short id could not be told
        again.

        Raises:
            PduError: what it would replace cannot be found out a second time.
        """
        key = pdu.tlvs.get(self._idempotency_tag)
        if key is None or not bound.reads_tlvs:
            return None
        if not isinstance(pdu, DataSm) and pdu.replace_if_present_flag == REPLACE:
            raise PduError(
                "replace_if_present_flag with an idempotency key", CommandStatus.ESME_RINVREPFLAG
            )
        # Some libraries close every string with a NUL, and it is the same key.
        return key.removesuffix(b"\0")

    # Their answers

    def _accepted(
        self,
        connection: SmppConnection,
        sequence_number: int,
        response: type[SubmitSmResp | DataSmResp],
        bound: BoundEsme,
        taken: Message | Replayed,
    ) -> None:
        if isinstance(taken, Replayed):
            connection.respond(sequence_number, response(message_sid(taken.id)))
            return
        message_id = esme_message_id(taken) if taken.smpp else message_sid(taken.id)
        if bound.is_5_0:
            self._tell_congestion(connection, bound, taken.sender)
        connection.respond(sequence_number, response(message_id))

    def _multi_answered(
        self,
        connection: SmppConnection,
        sequence_number: int,
        bound: BoundEsme,
        sender: str,
        answer: SubmitMultiResp | None,
        status: CommandStatus,
    ) -> None:
        if bound.is_5_0:
            self._tell_congestion(connection, bound, normalize_sender(sender) or sender)
        connection.respond(sequence_number, answer, status)

    def _tell_congestion(self, connection: SmppConnection, bound: BoundEsme, sender: str) -> None:
        """How full the sender's queue is goes with the next answer (5.0 §4.8.4.18)."""
        fill = self._queue_fill(bound.account.sid, sender)
        connection.session.congestion_state = congestion_state(fill)

    # What was handed over before

    async def _ask(self, bound: BoundEsme, pdu: QuerySm | CancelSm | ReplaceSm, now: float) -> Pdu:
        """Raises PduError, Refused."""
        match pdu:
            case QuerySm():
                return await self._pending.query(bound, pdu)
            case CancelSm():
                return await self._pending.cancel(bound, pdu)
            case ReplaceSm():
                return await self._pending.replace(bound, pdu, now)

    async def _answer(
        self, connection: SmppConnection, sequence_number: int, asked: Awaitable[Pdu]
    ) -> None:
        try:
            connection.respond(sequence_number, await asked)
        except PduError as error:
            connection.respond(sequence_number, None, error.status)
        except Refused as refused:
            _refused(connection, sequence_number, refused)
        except StoreError:
            connection.respond(sequence_number, None, CommandStatus.ESME_RSYSERR)
        except Exception:
            log.exception("ESME's request broke", extra={"peer": connection.peer})
            connection.respond(sequence_number, None, CommandStatus.ESME_RSYSERR)

    def _replace_or_submit(
        self, request: SendRequest, on_taken: OnTaken, on_refused: OnRefused
    ) -> None:
        self._start(self._replace(request, on_taken, on_refused))

    async def _replace(
        self, request: SendRequest, on_taken: OnTaken, on_refused: OnRefused
    ) -> None:
        try:
            replaced = await self._pending.replace_present(request)
        except Refused as refused:
            on_refused(refused)
        except StoreError:
            on_refused(Refused(Refusal.STORE_UNAVAILABLE))
        except Exception:
            log.exception("ESME's request broke", extra={"account": request.account.sid})
            on_refused(Refused(Refusal.STORE_UNAVAILABLE))
        else:
            if replaced:
                on_taken(replaced)
            else:
                self._intake.submit(request, on_taken, on_refused)

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _message_id(taken: Message | Replayed) -> str:
    return esme_message_id(taken) if isinstance(taken, Message) else message_sid(taken.id)


def _key_of_destination(key: bytes, index: int) -> bytes:
    """The same for the same place in the same submit_multi."""
    return hashlib.sha256(bytes([index]) + key).digest()


def _times(pdu: SubmitSm | DataSm | SubmitMulti) -> str:
    """The times as the customer wrote them, which may count from the moment of their arrival."""
    if isinstance(pdu, DataSm) or not (pdu.schedule_delivery_time or pdu.validity_period):
        return ""
    return f"{pdu.schedule_delivery_time} {pdu.validity_period}"


def _refused(connection: SmppConnection, sequence_number: int, refused: Refused) -> None:
    connection.respond(sequence_number, None, ANSWERS[refused.refusal].command_status)


def _multi_accepted(answer: MultiAnswer, index: int, taken: Message | Replayed) -> None:
    answer.accepted(index, _message_id(taken))


def _multi_refused(answer: MultiAnswer, index: int, refused: Refused) -> None:
    answer.refused(index, ANSWERS[refused.refusal].command_status)
