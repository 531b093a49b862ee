"""What the router is told of each message, by which it learns and can say why."""

from gateway.smpp.constants import CommandStatus
from routing.alarm import AlarmKind
from tests.messaging.traffic_world import TWO, Traffic, part_id, to
from tests.support.virtual_time import virtual_time

GERMAN = "+491511234{:04d}"


@virtual_time
async def test_the_router_can_say_why_a_message_went_where_it_went() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.sent(traffic_type="otp")
    record = traffic.router.explain(opened.message.id)
    assert record is not None
    assert (record["chosen"], record["class"]) == ("alpha/1", "otp")


@virtual_time
async def test_after_a_refusal_the_record_is_of_the_second_attempt() -> None:
    traffic = Traffic(TWO)
    opened = await traffic.put()
    await traffic.turn()
    traffic.answer("alpha/1", CommandStatus.ESME_RSYSERR)
    await traffic.turn()
    record = traffic.router.explain(opened.message.id)
    assert record is not None
    assert (record["chosen"], record["mode"], record["attempt"]) == ("beta/1", "failover", 2)


@virtual_time
async def test_a_network_that_delivers_no_more_gets_its_messages_over_another_bind() -> None:
    """Receipts and silence teach about the network, for each is told with its message's id."""
    routes = {"alpha/1": (to("+49"),), "beta/1": (to("+49", 2),)}
    traffic = Traffic(routes, window=100)
    for number in range(240):
        opened = await traffic.put(recipient=GERMAN.format(number))
        await traffic.turn(0.5)
        for bind in traffic.binds:
            while traffic.binds[bind].awaiting:
                traffic.ok(bind, part_id(opened))
                if bind == "beta/1" or number < 120:
                    traffic.receipt(part_id(opened), bind=bind)
    assert [alarm.kind for alarm in traffic.router.alarms()] == [AlarmKind.GREY]
    last = [
        each.text for each in traffic.binds["alpha/1"].written if each.at > traffic.clock.now() - 30
    ]
    assert len(last) < 6


@virtual_time
async def test_receipts_that_blame_the_number_do_not_make_a_route_bad() -> None:
    traffic = Traffic(TWO, window=100)
    for number in range(120):
        opened = await traffic.sent(recipient=GERMAN.format(number))
        stat, err = ("DELIVRD", "000") if number < 60 else ("UNDELIV", "001")
        traffic.receipt(part_id(opened), stat, err)
        await traffic.turn(0.5)
    assert traffic.router.alarms() == ()
    assert traffic.texts("beta/1") == []
