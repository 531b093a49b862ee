"""One life of a store on a simulated disk: from its opening to the power cut, without threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from random import Random

from msgspec import structs

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.message import Direction, Status
from gateway.store.data_directory import DataDirectory
from gateway.store.group_commit import Entry, GroupCommit, Settled
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
    SentMessage,
    StoredMessage,
    Transition,
    WaitingMessage,
)
from gateway.store.limits import StoreLimits
from gateway.store.read_connections import ReadConnections
from gateway.store.recovery import Recovery
from gateway.store.store_files import StoreFiles
from gateway.store.store_reader import StoreReader
from gateway.store.upkeep import Upkeep
from tests.store.builders import ACCOUNT, NOON, a_message
from tests.store.power_cut_model import Facts, Found, Model, expect
from tests.store.simulated_disk import SimulatedDisk

SEGMENT_S = 60.0
LIMITS = StoreLimits(
    free_bytes_min=0,
    segment_s=SEGMENT_S,
    retention_s=4 * SEGMENT_S,
    key_window_s=4 * SEGMENT_S,
    stream=True,
)
# A segment is about 120 kB, so that the oldest is dropped long before its time.
CROWDED = replace(LIMITS, segment_s=SEGMENT_S / 6, bytes_max=250_000)
ALL = 10_000
BATCH = 6
RECIPIENTS = ("+15550001", "+15550002")
BIND = "alpha/1"


class Life:
    """`model` is what earlier lives have left; `now` goes on in the next one."""

    def __init__(
        self, disk: SimulatedDisk, model: Model, chance: Random, limits: StoreLimits, now: float
    ) -> None:
        self.now = now
        self._limits = limits
        self._disk = disk
        self._model = model
        self._chance = chance
        self._clock = Clock(lambda: self.now, NOON + now)
        self._directory = DataDirectory.claim(disk.root)
        self._files = StoreFiles(self._directory, limits, self._clock, vfs=disk.name)
        self._connections = ReadConnections(disk.root, disk.name)
        self._reader = StoreReader(self._connections, lambda: self._files.segments)
        self._core: GroupCommit
        self._upkeep: Upkeep

    def open(self) -> None:
        """Raises StoreError."""
        self._files.open()
        self._core = GroupCommit(self._files, lambda: 0, self._limits, lambda: self.now)
        self._upkeep = Upkeep(self._files, self._limits, self._clock, None, self._disk.name)

    def close(self) -> None:
        self._connections.close()
        self._files.close()
        self._files.release()
        self._directory.release()

    # What happens

    def run(self, turns: int) -> None:
        """Live until the power fails, or for so many turns."""
        for _ in range(turns):
            act = self._chance.choices(
                (self._commit, self._core.tidy, self._pass_time, self._keep_up),
                (6, 2, 2, 1),
            )[0]
            act()
            self._recover()
            if self._disk.is_cut:
                return

    def end(self) -> None:
        """Close in good order."""
        self._settle(self._core.close())

    def _commit(self) -> None:
        entries: list[Entry] = []
        for _ in range(self._chance.randint(1, BATCH)):
            record = self._record()
            if record is not None:
                self._model.given(record)
                entries.append((record, partial(self._model.told, record)))
        if entries:
            self._settle(self._core.commit(entries))

    def _pass_time(self) -> None:
        self.now += self._chance.uniform(0.0, SEGMENT_S)

    def _keep_up(self) -> None:
        """The upkeep's writes, with commits between them. After each we look which messages are
        left, for nobody writes of one that is no more.

        Raises:
            Violation: something was dropped that should have been kept.
        """
        try:
            for chore in self._upkeep.work():
                if self._chance.random() < 0.3:
                    self._commit()
                    self._recover()
                self._core.do(chore)
                if self._core.writable:
                    self._glance()
        except StoreError:
            self._upkeep.put_off()

    def _recover(self) -> None:
        """Wait for the store, where it is down and can come back."""
        while not self._core.writable and not self._disk.is_cut:
            self.now += 10.0
            self._settle(self._core.handle_timer())
            if self._core.writable:
                self._model.recovered()

    def _settle(self, settled: Settled) -> None:
        for on_commit, error in settled.answers:
            on_commit(error)

    # What is written

    def _record(self) -> Record | None:
        """A record that makes sense now; None where this kind does not."""
        known = [facts for facts in self._model.known.values() if not facts.maybe]
        facts = self._chance.choice(known) if known else None
        if facts is None or self._chance.random() < 0.3:
            return self._accepted()
        kinds: list[Callable[[Facts], Record | None]] = [
            self._transition,
            self._transition,
            self._transition,
            self._notified,
            self._notified,
            self._attempt,
            self._replay,
            self._replace,
            self._forget,
            self._opt_out,
            self._cursor,
        ]
        return self._chance.choice(kinds)(facts)

    def _accepted(self) -> Accepted:
        message_id = 1 + max(
            [self._files.last_id, *self._model.known, *self._model.maybe, *self._model.gone]
        )
        direction = self._chance.choice((*[Direction.OUTBOUND_API] * 4, Direction.INBOUND))
        message = a_message(
            message_id,
            direction=direction,
            accepted_at=self._clock.now(),
            body=f"text {message_id} " * self._chance.randint(1, 100),
        )
        keyed = self._chance.random() < 0.5
        return Accepted(message, key_of(message_id) if keyed else b"", bytes(16 * keyed))

    def _transition(self, facts: Facts) -> Transition | None:
        if not facts.open:
            return None
        status = self._chance.choice((Status.SENT, Status.SENT, Status.DELIVERED, Status.FAILED))
        return Transition(
            facts.message.id,
            facts.next_number,
            status,
            self._clock.now(),
            bind=BIND,
            listener=self._chance.choice(list(Listener)),
        )

    def _attempt(self, facts: Facts) -> Attempt | None:
        if not facts.open:
            return None
        outcome = self._chance.choice(list(AttemptOutcome))
        return Attempt(facts.message.id, 1, self._clock.now(), outcome, BIND)

    def _notified(self, facts: Facts) -> Notified | None:
        if not facts.owed:
            return None
        key = min(facts.owed)
        return Notified(key.message_id, key.number, self._clock.now(), "ok", key.round)

    def _replay(self, facts: Facts) -> Replay | None:
        if not facts.notified:
            return None
        last = max(facts.notified)
        if any(key.number == last.number and key.round > last.round for key in facts.replays):
            return None
        return Replay(last.message_id, last.number, last.round + 1, self._clock.now())

    def _replace(self, facts: Facts) -> Replaced | None:
        if not facts.open:
            return None
        body = f"other text of {facts.message.id}, {self.now} " * self._chance.randint(1, 100)
        return Replaced(structs.replace(facts.message, body=body))

    def _forget(self, facts: Facts) -> Record | None:
        if facts.open:
            sent = any(step.status is Status.SENT for step in facts.steps.values())
            return Released(facts.message.id) if sent else None
        if facts.owed:
            return None
        return self._chance.choice((Redacted, Deleted))(facts.message.id)

    def _opt_out(self, facts: Facts) -> OptOut:
        recipient = self._chance.choice(RECIPIENTS)
        opted_out = self._chance.random() < 0.5
        return OptOut(ACCOUNT, "55501", recipient, self._clock.now(), opted_out)

    def _cursor(self, facts: Facts) -> Cursor | None:
        end = self._files.stream_end
        if self._model.maybe_cursors or self._model.cursors.get("sink", (0, 0)) > end:
            return None
        return Cursor("sink", end.segment, end.batch, self._clock.now())

    # What is there

    def _glance(self) -> None:
        """Find out which messages have been dropped."""
        left = self._reader.ask(StoreReader.messages, list(self._model.known))
        self._model.check_left({message.id for message in left})

    def look(self) -> None:
        """Ask the store for everything, and hold it against the model.

        Raises:
            Violation: something is there that should not be, or the other way round.
            StoreError: it cannot be read.
        """
        files, model, reader = self._files, self._model, self._reader
        wanted = [*model.known, *model.maybe, *model.gone]
        recovery = Recovery(self._disk.root, lambda: files.segments, files.last_id, self._disk.name)
        listed = reader.ask(StoreReader.page, ACCOUNT, MessageFilter(), ALL, None)
        found = Found(
            {each.message.id: each for each in reader.ask(StoreReader.stored, wanted)},
            {each.message.id for each in listed},
            {id_of(each) for each in recovery.load_open()},
            {
                OwedKey(each.message.id, each.transition.number, each.round)
                for each in recovery.load_owed()
            },
            {each.recipient: each.opted_out for each in recovery.load_opt_outs()},
            recovery.load_cursors(),
            files.last_id,
        )
        model.check(found)
        self._check_keys()

    def _check_keys(self) -> None:
        model = self._model

        def find(message_id: int) -> int | None:
            key = key_of(message_id)
            seen = self._files.find_key(key)
            if seen and self._reader.ask(StoreReader.knows, seen.message_id, key):
                return seen.message_id
            return None

        since = self._clock.now() - self._limits.key_window_s
        for message_id, accepted_at in model.keyed.items():
            if accepted_at > since:
                expect(find(message_id) == message_id, f"the key of {message_id} is lost")
        for message_id, reason in model.gone.items():
            if "refused" in reason:
                expect(
                    find(message_id) is None, f"the key of {message_id}, which {reason}, is taken"
                )


def key_of(message_id: int) -> bytes:
    return blake2b(b"%d" % message_id, digest_size=16).digest()


def id_of(under_way: WaitingMessage | SentMessage | StoredMessage) -> int:
    return under_way.message.id if isinstance(under_way, StoredMessage) else under_way.id
