"""Who has the next room, among accounts and classes of traffic."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.messaging.fair_line import BULK, IDLE_MAX, NORMAL, URGENT, FairLine, level

# Senders are named "account.sender".


def stand(line: FairLine[str], *senders: str, level: int = NORMAL) -> None:
    for sender in senders:
        line.join(sender, sender[0], level)


def serve(
    line: FairLine[str], segments: int = 1, level: int = NORMAL, stays: bool = True
) -> str | None:
    """The first has its turn, and stands behind the others again."""
    sender = line.first()
    if sender:
        line.charge(sender, segments)
        line.leave(sender)
        if stays:
            stand(line, sender, level=level)
    return sender


def served(line: FairLine[str], times: int) -> str:
    return "".join(str(serve(line)) for _ in range(times))


def test_nobody_waits_at_first() -> None:
    line: FairLine[str] = FairLine()
    assert (line.first(), len(line)) == (None, 0)


def test_who_is_first_stays_so_until_it_leaves() -> None:
    line: FairLine[str] = FairLine()
    stand(line, "a", "b")
    assert (line.first(), line.first()) == ("a", "a")
    line.leave("a")
    assert (line.first(), "a" in line, len(line)) == ("b", False, 1)


def test_who_does_not_stand_there_can_leave_and_be_charged() -> None:
    line: FairLine[str] = FairLine()
    line.leave("a")
    line.charge("a", 1)
    assert line.first() is None


def test_accounts_take_turns() -> None:
    line: FairLine[str] = FairLine()
    stand(line, "a", "b", "c")
    assert served(line, 9) == "abcabcabc"


def test_senders_of_an_account_share_its_turns() -> None:
    line: FairLine[str] = FairLine()
    stand(line, "a1", "a2", "b1")
    counts = Counter(str(serve(line)) for _ in range(40))
    assert counts == {"a1": 10, "a2": 10, "b1": 20}


def test_a_long_message_is_paid_for_by_a_longer_wait() -> None:
    line: FairLine[str] = FairLine()
    stand(line, "a", "b")
    assert (serve(line, 3), served(line, 4)) == ("a", "bbba")


def test_who_comes_late_starts_where_the_others_are() -> None:
    line: FairLine[str] = FairLine()
    stand(line, "a", "b")
    served(line, 50)
    stand(line, "c")
    assert Counter(served(line, 30)) == {"a": 10, "b": 10, "c": 10}


def test_who_leaves_for_a_moment_has_not_paid_less() -> None:
    """It goes only when it is first, and so would have had each turn by leaving in between."""
    line: FairLine[str] = FairLine()
    stand(line, "a", "b")
    seen = []
    for _ in range(30):
        sender = serve(line, stays=False)
        seen.append(sender)
        if sender:
            stand(line, sender)
    assert Counter(seen) == {"a": 15, "b": 15}


def test_who_stands_there_already_keeps_the_place() -> None:
    line: FairLine[str] = FairLine()
    stand(line, "a1", "a2")
    stand(line, "a1")
    assert line.first() == "a1"


def test_another_class_is_another_place() -> None:
    line: FairLine[str] = FairLine()
    stand(line, "a", "b")
    stand(line, "b", level=URGENT)
    assert (line.first(), len(line)) == ("b", 2)


@pytest.mark.parametrize(
    ("name", "expected"), [("otp", URGENT), ("promotional", BULK), ("transactional", NORMAL)]
)
def test_classes_have_their_levels(name: str, expected: int) -> None:
    assert level(name) == expected


# Classes


def share(line: FairLine[str], levels: dict[str, int], times: int) -> Counter[str]:
    for sender, number in levels.items():
        stand(line, sender, level=number)
    counts: Counter[str] = Counter()
    for _ in range(times):
        first = line.first()
        assert first
        serve(line, level=levels[first])
        counts[first] += 1
    return counts


def test_urgent_goes_first() -> None:
    line: FairLine[str] = FairLine()
    stand(line, "bulk", level=BULK)
    stand(line, "normal")
    stand(line, "urgent", level=URGENT)
    assert line.first() == "urgent"


def test_urgent_takes_no_more_than_its_share_for_long() -> None:
    counts = share(FairLine(), {"u": URGENT, "n": NORMAL, "b": BULK}, 10_000)
    assert counts["u"] == pytest.approx(7_000, abs=100)
    assert counts["n"] == pytest.approx(2_250, abs=100)
    assert counts["b"] == pytest.approx(750, abs=50)


def test_without_urgent_the_rest_shares_by_weight() -> None:
    counts = share(FairLine(), {"n": NORMAL, "b": BULK}, 4_000)
    assert counts["n"] == pytest.approx(3_000, abs=2)


def test_a_class_alone_has_all() -> None:
    assert share(FairLine(), {"u": URGENT}, 500) == {"u": 500}


def test_a_burst_of_codes_goes_before_all_else() -> None:
    line: FairLine[str] = FairLine()
    share(line, {"b": BULK}, 1_000)
    stand(line, "u", level=URGENT)
    assert [serve(line, level=URGENT) for _ in range(100)] == ["u"] * 100


def test_a_class_that_was_silent_has_saved_nothing_up() -> None:
    line: FairLine[str] = FairLine()
    share(line, {"n": NORMAL}, 1_000)
    counts = share(line, {"n": NORMAL, "b": BULK}, 400)
    assert counts["b"] == pytest.approx(100, abs=2)


# Whatever happens


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.booleans(), st.integers(1, 5))))
def test_no_account_that_waits_all_the_time_falls_behind(
    steps: list[tuple[str, bool, int]],
) -> None:
    """The bound of SFQ: among those who wait throughout, no two are further apart than the longest
    messages of both."""
    line: FairLine[str] = FairLine()
    stand(line, "x", "y")
    had: Counter[str] = Counter()
    for other, joins, segments in steps:
        if joins:
            stand(line, other)
        else:
            line.leave(other)
        sender = line.first()
        assert sender
        had[sender] += segments
        serve(line, segments, stays=sender in "xy")
        assert abs(had["x"] - had["y"]) <= 5 + 5


def test_accounts_that_wait_no_more_are_forgotten() -> None:
    line: FairLine[str] = FairLine()
    stand(line, "x")
    for number in range(10_000):
        sender = chr(1_000 + number)
        stand(line, sender)
        served(line, 2)
        line.leave(sender)
    remembered = line._levels[NORMAL]
    assert len(remembered._flows) <= 2 + IDLE_MAX + 1
    assert len(remembered._by_start) <= 2 * (2 + IDLE_MAX + 1)


def test_a_line_that_is_never_served_does_not_grow() -> None:
    line: FairLine[str] = FairLine()
    for number in range(10_000):
        sender = chr(1_000 + number % 500)
        stand(line, sender)
        line.leave(sender)
    remembered = line._levels[NORMAL]
    assert len(remembered._by_start) <= IDLE_MAX + 1
    assert all(a[0] <= b[0] for a, b in pairwise(sorted(remembered._by_start)))
