"""The order of RFC 2782."""

from collections import Counter
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from gateway.net.dns_records import Naptr, Srv, in_naptr_order, in_srv_order

SRVS = st.lists(
    st.builds(Srv, st.integers(0, 3), st.integers(0, 100), st.just(5060), st.text("ab", max_size=3))
)


@given(SRVS, st.integers())
def test_priority_comes_first_and_nothing_is_lost(records: list[Srv], seed: int) -> None:
    ordered = in_srv_order(records, Random(seed))
    assert [each.priority for each in ordered] == sorted(each.priority for each in records)
    assert Counter(ordered) == Counter(records)


def test_weights_share_what_is_equal() -> None:
    records = [Srv(1, 60, 5060, "a"), Srv(1, 30, 5060, "b"), Srv(1, 10, 5060, "c")]
    random = Random(1)
    first = Counter(in_srv_order(records, random)[0].target for _ in range(10_000))
    assert 0.57 < first["a"] / 10_000 < 0.63
    assert 0.27 < first["b"] / 10_000 < 0.33


def test_records_without_weight_are_chosen_too() -> None:
    records = [Srv(1, 0, 5060, "a"), Srv(1, 0, 5060, "b")]
    assert [each.target for each in in_srv_order(records, Random(1))] == ["a", "b"]


def test_naptr_is_ordered_by_order_then_preference() -> None:
    records = [Naptr(*numbers, "s", "sip+d2u", "x") for numbers in ((2, 1), (1, 2), (1, 1))]
    assert [(each.order, each.preference) for each in in_naptr_order(records)] == [
        (1, 1),
        (1, 2),
        (2, 1),
    ]
