"""Kannel's bearerbox as an ESME of our server: as a transceiver, and as transmitter and receiver.

The two ways are of two accounts, because Kannel knows a receipt only over the section that has
sent.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from carriers_sim.violations import Invariant
from tests.e2e.configuration import (
    LONG_CODE,
    OTHER_ESME,
    OTHER_LONG_CODE,
    OTHER_PASSWORD,
)
from tests.e2e.patience import until
from tests.e2e.site import Site, a_site
from tests.interop.kannel import (
    DELIVERED,
    FINAL,
    SMSC_REJECT,
    SMSC_SUCCESS,
    UNDELIVERED,
    Kannel,
    a_kannel,
    smsc,
    tlv,
)
from tests.interop.peers import PeerMissing
from tests.interop.relay import Relay
from tests.interop.tshark import dissect

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

IDEMPOTENCY_TAG = 0x1400
# In the TLV that the configuration of Kannel names.
KEY = "?smpp?key=order-17"


@dataclass(frozen=True)
class KannelSite:
    site: Site
    kannel: Kannel
    relay: Relay

    async def send(
        self, text: str, to: str = "", mode: str = "trx", mask: int = FINAL, **more: str
    ) -> str:
        """The number of the recipient, who is nobody else's if none is given."""
        to = to or self.site.recipient()
        await self.kannel.send(mode, SENDERS[mode], to, text, mask, **more)
        return to

    def texts(self, recipient: str) -> list[str]:
        return [arrived.text for arrived in self.site.arrived(recipient)]


# A transceiver, and a transmitter with a receiver.
SENDERS = {"trx": LONG_CODE, "pair": OTHER_LONG_CODE}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def kannel_site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[KannelSite]:
    directory: Path = tmp_path_factory.mktemp("kannel")
    other = {"smsc_username": OTHER_ESME, "smsc_password": OTHER_PASSWORD}
    async with a_site(directory / "site") as site:
        port = site.daemon.smpp_port
        try:
            async with (
                Relay(port) as relay,
                a_kannel(
                    directory,
                    smsc("trx", port=relay.port, transceiver_mode="true"),
                    smsc("pair", port=port, **other),
                    smsc("pair", receive_port=port, **other),
                    tlv("key", IDEMPOTENCY_TAG),
                ) as kannel,
            ):
                yield KannelSite(site, kannel, relay)
        except PeerMissing as missing:
            pytest.skip(str(missing))


@pytest.mark.parametrize("mode", SENDERS)
@pytest.mark.parametrize(
    ("text", "coding"),
    [
        ("@ £ {€} _$", "0"),
        ("Привет", "2"),
        ("0123456789" * 40, "0"),
        ("[€]" * 100, "0"),
        ("Привет " * 30, "2"),
    ],
    ids=["gsm", "ucs2", "long", "long-with-escapes", "long-ucs2"],
)
async def test_text_arrives_and_its_receipt_comes_back(
    kannel_site: KannelSite, text: str, coding: str, mode: str
) -> None:
    recipient = await kannel_site.send(text, mode=mode, coding=coding)

    assert await kannel_site.kannel.receipts(recipient) == [DELIVERED]

    async def texts() -> list[str]:
        return kannel_site.texts(recipient)

    # The receipt is that of one part, and may come before the last one has.
    assert await until(texts) == [text]


async def test_gsm_6_surrogate_pair_that_kannel_splits_arrives_whole(
    kannel_site: KannelSite,
) -> None:
    """Its splitter counts UTF-16 units; the parts are its own, and are passed on as they are."""
    before = len(kannel_site.site.carriers.violations)
    recipient = await kannel_site.send("👋" * 50, coding="2")

    assert await kannel_site.kannel.receipts(recipient) == [DELIVERED]
    assert kannel_site.texts(recipient) == ["👋" * 50]
    found = kannel_site.site.carriers.violations[before:]
    assert {violation.invariant for violation in found} == {Invariant.SPLIT_SURROGATE}
    kannel_site.site.carriers.forgive(Invariant.SPLIT_SURROGATE)


@pytest.mark.parametrize("mode", SENDERS)
async def test_rcp_2_kannel_finds_its_message_by_the_id_of_our_receipt(
    kannel_site: KannelSite, mode: str
) -> None:
    recipient = await kannel_site.send("hello", mode=mode, mask=SMSC_SUCCESS | FINAL)

    said = await kannel_site.kannel.reader.wait_for("dlr", 2, to=recipient)

    assert [int(call["status"]) for call in said] == [SMSC_SUCCESS, DELIVERED]
    assert said[0]["id"] == said[1]["id"] != ""


async def test_undelivered_message_is_told(kannel_site: KannelSite) -> None:
    recipient = await kannel_site.send("lost", to=kannel_site.site.recipient("0001"))

    assert await kannel_site.kannel.receipts(recipient) == [UNDELIVERED]


async def test_srv_4_refusal_is_told_with_its_status(kannel_site: KannelSite) -> None:
    recipient = kannel_site.site.recipient()
    await kannel_site.kannel.send("trx", "+15005559999", recipient, "no")

    (call,) = await kannel_site.kannel.reader.wait_for("dlr", to=recipient)

    assert int(call["status"]) == SMSC_REJECT
    assert call["answer"].startswith("NACK/0x0000000a/")


async def test_srv_23_validity_of_kannel_is_understood(kannel_site: KannelSite) -> None:
    recipient = await kannel_site.send("valid for ten minutes", validity="10")

    assert await kannel_site.kannel.receipts(recipient) == [DELIVERED]


async def test_srv_23_message_that_kannel_defers_is_scheduled(kannel_site: KannelSite) -> None:
    recipient = await kannel_site.send("in ten minutes", deferred="10", mask=SMSC_SUCCESS)
    (call,) = await kannel_site.kannel.reader.wait_for("dlr", to=recipient)

    message = await kannel_site.site.rest.fetch(call["id"])

    assert message["status"] == "scheduled"
    assert kannel_site.texts(recipient) == []


async def test_srv_26_flash_message_arrives(kannel_site: KannelSite) -> None:
    recipient = await kannel_site.send("{now}", mclass="0")

    assert await kannel_site.kannel.receipts(recipient) == [DELIVERED]
    assert kannel_site.texts(recipient) == ["{now}"]


async def test_srv_22_key_in_a_vendor_tlv_makes_one_message_of_two(
    kannel_site: KannelSite,
) -> None:
    recipient = kannel_site.site.recipient()

    for _ in range(2):
        await kannel_site.send("only once", recipient, mask=SMSC_SUCCESS, meta=KEY)

    said = await kannel_site.kannel.reader.wait_for("dlr", 2, to=recipient)

    assert said[0]["id"] == said[1]["id"] != ""
    assert kannel_site.texts(recipient) == ["only once"]


@pytest.mark.parametrize("mode", SENDERS)
@pytest.mark.parametrize(
    "text", ["Grüße {€}", "こんにちは", "0123456789" * 40], ids=["gsm", "ucs2", "long"]
)
async def test_message_from_a_handset(kannel_site: KannelSite, text: str, mode: str) -> None:
    handset, site = kannel_site.site.recipient(), kannel_site.site
    site.carriers["alpha"].inject_mo(handset, SENDERS[mode], text)

    (call,) = await kannel_site.kannel.reader.wait_for("mo", handset=handset)

    assert (call["text"], call["to"]) == (text, SENDERS[mode])


async def test_cut_connection_loses_nothing(kannel_site: KannelSite) -> None:
    recipient = await kannel_site.send("before")
    assert await kannel_site.kannel.receipts(recipient) == [DELIVERED]
    kannel_site.relay.cut()
    other = await kannel_site.send("after")

    assert await kannel_site.kannel.receipts(other) == [DELIVERED]
    assert kannel_site.texts(other) == ["after"]


async def test_tshark_finds_nothing_wrong_between_kannel_and_us(
    kannel_site: KannelSite, tmp_path: Path
) -> None:
    recipient = await kannel_site.send("for tshark")
    await kannel_site.kannel.receipts(recipient)

    try:
        dissection = await dissect(kannel_site.relay.segments, tmp_path)
    except PeerMissing as missing:
        pytest.skip(str(missing))

    assert dissection.complaints == []
