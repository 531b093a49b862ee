"""Receipts find their message by (carrier, the carrier's id), and settle it.

A receipt may come before the submit_sm_resp that gives the id, over another bind, twice, or for a
message that we do not know. It is answered once what it says is durable. One that finds nothing
waits unanswered for PARK_S; then its addresses may still name a part in doubt; else it is stored
as unmatched, answered, and shown.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import lru_cache, partial

import msgspec

from gateway.clock import Clock, message_sid
from gateway.errors import StoreError
from gateway.interworking.carrier_errors import UNKNOWN_ERROR
from gateway.interworking.receipt_outcome import outcome
from gateway.message import Message, Status
from gateway.messaging.carrier_ids import CarrierIds
from gateway.messaging.forgone_receipts import ForgoneReceipts
from gateway.messaging.journal import Journal
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.parked_receipts import Parked, ParkedReceipts
from gateway.messaging.receipt_keys import ReceiptKeys
from gateway.messaging.sent_messages import SentMessages
from gateway.messaging.settled_receipts import Answer, Key, SettledReceipts
from gateway.smpp.receipt import Receipt
from gateway.store.interface import CarrierId, SentMessage, SentPart, Store, StoredMessage
from routing.events import ReceiptSeen
from routing.router import Router

log = logging.getLogger(__name__)

# Of these each takes about 250 octets, once its message has been set aside.
EXPECTED_MAX = 2_000_000
# Carriers say few different things, again and again.
OUTCOMES_MAX = 1_024
_outcome = lru_cache(OUTCOMES_MAX)(outcome)
# Reading a member through its Enum costs 80 ns on CPython 3.11, a global 5.
SENT, DELIVERED = Status.SENT, Status.DELIVERED
# Of a message that ends by another reason than a carrier's word.
UNTOLD = Receipt("", "")

# Makes a part in doubt sent: the message, the part, its bind, and the carrier's id for it.
OnConfirmed = Callable[[OpenMessage, int, str, str], None]
# Where a message stands, which is not its end: the message, the carrier's stat and err, and when.
OnIntermediate = Callable[[Message, str, str, float], None]


class Receipts:
    """`silent` names the binds whose carriers give no receipts: what went over them stays sent.
    `on_confirmed` is called for a part in doubt that a receipt shows to be at its carrier, and
    comes back with `expect`. `on_intermediate` is called for messages that ask for it, with what
    is neither stored nor told twice.
    `ids` are the carriers whose ids need not be the same octets in receipts.
    """

    def __init__(
        self,
        journal: Journal,
        store: Store,
        router: Router,
        clock: Clock,
        receipt_wait_s: float,
        silent: frozenset[str] = frozenset(),
        ids: Mapping[str, CarrierIds] | None = None,
    ) -> None:
        self._journal = journal
        self._router = router
        self._clock = clock
        self._silent = silent
        self._sent = SentMessages(
            journal, store, clock, receipt_wait_s, self._take_up, self._give_up
        )
        self._expected: dict[Key, int] = {}
        self._parked = ParkedReceipts(store, clock, self._identify)
        self._settled = SettledReceipts()
        self._forgone = ForgoneReceipts()
        self._keys = ReceiptKeys(
            ids or {}, self._expected, (self._settled, self._forgone), self._at_hand
        )
        # Carriers whose receipts may mean parts of which no id is known.
        self._nameless = {carrier_of(bind) for bind in silent}
        self.on_confirmed: OnConfirmed = _confirm_nothing
        self.on_intermediate: OnIntermediate = _tell_nobody
        self.matched = 0
        self.intermediate = 0
        self.duplicates = 0
        self.confirmed = 0
        self.not_awaited = 0

    @property
    def expected(self) -> int:
        """How many receipts are expected."""
        return len(self._expected)

    @property
    def unmatched(self) -> int:
        return self._parked.unmatched

    @property
    def set_aside(self) -> int:
        """How many messages await receipts and are no longer at hand in the journal."""
        return self._sent.set_aside

    def awaits(self, message_id: int) -> bool:
        """Whether more may still be heard of a message that is sent."""
        return message_id in self._sent

    def expect(self, opened: OpenMessage, part: int, bind: str, carrier_id: str) -> None:
        """A carrier has taken this part under its own id."""
        carrier = carrier_of(bind)
        key = f"{carrier}/{carrier_id}"
        parked = self._parked.take(self._keys.waiting(carrier, carrier_id))
        if parked is None and (bind in self._silent or not self._has_room(opened)):
            opened.silent_parts += 1
            self._decide(opened)
            return
        if not carrier_id or key in self._expected:
            log.warning(
                "carrier_id cannot tell messages apart",
                extra={"bind": bind, "carrier_id": carrier_id},
            )
        one = SentPart(part, bind, carrier_id, self._clock.now())
        opened.awaited += (one,)
        self._expect(opened.message.id, one, key)
        self._sent.keep(opened)
        if parked:
            self.on_receipt(carrier, parked.receipt, parked.answer)
        self._decide(opened)

    def restore(self, opened: OpenMessage) -> None:
        """Expect the receipts of a message of an earlier run, which the journal has restored."""
        self._leave_silent_out(opened)
        if opened.awaited and not self._has_room(opened):
            opened.silent_parts += len(opened.awaited)
            opened.awaited = ()
        for one in opened.awaited:
            self._expect(opened.message.id, one, _key(one.bind, one.carrier_id))
        if opened.awaited:
            self._sent.keep(opened)
        self._decide(opened)

    def restore_sent(self, sent: SentMessage) -> None:
        """The same for a message of which nothing is to be decided now: it need not be at hand."""
        parts = sent.parts
        if self._silent:
            parts = tuple(one for one in parts if one.bind not in self._silent)
        if not parts or self._is_full:
            if parts:
                self._leave_unawaited(sent.id)
            self._journal.release_aside(sent.id)
            return
        for one in parts:
            self._expect(sent.id, one, _key(one.bind, one.carrier_id))
        self._sent.keep_aside(sent.id, sent.account_sid, min(one.at for one in sent.parts))

    def restore_past(self, past: CarrierId) -> None:
        """An id that a carrier gave to a part about which an earlier run awaited nothing more."""
        key = _key(past.bind, past.carrier_id)
        if past.settled:
            self._settled.restore(key)
        else:
            self._forgone.add(key)

    def disregard(self, bind: str, carrier_id: str) -> None:
        """A carrier has taken a part under this id, and no receipt can change its message."""
        self._forgone.add(_key(bind, carrier_id))

    async def run(self) -> None:
        """Read again what was set aside, as receipts come for it, until canceled."""
        await self._sent.run()

    def close(self) -> None:
        """Let no deadline pass any more: the store is about to close."""
        self._sent.close()
        self._parked.close()

    def on_receipt(self, carrier: str, receipt: Receipt, answer: Answer) -> None:
        """A receipt over any bind of the carrier; `answer` is called when it may be answered."""
        self._receive(self._keys.of(carrier, receipt), carrier, receipt, answer)

    def _receive(self, key: Key | None, carrier: str, receipt: Receipt, answer: Answer) -> None:
        """Without a `key` it may mean several parts, and waits until that is known."""
        result = _outcome(receipt.stat, receipt.err)
        if result.status is None or receipt.intermediate:
            self._tell(key, carrier, receipt)
            answer(None)
            return
        if key is None:
            self._parked.park(f"{carrier}/{receipt.message_id}", receipt, answer)
            return
        message_id = self._expected.get(key)
        opened = None if message_id is None else self._sent.find(message_id)
        if message_id is None or opened is None:
            self._receive_absent(key, message_id, carrier, receipt, answer)
            return
        one = _part_of(opened.awaited, key)
        if receipt.message_id != one.carrier_id:
            # On record an id is what the submit_sm_resp had, by which a start knows it again.
            receipt = msgspec.structs.replace(receipt, message_id=one.carrier_id)
        opened.awaited = tuple([each for each in opened.awaited if each is not one])
        del self._expected[key]
        self.matched += 1
        now = self._clock.now()
        delivered = result.status is DELIVERED
        try:
            self._router.observe(
                ReceiptSeen(one.bind, delivered, now - one.at, now, message_id, result.fault)
            )
        except KeyError:  # A change of the configuration may have taken the bind away.
            log.debug("receipt of a bind that is no more", extra={"bind": one.bind})
        self._settle(
            opened,
            one,
            receipt,
            result.status,
            result.error_code,
            self._settled.settle(key, answer),
        )
        if not opened.awaited:
            self._sent.forget(opened)

    def _receive_absent(
        self, key: Key, message_id: int | None, carrier: str, receipt: Receipt, answer: Answer
    ) -> None:
        """The message is not at hand: it was set aside, or is awaited no more, or never was."""
        if message_id is not None and message_id in self._sent:
            self._sent.read(message_id, partial(self._on_read, key, carrier, receipt, answer))
            return
        if message_id is not None:
            del self._expected[key]
            self._forgone.add(key)
        self._on_unexpected(key, receipt, answer)

    def _on_read(
        self,
        key: Key,
        carrier: str,
        receipt: Receipt,
        answer: Answer,
        found: OpenMessage | StoreError | None,
    ) -> None:
        if isinstance(found, StoreError):
            answer(found)
        else:
            self._receive(key, carrier, receipt, answer)

    def _tell(self, key: Key | None, carrier: str, receipt: Receipt) -> None:
        """Hand an intermediate notification up, if its message asks for that and is at hand: one
        that comes late says nothing new."""
        self.intermediate += 1
        log.debug("intermediate receipt", extra={"carrier": carrier, "stat": receipt.stat})
        message_id = self._expected.get(key) if key else None
        message = None if message_id is None else self._at_hand(message_id)
        if message and message.smpp and message.smpp.intermediate:
            self.on_intermediate(message, receipt.stat, receipt.err, self._clock.now())

    def _on_unexpected(self, key: Key, receipt: Receipt, answer: Answer) -> None:
        """It has come before, or nobody knows its message."""
        if self._settled.repeat(key, answer):
            self.duplicates += 1
            log.info("receipt again", extra={"carrier": carrier_of(key), "stat": receipt.stat})
        else:
            self._parked.park(key, receipt, answer)

    # What becomes of the message

    def _settle(
        self,
        opened: OpenMessage,
        one: SentPart,
        receipt: Receipt,
        status: Status,
        error_code: int,
        answer: Answer,
    ) -> None:
        if opened.total == 1:
            self._conclude(opened, status, error_code, one.bind, receipt, answer)
            return
        opened.settled_parts += 1
        opened.undelivered = opened.undelivered or error_code
        self._journal.note_part(
            opened,
            one.part,
            status,
            one.bind,
            receipt.message_id,
            error_code,
            receipt.done_date,
            receipt.stat,
            receipt.err,
            on_commit=answer,
        )
        self._decide(opened, status, one.bind, receipt)

    def _decide(
        self,
        opened: OpenMessage,
        status: Status | None = None,
        bind: str = "",
        receipt: Receipt = UNTOLD,
    ) -> None:
        """A message of several parts is delivered once all are, and undelivered with the first
        that is, but not before its last part is sent. The receipt goes along if it says the same.
        With a part that gets no receipt it is never delivered, and let go of once all others are.
        """
        settled = opened.settled_parts + opened.silent_parts
        if not settled or opened.status is not SENT:
            return
        if opened.undelivered:
            decided = Status.UNDELIVERED
        elif settled < opened.total:
            return
        elif opened.silent_parts:
            self._journal.release(opened)
            return
        else:
            decided = Status.DELIVERED
        if status is not decided:
            bind, receipt = "", UNTOLD
        self._conclude(opened, decided, opened.undelivered, bind, receipt)

    def _conclude(
        self,
        opened: OpenMessage,
        status: Status,
        error_code: int,
        bind: str,
        receipt: Receipt,
        on_commit: Answer | None = None,
    ) -> None:
        self._journal.advance(
            opened,
            status,
            error_code,
            bind,
            receipt.message_id,
            receipt.done_date,
            receipt.stat,
            receipt.err,
            on_commit,
        )

    def _give_up(self, opened: OpenMessage) -> None:
        """The receipts that the message still misses will not come."""
        missed, opened.awaited = opened.awaited, ()
        for one in missed:
            key = _key(one.bind, one.carrier_id)
            if self._expected.get(key) == opened.message.id:
                del self._expected[key]
                self._forgone.add(key)
        self._sent.forget(opened)
        if opened.status is Status.SENT:
            self._conclude(opened, Status.UNDELIVERED, UNKNOWN_ERROR, missed[0].bind, UNTOLD)

    # Which receipts are awaited

    def _expect(self, message_id: int, one: SentPart, key: Key) -> None:
        """Where the carrier gave no id, or one that it has given before, the message whose receipt
        can no longer be told is given up in its time."""
        if one.carrier_id:
            self._expected[key] = message_id
            self._keys.note_response(one.bind, one.carrier_id)
        else:
            self._nameless.add(carrier_of(one.bind))

    @property
    def _is_full(self) -> bool:
        """Whether memory holds no more, so that no receipts of one more message are awaited."""
        return len(self._expected) >= EXPECTED_MAX or len(self._sent) >= EXPECTED_MAX

    def _has_room(self, opened: OpenMessage) -> bool:
        """Whether the receipts of the message are awaited: of all its parts or of none. One of
        which a part is awaited already has its place.
        """
        if not (opened.unawaited or self._is_full) or opened.message.id in self._sent:
            return True
        if not opened.unawaited:
            opened.unawaited = True
            self._leave_unawaited(opened.message.id)
        return False

    def _leave_unawaited(self, message_id: int) -> None:
        """Its receipts will have ids that nobody knows."""
        self.not_awaited += 1
        self._journal.doubts.strays.lose(self._clock.now())
        log.error("too many receipts expected", extra={"sid": message_sid(message_id)})

    def _take_up(self, stored: StoredMessage) -> OpenMessage:
        """A message that was set aside, as it was."""
        opened = self._journal.restore(stored)
        self._leave_silent_out(opened)
        return opened

    def _leave_silent_out(self, opened: OpenMessage) -> None:
        heard = tuple(one for one in opened.awaited if one.bind not in self._silent)
        opened.silent_parts += len(opened.awaited) - len(heard)
        opened.awaited = heard

    def _identify(self, key: Key, parked: Parked) -> bool:
        """Whether a receipt without a message has found it after all: by another reading of its id,
        or because its addresses name a part in doubt, which it then confirms and settles."""
        receipt = parked.receipt
        carrier = carrier_of(key)
        read = self._keys.of(carrier, receipt, waited=True, at_last=parked.stored)
        if read in self._expected:
            self._parked.take(key)
            self._receive(read, carrier, receipt, parked.answer)
            return True
        if read is None or carrier in self._nameless or read in self._forgone:
            return False
        doubt = self._journal.doubts.find(
            carrier,
            receipt.destination_addr,
            receipt.source_addr,
            parked.at,
            self._clock.now(),
        )
        if doubt is None:
            return False
        opened, part, bind = doubt
        self.on_confirmed(opened, part, bind, self._keys.as_response(carrier, receipt.message_id))
        if key in self._parked:
            return False
        self.confirmed += 1
        log.info(
            "receipt found its message by its addresses",
            extra={"sid": message_sid(opened.message.id), "bind": bind},
        )
        return True

    def _at_hand(self, message_id: int) -> Message | None:
        opened = self._sent.find(message_id)
        return opened.message if opened else None


def carrier_of(bind: str) -> str:
    """Ids are the carrier's, whichever of its binds they come over."""
    return bind.partition("/")[0]


def _part_of(awaited: tuple[SentPart, ...], key: Key) -> SentPart:
    """The part that a receipt with this key names."""
    if len(awaited) == 1:
        return awaited[0]
    return next(each for each in awaited if _key(each.bind, each.carrier_id) == key)


def _key(bind: str, carrier_id: str) -> Key:
    return f"{carrier_of(bind)}/{carrier_id}"


def _confirm_nothing(opened: OpenMessage, part: int, bind: str, carrier_id: str) -> None:
    """Until somebody says better."""


def _tell_nobody(message: Message, stat: str, err: str, at: float) -> None:
    """Until somebody wants to hear."""
