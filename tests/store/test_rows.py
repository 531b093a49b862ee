import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.interface import Accepted, Attempt, Cursor, Notified, Transition
from gateway.store.rows import (
    CATALOGUE_INSERTS,
    ROWS_PER_STATEMENT,
    SEGMENT_INSERTS,
    attempt_of,
    erased,
    message_of,
    notified_of,
    split,
    to_blob,
    transition_of,
)
from tests.store.builders import (
    NOON,
    a_message,
    accepted,
    attempted,
    delivered,
    given_up,
    notified,
    sent,
)


@given(st.integers(0, 5_000))
def test_every_number_of_rows_is_a_sum_of_statement_sizes(count: int) -> None:
    assert sum(split(count)) == count
    assert set(split(count)) <= set(ROWS_PER_STATEMENT)


@pytest.mark.parametrize("count", [1, 7, 16, 32, 128])
def test_an_ordinary_batch_is_one_statement(count: int) -> None:
    assert split(count) == (count,)


def test_statements_keep_the_order_of_the_records() -> None:
    insert = SEGMENT_INSERTS[Accepted]
    bindings = [
        value
        for _, values, _ in insert.statements([accepted(message_id) for message_id in range(1, 36)])
        for value in values
    ]
    assert bindings[:: len(insert.columns)] == list(range(1, 36))


@pytest.mark.parametrize("step", [sent(), delivered()])
def test_a_transition_is_read_as_it_was_written(step: Transition) -> None:
    assert transition_of(SEGMENT_INSERTS[Transition].row(step)) == step


def test_an_attempt_is_read_as_it_was_written() -> None:
    assert attempt_of(SEGMENT_INSERTS[Attempt].row(attempted())) == attempted()


@pytest.mark.parametrize("record", [notified(), given_up(1, 2, round=3)])
def test_a_notification_is_read_as_it_was_written(record: Notified) -> None:
    assert notified_of(SEGMENT_INSERTS[Notified].row(record)) == record


def test_a_key_stands_before_its_fingerprint() -> None:
    keyed = Accepted(a_message(), b"k" * 16, b"f" * 16)
    assert b"k" * 16 + b"f" * 16 in SEGMENT_INSERTS[Accepted].row(keyed)


def test_a_message_without_key_has_none() -> None:
    insert = SEGMENT_INSERTS[Accepted]
    assert insert.row(accepted())[insert.columns.index("key")] is None


def test_a_new_cursor_replaces_the_old_one() -> None:
    ((sql, _, _),) = CATALOGUE_INSERTS[Cursor].statements([Cursor("mqtt", 1, 2, NOON)])
    assert sql.startswith("REPLACE INTO cursor")


@given(st.text(), st.binary())
def test_a_message_is_read_as_it_was_written(body: str, octets: bytes) -> None:
    message = a_message(body=body, octets=octets)
    assert message_of(to_blob(message)) == message


def test_an_erased_message_keeps_everything_but_what_it_said() -> None:
    assert erased(a_message(body="secret", octets=b"secret")) == a_message(body="", octets=b"")
