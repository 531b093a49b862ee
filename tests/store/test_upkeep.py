"""Segments are summarised and dropped, and what is not finished outlives them."""

import logging
from pathlib import Path

import pytest

from gateway.errors import StoreError
from gateway.message import Direction, Status
from gateway.store import upkeep
from gateway.store.interface import (
    Deleted,
    Listener,
    Notified,
    OwedKey,
    Redacted,
    Released,
    StoredMessage,
    Timeline,
    UnmatchedReceipt,
)
from gateway.store.loose_ends import PAST_S
from gateway.store.segment import Segment, SegmentState
from gateway.store.segment_file import SegmentFile
from gateway.store.store_reader import StoreReader
from gateway.store.unfinished import Unfinished
from gateway.store.upkeep import FORGET_S, RETRY_S
from tests.store.builders import (
    NOON,
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
    waiting,
)
from tests.store.failing_disk import FailingDisk
from tests.store.open_store import OpenStore


def states(store: OpenStore) -> list[SegmentState]:
    return [segment.state for segment in store.files.segments.kept]


def summary(store: OpenStore, number: int = 1) -> tuple[list[int], list[tuple[int, ...]]]:
    """What is open and owed of a segment's messages, as it was written down."""
    opened = store.connections.rows(number, "SELECT message_id FROM open_at_seal")
    owing = store.connections.rows(number, "SELECT * FROM owed_at_seal")
    return [message_id for (message_id,) in opened], owing


def carried(store: OpenStore) -> list[int]:
    return [row[0] for row in store.connections.rows(0, "SELECT id FROM job ORDER BY id")]


# Summaries


def test_a_sealed_segment_is_summarised(store: OpenStore) -> None:
    store.write(accepted(1))
    store.summarise()
    assert states(store) == [SegmentState.SUMMARISED, SegmentState.LIVE]


def test_a_summary_has_what_is_open_of_the_segments_own_messages(store: OpenStore) -> None:
    store.write(accepted(1))
    store.summarise()
    store.write(became(1, 1, Status.QUEUED), accepted(2), *finished(3), accepted(4), Released(4))
    store.write(accepted(5, direction=Direction.INBOUND), accepted(6))
    store.write(became(6, 1, Status.DELIVERED, part=1))
    store.summarise()
    assert summary(store, 2)[0] == [2, 6]


def test_a_summary_has_what_is_owed_of_the_segments_own_messages(store: OpenStore) -> None:
    store.write(accepted(1))
    store.summarise()
    store.write(sent(1), *finished(2), accepted(3), sent(3), became(3, 2, Status.FAILED))
    store.write(accepted(4), sent(4), given_up(4), replayed(4), delivered(4), notified(4, 2))
    store.write(accepted(5), sent(5), given_up(5), replayed(5), Notified(5, 1, NOON, "ok", 1))
    store.summarise()
    assert summary(store, 2)[1] == [(3, 1, 0), (4, 1, 1)]


def test_a_summarised_segment_has_no_log(store: OpenStore) -> None:
    store.write(accepted(1))
    store.summarise()
    store.connections.close()
    log = store.path / "segment-00000001.db-wal"
    assert not log.exists() or log.stat().st_size == 0


def test_a_summary_that_a_crash_interrupted_is_made_again(store: OpenStore) -> None:
    store.write(accepted(1), accepted(2), sent(2))
    store.roll()
    store.segment_set.summarise(store.segment_set.find_unfinished(store.files.segments.kept[0]))
    store.files.close()
    store.files.open()
    assert states(store) == [SegmentState.SEALED, SegmentState.LIVE]
    store.keep_up()
    assert summary(store) == ([1, 2], [(2, 1, 0)])


def test_messages_are_erased_in_a_segment_while_it_is_summarised(store: OpenStore) -> None:
    store.write(accepted(1), accepted(2))
    store.roll()
    file = store.segment_set.find_unfinished(store.files.segments.kept[0])
    store.write(Deleted(1))
    store.segment_set.summarise(file)
    store.segment_set.mark_summarised(store.files.segments.kept[0])
    assert store.open_ids() == [2]


# Drops


def test_a_segment_is_dropped_when_it_has_been_sealed_for_long(store: OpenStore) -> None:
    store.write(*finished(1))
    store.summarise()
    store.now += 3_599.0
    store.keep_up()
    assert store.numbers == [1, 2]
    store.now += 1.0
    store.keep_up()
    assert store.numbers == [2]
    assert store.fetch(1) is None


def test_the_files_of_a_dropped_segment_are_gone(store: OpenStore) -> None:
    store.write(*finished(1))
    store.drop_all()
    assert not list(store.path.glob("segment-00000001.db*"))
    assert [segment.number for segment in store.segment_set.catalogue.segments()] == [2]


def test_the_live_segment_is_never_dropped(store: OpenStore) -> None:
    store.now += 1_000_000.0
    store.keep_up()
    assert store.numbers == [1]


def test_an_open_message_is_carried_over_with_all_about_it(store: OpenStore) -> None:
    records = (accepted(), attempted(), sent(), given_up(), replayed())
    store.write(*records)
    before = store.ask(StoreReader.timeline, 1)
    store.drop_all()
    assert store.ask(StoreReader.timeline, 1) == before
    assert store.open_ids() == [1]
    assert store.owed_keys() == [OwedKey(1, 1, 1)]


def test_a_finished_message_that_owes_is_carried_over(store: OpenStore) -> None:
    store.write(accepted(), sent(), notified(), delivered())
    store.drop_all()
    assert store.owed_keys() == [OwedKey(1, 2)]
    assert store.fetch() == StoredMessage(a_message(), (sent(), delivered()))


def test_an_inbound_message_that_owes_is_carried_over(store: OpenStore) -> None:
    received = became(1, 1, Status.RECEIVED, listener=Listener.ESME)
    store.write(accepted(1, direction=Direction.INBOUND), received)
    store.write(accepted(2, direction=Direction.INBOUND))
    store.drop_all()
    assert carried(store) == [1]


def test_a_message_that_ended_in_a_later_segment_is_not_carried(store: OpenStore) -> None:
    store.write(accepted(1), accepted(2), sent(2), accepted(3))
    store.roll()
    store.write(became(1, 1, Status.FAILED), notified(2), Released(2))
    store.summarise()
    store.now += 3_540.0
    store.keep_up()
    assert store.numbers == [2, 3]
    assert carried(store) == [3]


def test_a_message_that_is_to_be_told_again_is_carried_over(store: OpenStore) -> None:
    store.write(accepted(), became(1, 1, Status.FAILED, listener=Listener.WEBHOOK), given_up())
    store.summarise()
    store.write(replayed())
    store.drop_all()
    assert store.owed_keys() == [OwedKey(1, 1, 1)]


def test_a_carried_message_goes_its_way(store: OpenStore) -> None:
    store.write(accepted(1), accepted(2))
    store.drop_all()
    assert store.load_open() == [waiting(1), waiting(2)]
    store.write(sent(1), delivered(1), notified(1, 1))
    assert store.open_ids() == [2]
    assert store.owed_keys() == [OwedKey(1, 2)]


def test_facts_about_carried_messages_are_carried_in_their_turn(store: OpenStore) -> None:
    store.write(accepted(1))
    store.drop_all()
    store.write(attempted(1), sent(1), notified(1))
    store.drop_all()
    store.write(delivered(1))
    assert store.ask(StoreReader.timeline, 1) == Timeline(
        StoredMessage(a_message(), (sent(), delivered()), (attempted(),)), (notified(),)
    )


def test_facts_about_messages_that_are_no_more_are_not_carried(store: OpenStore) -> None:
    store.write(*finished(1))
    store.drop_all()
    store.write(notified(1, 3), accepted(2))
    store.drop_all()
    assert store.connections.rows(0, "SELECT message_id FROM notified") == []


def test_many_are_carried_in_chunks(store: OpenStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "CHUNK", 2)
    store.write(*(accepted(message_id) for message_id in range(1, 6)))
    store.drop_all()
    assert store.open_ids() == [1, 2, 3, 4, 5]


def test_a_drop_that_was_interrupted_is_made_anew(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "CHUNK", 1)
    for message_id in (1, 2, 3):
        store.write(accepted(message_id), attempted(message_id), sent(message_id))
    store.summarise()
    store.now += 3_600.0
    for done, chore in enumerate(store.upkeep.work()):
        chore()
        if done == 2:
            break
    assert carried(store) == [1, 2]
    assert store.listed() == [3, 2, 1]
    store.files.close()
    store.files.open()
    store.keep_up()
    assert store.numbers == [2]
    assert [store.stored(n) for n in (1, 3)] == [
        StoredMessage(a_message(n), (sent(n),), (attempted(n),)) for n in (1, 3)
    ]


@pytest.mark.parametrize("revision", [Deleted(1), Redacted(1)])
def test_an_erasure_that_a_crash_interrupted_is_not_undone_by_the_drop_it_interrupted(
    store: OpenStore, revision: Deleted | Redacted
) -> None:
    store.write(accepted(1), sent(1), accepted(2), sent(2))
    store.summarise()
    segment = store.files.segments.kept[0]
    store.segment_set.carry(segment, [1, 2])  # All that there was of the drop.
    file = store.segment_set.file(segment.number)
    file.open()
    file.revise([revision])  # The first of the two files that have the message.
    file.close()
    store.files.close()
    store.files.open()
    store.write(became(1, 2, Status.DELIVERED), notified(1, 1), notified(1, 2))
    store.drop_all()
    assert store.fetch(1) is None
    assert store.fetch(2) == StoredMessage(a_message(2), (sent(2),))


@pytest.mark.parametrize("call", ["xWrite", "xSync"])
@pytest.mark.parametrize("good_calls", range(16))
def test_wherever_the_disk_fails_nothing_is_lost_with_a_segment(
    store: OpenStore, disk: FailingDisk, good_calls: int, call: str
) -> None:
    store.write(accepted(1), sent(1), *finished(2))
    store.roll()
    disk.fail(call, after=good_calls)
    store.now += 3_600.0
    try:
        store.keep_up()
    except StoreError:
        store.files.close()
    disk.heal()
    store.files.close()
    store.files.open()
    assert store.open_ids() == [1]
    store.keep_up()
    assert store.numbers == [2]
    assert store.fetch(1) == StoredMessage(a_message(), (sent(),))
    assert store.owed_keys() == [OwedKey(1, 1)]


def test_a_message_that_is_erased_while_it_is_carried_is_erased(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "CHUNK", 1)
    store.write(*(accepted(message_id) for message_id in range(1, 5)))
    store.summarise()
    store.now += 3_600.0
    for done, chore in enumerate(store.upkeep.work()):
        chore()
        if done == 2:
            store.write(Redacted(1), Deleted(2), Redacted(3), Deleted(4))
    assert store.listed() == [3, 1]
    assert [store.fetch(n) for n in (1, 3)] == [
        StoredMessage(a_message(n, body="")) for n in (1, 3)
    ]


def test_a_replay_that_is_asked_for_while_its_segment_is_dropped_is_kept(
    store: OpenStore,
) -> None:
    store.write(accepted(), became(1, 1, Status.FAILED, listener=Listener.WEBHOOK), given_up())
    store.write(accepted(2))
    store.summarise()
    store.now += 3_600.0
    for done, chore in enumerate(store.upkeep.work()):
        chore()
        if done == 1:
            store.write(replayed())
    assert store.numbers == [2]
    assert store.owed_keys() == [OwedKey(1, 1, 1)]


def test_a_dropped_file_that_is_there_again_is_removed_and_then_forgotten(
    store: OpenStore,
) -> None:
    store.write(*finished(1))
    store.summarise()
    store.now += 3_600.0
    for chore in store.upkeep.work():
        chore()
        if store.segment_set.dropped:
            break
    store.files.close()
    store.files.open()
    assert [segment.number for segment in store.segment_set.dropped] == [1]
    assert store.upkeep.next_at() <= store.now
    store.keep_up()
    assert store.segment_set.dropped == ()
    assert not list(store.path.glob("segment-00000001.db*"))


# Damage


def damage(store: OpenStore, number: int) -> None:
    store.connections.close()
    path = store.path / f"segment-{number:08}.db"
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
    path.write_bytes(b"no database" + path.read_bytes())


def test_a_damaged_segment_keeps_no_other_from_its_summary(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    find_unfinished = store.segment_set.find_unfinished

    def fail(segment: Segment) -> SegmentFile:
        if segment.number == 1:
            raise StoreError("it is damaged")
        return find_unfinished(segment)

    store.write(accepted(1))
    store.roll()
    store.write(accepted(2))
    store.roll()
    with monkeypatch.context() as patched, caplog.at_level(logging.WARNING):
        patched.setattr(store.segment_set, "find_unfinished", fail)
        store.keep_up()
    assert states(store) == [SegmentState.SEALED, SegmentState.SUMMARISED, SegmentState.LIVE]
    assert "store upkeep put off" in caplog.text
    assert store.upkeep.next_at() == store.now + RETRY_S
    store.keep_up()
    assert states(store) == [SegmentState.SUMMARISED] * 2 + [SegmentState.LIVE]


def test_a_damaged_segment_that_cannot_be_dropped_is_tried_again_later(
    store: OpenStore, caplog: pytest.LogCaptureFixture
) -> None:
    store.write(accepted(1))
    store.summarise()
    store.write(accepted(2))
    store.roll()
    damage(store, 1)
    store.now += 3_600.0
    with caplog.at_level(logging.WARNING):
        store.keep_up()
    assert states(store) == [SegmentState.SUMMARISED] * 2 + [SegmentState.LIVE]
    assert "store upkeep put off" in caplog.text
    assert store.upkeep.next_at() == store.now + RETRY_S


def test_carried_messages_are_forgotten_while_a_segment_cannot_be_dropped(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    gather_open = Unfinished.gather_open

    def fail(self: Unfinished) -> None:
        if self._sources[0].path.name == "segment-00000003.db":
            raise StoreError("it is damaged")
        gather_open(self)

    store.write(accepted(1))
    store.drop_all()
    store.write(*finished(1)[1:])
    store.summarise()
    store.write(accepted(2))
    store.summarise()
    assert carried(store) == [1]
    store.now += 3_600.0
    monkeypatch.setattr(Unfinished, "gather_open", fail)
    store.keep_up()
    assert store.numbers == [3, 4]
    assert carried(store) == []


def test_a_file_that_cannot_be_removed_keeps_nothing_else_waiting(
    store: OpenStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(segment: Segment) -> None:
        raise StoreError("it stays")

    store.write(*finished(1))
    store.summarise()
    store.write(*finished(2))
    store.roll()
    with monkeypatch.context() as patched:
        patched.setattr(store.segment_set, "remove", fail)
        store.now += 3_600.0
        store.keep_up()
        assert [segment.number for segment in store.segment_set.dropped] == [1]
        store.keep_up()
    assert SegmentState.SEALED not in states(store)
    store.keep_up()
    assert store.segment_set.dropped == ()


# The bound of octets


def test_segments_are_dropped_early_to_make_room(tmp_path: Path) -> None:
    store = OpenStore(tmp_path, bytes_max=250_000)
    for start in range(1, 1_000, 100):
        ids = range(start, start + 100)
        store.write(*(record for message_id in ids for record in finished(message_id)))
        store.summarise()
    assert 1 < len(store.numbers) < 6
    assert store.upkeep.octets_sealed + store.files.live_octets <= 250_000
    store.close()


def test_too_many_stragglers_are_not_carried_to_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(upkeep, "EARLY_STRAGGLERS_MAX", 2)
    store = OpenStore(tmp_path, bytes_max=1)
    store.write(*(accepted(message_id) for message_id in range(1, 4)))
    with caplog.at_level(logging.WARNING):
        store.summarise()
    assert store.numbers == [1, 2]
    assert "store larger than bytes_max" in caplog.text
    assert store.upkeep.next_at() == store.now + RETRY_S
    store.close()


# The archive


def test_a_segment_is_shown_before_it_is_dropped(tmp_path: Path) -> None:
    shown: list[tuple[str, bool]] = []
    store = OpenStore(tmp_path, None, lambda path: shown.append((path.name, path.exists())))
    store.write(*finished(1))
    store.drop_all()
    assert shown == [("segment-00000001.db", True)]
    store.close()


def test_a_drop_is_put_off_while_the_segment_cannot_be_archived(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(path: Path) -> None:
        raise OSError("no space for the archive")

    store = OpenStore(tmp_path, None, refuse)
    store.write(*finished(1))
    with caplog.at_level(logging.ERROR):
        store.drop_all()
    assert store.numbers == [1, 2]
    assert "segment not archived" in caplog.text
    assert store.upkeep.next_at() == store.now + RETRY_S
    store.close()


# Carried messages end


def test_a_carried_message_is_forgotten_long_after_it_ended(store: OpenStore) -> None:
    store.write(accepted(1), accepted(2))
    store.drop_all()
    store.write(*finished(1)[1:])
    store.now += FORGET_S
    store.keep_up()
    assert carried(store) == [1, 2]
    store.drop_all()
    assert carried(store) == [2]
    assert store.connections.rows(0, "SELECT message_id FROM transition") == []


def test_carried_messages_are_forgotten_earlier_to_make_room(tmp_path: Path) -> None:
    store = OpenStore(tmp_path, bytes_max=250_000)
    ids = range(1, 1_001)
    store.write(*(accepted(message_id) for message_id in ids))
    store.summarise()
    assert carried(store) == list(ids)
    store.write(*(record for message_id in ids for record in finished(message_id)[1:]))
    store.summarise()
    store.now += PAST_S + ids.stop  # The messages are a second apart.
    store.summarise()
    assert carried(store) == []
    assert store.upkeep.octets_sealed + store.files.live_octets <= 250_000
    store.close()


def test_room_that_forgotten_messages_left_is_used_again(tmp_path: Path) -> None:
    store = OpenStore(tmp_path, bytes_max=250_000)
    octets = []
    for start in range(1, 5_000, 1_000):
        ids = range(start, start + 1_000)
        store.write(*(accepted(message_id) for message_id in ids))
        store.summarise()
        store.write(*(record for message_id in ids for record in finished(message_id)[1:]))
        store.summarise()
        store.now += PAST_S + ids.stop
        store.summarise()
        octets.append((tmp_path / "store.db").stat().st_size)
    assert octets[-1] <= 1.2 * octets[1]
    store.close()


def test_a_carried_message_that_owes_is_not_forgotten(store: OpenStore) -> None:
    store.write(accepted(1), sent(1), delivered(1), notified(1))
    store.drop_all()
    store.now += 10 * FORGET_S
    store.keep_up()
    assert store.owed_keys() == [OwedKey(1, 2)]


def test_a_carried_message_that_is_to_be_told_again_is_not_forgotten(store: OpenStore) -> None:
    store.write(accepted(1), sent(1), delivered(1), notified(1))
    store.drop_all()
    store.write(given_up(1, 2))
    store.summarise()
    store.write(replayed(1, 2))
    store.now += 3_600.0
    store.keep_up()
    assert store.numbers == [3, 4]
    assert store.owed_keys() == [OwedKey(1, 2, 1)]


def test_a_carried_message_of_which_there_is_news_is_not_forgotten(store: OpenStore) -> None:
    received = became(1, 1, Status.RECEIVED, listener=Listener.ESME)
    store.write(accepted(1, direction=Direction.INBOUND))
    store.summarise()
    store.write(received)
    store.now += 3_600.0
    store.keep_up()
    assert carried(store) == [1]
    assert store.owed_keys() == [OwedKey(1, 1)]


def test_unmatched_receipts_go_with_their_segment(store: OpenStore) -> None:
    store.write(UnmatchedReceipt("alpha", "17", NOON, "DELIVRD"))
    store.drop_all()
    assert store.ask(StoreReader.unmatched_receipts, 10) == []


# When


def test_upkeep_is_due_when_the_live_segment_has_had_its_time(store: OpenStore) -> None:
    store.keep_up()
    assert store.upkeep.next_at() == float("inf")
    store.write(accepted(1))
    assert store.upkeep.next_at() == NOON + 60.0


def test_upkeep_is_due_when_the_oldest_segment_is_old(store: OpenStore) -> None:
    store.write(accepted(1))
    store.summarise()
    assert store.upkeep.next_at() == NOON + 60.0 + 3_600.0


def test_upkeep_is_due_while_a_segment_has_no_summary(store: OpenStore) -> None:
    store.keep_up()
    store.write(accepted(1))
    store.roll()
    assert store.upkeep.next_at() <= store.now


def test_what_is_put_off_is_tried_again_later(store: OpenStore) -> None:
    store.upkeep.put_off()
    assert store.upkeep.next_at() == store.now + RETRY_S
