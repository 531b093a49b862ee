"""Questions whose answers stand in several files."""

import logging
from pathlib import Path

import apsw
import pytest

from gateway.clock import message_sid
from gateway.errors import StoreError
from gateway.message import Status
from gateway.store import read_connections
from gateway.store.interface import (
    AttemptOutcome,
    GivenUp,
    MessageFilter,
    Owed,
    OwedKey,
    StoredMessage,
    StreamEvent,
    StreamPosition,
    Timeline,
)
from gateway.store.read_connections import ReadConnections
from gateway.store.segment import ID_MAX
from gateway.store.store_reader import StoreReader
from gateway.store.stream_reader import stream_page
from tests.store.builders import (
    NOON,
    OTHER_ACCOUNT,
    a_message,
    accepted,
    attempted,
    became,
    delivered,
    finished,
    given_up,
    notified,
    replayed,
    sent,
)
from tests.store.open_store import OpenStore

ALL = OwedKey(ID_MAX, 0)


def given_up_keys(store: OpenStore, account_sid: str = "") -> list[OwedKey]:
    found, _ = store.ask(StoreReader.given_up, account_sid, ALL)
    return [OwedKey(each.message.id, each.notified.number, each.notified.round) for each in found]


def damage(store: OpenStore, message_id: int, blob: bytes = b"\xc1") -> None:
    connection = apsw.Connection(str(store.path / "segment-00000001.db"))
    connection.execute("UPDATE job SET message = ? WHERE id = ?", (blob, message_id))
    connection.close()


def test_a_message_is_not_shown_to_another_account(store: OpenStore) -> None:
    store.write(accepted())
    assert store.fetch(1, OTHER_ACCOUNT) is None


def test_a_message_is_fetched_with_what_later_segments_say(store: OpenStore) -> None:
    store.write(accepted(), sent())
    store.summarise()
    store.write(accepted(2))
    store.summarise()
    store.write(delivered())
    assert store.fetch() == StoredMessage(a_message(), (sent(), delivered()))


def test_the_list_is_newest_first_and_pages_backwards(store: OpenStore) -> None:
    store.write(*(accepted(message_id) for message_id in range(1, 6)))
    assert store.listed() == [5, 4, 3, 2, 1]
    assert store.listed(limit=2, before=4) == [3, 2]


def test_the_list_goes_on_in_older_segments_and_ends_with_what_was_carried(
    store: OpenStore,
) -> None:
    store.write(accepted(1), *finished(2), accepted(3))
    store.drop_all()
    store.write(accepted(4), accepted(5))
    store.roll()
    store.write(accepted(6))
    assert store.listed() == [6, 5, 4, 3, 1]
    assert store.listed(limit=3, before=6) == [5, 4, 3]


@pytest.mark.parametrize(
    ("where", "found"),
    [
        (MessageFilter(sender="55501"), [3, 1]),
        (MessageFilter(recipient="+15550003"), [3]),
        (MessageFilter(sender="55501", recipient="+15550002"), []),
        (MessageFilter(since=NOON + 2), [3, 2]),
        (MessageFilter(until=NOON + 2), [1]),
    ],
)
def test_the_list_is_filtered(store: OpenStore, where: MessageFilter, found: list[int]) -> None:
    store.write(
        accepted(1, sender="55501", recipient="+15550001"),
        accepted(2, recipient="+15550002"),
    )
    store.roll()
    store.write(accepted(3, sender="55501", recipient="+15550003"))
    assert store.listed(where) == found


def test_messages_come_in_the_order_of_the_ids_that_were_asked_for(store: OpenStore) -> None:
    store.write(accepted(1), accepted(2))
    store.roll()
    store.write(accepted(3))
    found = store.ask(StoreReader.messages, [3, 1, 99, 2])
    assert [message.id for message in found] == [3, 1, 2]


def test_debts_come_in_the_order_of_the_keys_that_were_asked_for(store: OpenStore) -> None:
    store.write(accepted(1), sent(1), accepted(2))
    store.roll()
    store.write(sent(2), delivered(1))
    keys = [OwedKey(2, 1), OwedKey(1, 2, 3), OwedKey(1, 9), OwedKey(9, 1)]
    assert store.ask(StoreReader.owed, keys) == [
        Owed(a_message(2), sent(2)),
        Owed(a_message(1), delivered(1), 3),
    ]


def test_a_timeline_has_everything_in_order(store: OpenStore) -> None:
    store.write(accepted(), attempted(), sent(), given_up())
    store.roll()
    store.write(replayed(), notified(1, 2), delivered(), attempted(1, AttemptOutcome.LOST))
    store.write(given_up(1, 1, round=1))
    assert store.ask(StoreReader.timeline, 1) == Timeline(
        StoredMessage(
            a_message(),
            (sent(), delivered()),
            (attempted(), attempted(1, AttemptOutcome.LOST)),
        ),
        (given_up(), given_up(1, 1, round=1), notified(1, 2)),
        (replayed(),),
    )


def test_there_is_no_timeline_of_what_is_not_there(store: OpenStore) -> None:
    assert store.ask(StoreReader.timeline, 1) is None


def test_an_attempt_that_is_there_twice_is_told_once(store: OpenStore) -> None:
    store.write(accepted(), attempted(), attempted(1, AttemptOutcome.LOST), attempted())
    assert store.stored() == StoredMessage(
        a_message(), (), (attempted(), attempted(1, AttemptOutcome.LOST))
    )


def test_what_was_given_up_comes_newest_message_first(store: OpenStore) -> None:
    store.write(accepted(1), sent(1), given_up(1), accepted(2), sent(2))
    store.roll()
    store.write(accepted(3), sent(3), given_up(3), delivered(2), given_up(2, 2), notified(2, 1))
    assert given_up_keys(store) == [OwedKey(3, 1), OwedKey(2, 2), OwedKey(1, 1)]


def test_what_was_given_up_comes_with_message_and_transition(store: OpenStore) -> None:
    store.write(accepted(), sent())
    store.roll()
    store.write(given_up())
    found, then = store.ask(StoreReader.given_up, "", ALL)
    assert found == [GivenUp(a_message(), sent(), given_up())]
    assert then is None


def test_what_was_replayed_is_no_longer_given_up(store: OpenStore) -> None:
    store.write(accepted(), sent(), given_up())
    store.roll()
    store.write(replayed())
    assert given_up_keys(store) == []


def test_what_was_given_up_again_after_its_replay_is_given_up(store: OpenStore) -> None:
    store.write(accepted(), sent(), given_up(), replayed(), given_up(1, 1, round=1))
    assert given_up_keys(store) == [OwedKey(1, 1, 1)]


def test_what_was_given_up_is_told_to_its_account_only(store: OpenStore) -> None:
    store.write(accepted(1), sent(1), given_up(1))
    store.write(accepted(2, account_sid=OTHER_ACCOUNT), sent(2), given_up(2))
    assert given_up_keys(store, OTHER_ACCOUNT) == [OwedKey(2, 1)]


def test_what_was_given_up_of_messages_that_are_no_more_is_left_out(store: OpenStore) -> None:
    store.write(*finished(1))
    store.roll()
    store.write(given_up(1, 3), accepted(2))
    store.drop_all()
    assert given_up_keys(store) == []


def test_what_was_given_up_is_looked_at_page_by_page(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.store_reader.GIVEN_UP_PAGE", 2)
    for message_id in range(1, 4):
        store.write(accepted(message_id), sent(message_id), given_up(message_id))
    found, then = store.ask(StoreReader.given_up, "", ALL)
    assert [each.message.id for each in found] == [3, 2]
    assert then == OwedKey(2, 1)
    found, then = store.ask(StoreReader.given_up, "", then)
    assert [each.message.id for each in found] == [1]
    assert then is None


def test_segments_that_say_nothing_of_a_message_are_not_asked(store: OpenStore) -> None:
    store.write(accepted(1), became(1, 1, Status.FAILED))
    store.roll()
    store.write(accepted(2))
    store.roll()
    store.write(accepted(3))
    store.fetch()
    store.connections.close()
    (store.path / "segment-00000002.db").unlink()
    assert store.fetch() is not None


def test_few_files_are_open_at_a_time(store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_connections, "CONNECTIONS_MAX", 2)
    for message_id in range(1, 5):
        store.write(accepted(message_id))
        store.roll()
    assert store.listed() == [4, 3, 2, 1]
    assert len(store.connections._connections) == 2


def test_a_segment_that_is_dropped_while_it_is_read_is_no_error(store: OpenStore) -> None:
    store.write(*finished(1), accepted(2))
    store.summarise()
    store.write(accepted(3))
    asked: list[StoreReader] = []

    def question(reader: StoreReader) -> list[int]:
        if not asked:
            store.now += 3_600.0
            store.keep_up()
        asked.append(reader)
        return [message.id for message in reader.messages([1, 2, 3])]

    assert store.ask(question) == [2, 3]
    assert len(asked) == 2


def test_the_files_of_dropped_segments_are_let_go(store: OpenStore) -> None:
    store.write(accepted(1))
    store.roll()
    store.write(accepted(2))
    assert store.listed() == [2, 1]
    store.drop_all()
    store.reader.let_go()
    assert set(store.connections._connections) <= {0, *store.numbers}


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        ReadConnections(tmp_path / "nowhere").rows(1, "SELECT 1")


def test_a_connection_that_failed_is_not_used_again(store: OpenStore) -> None:
    assert store.listed() == []
    with pytest.raises(StoreError, match="no such table"):
        store.connections.rows(1, "SELECT * FROM nowhere")
    assert 1 not in store.connections._connections
    assert store.listed() == []


def test_a_file_that_is_damaged_is_an_error(store: OpenStore) -> None:
    store.write(accepted(1))
    store.summarise()
    path = store.path / "segment-00000001.db"
    path.write_bytes(b"no database" + path.read_bytes())
    with pytest.raises(StoreError, match=r"segment-00000001\.db cannot be read"):
        store.fetch()


@pytest.mark.parametrize("blob", [b"", b"\xc1", b"\x90", b"\x93\x01\xa1\xff\x01"])
def test_a_message_that_is_damaged_is_left_out_and_logged(
    store: OpenStore, blob: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store.write(accepted(1), accepted(2), accepted(3))
    damage(store, 2, blob)
    with caplog.at_level(logging.ERROR):
        found = store.ask(StoreReader.messages, [3, 2, 1])
    assert [message.id for message in found] == [3, 1]
    (record,) = caplog.records
    assert record.message == "message is damaged"
    assert record.__dict__["sid"] == message_sid(2)


def test_what_a_damaged_message_owes_is_left_out(store: OpenStore) -> None:
    store.write(accepted(1), sent(1), accepted(2), sent(2))
    damage(store, 1)
    keys = [OwedKey(1, 1), OwedKey(2, 1)]
    assert store.ask(StoreReader.owed, keys) == [Owed(a_message(2), sent(2))]


def test_a_list_goes_on_behind_a_damaged_message(store: OpenStore) -> None:
    store.write(*(accepted(message_id) for message_id in range(1, 7)))
    for message_id in (3, 4, 5):
        damage(store, message_id)
    assert store.listed(limit=2) == [6, 2]
    assert store.listed() == [6, 2, 1]


def test_to_fetch_a_damaged_message_is_an_error(store: OpenStore) -> None:
    store.write(accepted(1))
    damage(store, 1)
    with pytest.raises(StoreError, match="is damaged"):
        store.fetch()


def test_a_damaged_message_has_no_timeline(store: OpenStore) -> None:
    store.write(accepted(1), sent(1))
    damage(store, 1)
    assert store.ask(StoreReader.timeline, 1) is None


def test_the_stream_goes_on_behind_a_damaged_message(tmp_path: Path) -> None:
    store = OpenStore(tmp_path, stream=True)
    store.write(accepted(1), accepted(2))
    damage(store, 1)
    page = store.ask(stream_page, StreamPosition(), store.files.stream_end, 10)
    assert page.events == (StreamEvent(a_message(2)),)
    store.close()


def test_a_start_leaves_out_a_damaged_message(store: OpenStore) -> None:
    for message_id in (1, 2):
        store.write(accepted(message_id), attempted(message_id))
    assert len(store.load_open()) == 2
    damage(store, 1)
    assert store.load_open() == [store.stored(2)]
