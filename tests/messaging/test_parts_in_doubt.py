"""How long parts that a carrier may have are waited for."""

from gateway.account import Account, Sender, SenderType
from gateway.messaging.account_queue import AccountQueue
from gateway.messaging.lane import Lane
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.parts_in_doubt import GRAIN_S, PartsInDoubt
from tests.store.builders import ACCOUNT, a_message

NOW = 1_700_000_000.0


def a_message_of(parts: int) -> OpenMessage:
    return OpenMessage(a_message(segments=parts))


def a_lane() -> Lane:
    account = Account(ACCOUNT, "0123456789abcdef0123456789abcdef")
    return Lane(account, Sender("55501", SenderType.SHORT_CODE), AccountQueue(100, 100))


def due(parts: PartsInDoubt, now: float) -> list[tuple[int, str, Lane | None]]:
    return [(doubt.part, doubt.bind, doubt.held_by) for doubt in parts.due(now + GRAIN_S)]


def test_a_part_in_doubt_is_counted_by_its_message() -> None:
    parts, opened = PartsInDoubt(), a_message_of(2)
    parts.add(opened, 1, "alpha/1", NOW)
    parts.add(opened, 2, "alpha/1", NOW)
    assert (opened.in_doubt, len(parts)) == (2, 2)


def test_it_is_waited_for_until_its_time() -> None:
    parts, opened = PartsInDoubt(), a_message_of(1)
    parts.add(opened, 1, "alpha/1", NOW + 60)
    assert due(parts, NOW + 59) == []
    assert due(parts, NOW + 60) == [(1, "alpha/1", None)]


def test_a_part_that_is_held_knows_who_sends_it_again() -> None:
    parts, opened, lane = PartsInDoubt(), a_message_of(1), a_lane()
    parts.add(opened, 1, "alpha/1", NOW, lane)
    assert due(parts, NOW) == [(1, "alpha/1", lane)]


def test_what_is_known_is_in_doubt_no_more() -> None:
    parts, opened = PartsInDoubt(), a_message_of(1)
    parts.add(opened, 1, "alpha/1", NOW)
    assert parts.end(opened, 1)
    assert (opened.in_doubt, len(parts), parts.next_at()) == (0, 0, None)


def test_what_was_not_in_doubt_does_not_end_to_be() -> None:
    parts, opened = PartsInDoubt(), a_message_of(2)
    parts.add(opened, 1, "alpha/1", NOW)
    assert not parts.end(opened, 2)
    assert opened.in_doubt == 1


def test_a_message_that_has_ended_is_forgotten_with_all_its_parts() -> None:
    parts, opened, other = PartsInDoubt(), a_message_of(3), a_message_of(1)
    parts.add(opened, 1, "alpha/1", NOW)
    parts.add(opened, 3, "alpha/1", NOW)
    parts.add(other, 1, "beta/1", NOW)
    parts.forget(opened)
    assert opened.in_doubt == 0
    assert due(parts, NOW) == [(1, "beta/1", None)]


def test_each_part_has_its_own_time() -> None:
    parts, opened = PartsInDoubt(), a_message_of(2)
    parts.add(opened, 1, "alpha/1", NOW + 10)
    parts.add(opened, 2, "alpha/1", NOW + 20)
    parts.end(opened, 1)
    assert due(parts, NOW + 10) == []
    assert due(parts, NOW + 20) == [(2, "alpha/1", None)]


# Parts of an earlier run of which only the message is known


def test_a_message_of_an_earlier_run_is_waited_for() -> None:
    parts, opened = PartsInDoubt(), a_message_of(2)
    opened.in_doubt = 2
    parts.restore(opened, NOW)
    assert [doubt.opened for doubt in parts.due(NOW + GRAIN_S)] == [opened]


def test_it_is_until_receipts_have_told_of_all_its_parts() -> None:
    parts, opened = PartsInDoubt(), a_message_of(2)
    opened.in_doubt = 2
    parts.restore(opened, NOW)
    parts.confirm(opened, 1)
    assert (opened.in_doubt, len(parts)) == (1, 1)
    parts.confirm(opened, 2)
    assert (opened.in_doubt, len(parts), parts.next_at()) == (0, 0, None)


def test_it_is_until_it_has_ended() -> None:
    parts, opened = PartsInDoubt(), a_message_of(1)
    opened.in_doubt = 1
    parts.restore(opened, NOW)
    parts.forget(opened)
    assert parts.next_at() is None


def test_a_receipt_may_tell_of_a_part_of_this_run() -> None:
    parts, opened = PartsInDoubt(), a_message_of(1)
    parts.add(opened, 1, "alpha/1", NOW)
    parts.confirm(opened, 1)
    assert (opened.in_doubt, parts.next_at()) == (0, None)
