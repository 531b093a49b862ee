"""The journal moves messages by the table, into the store, to the bus."""

import asyncio
from typing import Any

import pytest

from gateway.clock import Clock
from gateway.errors import StoreError
from gateway.events import EventBus, StatusEvent
from gateway.message import FINAL, TRANSITIONS, Direction, Message, Origin, Receipts, Status
from gateway.messaging.journal import Journal, event_of, listener_of
from gateway.messaging.open_message import OpenMessage
from gateway.store.interface import (
    Accepted,
    Attempt,
    AttemptOutcome,
    Listener,
    Released,
    StoredMessage,
    Transition,
)
from tests.messaging.ledger import Ledger
from tests.store.builders import NOON, a_message, became, delivered, sent
from tests.support.virtual_time import virtual_time

WALL = 1_700_000_000.0
URL = "https://hooks.example.com/status"
PAIRS = [(status, then) for status in Status for then in Status]


class Book:
    """A journal on a ledger, and what the bus told."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.ledger.held = True
        self.clock = Clock(asyncio.get_running_loop().time, WALL)
        self.told: list[StatusEvent] = []
        bus = EventBus()
        bus.subscribe(self.told.append)
        self.journal = Journal(self.ledger, self.clock, bus, 600.0)

    def accept(self, message: Message) -> OpenMessage:
        found: list[OpenMessage | None] = []
        self.journal.accept(message, found.append)
        self.ledger.commit()
        (opened,) = found
        assert opened
        return opened

    def at(self, status: Status, **changes: Any) -> OpenMessage:
        """A message that stands somewhere."""
        opened = self.accept(a_message(**changes))
        opened.status = status
        return opened

    @property
    def statuses(self) -> list[Status]:
        return [event.status for event in self.told]


# Accepting


@virtual_time
async def test_a_message_is_under_way_once_it_is_durable_and_not_before() -> None:
    book, found = Book(), list[OpenMessage | None]()
    book.journal.accept(a_message(), found.append)
    assert (found, len(book.journal)) == ([], 0)
    book.ledger.commit()
    assert book.journal.find(1) is found[0]


@virtual_time
async def test_a_message_that_cannot_be_stored_is_not_accepted() -> None:
    book, found = Book(), list[OpenMessage | None]()
    book.journal.accept(a_message(), found.append)
    book.ledger.fail()
    assert (found, len(book.journal)) == ([None], 0)


@virtual_time
async def test_a_store_that_is_down_refuses_at_the_call() -> None:
    book = Book()
    book.ledger.accepting = False
    with pytest.raises(StoreError):
        book.journal.accept(a_message(), lambda opened: None)


@virtual_time
async def test_a_message_is_stored_with_the_key_under_which_it_was_asked_for() -> None:
    book = Book()
    book.journal.accept(a_message(), lambda opened: None, b"k" * 16, b"f" * 16)
    book.ledger.commit()
    assert book.ledger.records == [Accepted(a_message(), b"k" * 16, b"f" * 16)]


# Moving


@pytest.mark.parametrize(("status", "then"), PAIRS)
def test_messages_move_by_the_table_and_no_other_way(status: Status, then: Status) -> None:
    @virtual_time
    async def walk() -> None:
        book = Book()
        opened = book.at(status)
        if then not in TRANSITIONS[status]:
            with pytest.raises(AssertionError):
                book.journal.advance(opened, then)
            return
        book.journal.advance(opened, then)
        book.ledger.commit()
        assert (opened.status, book.statuses) == (then, [then])
        assert book.ledger.statuses(opened.message) == [then]
        assert (book.journal.find(opened.message.id) is None) is (then in FINAL)

    walk()


@virtual_time
async def test_nobody_hears_of_a_status_before_it_is_durable() -> None:
    book = Book()
    book.journal.advance(book.at(Status.QUEUED), Status.FAILED)
    assert book.told == []
    book.ledger.commit()
    assert book.statuses == [Status.FAILED]


@virtual_time
async def test_a_status_that_was_never_stored_is_told_to_nobody_but_its_author() -> None:
    book, answers = Book(), list[StoreError | None]()
    book.journal.advance(book.at(Status.QUEUED), Status.FAILED, on_commit=answers.append)
    book.ledger.fail()
    assert book.told == []
    assert [type(answer) for answer in answers] == [StoreError]


@virtual_time
async def test_the_author_hears_last() -> None:
    book, seen = Book(), []
    book.journal.advance(
        book.at(Status.QUEUED), Status.FAILED, on_commit=lambda error: seen.extend(book.statuses)
    )
    book.ledger.commit()
    assert seen == [Status.FAILED]


@virtual_time
async def test_transitions_count_from_one() -> None:
    book = Book()
    opened = book.at(Status.QUEUED)
    for status in (Status.SENDING, Status.SENT, Status.DELIVERED):
        book.journal.advance(opened, status)
    book.ledger.commit()
    assert [step.number for step in book.ledger.transitions] == [1, 2, 3]
    assert [event.number for event in book.told] == [1, 2, 3]


@virtual_time
async def test_everything_about_a_transition_is_stored_and_told() -> None:
    book = Book()
    opened = book.at(Status.SENT, status_callback=URL)
    await asyncio.sleep(7)
    book.journal.advance(
        opened, Status.UNDELIVERED, 30005, "alpha/1", "4a5b", "2311142213", "UNDELIV", "001"
    )
    book.ledger.commit()
    assert book.ledger.transitions == [
        Transition(
            1, 1, Status.UNDELIVERED, WALL + 7, 0, 30005, "alpha/1", "4a5b", "2311142213",
            "UNDELIV", "001", Listener.WEBHOOK,
        )
    ]  # fmt: skip
    assert book.told == [
        StatusEvent(
            opened.message, 1, Status.UNDELIVERED, WALL + 7, 30005, "alpha/1", "2311142213",
            "UNDELIV", "001",
        )
    ]  # fmt: skip


@virtual_time
async def test_a_part_is_stored_and_told_to_nobody() -> None:
    book = Book()
    opened = book.at(Status.SENDING, segments=2)
    answers: list[StoreError | None] = []
    book.journal.note_part(opened, 2, Status.SENT, "alpha/1", "4a5b", on_commit=answers.append)
    book.ledger.commit()
    assert book.ledger.transitions == [
        Transition(1, 1, Status.SENT, WALL, 2, bind="alpha/1", carrier_id="4a5b")
    ]
    assert (book.told, answers, opened.status) == ([], [None], Status.SENDING)


@virtual_time
async def test_a_message_without_receipts_is_let_go_for_good() -> None:
    book = Book()
    opened = book.at(Status.SENT)
    book.journal.release(opened)
    book.journal.release(opened)
    book.ledger.commit()
    assert (len(book.journal), opened.status) == (0, Status.SENT)
    assert book.ledger.records[1:] == [Released(1)]


@virtual_time
async def test_it_is_known_which_transition_is_durable() -> None:
    book = Book()
    opened = book.at(Status.SENDING, segments=2)
    book.journal.note_part(opened, 1, Status.SENT, "alpha/1", "a")
    book.ledger.commit()
    book.journal.advance(opened, Status.SENT)
    assert (opened.number, opened.durable) == (2, 1)
    book.ledger.commit()
    assert opened.durable == 2


@virtual_time
async def test_a_transition_that_was_never_stored_is_not_durable() -> None:
    book = Book()
    opened = book.at(Status.QUEUED)
    book.journal.advance(opened, Status.SENDING)
    book.ledger.fail()
    assert (opened.number, opened.durable) == (1, 0)


@virtual_time
async def test_a_message_is_taken_by_a_carrier_with_its_first_part() -> None:
    book = Book()
    opened = book.at(Status.SENDING, segments=2)
    for seconds in (7, 11):
        await asyncio.sleep(seconds)
        book.journal.note_part(opened, 1, Status.SENT, "alpha/1")
    book.journal.advance(opened, Status.SENT)
    assert opened.taken_at == WALL + 7


# Attempts, and what is in doubt


@virtual_time
async def test_an_attempt_is_stored_and_told_to_nobody() -> None:
    book, answers = Book(), list[StoreError | None]()
    opened = book.at(Status.SENDING)
    book.journal.attempt(opened, 1, AttemptOutcome.REFUSED, "alpha/1", 0x58, answers.append)
    assert answers == []
    book.ledger.commit()
    assert book.ledger.attempts == [Attempt(1, 1, WALL, AttemptOutcome.REFUSED, "alpha/1", 0x58)]
    assert (book.told, answers, opened.number) == ([], [None], 0)


def written(book: Book, segments: int = 1) -> OpenMessage:
    opened = book.at(Status.SENDING, segments=segments)
    for part in range(1, segments + 1):
        book.journal.attempt(opened, part, AttemptOutcome.WRITTEN, "alpha/1")
    return opened


@pytest.mark.parametrize("outcome", AttemptOutcome)
def test_a_part_is_in_doubt_until_its_carrier_says_that_it_has_not_taken_it(
    outcome: AttemptOutcome,
) -> None:
    @virtual_time
    async def doubted() -> None:
        book = Book()
        opened = written(book)
        book.journal.attempt(opened, 1, outcome, "alpha/1")
        assert len(book.journal.doubts) == (outcome is not AttemptOutcome.REFUSED)

    doubted()


@virtual_time
async def test_a_part_that_a_carrier_has_taken_is_in_doubt_no_more() -> None:
    book = Book()
    opened = written(book, segments=2)
    book.journal.note_part(opened, 2, Status.SENT, "alpha/1")
    assert len(book.journal.doubts) == 1


@pytest.mark.parametrize(("status", "strays"), [(Status.SENT, 0), (Status.FAILED, 2)])
def test_no_answer_is_missed_of_a_message_that_was_sent_or_has_ended(
    status: Status, strays: int
) -> None:
    @virtual_time
    async def certain() -> None:
        book = Book()
        book.journal.advance(written(book, segments=2), status)
        assert (len(book.journal.doubts), len(book.journal.doubts.strays)) == (0, strays)

    certain()


@virtual_time
async def test_of_a_message_that_has_ended_the_answers_are_awaited_that_can_still_come() -> None:
    book = Book()
    opened = written(book, segments=2)
    opened.in_flight = 1
    book.journal.advance(opened, Status.FAILED)
    assert (len(book.journal.doubts), len(book.journal.doubts.strays)) == (2, 0)
    book.journal.doubts.discard(opened, 1)
    opened.in_flight = 0
    book.journal.end_doubts(opened)
    assert (len(book.journal.doubts), len(book.journal.doubts.strays)) == (0, 1)


@virtual_time
async def test_doubts_about_a_message_under_way_are_kept() -> None:
    book = Book()
    book.journal.end_doubts(written(book))
    assert len(book.journal.doubts) == 1


# Set aside, and taken up again


@virtual_time
async def test_a_message_that_is_set_aside_is_not_under_way_here() -> None:
    book = Book()
    opened = book.at(Status.QUEUED)
    book.journal.set_aside(opened)
    book.ledger.commit()
    assert (len(book.journal), book.ledger.records) == (0, [Accepted(opened.message)])


@pytest.mark.parametrize(("scheduled", "number"), [(False, 0), (True, 1)])
def test_a_message_that_is_taken_up_goes_on_in_its_queue(scheduled: bool, number: int) -> None:
    @virtual_time
    async def taken_up() -> None:
        book = Book()
        message = a_message(send_at=NOON if scheduled else 0.0)
        opened = book.journal.take_up(message, scheduled)
        assert book.journal.find(1) is opened
        assert (opened.status, opened.number, opened.durable) == (Status.QUEUED, number, number)

    taken_up()


@virtual_time
async def test_the_event_of_a_transition_is_the_one_that_was_told() -> None:
    book = Book()
    opened = book.at(Status.SENT)
    book.journal.advance(
        opened, Status.UNDELIVERED, 30005, "alpha/1", "4a5b", "2311142213", "UNDELIV", "001"
    )
    book.ledger.commit()
    assert [event_of(opened.message, step) for step in book.ledger.transitions] == book.told


# Leaving the queue and coming back


@virtual_time
async def test_sending_is_told_to_whoever_asked_for_callbacks() -> None:
    book = Book()
    opened = book.at(Status.QUEUED, status_callback=URL)
    book.journal.begin(opened)
    book.ledger.commit()
    assert book.statuses == [Status.SENDING]


@virtual_time
async def test_sending_is_not_stored_where_nobody_asked() -> None:
    book = Book()
    opened = book.at(Status.QUEUED)
    book.journal.begin(opened)
    book.ledger.commit()
    assert (opened.status, book.ledger.transitions) == (Status.SENDING, [])


@virtual_time
async def test_sending_is_told_once_however_often_it_is_tried() -> None:
    book = Book()
    opened = book.at(Status.QUEUED, status_callback=URL)
    for _ in range(3):
        book.journal.begin(opened)
        opened.attempts += 1
        book.journal.requeue(opened)
    book.ledger.commit()
    assert (book.statuses, opened.status) == ([Status.SENDING], Status.QUEUED)


@pytest.mark.parametrize("seen", ["sent", "in_flight", "in_doubt"])
def test_what_a_carrier_may_have_a_part_of_stays_in_sending(seen: str) -> None:
    @virtual_time
    async def requeue() -> None:
        book = Book()
        opened = book.at(Status.SENDING, segments=2)
        setattr(opened, seen, 1)
        book.journal.requeue(opened)
        assert opened.status is Status.SENDING

    requeue()


@virtual_time
async def test_the_second_part_of_a_message_begins_nothing() -> None:
    book = Book()
    opened = book.at(Status.SENDING, status_callback=URL)
    book.journal.begin(opened)
    book.ledger.commit()
    assert book.told == []


# Inbound


def an_inbound(**changes: Any) -> Message:
    return a_message(
        direction=Direction.INBOUND, origin=Origin.CARRIER, carrier="alpha/1", **changes
    )


@virtual_time
async def test_an_inbound_message_is_durable_with_its_one_transition() -> None:
    book, received = Book(), list[tuple[Message, Transition | None]]()
    message = an_inbound()
    book.journal.receive(message, lambda *both: received.append(both))
    assert (received, book.told) == ([], [])
    book.ledger.commit()
    step = Transition(
        1, 1, Status.RECEIVED, message.accepted_at, bind="alpha/1", listener=Listener.ESME
    )
    assert book.ledger.records == [Accepted(message), step]
    assert received == [(message, step)]
    assert book.statuses == [Status.RECEIVED]
    assert len(book.journal) == 0


@virtual_time
async def test_an_inbound_message_that_is_not_stored_is_not_received() -> None:
    book, received = Book(), list[tuple[Message, Transition | None]]()
    message = an_inbound()
    book.journal.receive(message, lambda *both: received.append(both))
    book.ledger.fail()
    assert (received, book.told) == ([(message, None)], [])


@virtual_time
async def test_an_inbound_message_counts_as_a_whole() -> None:
    """The message is refused, and what is said of it is stored by mistake."""
    book, received = Book(), list[tuple[Message, Transition | None]]()
    book.ledger.held = True
    append, appended = book.ledger.append, []

    def split(record: Any, on_commit: Any = None) -> None:
        append(record, on_commit)
        appended.append(record)
        if isinstance(record, Accepted):
            book.ledger.fail()

    book.ledger.append = split  # type: ignore[method-assign]  # the store's own trouble
    book.journal.receive(an_inbound(), lambda *both: received.append(both))
    book.ledger.commit()
    assert [step for _, step in received] == [None]
    assert book.told == []


# Who is to be told


@pytest.mark.parametrize(
    ("changes", "status", "listener"),
    [
        ({}, Status.DELIVERED, Listener.NONE),
        ({"status_callback": URL}, Status.SENT, Listener.WEBHOOK),
        ({"status_callback": URL, "origin": Origin.SMPP}, Status.FAILED, Listener.WEBHOOK),
        ({"origin": Origin.SMPP}, Status.DELIVERED, Listener.NONE),
        ({"origin": Origin.SMPP, "receipts": Receipts.ALL}, Status.SENT, Listener.NONE),
        ({"origin": Origin.SMPP, "receipts": Receipts.ALL}, Status.DELIVERED, Listener.ESME),
        ({"origin": Origin.SMPP, "receipts": Receipts.ALL}, Status.FAILED, Listener.ESME),
        ({"origin": Origin.SMPP, "receipts": Receipts.FAILURE}, Status.DELIVERED, Listener.NONE),
        ({"origin": Origin.SMPP, "receipts": Receipts.FAILURE}, Status.UNDELIVERED, Listener.ESME),
        ({"origin": Origin.REST, "receipts": Receipts.ALL}, Status.DELIVERED, Listener.NONE),
        ({"direction": Direction.INBOUND}, Status.RECEIVED, Listener.ESME),
        (
            {"direction": Direction.INBOUND, "status_callback": URL},
            Status.RECEIVED,
            Listener.WEBHOOK,
        ),
    ],
)
def test_rcp_5_who_is_told_follows_from_who_sent_and_what_he_asked_for(
    changes: dict[str, Any], status: Status, listener: Listener
) -> None:
    """Who asked for failures only hears of no success."""
    assert listener_of(a_message(**changes), status) is listener


# After a restart


@virtual_time
async def test_a_message_of_an_earlier_run_goes_on_with_its_numbers() -> None:
    book = Book()
    steps = (became(1, 1, Status.SENDING), became(1, 2, Status.SENT, bind="alpha/1"))
    opened = book.journal.restore(StoredMessage(a_message(), steps))
    assert book.journal.find(1) is opened
    book.journal.advance(opened, Status.DELIVERED)
    book.ledger.commit()
    assert [step.number for step in book.ledger.transitions] == [3]


@virtual_time
async def test_a_message_whose_parts_were_all_sent_is_sent() -> None:
    """The gateway stopped after it had stored the last part, and before the message."""
    book = Book()
    steps = tuple(
        became(1, part, Status.SENT, part=part, bind="alpha/1", carrier_id=str(part))
        for part in (1, 2)
    )
    opened = book.journal.restore(StoredMessage(a_message(segments=2), steps))
    book.ledger.commit()
    assert opened.status is Status.SENT
    assert [(step.number, step.bind) for step in book.ledger.transitions] == [(3, "alpha/1")]


@virtual_time
async def test_a_message_that_was_sent_is_not_sent_twice() -> None:
    book = Book()
    book.journal.restore(StoredMessage(a_message(), (became(1, 1, Status.SENT),)))
    book.ledger.commit()
    assert book.ledger.records == []


@virtual_time
async def test_a_message_that_has_ended_is_not_under_way_again() -> None:
    """A receipt of another of its parts has come."""
    book = Book()
    opened = book.journal.restore(StoredMessage(a_message(segments=2), (sent(), delivered())))
    assert (opened.status, len(book.journal)) == (Status.DELIVERED, 0)


@pytest.mark.parametrize(
    ("outcome", "doubts"),
    [
        (AttemptOutcome.WRITTEN, 1),
        (AttemptOutcome.REFUSED, 0),
        (AttemptOutcome.LOST, 1),
        (AttemptOutcome.UNANSWERED, 1),
        (AttemptOutcome.RESENT, 1),
        (AttemptOutcome.HELD, 1),
    ],
)
def test_a_restart_knows_what_may_be_at_a_carrier(outcome: AttemptOutcome, doubts: int) -> None:
    @virtual_time
    async def restored() -> None:
        book = Book()
        attempts = tuple(
            Attempt(1, 1, NOON, each, "alpha/1") for each in (AttemptOutcome.WRITTEN, outcome)
        )
        book.journal.restore(StoredMessage(a_message(), (), attempts))
        assert len(book.journal.doubts) == doubts

    restored()


@virtual_time
async def test_a_message_that_has_ended_awaits_no_answer_when_it_is_read_again() -> None:
    """A receipt of another of its parts has come."""
    book = Book()
    steps = (became(1, 1, Status.SENT, part=1), became(1, 2, Status.FAILED))
    attempts = tuple(Attempt(1, part, NOON, AttemptOutcome.WRITTEN, "alpha/1") for part in (1, 2))
    book.journal.restore(StoredMessage(a_message(segments=2), steps, attempts))
    assert len(book.journal.doubts) == 0


@virtual_time
async def test_a_start_knows_the_copies_that_were_never_answered() -> None:
    book = Book()
    attempts = tuple(
        Attempt(1, 1, WALL - 10, outcome, "alpha/1")
        for outcome in (AttemptOutcome.WRITTEN, AttemptOutcome.LOST, AttemptOutcome.WRITTEN)
    )
    book.journal.restore_strays(StoredMessage(a_message(), (), attempts))
    assert (len(book.journal.doubts), len(book.journal.doubts.strays)) == (0, 1)
