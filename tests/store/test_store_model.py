"""The store against dictionaries: same records in, same answers out, restarts and failures between.

Each batch is written through GroupCommit on a disk that may fail at any call.
"""

import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gateway.errors import StoreError
from gateway.message import FINAL, Direction, Message, Status
from gateway.store.group_commit import Entry, GroupCommit, Settled, StoreLimits
from gateway.store.interface import (
    Accepted,
    Deleted,
    Listener,
    MessageFilter,
    Notified,
    OptOut,
    Record,
    Redacted,
    StoredMessage,
    Transition,
    UnmatchedReceipt,
)
from gateway.store.rows import erased
from gateway.store.sqlite_file import FILE_NAME, SqliteFile
from tests.store.builders import ACCOUNT, NOON, OTHER_ACCOUNT, a_message
from tests.store.failing_disk import FailingDisk

ACCOUNTS = (ACCOUNT, OTHER_ACCOUNT)
NUMBERS = ("55501", "+15005550006")


class Model:
    """What a store should answer, in the plainest words."""

    def __init__(self) -> None:
        self.messages: dict[int, Message] = {}
        self.transitions: dict[tuple[int, int], Transition] = {}
        self.notified: set[tuple[int, int]] = set()
        self.opt_outs: dict[tuple[str, str, str], OptOut] = {}
        self.receipts: list[UnmatchedReceipt] = []
        self.deleted: set[int] = set()

    def apply(self, record: Record) -> None:
        match record:
            case Accepted(message=message):
                self.messages[message.id] = message
            case Transition(message_id=message_id, number=number):
                self.transitions[message_id, number] = record
            case Notified(message_id=message_id, number=number):
                self.notified.add((message_id, number))
            case OptOut():
                self.opt_outs[record.account_sid, record.sender, record.recipient] = record
            case UnmatchedReceipt():
                self.receipts.append(record)
            case Redacted(message_id=message_id):
                self.messages[message_id] = erased(self.messages[message_id])
            case Deleted(message_id=message_id):
                self.deleted.add(message_id)

    def stored(self) -> list[StoredMessage]:
        return [
            StoredMessage(
                message,
                tuple(step for (of, _), step in sorted(self.transitions.items()) if of == key),
            )
            for key, message in sorted(self.messages.items())
            if key not in self.deleted
        ]

    def open(self) -> list[StoredMessage]:
        return [
            found
            for found in self.stored()
            if found.message.direction is not Direction.INBOUND and found.status not in FINAL
        ]

    def unnotified(self) -> list[tuple[Message, Transition]]:
        return [
            (found.message, step)
            for found in self.stored()
            for step in found.transitions
            if step.listener and (step.message_id, step.number) not in self.notified
        ]


class StoreAgainstModel(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.directory = tempfile.TemporaryDirectory()
        self.disk = FailingDisk()
        self.batch: list[Record] = []
        self.next_id = 0
        self.now = 0.0

    @initialize()
    def open(self) -> None:
        path = Path(self.directory.name) / FILE_NAME
        self.file = SqliteFile(path, durable=True, vfs=self.disk.name)
        self.file.open()
        self.core = GroupCommit(self.file, lambda: 0, StoreLimits(free_bytes_min=0), self.now)

    def committed_ids(self) -> list[int]:
        return sorted(self.model.messages.keys() - self.model.deleted)

    @rule(
        account=st.sampled_from(ACCOUNTS),
        sender=st.sampled_from(NUMBERS),
        direction=st.sampled_from(Direction),
        body=st.text(max_size=20),
        gap=st.integers(1, 5),
    )
    def accept(self, account: str, sender: str, direction: Direction, body: str, gap: int) -> None:
        self.next_id += gap
        message = a_message(
            self.next_id, account_sid=account, sender=sender, direction=direction, body=body
        )
        self.batch.append(Accepted(message))

    @precondition(lambda self: self.committed_ids())
    @rule(
        data=st.data(),
        part=st.integers(0, 1),
        listener=st.sampled_from(Listener),
        status=st.sampled_from(Status),
    )
    def transit(self, data: st.DataObject, part: int, listener: Listener, status: Status) -> None:
        message_id = data.draw(st.sampled_from(self.committed_ids()))
        steps = [step for step in self.known_steps() if step.message_id == message_id]
        if any(step.status in FINAL and not step.part for step in steps):
            return
        self.batch.append(
            Transition(
                message_id, len(steps) + 1, status, NOON, part, carrier_id="17", listener=listener
            )
        )

    def known_steps(self) -> list[Transition]:
        pending = [record for record in self.batch if isinstance(record, Transition)]
        return [*self.model.transitions.values(), *pending]

    @precondition(lambda self: self.model.transitions)
    @rule(data=st.data())
    def notify(self, data: st.DataObject) -> None:
        owed = sorted(self.model.transitions.keys() - self.model.notified)
        if owed:
            message_id, number = data.draw(st.sampled_from(owed))
            self.batch.append(Notified(message_id, number, NOON, "ok"))

    @rule(recipient=st.sampled_from(("+15550001", "+15550002")), opted_out=st.booleans())
    def opt_out(self, recipient: str, opted_out: bool) -> None:
        self.batch.append(OptOut(ACCOUNT, "55501", recipient, NOON, opted_out))

    @rule()
    def receive_unmatched_receipt(self) -> None:
        self.next_id += 1
        self.batch.append(UnmatchedReceipt("alpha", "17", NOON + self.next_id, "DELIVRD"))

    @precondition(lambda self: self.committed_ids())
    @rule(data=st.data(), kind=st.sampled_from((Redacted, Deleted)))
    def forget(self, data: st.DataObject, kind: type[Redacted] | type[Deleted]) -> None:
        self.batch.append(kind(data.draw(st.sampled_from(self.committed_ids()))))

    @rule()
    def commit(self) -> None:
        self.settle(self.core.commit(self.entries(), self.now))

    @rule(after=st.integers(0, 8))
    def fail_and_recover(self, after: int) -> None:
        """Messages are committed or not, as they were told; facts always are, in the end."""
        self.disk.fail(after=after)
        self.settle(self.core.commit(self.entries(), self.now))
        self.disk.heal()
        self.now += 10.0
        self.settle(self.core.handle_timer(self.now))

    @rule()
    def restart(self) -> None:
        self.batch.clear()
        self.settle(self.core.close(self.now))
        self.open()

    def entries(self) -> list[Entry]:
        entries: list[Entry] = [(record, partial(self.told, record)) for record in self.batch]
        self.batch.clear()
        return entries

    def told(self, record: Record, error: StoreError | None) -> None:
        assert error is None or isinstance(record, Accepted)
        if error is None:
            self.model.apply(record)

    def settle(self, settled: Settled) -> None:
        for on_commit, error in settled.answers:
            on_commit(error)

    @invariant()
    def answers_agree(self) -> None:
        model = self.model
        with closing(self.file.reader()) as reader:
            for account in ACCOUNTS:
                for sender in ("", *NUMBERS):
                    expected = [
                        found
                        for found in reversed(model.stored())
                        if found.message.account_sid == account
                        and sender in ("", found.message.sender)
                    ]
                    where = MessageFilter(sender=sender)
                    assert reader.list(account, where, 1_000, None) == expected
            for found in model.stored():
                assert reader.fetch(found.message.account_sid, found.message.id) == found
            assert list(reader.load_open()) == model.open()
            assert list(reader.load_unnotified()) == model.unnotified()
            assert {
                (word.account_sid, word.sender, word.recipient): word
                for word in reader.load_opt_outs()
            } == model.opt_outs
            assert reader.unmatched_receipts(1_000) == model.receipts[::-1]
            assert reader.last_id() == max(model.messages, default=0)

    def teardown(self) -> None:
        self.file.close()
        self.disk.unregister()
        self.directory.cleanup()


TestStoreAgainstModel = StoreAgainstModel.TestCase
TestStoreAgainstModel.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
