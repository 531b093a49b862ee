"""What customers ask of messages that they have sent already: where one stands, to take it back, to
say something else (query_sm, cancel_sm, replace_sm: SMPP v3.4 §4.8 to §4.10).

A message can be canceled or replaced as long as no carrier has any of it, or may have: while it is
scheduled, or waits untouched in its queue. Nothing lies between the look at it and the change, so
the dispatcher has sent it before, or never will.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from weakref import WeakValueDictionary

import msgspec
from msgspec.structs import replace

from gateway.account import Account
from gateway.clock import Clock
from gateway.errors import Refusal, Refused, StoreError
from gateway.message import (
    FINAL,
    Direction,
    Encoding,
    Message,
    Receipts,
    SmppFields,
    Status,
)
from gateway.messaging.admission import Admission, SendRequest
from gateway.messaging.intake import Intake
from gateway.messaging.lane import Lane
from gateway.messaging.lanes import Lanes
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.short_id import short_key
from gateway.store.interface import OnCommit, Store, StoredMessage

# So many messages are found by their addresses at most; behind the newest so many of the sender's
# queue, and of what the account has scheduled, nobody looks. To look at one costs 4 us of the
# store's reader, so one search holds it for less than 0.1 s, in pages between those of others.
FOUND_MAX = 1_000
LOOKED_AT_MAX = 20_000
LOOK_PAGE = 500
# One search reads at a time; so many wait for it.
SEARCHES_MAX = 100


class Standing(msgspec.Struct, frozen=True):
    """Where a message stands. `at` is the time of that status, or of the last before it on record;
    `error_code` is Twilio's, `carrier_status` what the carrier's receipt said."""

    message: Message
    status: Status
    at: float
    error_code: int = 0
    carrier_status: str = ""


class Replacement(msgspec.Struct, frozen=True):
    """What a message says from now on. `encoding` is read as that of a `SendRequest`. `send_at` and
    `validity_s` stay as they are where they are None; 0.0 sends a scheduled message at once. The
    validity counts from `send_at` while the message is scheduled, else from now.
    """

    body: str
    encoding: Encoding | None = None
    octets: bytes = b""
    udh: bytes = b""
    receipts: Receipts = Receipts.NONE
    intermediate: bool = False
    send_at: float | None = None
    validity_s: float | None = None


class PendingMessages:
    """Every method raises Refused(STORE_UNAVAILABLE) where the store cannot be asked or told."""

    def __init__(
        self,
        store: Store,
        admission: Admission,
        intake: Intake,
        lanes: Lanes,
        live_status: Callable[[int], Status | None],
        clock: Clock,
    ) -> None:
        """`live_status` tells where a message stands that is under way, else None."""
        self._store = store
        self._admission = admission
        self._intake = intake
        self._lanes = lanes
        self._live_status = live_status
        self._clock = clock
        # One change of a message at a time.
        self._changing: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._searching = asyncio.Lock()
        self._searches = 0

    async def query(self, account_sid: str, message_id: int) -> Standing | None:
        """Where a message that the account has sent stands; None: it has sent no such message, or
        it is not kept any more."""
        stored = await self._fetch(account_sid, message_id)
        if stored is None:
            return None
        last, status = stored.last, stored.status
        if status not in FINAL:
            status = self._live_status(message_id) or status
        if last is None:
            return Standing(stored.message, status, stored.message.accepted_at)
        return Standing(stored.message, status, last.at, last.error_code, last.carrier_status)

    async def find_short(self, account_sid: str, short_id: int, sender: str) -> int | None:
        """The newest message that the sender of the account has sent under an id of SMPP v3.3."""
        try:
            seen = await self._store.find_key(short_key(account_sid, short_id)[0])
        except StoreError:
            raise Refused(Refusal.STORE_UNAVAILABLE) from None
        stored = await self._fetch(account_sid, seen.message_id) if seen else None
        return stored.message.id if stored and stored.message.sender == sender else None

    async def find(
        self, account_sid: str, sender: str, recipient: str, service_type: str | None = None
    ) -> list[int]:
        """The messages between two addresses that can be canceled or replaced, newest first: of
        one service_type, or where that is None, of any.

        Raises:
            Refused: TOO_MANY_REQUESTS, for too many are being looked for already.
        """

        def is_meant(message: Message) -> bool:
            own = message.smpp.service_type if message.smpp else ""
            return (message.sender, message.recipient) == (sender, recipient) and (
                service_type in (None, own)
            )

        found: list[int] = []
        aside = self._intake.newest_scheduled(account_sid, LOOKED_AT_MAX)
        lane = self._lanes.find(account_sid, sender)
        if lane:
            found = [
                opened.message.id
                for opened in lane.queue
                if opened.untold and is_meant(opened.message)
            ]
            aside += lane.queue.newest_aside(LOOKED_AT_MAX)
        if aside:
            found += await self._search(sorted(aside, reverse=True)[:LOOKED_AT_MAX], is_meant)
        return sorted(found, reverse=True)[:FOUND_MAX]

    async def cancel(self, account_sid: str, message_id: int) -> None:
        """End a message that is scheduled, or queued and not sent; durable when this returns.

        Raises:
            Refused: NOT_FOUND, or NOT_CANCELABLE.
        """
        async with self._alone(message_id):
            message = await self._changeable(account_sid, message_id)
            place = self._lanes.place(message)
            if place is None:
                await self._intake.cancel(message_id)
                return
            committed = Committed()
            self._lanes.cancel(place, message, committed.on_commit)
            await committed.wait()

    async def replace(self, account: Account, message_id: int, replacement: Replacement) -> None:
        """Give a message that is scheduled, or queued and not sent, another text; durable when this
        returns. It keeps its id, and its place unless it is scheduled anew.

        Raises:
            Refused: NOT_FOUND, NOT_REPLACEABLE, QUEUE_FULL, or as for a new message.
        """
        async with self._alone(message_id):
            old = await self._changeable(account.sid, message_id)
            place = self._lanes.place(old)
            message = self._replaced(account, old, replacement, place)
            committed = Committed()
            if not self._put(place, old, message, committed.on_commit):
                raise Refused(Refusal.NOT_REPLACEABLE if place is None else Refusal.QUEUE_FULL)
            await committed.wait()

    def _put(
        self,
        place: Lane | OpenMessage | None,
        old: Message,
        message: Message,
        on_commit: OnCommit,
    ) -> bool:
        """Put a message in the place of another; False: it has none there."""
        if place is None:
            return self._intake.reschedule(old, message, on_commit)
        if message.send_at != old.send_at:
            return self._intake.postpone(place, old, message, on_commit)
        return self._lanes.replace(place, message, on_commit)

    def _replaced(
        self,
        account: Account,
        old: Message,
        replacement: Replacement,
        place: Lane | OpenMessage | None,
    ) -> Message:
        """The message as it is to be, admitted as a new one would be.

        Raises:
            Refused: it may not be sent so, or cannot be scheduled again.
        """
        now = self._clock.now()
        scheduled = place is None
        if replacement.send_at and not scheduled and _has_moved(old, place):
            raise Refused(Refusal.NOT_REPLACEABLE, "the message cannot be scheduled any more")
        request = SendRequest(
            account=account,
            sender=old.sender,
            recipient=old.recipient,
            body=replacement.body,
            origin=old.origin,
            validity_s=replacement.validity_s,
            send_at=replacement.send_at or 0.0,
            receipts=replacement.receipts,
            udh=replacement.udh,
            octets=replacement.octets,
            encoding=replacement.encoding,
            traffic_type=old.traffic_type,
            smpp=old.smpp,
        )
        admitted = self._admission.check(request, now)
        send_at = old.send_at
        if request.send_at:
            send_at = request.send_at
        elif replacement.send_at is not None and scheduled:
            send_at = now
        starts_at = send_at if scheduled or request.send_at else now
        if replacement.validity_s is not None:
            hold_s = admitted.expires_at - (request.send_at or now)
            expires_at = starts_at + hold_s
        elif send_at != old.send_at:
            expires_at = send_at + (old.expires_at - (old.send_at or old.accepted_at))
        else:
            expires_at = old.expires_at
        smpp = old.smpp
        if replacement.intermediate != (smpp is not None and smpp.intermediate):
            smpp = replace(smpp or SmppFields(), intermediate=replacement.intermediate)
        concat_ref = old.concat_ref
        if admitted.segments > 1 and old.segments == 1:
            concat_ref = self._intake.reference(admitted)
        return replace(
            old,
            body=admitted.body,
            encoding=admitted.encoding,
            segments=admitted.segments,
            octets=replacement.octets,
            udh=replacement.udh,
            concat_ref=concat_ref,
            receipts=replacement.receipts,
            smpp=smpp,
            send_at=send_at,
            expires_at=expires_at,
            locking_shift=admitted.locking_shift,
            single_shift=admitted.single_shift,
            ref_bits=admitted.ref_bits,
        )

    def _alone(self, message_id: int) -> asyncio.Lock:
        """Held while a message is being changed."""
        return self._changing.setdefault(message_id, asyncio.Lock())

    async def _changeable(self, account_sid: str, message_id: int) -> Message:
        """The message as it is, when nothing else can be changing it.

        Raises:
            Refused: NOT_FOUND.
        """
        stored = await self._fetch(account_sid, message_id)
        if stored is None:
            raise Refused(Refusal.NOT_FOUND)
        # A record would be kept until the store recovers, and its caller wait as long.
        if not self._store.writable:
            raise Refused(Refusal.STORE_UNAVAILABLE)
        return stored.message

    async def _fetch(self, account_sid: str, message_id: int) -> StoredMessage | None:
        """A message that the account has sent."""
        try:
            stored = await self._store.fetch(account_sid, message_id)
        except StoreError:
            raise Refused(Refusal.STORE_UNAVAILABLE) from None
        if stored and stored.message.direction is Direction.INBOUND:
            return None
        return stored

    async def _search(
        self, message_ids: Sequence[int], is_meant: Callable[[Message], bool]
    ) -> list[int]:
        """Those of the messages in the store that are meant, FOUND_MAX at most."""
        if self._searches >= SEARCHES_MAX:
            raise Refused(Refusal.TOO_MANY_REQUESTS)
        self._searches += 1
        found: list[int] = []
        try:
            async with self._searching:
                for start in range(0, len(message_ids), LOOK_PAGE):
                    page = await self._store.read_messages(message_ids[start : start + LOOK_PAGE])
                    found += [message.id for message in page if is_meant(message)]
                    if len(found) >= FOUND_MAX:
                        break
        except StoreError:
            raise Refused(Refusal.STORE_UNAVAILABLE) from None
        finally:
            self._searches -= 1
        return found


def _has_moved(message: Message, place: Lane | OpenMessage | None) -> bool:
    """Whether something has become of it that is on record: it came due, or was on its way once."""
    return message.send_at > 0 or (isinstance(place, OpenMessage) and place.number > 0)


class Committed:
    """Waits for a record to be durable. Who has gone meanwhile has written it nonetheless."""

    def __init__(self) -> None:
        self._done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_commit(self, error: StoreError | None) -> None:
        if self._done.done():
            return
        if error:
            self._done.set_exception(Refused(Refusal.STORE_UNAVAILABLE))
        else:
            self._done.set_result(None)

    async def wait(self) -> None:
        """
        Raises:
            Refused: it never will be.
        """
        await self._done
