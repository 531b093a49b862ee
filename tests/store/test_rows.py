import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.store.interface import Accepted, Transition
from gateway.store.rows import (
    INSERTS,
    ROWS_PER_STATEMENT,
    erased,
    message_of,
    split,
    to_blob,
    transition_of,
)
from tests.store.builders import a_message, accepted, delivered, sent


@given(st.integers(0, 5_000))
def test_every_number_of_rows_is_a_sum_of_statement_sizes(count: int) -> None:
    assert sum(split(count)) == count
    assert set(split(count)) <= set(ROWS_PER_STATEMENT)


@pytest.mark.parametrize("count", [1, 7, 16, 32, 128])
def test_an_ordinary_batch_is_one_statement(count: int) -> None:
    assert split(count) == (count,)


def test_statements_keep_the_order_of_the_records() -> None:
    insert = INSERTS[Accepted]
    bindings = [
        value
        for _, values, _ in insert.statements([accepted(message_id) for message_id in range(1, 36)])
        for value in values
    ]
    assert bindings[:: len(insert.columns)] == list(range(1, 36))


@pytest.mark.parametrize("step", [sent(), delivered()])
def test_a_transition_is_read_as_it_was_written(step: Transition) -> None:
    assert transition_of(INSERTS[Transition].row(step)) == step


@given(st.text(), st.binary())
def test_a_message_is_read_as_it_was_written(body: str, octets: bytes) -> None:
    message = a_message(body=body, octets=octets)
    assert message_of(to_blob(message)) == message


def test_an_erased_message_keeps_everything_but_what_it_said() -> None:
    assert erased(a_message(body="secret", octets=b"secret")) == a_message(body="", octets=b"")
