"""What is kept of messages that wait far back in a queue."""

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from gateway.messaging.queue_tail import BLOCK, Positions, QueueTail

NOW = 1_700_000_000.0


def a_tail(*expires_in_s: float) -> QueueTail:
    """Messages 1, 2, 3 … that expire so many seconds from NOW."""
    tail = QueueTail()
    for number, span_s in enumerate(expires_in_s, 1):
        tail.append(number, 1, NOW + span_s)
    return tail


def ids(positions: Positions) -> list[int]:
    return positions.ids.tolist()


def test_nothing_is_in_an_empty_tail() -> None:
    tail = a_tail()
    assert (bool(tail), tail.expires_at(), ids(tail.take_expired(NOW))) == (False, inf, [])


def test_first_in_is_first_out() -> None:
    tail = a_tail(1, 1, 1)
    assert (ids(tail.take(2)), ids(tail.take(2)), bool(tail)) == ([1, 2], [3], False)


def test_a_position_is_id_and_expiry_and_segments() -> None:
    tail = QueueTail()
    tail.append(1 << 63, 10, NOW + 0.25)
    (message_id,), (segments,), (expires_at,) = (
        (taken := tail.take(1)).ids,
        taken.segments,
        taken.expires_at,
    )
    assert (message_id, segments, expires_at) == (1 << 63, 10, NOW + 0.25)


def test_a_page_is_a_block_at_most() -> None:
    tail = a_tail(*[1] * (2 * BLOCK))
    assert [len(tail.take(10 * BLOCK)), len(tail.take(10 * BLOCK))] == [BLOCK, BLOCK]


def test_what_comes_while_a_page_is_away_stands_behind_it() -> None:
    tail = a_tail(1, 1, 1)
    tail.take(1)
    tail.append(4, 1, NOW)
    assert ids(tail.take(BLOCK)) == [2, 3, 4]


def test_what_has_expired_is_taken_from_between() -> None:
    tail = a_tail(9, 1, 9, 1)
    assert ids(tail.take_expired(NOW + 1)) == [2, 4]
    assert ids(tail.take(BLOCK)) == [1, 3]


def test_what_has_expired_is_taken_block_by_block() -> None:
    tail = a_tail(*[1] * (BLOCK + 1))
    assert [len(tail.take_expired(NOW + 1)) for _ in range(3)] == [BLOCK, 1, 0]
    assert not tail


def test_nothing_is_taken_before_its_time() -> None:
    tail = a_tail(2, 1)
    assert ids(tail.take_expired(NOW + 0.999)) == []


def test_the_next_expiry_is_known() -> None:
    tail = a_tail(*[9] * BLOCK, 3, 5)
    assert tail.expires_at() == NOW + 3
    tail.take_expired(NOW + 3)
    assert tail.expires_at() == NOW + 5


def test_a_block_from_which_the_earliest_was_taken_finds_out_when_it_is_asked() -> None:
    tail = a_tail(1, 5, 5)
    tail.take(1)
    assert ids(tail.take_expired(NOW + 2)) == []
    assert tail.expires_at() == NOW + 5


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("append"), st.integers(0, 50)),
        st.tuples(st.just("take"), st.integers(1, 2 * BLOCK)),
        st.tuples(st.just("expire"), st.integers(0, 10)),
        st.tuples(st.just("strike"), st.integers(1, 1_600)),
        st.tuples(st.just("amend"), st.integers(1, 1_600)),
    ),
    max_size=80,
)


@given(STEPS)
def test_a_tail_does_as_a_plain_list_would(steps: list[tuple[str, int]]) -> None:
    tail, model, now, message_id = QueueTail(), list[tuple[int, float]](), NOW, 0
    for step, number in steps:
        if step == "append":
            for _ in range(20):
                message_id += 1
                tail.append(message_id, 1, now + (number + 7 * message_id) % 50)
                model.append((message_id, now + (number + 7 * message_id) % 50))
        elif step == "take" and model:
            taken = ids(tail.take(number))
            assert taken == [each for each, _ in model[: len(taken)]]
            del model[: len(taken)]
        elif step == "expire":
            now += number
            expired = []
            while some := ids(tail.take_expired(now)):
                expired += some
            assert expired == [each for each, when in model if when <= now]
            model = [(each, when) for each, when in model if when > now]
        elif step == "strike":
            found = tail.find(number)
            assert (found is not None) is (number in [each for each, _ in model])
            if found:
                block, place = found
                assert block.strike(place) == 1
                if not block:
                    tail.drop(block)
            model = [(each, when) for each, when in model if each != number]
        elif step == "amend" and (found := tail.find(number)):
            found[0].amend(found[1], 1, now + 3)
            model = [(each, now + 3 if each == number else when) for each, when in model]
        assert tail.newest(30) == [each for each, _ in model[:-31:-1]]
        assert bool(tail) is bool(model)
        assert tail.expires_at() <= min((when for _, when in model), default=inf)
