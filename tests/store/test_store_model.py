"""The store against dictionaries: same records in, same answers out; failures, restarts, new
segments and dropped ones between.

Each batch is written through GroupCommit on a disk that may fail at any call.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from msgspec import structs

from gateway.errors import StoreError
from gateway.message import FINAL, Direction, Status
from gateway.store.group_commit import Entry, Settled
from gateway.store.interface import (
    Accepted,
    Attempt,
    AttemptOutcome,
    Cursor,
    Deleted,
    Listener,
    MessageFilter,
    Notified,
    OptOut,
    OwedKey,
    Record,
    Redacted,
    Released,
    Replaced,
    Replay,
    StreamPosition,
    Transition,
    UnmatchedReceipt,
)
from gateway.store.segment import ID_MAX
from gateway.store.store_reader import StoreReader
from gateway.store.stream_reader import stream_page
from tests.store.builders import ACCOUNT, NOON, OTHER_ACCOUNT, a_message
from tests.store.failing_disk import FailingDisk
from tests.store.open_store import EVERYTHING, OpenStore
from tests.store.store_model import StoreModel

ACCOUNTS = (ACCOUNT, OTHER_ACCOUNT)
NUMBERS = ("55501", "+15005550006")


class StoreAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = StoreModel()
        self.directory = tempfile.TemporaryDirectory()
        self.disk = FailingDisk()
        self.batch: list[Record] = []
        self.next_id = 0
        self.position = StreamPosition()
        self.events_read: list[tuple[int, int]] = []
        self.now = NOON
        self.changed = False

    @initialize()
    def open(self) -> None:
        path = Path(self.directory.name)
        self.store = OpenStore(path, self.disk.name, segment_s=60.0, stream=True)
        self.store.now = self.now

    # Records

    @rule(
        account=st.sampled_from(ACCOUNTS),
        sender=st.sampled_from(NUMBERS),
        direction=st.sampled_from(Direction),
        body=st.text(max_size=20),
        scheduled=st.booleans(),
        keyed=st.booleans(),
        gap=st.integers(1, 5),
    )
    def accept(
        self,
        account: str,
        sender: str,
        direction: Direction,
        body: str,
        scheduled: bool,
        keyed: bool,
        gap: int,
    ) -> None:
        self.next_id += gap
        message = a_message(
            self.next_id,
            account_sid=account,
            sender=sender,
            direction=direction,
            body=body,
            send_at=NOON + 3_600.0 if scheduled else 0.0,
            accepted_at=self.store.now,
        )
        key = self.next_id.to_bytes(16) if keyed else b""
        self.batch.append(Accepted(message, key, key))

    @precondition(lambda self: self.model.messages)
    @rule(
        data=st.data(),
        part=st.integers(0, 1),
        listener=st.sampled_from(Listener),
        status=st.sampled_from(Status),
    )
    def transit(self, data: st.DataObject, part: int, listener: Listener, status: Status) -> None:
        message_id = self.a_message_of(data)
        steps = [step for step in self.known_steps() if step.message_id == message_id]
        if any(step.status in FINAL and not step.part for step in steps):
            return
        if part and status in FINAL:
            return  # The one part of a message that is not cut up is settled by the message itself.
        number = max((step.number for step in steps), default=0) + 1
        at = self.store.now
        self.batch.append(
            Transition(message_id, number, status, at, part, carrier_id="17", listener=listener)
        )

    def known_steps(self) -> list[Transition]:
        pending = [record for record in self.batch if isinstance(record, Transition)]
        return [*self.model.transitions.values(), *pending]

    @precondition(lambda self: self.model.messages)
    @rule(data=st.data(), outcome=st.sampled_from(AttemptOutcome))
    def attempt(self, data: st.DataObject, outcome: AttemptOutcome) -> None:
        message_id = self.a_message_of(data)
        self.batch.append(Attempt(message_id, 1, self.store.now, outcome, "alpha/1"))

    @precondition(lambda self: self.model.owed())
    @rule(data=st.data(), gave_up=st.booleans())
    def notify(self, data: st.DataObject, gave_up: bool) -> None:
        owed = data.draw(st.sampled_from(self.model.owed()))
        key = OwedKey(owed.message.id, owed.transition.number, owed.round)
        outcome = "gave up: 503" if gave_up else "ok"
        self.batch.append(
            Notified(key.message_id, key.number, self.store.now, outcome, key.round, gave_up)
        )

    @precondition(lambda self: self.model.given_up())
    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        given_up = data.draw(st.sampled_from(self.model.given_up())).notified
        self.batch.append(
            Replay(given_up.message_id, given_up.number, given_up.round + 1, self.store.now)
        )

    @precondition(lambda self: self.model.messages)
    @rule(data=st.data(), body=st.text(max_size=20), later=st.booleans(), wait_s=st.integers(1, 9))
    def replace(self, data: st.DataObject, body: str, later: bool, wait_s: int) -> None:
        message = self.model.messages[self.a_message_of(data)]
        send_at = NOON + 3_600.0 * (1 + wait_s) if later else message.send_at
        expires_at = NOON + 14_400.0 + wait_s
        self.batch.append(
            Replaced(structs.replace(message, body=body, send_at=send_at, expires_at=expires_at))
        )

    @precondition(lambda self: self.model.messages)
    @rule(data=st.data(), kind=st.sampled_from((Redacted, Deleted, Released)))
    def forget(self, data: st.DataObject, kind: type[Redacted | Deleted | Released]) -> None:
        self.batch.append(kind(self.a_message_of(data)))

    def a_message_of(self, data: st.DataObject) -> int:
        return data.draw(st.sampled_from(sorted(self.model.messages)))

    @rule(recipient=st.sampled_from(("+15550001", "+15550002")), opted_out=st.booleans())
    def opt_out(self, recipient: str, opted_out: bool) -> None:
        self.batch.append(OptOut(ACCOUNT, "55501", recipient, NOON, opted_out))

    @rule()
    def receive_unmatched_receipt(self) -> None:
        self.next_id += 1
        self.batch.append(UnmatchedReceipt("alpha", "17", NOON + self.next_id, "DELIVRD"))

    @rule(sink=st.sampled_from(("mqtt", "webhook")), batch=st.integers(1, 9))
    def take_cursor(self, sink: str, batch: int) -> None:
        self.batch.append(Cursor(sink, 1, batch, self.store.now))

    # What happens to them

    @rule()
    def commit(self) -> None:
        self.settle(self.store.core.commit(self.entries()))
        self.changed = True

    @rule(after=st.integers(0, 12))
    def fail_and_recover(self, after: int) -> None:
        """Messages are committed or not, as they were told; facts always are, in the end."""
        self.disk.fail(after=after)
        self.settle(self.store.core.commit(self.entries()))
        self.disk.heal()
        self.recover()

    def recover(self) -> None:
        self.store.now += 10.0
        self.settle(self.store.core.handle_timer())
        assert self.store.core.writable
        self.changed = True

    @rule()
    def restart(self) -> None:
        self.batch.clear()
        self.settle(self.store.core.close())
        self.now = self.store.now
        self.store.close()
        self.open()
        self.changed = True

    @rule()
    def grow_old(self) -> None:
        """So that whatever is sealed by then is to be dropped."""
        self.store.now += 60.0
        self.keep_up(100)
        self.store.now += self.store.limits.retention_s

    @rule(fails_after=st.none() | st.integers(0, 20))
    def begin_segment(self, fails_after: int | None) -> None:
        self.store.now += 60.0
        if fails_after is not None:
            self.disk.fail(after=fails_after)
        self.store.core.tidy()
        self.disk.heal()
        self.recover()
        self.segments_changed()

    @rule(chores=st.integers(0, 6) | st.just(100))
    def keep_up(self, chores: int) -> None:
        """So many writes of the upkeep, which is then interrupted."""
        for done, chore in enumerate(self.store.upkeep.work()):
            if done == chores:
                break
            self.store.core.do(chore)
            self.segments_changed()
        self.carried_forgotten()
        self.changed = True

    def segments_changed(self) -> None:
        for number in sorted({*self.model.homes.values(), *self.receipt_homes()}):
            if number and number not in self.store.numbers:
                self.model.drop(number)
        self.model.live = self.store.numbers[-1]

    def receipt_homes(self) -> set[int]:
        return {number for number, _ in self.model.receipts}

    def carried_forgotten(self) -> None:
        """What was carried may be forgotten some time after it was finished."""
        for message_id in [each for each, home in self.model.homes.items() if not home]:
            if message_id not in self.model.unfinished() and not self.store.stored(message_id):
                self.model.remove(message_id)

    def entries(self) -> list[Entry]:
        entries: list[Entry] = [(record, partial(self.told, record)) for record in self.batch]
        self.batch.clear()
        self.model.commit += 1
        return entries

    def told(self, record: Record, error: StoreError | None) -> None:
        assert error is None or isinstance(record, Accepted)
        if error is None:
            self.model.apply(record)

    def settle(self, settled: Settled) -> None:
        for on_commit, error in settled.answers:
            on_commit(error)

    # Answers

    @invariant()
    def answers_agree(self) -> None:
        if not self.changed:
            return
        self.lists_agree()
        self.pages_of_the_list_agree()
        self.messages_agree()
        self.what_a_start_would_find_agrees()
        self.what_an_operator_sees_agrees()
        self.keys_agree()
        self.the_stream_agrees()
        self.changed = False

    def lists_agree(self) -> None:
        for account in ACCOUNTS:
            for sender in ("", *NUMBERS):
                expected = [
                    found
                    for found in reversed(self.model.stored())
                    if found.message.account_sid == account and sender in ("", found.message.sender)
                ]
                where = MessageFilter(sender=sender)
                found = self.store.ask(StoreReader.page, account, where, EVERYTHING, None)
                assert found == expected

    def pages_of_the_list_agree(self) -> None:
        whole = self.store.listed()
        for start in range(0, len(whole), 2):
            before = whole[start - 1] if start else None
            assert self.store.listed(limit=2, before=before) == whole[start : start + 2]

    def messages_agree(self) -> None:
        store, model = self.store, self.model
        for found in model.stored():
            assert store.fetch(found.message.id, found.message.account_sid) == found
        for found in model.stored(attempts=True):
            assert store.ask(StoreReader.timeline, found.message.id) == model.timeline(found)
        ids = range(1, self.next_id + 1)
        assert store.ask(StoreReader.messages, ids) == [found.message for found in model.stored()]

    def what_a_start_would_find_agrees(self) -> None:
        store, model = self.store, self.model
        assert store.load_open() == model.under_way()
        assert store.load_owed() == model.owed()
        assert {
            (word.account_sid, word.sender, word.recipient): word
            for word in store.recovery().load_opt_outs()
        } == model.opt_outs
        assert store.recovery().load_cursors() == model.cursors
        assert store.files.last_id >= model.last_id

    def what_an_operator_sees_agrees(self) -> None:
        store, model = self.store, self.model
        found, then = store.ask(StoreReader.given_up, "", OwedKey(ID_MAX, 0))
        assert (found, then) == (model.given_up(), None)
        receipts = store.ask(StoreReader.unmatched_receipts, EVERYTHING)
        assert receipts == model.unmatched_receipts()

    def keys_agree(self) -> None:
        window = self.store.limits.key_window_s
        for key, message_id in self.model.keys.items():
            seen = self.store.files.find_key(key)
            message = self.model.messages.get(message_id)
            if message and message.accepted_at > self.store.now - window:
                assert seen
                assert seen.message_id == message_id
                assert self.store.ask(StoreReader.knows, message_id, key)

    def the_stream_agrees(self) -> None:
        """Each event is told at least once, none before its commit; nothing in another order."""
        store = self.store
        while True:
            page = store.ask(stream_page, self.position, store.files.stream_end, 3)
            self.position = page.then
            for event in page.events:
                number = event.transition.number if event.transition else 0
                self.events_read.append((event.message.id, number))
            if not page.events:
                break
        assert self.model.events.keys() >= set(self.events_read)
        first_read = list(dict.fromkeys(self.events_read))
        assert sorted(first_read, key=self.model.events.__getitem__) == first_read
        for key in self.model.events.keys() - self.events_read:
            assert key[0] not in self.model.messages

    def teardown(self) -> None:
        self.store.close()
        self.disk.unregister()
        self.directory.cleanup()


TestStoreAgainstModel = StoreAgainstModel.TestCase
TestStoreAgainstModel.settings = settings(max_examples=30, stateful_step_count=40, deadline=None)
