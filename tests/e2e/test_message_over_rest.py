"""The main job over REST: to a carrier, and the status back."""

import pytest

from tests.e2e.configuration import UNREGISTERED
from tests.e2e.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


async def test_message_is_delivered(site: Site) -> None:
    recipient = site.recipient()

    message = await site.rest.final(await site.rest.create(recipient, "hello"))

    assert (message["status"], message["error_code"]) == ("delivered", None)
    assert [arrived.text for arrived in site.arrived(recipient)] == ["hello"]


async def test_status_callbacks_come_in_order_and_signed(site: Site) -> None:
    path = "/told-in-order"

    sid = await site.rest.create(site.recipient(), "hello", StatusCallback=f"{site.sink.url}{path}")
    await site.sink.wait_for(lambda: len(site.sink.of(path)) >= 3)

    assert [call["MessageStatus"] for call in site.sink.of(path)] == [
        "sending",
        "sent",
        "delivered",
    ]
    assert {call["MessageSid"] for call in site.sink.of(path)} == {sid}
    assert all(call.signed for call in site.sink.calls)


async def test_callback_of_a_failure_has_its_error_code(site: Site) -> None:
    path = "/told-of-failure"

    await site.rest.create(site.recipient("0001"), "hello", StatusCallback=f"{site.sink.url}{path}")
    await site.sink.wait_for(lambda: len(site.sink.of(path)) >= 3)

    last = site.sink.of(path)[-1]
    assert last["MessageStatus"] == "undelivered"
    assert last["ErrorCode"] == str((await site.rest.fetch(last["MessageSid"]))["error_code"])


async def test_long_message_arrives_whole(site: Site) -> None:
    recipient = site.recipient()
    text = "naïve café €5 " * 30

    message = await site.rest.final(await site.rest.create(recipient, text))

    assert (message["status"], message["num_segments"]) == ("delivered", "7")
    assert [(arrived.text, arrived.segments) for arrived in site.arrived(recipient)] == [(text, 7)]


async def test_messages_to_one_recipient_arrive_in_order(site: Site) -> None:
    recipient = site.recipient()
    texts = [f"#{number}" for number in range(20)]

    sids = [await site.rest.create(recipient, text) for text in texts]
    for sid in sids:
        await site.rest.final(sid)

    assert [arrived.text for arrived in site.arrived(recipient)] == texts


@pytest.mark.parametrize("suffix", ["0005", "0007", "0015"], ids=["throttled", "broken", "full"])
async def test_carrier_that_cannot_take_it_now_costs_nothing(site: Site, suffix: str) -> None:
    recipient = site.recipient(suffix)

    message = await site.rest.final(await site.rest.create(recipient, "hello"))

    assert message["status"] == "delivered"
    assert len(site.arrived(recipient)) == 1


@pytest.mark.parametrize(
    ("suffix", "status"),
    [("0001", "undelivered"), ("0003", "undelivered"), ("0006", "failed")],
)
async def test_what_the_carrier_says_no_to_ends_with_a_code(
    site: Site, suffix: str, status: str
) -> None:
    message = await site.rest.final(await site.rest.create(site.recipient(suffix), "hello"))

    assert message["status"] == status
    assert message["error_code"]


async def test_receipt_before_its_response_counts(site: Site) -> None:
    message = await site.rest.final(await site.rest.create(site.recipient("0011"), "hello"))

    assert message["status"] == "delivered"


async def test_connection_that_drops_under_a_message_does_not_lose_it(site: Site) -> None:
    recipient = site.recipient()
    site.carriers["alpha"].drop_connections()

    message = await site.rest.final(await site.rest.create(recipient, "hello"))
    await site.bound()

    assert message["status"] == "delivered"


async def test_unregistered_sender_is_refused(site: Site) -> None:
    assert await site.rest.refused(site.recipient(), "hello", UNREGISTERED) == (400, 30034)
