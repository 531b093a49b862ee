"""Messages of handsets that come in parts: put together again, and told as one.

Each part is durable before it is answered: a carrier that lets one deliver_sm await its response
would else wait for our answer with the part that we wait for, and give up. So a part is kept as an
inbound message of its own that is not told, with a transition of part 1 which its listener is owed.
The last part is not kept: with it the whole becomes a message, as one record, and once that is
durable the parts are deleted, the part is answered and the whole is told.

What a kill leaves: parts are owed, and are taken up again. A whole that has been told had its parts
deleted before. One that was not is owed too, and names the last of its parts in `concat_ref`, so
that they are deleted then.

A part belongs to the message of its sender, recipient, reference, size of the reference and total
(3GPP TS 23.040 §9.2.3.24.1). After `wait_s` the parts that have come are told as they came, each as
a message of its own with its header.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from gateway.clock import Clock, IdFactory, message_sid
from gateway.errors import StoreError
from gateway.message import Message, Status
from gateway.messaging.journal import Journal, listener_of
from gateway.messaging.message_parts import (
    Answer,
    Group,
    Key,
    Load,
    Part,
    concatenation_of,
    content_of,
    key_of,
    whole_of,
)
from gateway.net.alarm import Alarm
from gateway.smpp.constants import CommandStatus
from gateway.store.interface import Accepted, Deleted, Notified, Owed, Store, Transition
from gateway.text.udh import Concatenation

log = logging.getLogger(__name__)

# Parts that wait, of all accounts.
PARTS_MAX = 10_000
# How many wholes are remembered, each for `wait_s`, so that a part that is repeated is known.
DONE_MAX = 10_000
# Twilio's code of an inbound message of which a part is missing.
PART_MISSING = 30009
# While a whole is being written its time is not over.
JOINING_S = 1.0


class Reassembly:
    """`on_whole` gets each message that is whole, and each part that stays alone, once that is
    durable and its parts are not owed any more; the journal has not published the latter."""

    def __init__(
        self,
        journal: Journal,
        store: Store,
        clock: Clock,
        ids: IdFactory,
        wait_s: float,
        on_whole: Callable[[Message, Transition], None],
        on_alone: Callable[[Message, Transition], None],
    ) -> None:
        self._journal = journal
        self._store = store
        self._clock = clock
        self._ids = ids
        self._wait_s = wait_s
        self._on_whole = on_whole
        self._on_alone = on_alone
        # In the order in which their time is over.
        self._groups: OrderedDict[Key, Group] = OrderedDict()
        self._loads: dict[str, Load] = {}
        self._done: OrderedDict[Key, tuple[float, dict[int, bytes]]] = OrderedDict()
        self._alarm = Alarm(clock, self._run)
        self._parts = 0
        self.joined = 0
        self.incomplete = 0

    @property
    def waiting(self) -> int:
        """How many parts wait for others."""
        return self._parts

    def close(self) -> None:
        """Let no time pass any more: the store is about to close."""
        self._alarm.cancel()

    def take(self, message: Message, concatenation: Concatenation, answer: Answer) -> None:
        """Take a part, which is answered once it is durable."""
        key = key_of(message, concatenation)
        number = concatenation.number
        if self._is_repeated(key, number, message):
            answer(CommandStatus.ESME_ROK)
            return
        group = self._groups.get(key)
        if group and (known := group.find(number)):
            if content_of(known.message) == content_of(message):
                known.join(answer)
                return
            if group.last:
                answer(CommandStatus.ESME_RX_T_APPN)
                return
            # Another message under the same reference: what there is of the first is all.
            self._let_go(group)
            group = None
        if group is None:
            group = self._open(key, message.account_sid, self._clock.now())
        part = Part(message)
        part.join(answer)
        if len(group.parts) + 1 == key.total:
            self._join(group, number, part)
        else:
            self._hold(group, number, part)

    # What an earlier run left

    def restore(self, owed: Owed) -> bool:
        """Look at what is owed of an inbound message. True: it is a part, which waits for the rest
        and is not to be told."""
        message, step = owed.message, owed.transition
        concatenation = concatenation_of(message)
        if step.part and concatenation:
            key = key_of(message, concatenation)
            # Its time begins anew: the carrier has not been heard meanwhile.
            group = self._groups.get(key) or self._open(key, message.account_sid, self._clock.now())
            self._add(group, concatenation.number, Part(message, durable=True))
            return True
        if message.concat_ref:
            self._restore_whole(message)
        elif step.number > 1 and concatenation:
            self._restore_alone(message, concatenation)
        return False

    def _restore_whole(self, message: Message) -> None:
        """Its parts are not to be told."""
        for group in list(self._groups.values()):
            if any(part.message.id == message.concat_ref for part in group.parts.values()):
                self._delete_parts(group)
                self._remember(group)
                self._close(group)

    def _restore_alone(self, message: Message, concatenation: Concatenation) -> None:
        """It is told already as it came."""
        group = self._groups.get(key_of(message, concatenation))
        part = group.parts.get(concatenation.number) if group else None
        if group and part and part.message.id == message.id:
            self._discard(group, concatenation.number)
            self._settle(message.id)

    # Keeping parts

    def _hold(self, group: Group, number: int, part: Part) -> None:
        message = part.message
        self._add(group, number, part)
        refused: list[StoreError] = []

        def on_accepted(error: StoreError | None) -> None:
            if error:
                refused.append(error)

        def on_commit(error: StoreError | None) -> None:
            if error or refused:
                if group.parts.get(number) is part:
                    self._discard(group, number)
                part.answer(CommandStatus.ESME_RX_T_APPN)
            else:
                part.durable = True
                part.answer(CommandStatus.ESME_ROK)

        step = Transition(
            message.id,
            1,
            Status.RECEIVED,
            message.accepted_at,
            part=1,
            bind=message.carrier,
            listener=listener_of(message, Status.RECEIVED),
        )
        try:
            self._store.append(Accepted(message), on_accepted)
        except StoreError as error:
            on_commit(error)
            return
        self._store.append(step, on_commit)
        self._make_room(group.account_sid)

    def _add(self, group: Group, number: int, part: Part) -> None:
        group.parts[number] = part
        load = self._loads[group.account_sid]
        load.parts += 1
        load.octets += part.octets
        self._parts += 1

    def _discard(self, group: Group, number: int) -> None:
        part = group.parts.pop(number)
        load = self._loads[group.account_sid]
        load.parts -= 1
        load.octets -= part.octets
        self._parts -= 1
        if not group.parts and not group.last:
            self._close(group)

    def _open(self, key: Key, account_sid: str, at: float) -> Group:
        group = self._groups[key] = Group(key, account_sid, at)
        self._loads.setdefault(account_sid, Load()).groups[key] = None
        self._alarm.set(at + self._wait_s)
        return group

    def _close(self, group: Group) -> None:
        """Nothing more is awaited for it."""
        if self._groups.get(group.key) is not group:
            return
        del self._groups[group.key]
        load = self._loads[group.account_sid]
        del load.groups[group.key]
        for part in group.parts.values():
            load.parts -= 1
            load.octets -= part.octets
            self._parts -= 1
        if not load.groups:
            del self._loads[group.account_sid]

    def _make_room(self, account_sid: str) -> None:
        """At the bounds the oldest go as they are, those of the account that has the most."""
        while (load := self._loads.get(account_sid)) and load.is_over:
            self._let_go(self._groups[next(iter(load.groups))])
        while self._parts > PARTS_MAX:
            heaviest = max(self._loads.values(), key=lambda each: each.parts)
            self._let_go(self._groups[next(iter(heaviest.groups))])

    # The whole

    def _join(self, group: Group, number: int, part: Part) -> None:
        group.last = (number, part)
        held = group.in_order
        pieces = {number: part.message} | {
            each: other.message for each, other in group.parts.items()
        }
        whole = whole_of(
            [pieces[each] for each in sorted(pieces)],
            self._ids.next(),
            self._clock.now(),
            part.message,
            held[-1].message.id,
        )
        try:
            self._journal.receive(whole, partial(self._received, group))
        except StoreError:
            self._received(group, whole, None)

    def _received(self, group: Group, whole: Message, transition: Transition | None) -> None:
        assert group.last
        number, last = group.last
        if transition is None:
            group.last = None
            last.answer(CommandStatus.ESME_RX_T_APPN)
            if not group.parts:
                self._close(group)
            return
        # Before anybody is told, so that a start that finds the whole told finds no parts.
        self._delete_parts(group)
        self._remember(group, (number, last))
        self._close(group)
        self.joined += 1
        last.answer(CommandStatus.ESME_ROK)
        self._on_whole(whole, transition)

    def _delete_parts(self, group: Group) -> None:
        """The one that the whole names goes last."""
        for part in group.in_order:
            self._store.append(Deleted(part.message.id))

    def _remember(self, group: Group, *last: tuple[int, Part]) -> None:
        """The whole may be told, and a part of it comes again: its answer was late, or lost. Of a
        part that is not in memory any number is believed to be one."""
        if len(self._done) >= DONE_MAX:
            self._done.popitem(last=False)
        contents = {
            number: content_of(part.message) for number, part in (*group.parts.items(), *last)
        }
        self._done.pop(group.key, None)
        self._done[group.key] = (self._clock.now(), contents)

    def _is_repeated(self, key: Key, number: int, message: Message) -> bool:
        done = self._done.get(key)
        if done is None:
            return False
        at, contents = done
        return at + self._wait_s > self._clock.now() and contents.get(
            number, content_of(message)
        ) == content_of(message)

    # Parts that stay alone

    def _run(self) -> None:
        now = self._clock.now()
        while self._done and next(iter(self._done.values()))[0] + self._wait_s <= now:
            self._done.popitem(last=False)
        for group in list(self._groups.values()):
            if group.at + self._wait_s > now:
                self._alarm.set(group.at + self._wait_s)
                break
            if group.last:
                self._alarm.set(now + JOINING_S)
            else:
                self._let_go(group)

    def _let_go(self, group: Group) -> None:
        """Tell what there is of it as it came."""
        if group.last:
            return
        self._close(group)
        self.incomplete += 1
        log.warning(
            "inbound message lacks a part",
            extra={
                "account": group.account_sid,
                "code": PART_MISSING,
                "parts": len(group.parts),
                "total": group.key.total,
                "sid": message_sid(group.in_order[0].message.id),
            },
        )
        for part in group.in_order:
            self._tell_alone(part.message)

    def _tell_alone(self, message: Message) -> None:
        step = Transition(
            message.id,
            2,
            Status.RECEIVED,
            self._clock.now(),
            bind=message.carrier,
            listener=listener_of(message, Status.RECEIVED),
        )

        def on_commit(error: StoreError | None) -> None:
            if error is None:
                self._on_alone(message, step)

        self._store.append(step, on_commit)
        self._settle(message.id)

    def _settle(self, message_id: int) -> None:
        """Its listener is told of it otherwise."""
        self._store.append(Notified(message_id, 1, self._clock.now(), "told as it came"))
