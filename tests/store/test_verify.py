import re
from pathlib import Path

import pytest

from gateway.clock import message_sid
from gateway.errors import StoreError
from gateway.message import Status
from gateway.store.interface import Attempt, AttemptOutcome
from gateway.store.verify import TOLD_MAX, Verification
from tests.store.builders import NOON, accepted, became, sent
from tests.store.handmade_store import CATALOGUE, HandmadeStore, whole_store

SUMMARISED, SEALED, LIVE = 2, 3, 4


@pytest.fixture
def files(tmp_path: Path) -> HandmadeStore:
    return whole_store(tmp_path / "store")


def found(files: HandmadeStore, *, quick: bool = False) -> list[str]:
    """What a verification tells."""
    told: list[str] = []
    Verification(files.directory, told.append, quick=quick).run()
    return told


def test_a_whole_store_is_found_whole_and_counted(files: HandmadeStore) -> None:
    told: list[str] = []
    verification = Verification(files.directory, told.append)
    verification.run()
    assert told == []
    assert (
        verification.content.messages,
        verification.content.open,
        verification.content.owed,
    ) == (11, 4, 2)


@pytest.mark.parametrize("part", [0, 2])
def test_a_carrier_may_have_refused_a_whole_or_parts_of_a_text_that_was_replaced(
    files: HandmadeStore, part: int
) -> None:
    files.sql(LIVE, f"INSERT INTO attempt VALUES (30, {part}, 5.0, 0, 'alpha/1', 0)")
    files.sql(LIVE, f"INSERT INTO attempt VALUES (30, {part}, 6.0, 1, 'alpha/1', 0)")
    assert found(files) == []


def test_a_quick_look_reads_the_messages_too(files: HandmadeStore) -> None:
    files.sql(LIVE, "UPDATE job SET message = x'00' WHERE id = 30")
    assert len(found(files, quick=True)) == 1


@pytest.mark.parametrize(
    ("number", "damage", "line"),
    [
        (
            LIVE,
            "UPDATE job SET message = x'00' WHERE id = 30",
            "segment-00000004.db: message cannot be decoded: SM30, Expected `object`, got `int`",
        ),
        (
            LIVE,
            "UPDATE job SET recipient = '+15550000' WHERE id = 30",
            "segment-00000004.db: message is not the message that its columns say: "
            "SM30, recipient differs",
        ),
        (
            SEALED,
            "UPDATE job SET key = x'00' WHERE id = 20",
            "segment-00000003.db: message has a malformed idempotency key: SM20, 1 octets, not 32",
        ),
        (
            SUMMARISED,
            "DELETE FROM transition WHERE message_id = 12 AND number = 3",
            "segment-00000002.db: message has a gap in its transitions: SM12, before transition 4",
        ),
        (
            SEALED,
            "DELETE FROM transition WHERE message_id = 22",
            "segment-00000003.db: message has a gap in its transitions: SM22, before transition 2",
        ),
        (
            SEALED,
            "INSERT INTO transition VALUES (11, 1, 'sent', 5.0, 0, 0, '', '', '', '', '', 0)",
            "segment-00000002.db: message has different transitions of the same number: "
            "SM11, transition 1",
        ),
        (
            SUMMARISED,
            "INSERT INTO transition VALUES (10, 3, 'failed', 5.0, 0, 0, '', '', '', '', '', 0)",
            "segment-00000002.db: message goes on after a final status: "
            "SM10, transition 3: delivered -> failed",
        ),
        (
            SUMMARISED,
            "INSERT INTO transition VALUES (12, 7, 'sent', 5.0, 1, 0, '', '', '', '', '', 0)",
            "segment-00000002.db: message goes on after a final status: "
            "SM12, transition 7 of part 1: undelivered -> sent",
        ),
        (
            LIVE,
            "INSERT INTO transition VALUES (30, 1, 'delivered', 5.0, 0, 0, '', '', '', '', '', 0)",
            "segment-00000004.db: message has a transition that is not allowed: "
            "SM30, transition 1: queued -> delivered",
        ),
        (
            LIVE,
            "INSERT INTO transition VALUES (30, 1, 'lost', 5.0, 0, 0, '', '', '', '', '', 9)",
            "segment-00000004.db: message has a transition that means nothing: "
            "SM30, transition 1: status 'lost', listener 9",
        ),
        (
            LIVE,
            "INSERT INTO transition VALUES (30, 1, 'sent', 5.0, 2, 0, '', '', '', '', '', 0)",
            "segment-00000004.db: message has a part that it cannot have: "
            "SM30, transition 1 of part 2, of 1 parts",
        ),
        (
            LIVE,
            "INSERT INTO attempt VALUES (30, 1, 5.0, 9, 'alpha/1', 0)",
            "segment-00000004.db: message has an attempt that means nothing: "
            "SM30, part 1 of 1, outcome 9",
        ),
        (
            LIVE,
            "INSERT INTO attempt VALUES (30, 2, 5.0, 0, 'alpha/1', 0)",
            "segment-00000004.db: message has an attempt that means nothing: "
            "SM30, part 2 of 1, outcome 0",
        ),
        (
            LIVE,
            "INSERT INTO replay VALUES (30, 3, 1, 5.0)",
            "segment-00000004.db: message is to be told again without a transition: SM30, number 3",
        ),
        (
            LIVE,
            "INSERT INTO notified VALUES (31, 1, 2, 5.0, 'ok', 0)",
            "segment-00000004.db: message was told of what is not on record: "
            "SM31, transition 1, round 2",
        ),
        (
            SUMMARISED,
            "DELETE FROM open_at_seal",
            "segment-00000002.db: message was noted wrongly when its segment was sealed: "
            "SM11, as not open, and it was open",
        ),
        (
            SUMMARISED,
            "INSERT INTO owed_at_seal VALUES (10, 1, 0)",
            "segment-00000002.db: message was noted wrongly when its segment was sealed: "
            "SM10, as owing 1/0, and it owed nothing",
        ),
        (
            SUMMARISED,
            "INSERT INTO open_at_seal VALUES (16)",
            "segment-00000002.db: has open_at_seal rows of no message: SM16",
        ),
        (
            LIVE,
            "INSERT INTO transition VALUES (32, 1, 'sent', 5.0, 0, 0, '', '', '', '', '', 0)",
            "segment-00000004.db: has transition rows of no message: SM32",
        ),
        (
            LIVE,
            "INSERT INTO attempt VALUES (17, 1, 5.0, 0, 'alpha/1', 0)",
            "segment-00000004.db: has attempt rows of no message: SM17",
        ),
        (
            SUMMARISED,
            "INSERT INTO notified VALUES (31, 1, 0, 5.0, 'ok', 0)",
            "segment-00000002.db: has notified rows of younger messages: SM31",
        ),
        (
            CATALOGUE,
            "INSERT INTO notified VALUES (3, 1, 0, 5.0, 'ok', 0)",
            "store.db: has notified rows of no message: SM3",
        ),
        (
            LIVE,
            "INSERT INTO stream (keys) VALUES (x'00')",
            "segment-00000004.db: has a batch of events that means nothing: 2: 1 octets",
        ),
        (
            LIVE,
            "PRAGMA user_version = 7",
            "segment-00000004.db: has another schema: 7, not 2",
        ),
        (
            CATALOGUE,
            "UPDATE cursor SET segment = 5",
            "store.db: has a cursor beyond the stream: mqtt at segment 5, batch 2",
        ),
        (
            CATALOGUE,
            "UPDATE cursor SET batch = 3",
            "segment-00000004.db: is behind a cursor: mqtt at batch 3, the last is 1",
        ),
        (
            CATALOGUE,
            "UPDATE opt_out SET opted_out = 2",
            "store.db: has an opt-out that means nothing: row 1",
        ),
        (
            CATALOGUE,
            "UPDATE segment SET state = 'sealed' WHERE number = 4",
            "store.db: must list its last segment as live, and no other: live are none",
        ),
    ],
)
def test_damage_is_told_in_a_line_of_its_own(
    files: HandmadeStore, number: int, damage: str, line: str
) -> None:
    files.sql(number, damage)
    assert found(files) == [re.sub(r"SM(\d+)", lambda sid: message_sid(int(sid[1])), line)]


def test_overlapping_segments_are_found(files: HandmadeStore) -> None:
    files.sql(CATALOGUE, "UPDATE segment SET first_id = 9 WHERE number = 3")
    assert found(files)[0] == "store.db: lists segments whose ids overlap: 2 begins at 10, 3 at 9"


def test_a_message_in_the_wrong_file_is_found(files: HandmadeStore) -> None:
    files.put(LIVE, accepted(15))
    assert found(files) == [
        f"segment-00000004.db: message is in a file that is not for its id: {message_sid(15)}"
    ]


def test_a_message_may_be_carried_over_before_its_segment_is_dropped(files: HandmadeStore) -> None:
    files.put(CATALOGUE, accepted(11))
    verification = Verification(files.directory, lambda line: pytest.fail(line))
    verification.run()
    assert verification.content.messages == 11


def test_a_carried_message_that_its_segment_does_not_have_is_found(files: HandmadeStore) -> None:
    files.put(CATALOGUE, accepted(15))
    assert found(files) == [
        f"store.db: message is in a file that is not for its id: {message_sid(15)}"
    ]


def test_a_fact_that_was_written_twice_is_no_damage(files: HandmadeStore) -> None:
    files.put(LIVE, became(22, 1, Status.SENDING))
    assert found(files) == []


def test_a_number_that_version_1_gave_to_an_unanswered_part_is_no_gap(files: HandmadeStore) -> None:
    files.put(
        CATALOGUE,
        accepted(3, segments=2),
        Attempt(3, 1, NOON, AttemptOutcome.UNANSWERED, "alpha/1"),
        became(3, 2, Status.FAILED),
    )
    assert found(files) == []


def test_a_missing_segment_is_found(files: HandmadeStore) -> None:
    files.path(LIVE).unlink()
    assert found(files) == ["segment-00000004.db: is missing"]


def test_a_segment_that_nobody_lists_is_found(files: HandmadeStore) -> None:
    files.path(5).write_bytes(files.path(LIVE).read_bytes())
    assert found(files) == ["segment-00000005.db: is not in the catalogue"]


def test_a_segment_that_was_begun_and_not_listed_is_no_damage(files: HandmadeStore) -> None:
    files.path(5).write_bytes(b"")
    assert found(files) == []


def test_a_dropped_segment_that_is_still_there_is_found(files: HandmadeStore) -> None:
    files.path(1).write_bytes(b"")
    assert found(files) == [
        "segment-00000001.db: was dropped and is still there: a start removes it"
    ]


def test_other_files_are_nobodys_business(files: HandmadeStore) -> None:
    (files.directory / "segment-notes.db").write_text("mine")
    (files.directory / "keys-00000001.db").write_text("the index")
    assert found(files) == []


def test_a_damaged_page_is_found(files: HandmadeStore) -> None:
    files.sql(SUMMARISED, "VACUUM")
    octets = bytearray(files.path(SUMMARISED).read_bytes())
    root = files.ask(SUMMARISED, "SELECT rootpage FROM sqlite_schema WHERE name = 'job_of_account'")
    octets[(root - 1) * 4096 + 3 : (root - 1) * 4096 + 5] = b"\x00\x00"
    files.path(SUMMARISED).write_bytes(octets)
    assert "segment-00000002.db: is damaged: wrong # of entries in index job_of_account" in found(
        files
    )


def test_a_file_that_is_no_database_is_found_and_the_others_are_checked(
    files: HandmadeStore,
) -> None:
    files.path(LIVE).write_bytes(b"nonsense" * 1_000)
    told: list[str] = []
    verification = Verification(files.directory, told.append)
    verification.run()
    assert [line.partition(": ")[2][:14] for line in told] == ["cannot be read"]
    assert verification.content.messages == 9


def test_a_page_that_cannot_be_read_ends_the_look_at_its_file_only(files: HandmadeStore) -> None:
    files.sql(SEALED, "DROP TABLE replay")
    assert "segment-00000003.db: cannot be read to its end" in "".join(found(files))


@pytest.mark.parametrize("steps", range(9))
def test_a_segment_that_is_dropped_meanwhile_is_no_damage(
    files: HandmadeStore, steps: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whenever it is. The few connections make sure that its file is missed."""
    monkeypatch.setattr("gateway.store.onlooker.OPEN_FILES_MAX", 1)
    done: list[int] = []

    def drop(octets: int) -> None:
        done.append(octets)
        if len(done) == steps:
            files.put(CATALOGUE, accepted(11), sent(11))
            files.sql(CATALOGUE, "UPDATE segment SET state = 'dropped' WHERE number = 2")
            files.path(SUMMARISED).unlink()

    Verification(files.directory, pytest.fail, drop).run()


def test_damage_beyond_what_is_looked_at_again_together_is_told_once(
    files: HandmadeStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.store.content_check.SUSPECTS_MAX", 1)
    files.sql(LIVE, "UPDATE job SET message = x'00'")
    assert len(found(files)) == 2


def test_a_message_that_cannot_be_looked_at_again_is_not_told(files: HandmadeStore) -> None:
    """That its file cannot be read is told, and is enough."""
    files.sql(SEALED, "UPDATE job SET message = x'00' WHERE id = 20")
    told: list[str] = []
    Verification(files.directory, told.append, lambda _: spoil(files)).run()
    assert {line.partition(": ")[2].partition(": ")[0] for line in told} <= {
        "cannot be read",
        "cannot be read to its end",
    }


def spoil(files: HandmadeStore) -> None:
    files.path(LIVE).write_bytes(b"nonsense" * 1_000)


def test_a_state_that_means_nothing_is_said(files: HandmadeStore) -> None:
    files.sql(
        CATALOGUE,
        "PRAGMA ignore_check_constraints = on; UPDATE segment SET state = 'lost' WHERE number = 2",
    )
    with pytest.raises(StoreError, match="list of segments is damaged"):
        Verification(files.directory, lambda _: None)


def test_no_end_of_damage_of_one_kind_is_told(files: HandmadeStore) -> None:
    files.put(LIVE, *(became(number, 2, Status.SENT) for number in range(40, 70)))
    told = found(files)
    assert len(told) == TOLD_MAX + 1
    assert told[-1] == "has transition rows of no message: 10 more like these"


def test_progress_comes_to_an_end(files: HandmadeStore) -> None:
    done: list[int] = []
    verification = Verification(files.directory, lambda _: None, done.append)
    verification.run()
    assert sum(done) == verification.octets > 0


def test_a_directory_without_a_store_is_said(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"it has no store\.db"):
        Verification(tmp_path, lambda _: None)


def test_a_catalogue_that_is_no_database_is_said(files: HandmadeStore) -> None:
    files.path(CATALOGUE).write_bytes(b"nonsense" * 1_000)
    with pytest.raises(StoreError, match="cannot be read: file is not a database"):
        Verification(files.directory, lambda _: None)


def test_a_store_of_the_last_version_is_said(files: HandmadeStore) -> None:
    files.sql(CATALOGUE, "PRAGMA user_version = 1")
    with pytest.raises(StoreError, match="it has schema 1; the gateway takes it over"):
        Verification(files.directory, lambda _: None)
