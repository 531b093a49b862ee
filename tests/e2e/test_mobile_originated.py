"""What handsets send: to the number's webhook with a reply in TwiML, or to the account's ESME."""

import pytest

from gateway.message import Status
from gateway.smpp.constants import CommandStatus
from tests.e2e.configuration import (
    OTHER_ESME,
    OTHER_LONG_CODE,
    OTHER_PASSWORD,
    OTHER_SID,
    OTHER_TOKEN,
    SHORT_CODE,
)
from tests.e2e.esme import Esme, submit_sm
from tests.e2e.patience import until
from tests.e2e.rest_client import RestClient
from tests.e2e.site import Site

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]


async def text_from(site: Site, handset: str, body: str, to: str = SHORT_CODE) -> None:
    """A handset sends; the customer's web server has heard of it when this returns."""

    def told() -> list[dict[str, str]]:
        return [call for call in site.sink.of("/sms") if call["From"] == handset]

    before = len(told())
    site.carriers["alpha"].inject_mo(handset, to, body)
    await site.sink.wait_for(lambda: len(told()) > before)


async def replies(site: Site, handset: str, count: int) -> list[str]:
    """What the handset has got, once that is so much."""

    async def arrived() -> list[str]:
        return [message.text for message in site.arrived(handset)]

    return await until(arrived, lambda texts: len(texts) >= count)


async def test_message_reaches_the_webhook_signed(site: Site) -> None:
    handset = site.recipient()

    await text_from(site, handset, "Grüße, 5 €")

    call = next(call for call in site.sink.calls if call.fields.get("From") == handset)
    assert call.signed
    assert (call.fields["Body"], call.fields["To"]) == ("Grüße, 5 €", SHORT_CODE)
    assert call.fields["SmsStatus"] == Status.RECEIVED


async def test_twiml_reply_goes_out_to_the_handset(site: Site) -> None:
    handset = site.recipient()
    site.sink.replies["ping"] = "<Message>pong</Message>"

    await text_from(site, handset, "ping")

    assert await replies(site, handset, 1) == ["pong"]


async def test_message_without_webhook_goes_to_the_esme(site: Site) -> None:
    handset = site.recipient()

    async with Esme(site.daemon.smpp_port, OTHER_ESME, OTHER_PASSWORD) as esme:
        site.carriers["bravo"].inject_mo(handset, OTHER_LONG_CODE, "for the ESME")
        pdu = await esme.wait_for(lambda pdu: f"+{pdu.source_addr}" == handset)

    assert (pdu.short_message, pdu.esm_class) == (b"for the ESME", 0)


async def test_message_waits_for_the_esme(site: Site) -> None:
    handset = site.recipient()
    site.carriers["bravo"].inject_mo(handset, OTHER_LONG_CODE, "early")
    async with RestClient(lambda: site.daemon.rest, OTHER_SID, OTHER_TOKEN) as other:
        await until(other.messages, lambda found: any(m["from"] == handset for m in found))

    async with Esme(site.daemon.smpp_port, OTHER_ESME, OTHER_PASSWORD) as esme:
        pdu = await esme.wait_for(lambda pdu: f"+{pdu.source_addr}" == handset)

    assert pdu.short_message == b"early"


async def test_messages_that_the_esme_could_not_take_come_again_in_order(site: Site) -> None:
    handset = site.recipient()
    texts = [b"first", b"second", b"third"]
    for text in texts:
        site.carriers["bravo"].inject_mo(handset, OTHER_LONG_CODE, text.decode())
    async with RestClient(lambda: site.daemon.rest, OTHER_SID, OTHER_TOKEN) as other:
        await until(
            other.messages, lambda found: [m["from"] for m in found].count(handset) == len(texts)
        )

    # All wait for it, so that all come at once and none is taken before the others are refused.
    esme = Esme(site.daemon.smpp_port, OTHER_ESME, OTHER_PASSWORD)
    esme.answers = [CommandStatus.ESME_RTHROTTLED] * len(texts)
    async with esme:
        await esme.wait_for(lambda _: len(esme.taken) == len(texts))

    assert [pdu.short_message for pdu in esme.taken] == texts


async def test_stop_ends_it_and_start_takes_it_up_again(site: Site) -> None:
    handset = site.recipient()

    await text_from(site, handset, "Stop")
    refused = await site.rest.refused(handset, "hello", SHORT_CODE)
    await text_from(site, handset, "start")
    sid = await site.rest.create(handset, "hello again", SHORT_CODE)
    await site.rest.final(sid)

    assert refused == (400, 21610)
    heard = await replies(site, handset, 3)
    assert ["unsubscribed" in heard[0], "subscribed" in heard[1], heard[2]] == [
        True,
        True,
        "hello again",
    ]


async def test_stop_counts_over_smpp_too(site: Site) -> None:
    handset = site.recipient()
    await text_from(site, handset, "STOP")

    async with Esme(site.daemon.smpp_port) as esme:
        answer = await esme.send(submit_sm(handset, sender=SHORT_CODE))

    assert answer.command_status == CommandStatus.ESME_RSUBMITFAIL


async def test_stop_counts_for_its_sender_alone(site: Site) -> None:
    handset = site.recipient()
    await text_from(site, handset, "STOP")

    message = await site.rest.final(await site.rest.create(handset, "from another sender"))

    assert message["status"] == "delivered"


async def test_text_like_a_receipt_is_a_message(site: Site) -> None:
    handset = site.recipient()
    text = "id:1 sub:001 dlvrd:001 submit date:2601010000 done date:2601010000 stat:DELIVRD err:000"

    await text_from(site, handset, text)

    assert [call["Body"] for call in site.sink.of("/sms") if call["From"] == handset] == [text]
