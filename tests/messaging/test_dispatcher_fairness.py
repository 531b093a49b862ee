"""Nobody starves, and nothing is left over."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.message import Encoding, Status
from gateway.messaging.open_message import OpenMessage
from gateway.smpp.constants import CommandStatus
from tests.messaging.traffic_world import (
    LONG,
    OTHER,
    RECIPIENT,
    SENDER,
    THIRD,
    TWO,
    UNKNOWN_WAIT_S,
    Traffic,
    to,
)
from tests.support.virtual_time import virtual_time

# Nobody starves


@virtual_time
async def test_senders_take_turns_on_a_bind_that_is_full() -> None:
    traffic = Traffic(window=1)
    for number in range(10):
        await traffic.put("code", recipient=f"+150055501{number:02d}")
    for number in range(10):
        await traffic.put("long", sender="+15005550006", recipient=f"+150055502{number:02d}")
    for _ in range(19):
        await traffic.turn(0.01)
        traffic.ok()
    texts = traffic.texts()[:10]
    assert 4 <= texts.count("code") <= 6


@virtual_time
async def test_a_long_conversation_leaves_room_for_others() -> None:
    """Its next message may go the moment that the one before is answered."""
    traffic = Traffic(window=1)
    for _ in range(10):
        await traffic.put("talk")
    await traffic.turn()
    for number in range(3):
        await traffic.put("other", sender="+15005550006", recipient=f"+1500555000{number}")
    for _ in range(9):
        await traffic.turn(0.1)
        traffic.ok()
    assert traffic.texts()[:7] == ["talk", "other", "talk", "other", "talk", "other", "talk"]


@virtual_time
async def test_a_head_that_cannot_go_keeps_nobody_else_waiting() -> None:
    traffic = Traffic({"alpha/1": (to("+49"),), "beta/1": (to("+1"),)})
    traffic.down("alpha/1")
    await traffic.put("stuck", recipient="+4915112345678")
    await traffic.put("free", sender="+15005550006")
    await traffic.turn()
    assert traffic.texts("beta/1") == ["free"]


@virtual_time
async def test_room_goes_on_to_the_next_when_the_first_has_no_use_for_it() -> None:
    """The sender that is woken finds its head blocked by its own conversation."""
    traffic = Traffic({"alpha/1": (to("", 2),), "beta/1": (to("+1"),)}, window=1)
    await traffic.put("fills beta", recipient=OTHER)
    await traffic.put("fills alpha", recipient=THIRD)
    await traffic.put("waits", recipient=RECIPIENT)
    await traffic.put("waits too", sender="+15005550006", recipient="+15005550011")
    await traffic.turn(0.1)
    traffic.ok("alpha/1")
    traffic.ok("beta/1")
    await traffic.turn(0.1)
    assert sorted(traffic.texts("alpha/1") + traffic.texts("beta/1"))[-2:] == [
        "waits",
        "waits too",
    ]


@virtual_time
async def test_room_goes_on_to_the_next_where_the_first_would_rather_wait_for_a_better_bind() -> (
    None
):
    """A second code to a number goes another way than the first, if that is only busy."""
    traffic = Traffic(TWO, window=1)
    await traffic.put("code", traffic_type="otp")
    await traffic.turn(0.1)
    traffic.ok("alpha/1")
    await traffic.put("fills alpha", recipient=OTHER)
    await traffic.put("fills beta", recipient=THIRD)
    await traffic.put("code again", traffic_type="otp")
    await traffic.put("other", sender="+15005550006", recipient="+15005550011")
    await traffic.turn(0.1)
    traffic.ok("alpha/1")
    await traffic.turn(0.1)
    assert traffic.texts("alpha/1") == ["code", "fills alpha", "other"]
    traffic.ok("beta/1")
    await traffic.turn(0.1)
    assert traffic.texts("beta/1") == ["fills beta", "code again"]


@virtual_time
async def test_more_senders_than_one_run_serves_are_all_served() -> None:
    traffic = Traffic(mps=1_000_000, window=1_000, tps=1_000_000)
    traffic.down("alpha/1")
    for number in range(450):
        await traffic.put(str(number), recipient=f"+1500555{number:04d}")
    traffic.up("alpha/1")
    await traffic.turn()
    assert len(traffic.texts()) == 450


# Nothing is left over


@virtual_time
async def test_an_idle_lane_is_forgotten() -> None:
    traffic = Traffic()
    await traffic.put()
    await traffic.turn()
    assert traffic.lanes == 1
    traffic.ok()
    await traffic.turn(1)
    assert traffic.lanes == 0


@virtual_time
async def test_a_lane_that_must_pause_is_not_forgotten_before() -> None:
    """Else a new lane of the same sender could send too early."""
    traffic = Traffic(mps=0.1)
    await traffic.put("first", recipient=OTHER)
    await traffic.turn()
    traffic.ok()
    await traffic.turn(5)
    await traffic.put("second")
    await traffic.turn(4)
    assert traffic.texts() == ["first"]
    await traffic.turn(2)
    assert traffic.texts() == ["first", "second"]


@virtual_time
async def test_a_sender_that_is_forgotten_between_messages_keeps_its_rate() -> None:
    """What its limiter forgave a late timer must not be forgiven again."""
    traffic = Traffic(mps=2)
    for _ in range(2):
        await traffic.put()
        await traffic.turn()
        traffic.ok()
        await traffic.turn(0.497)
    await traffic.put()
    await traffic.turn(1)
    first, _, third = [written.at for written in traffic.binds["alpha/1"].written]
    assert third - first >= 1 - 1e-6


@virtual_time
async def test_a_message_that_is_not_accepted_leaves_no_lane() -> None:
    traffic = Traffic()
    lane = traffic.dispatcher.lanes.of(traffic.account, traffic.account.senders[0])
    assert lane.queue.reserve(3)
    traffic.dispatcher.lanes.withdraw(lane, 3)
    await traffic.turn(1)
    assert (traffic.lanes, lane.queue.segments) == (0, 0)


@virtual_time
async def test_a_late_answer_finds_its_lane_forgotten_and_does_no_harm() -> None:
    traffic = Traffic()
    opened = await traffic.put()
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(60)
    assert traffic.lanes == 0
    traffic.answer_to("alpha/1", written, CommandStatus.ESME_RTHROTTLED, late=True)
    await traffic.turn(1)
    traffic.ok()
    await traffic.turn(1)
    assert (opened.status, traffic.lanes) == (Status.SENT, 0)


@virtual_time
async def test_a_late_answer_goes_to_the_lane_that_stands_now() -> None:
    traffic = Traffic(window=1)
    await traffic.put("first")
    await traffic.turn(10)
    written = traffic.time_out()
    await traffic.turn(60)
    await traffic.put("holds the bind", recipient=OTHER)
    await traffic.turn()
    await traffic.put("later", recipient=THIRD)
    traffic.answer_to("alpha/1", written, CommandStatus.ESME_RSYSERR, late=True)
    for _ in range(3):
        await traffic.turn(2)
        traffic.ok()
    assert traffic.texts() == ["first", "holds the bind", "first", "later"]
    await traffic.turn(1)
    assert traffic.lanes == 0


@virtual_time
async def test_a_stopped_dispatcher_sends_nothing_more() -> None:
    traffic = Traffic()
    await traffic.put("first")
    await traffic.turn()
    opened = await traffic.put("second", recipient=OTHER)
    traffic.dispatcher.stop()
    await traffic.put("third", recipient=THIRD)
    traffic.ok()
    await traffic.turn(60)
    assert (traffic.texts(), opened.status) == (["first"], Status.QUEUED)


@virtual_time
async def test_the_backlog_is_told_by_sender() -> None:
    traffic = Traffic()
    traffic.down("alpha/1")
    await traffic.put(LONG, segments=3)
    await traffic.put()
    assert traffic.dispatcher.lanes.backlog() == [(traffic.account.sid, SENDER, 2, 4)]


@virtual_time
async def test_binary_messages_go_as_they_are() -> None:
    traffic = Traffic()
    await traffic.put("", octets=b"\x00\xff", encoding=Encoding.BINARY)
    await traffic.turn()
    (written,) = traffic.binds["alpha/1"].written
    assert (written.pdu.short_message, written.pdu.data_coding) == (b"\x00\xff", 4)


# Whatever happens


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put long", "ok", "throttle", "other", "fail", "time out", "lost"]),
        st.integers(0, 3),
        st.floats(0, 3),
    ),
    max_size=40,
)


@given(STEPS)
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_whatever_carriers_do_each_message_ends_once_and_all_room_comes_back(
    steps: list[tuple[str, int, float]],
) -> None:
    @virtual_time
    async def run() -> None:
        traffic = Traffic(TWO, window=2)
        made: list[OpenMessage] = []
        statuses = {
            "ok": CommandStatus.ESME_ROK,
            "throttle": CommandStatus.ESME_RTHROTTLED,
            "other": CommandStatus.ESME_RSYSERR,
            "fail": CommandStatus.ESME_RINVDSTADR,
        }
        for number, (step, which, pause_s) in enumerate(steps):
            bind = ("alpha/1", "beta/1")[which % 2]
            recipient = f"+1500555000{which}"
            if step.startswith("put"):
                body, segments = (LONG, 3) if step == "put long" else (str(number), 1)
                made.append(
                    await traffic.put(
                        body,
                        segments=segments,
                        recipient=recipient,
                        traffic_type=("", "otp")[which // 2],
                    )
                )
            elif step == "lost":
                traffic.down(bind)
                traffic.up(bind)
            elif traffic.binds[bind].awaiting:
                if step == "time out":
                    traffic.time_out(bind)
                else:
                    traffic.answer(bind, statuses[step], f"{number}")
            await traffic.turn(pause_s)
        for _ in range(400):
            for bind in traffic.binds:
                while traffic.binds[bind].awaiting:
                    traffic.ok(bind, f"end {len(traffic.binds[bind].written)}")
            await traffic.turn(1)
        await traffic.turn(UNKNOWN_WAIT_S + 20_000)
        ends = {Status.SENT, Status.FAILED}
        for opened in made:
            assert [each for each in traffic.statuses(opened) if each in ends] == [opened.status]
        assert all(each.in_flight == 0 for each in made)
        assert (traffic.lanes, traffic.dispatcher.lanes.backlog()) == (0, [])
        _assert_order(traffic, made)

    run()


def _assert_order(traffic: Traffic, made: list[OpenMessage]) -> None:
    """To one recipient the first attempts are in the order of acceptance."""
    written = [each for bind in traffic.binds.values() for each in bind.written]
    written.sort(key=lambda each: each.at)
    first: dict[int, float] = {}
    for each in written:
        first.setdefault(each.reference[0].message.id, each.at)
    by_recipient: dict[str, list[float]] = {}
    for opened in made:
        if opened.message.id in first:
            times = by_recipient.setdefault(opened.message.recipient, [])
            times.append(first[opened.message.id])
    assert all(times == sorted(times) for times in by_recipient.values())
