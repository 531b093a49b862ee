"""A type of sender that a carrier refuses is barred there, for longer each time."""

from routing.refusals import BARRED_MAX_S, BARRED_S, IN_A_ROW, Refusals


def refuse(refusals: Refusals, at: float, times: int = IN_A_ROW) -> bool:
    return [refusals.refused(at) for _ in range(times)][-1]


def test_one_refusal_may_be_about_the_message() -> None:
    refusals = Refusals()
    assert not refuse(refusals, 10.0, IN_A_ROW - 1)
    assert refusals.barred_until < 10.0


def test_some_in_a_row_bar_the_sender_type() -> None:
    refusals = Refusals()
    assert refuse(refusals, 10.0)
    assert refusals.barred_until == 10.0 + BARRED_S


def test_what_is_accepted_between_begins_the_row_anew() -> None:
    refusals = Refusals()
    refuse(refusals, 10.0, IN_A_ROW - 1)
    refusals.accepted()
    assert not refuse(refusals, 11.0, IN_A_ROW - 1)


def test_messages_that_were_under_way_do_not_lengthen_it() -> None:
    refusals = Refusals()
    refuse(refusals, 10.0)
    assert not refuse(refusals, 11.0)
    assert refusals.barred_until == 10.0 + BARRED_S


def test_one_more_after_that_bars_it_for_twice_as_long_up_to_a_bound() -> None:
    refusals = Refusals()
    refuse(refusals, 10.0)
    lengths = [BARRED_S]
    for _ in range(8):
        at = refusals.barred_until
        assert refusals.refused(at)
        lengths.append(refusals.barred_until - at)
    assert lengths[:3] == [BARRED_S, 2 * BARRED_S, 4 * BARRED_S]
    assert max(lengths) == lengths[-1] == BARRED_MAX_S


def test_accepted_again_all_is_forgotten() -> None:
    refusals = Refusals()
    refuse(refusals, 10.0)
    refusals.refused(refusals.barred_until)
    refusals.accepted()
    assert refusals.barred_until < 0.0
    assert refuse(refusals, 1_000.0)
    assert refusals.barred_until == 1_000.0 + BARRED_S
