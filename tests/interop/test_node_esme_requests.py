"""What node-smpp asks of messages that it has submitted before, and submits to many at once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.e2e.configuration import TOLL_FREE
from tests.e2e.patience import until
from tests.e2e.site import Site
from tests.interop.node_esme import (
    a_bound_node,
    answer,
    destination,
    source,
    submit,
)
from tests.interop.node_smpp import NodeScript

pytestmark = [pytest.mark.interop, pytest.mark.asyncio(loop_scope="module")]

# Relative times (SMPP v3.4 §7.1.1.2): long enough to be scheduled.
IN_AN_HOUR = "000000010000000R"
# message_state (§5.2.28); 5.0 has SCHEDULED for what 3.4 calls ENROUTE.
WAITING, DELIVERED, DELETED = (0, 1), 2, 4
NOT_AN_ID = "SM00000000000000000000000000000000"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def esme(site: Site, node_modules: Path) -> AsyncIterator[NodeScript]:
    async with a_bound_node(site.daemon.smpp_port, node_modules) as esme:
        yield esme


async def scheduled(site: Site, esme: NodeScript, text: str = "later", **more: object) -> str:
    """The id of a message that waits for an hour."""
    return await submit(esme, site.recipient(), text, schedule_delivery_time=IN_AN_HOUR, **more)


async def delivered(site: Site, esme: NodeScript) -> str:
    sid = await submit(esme, site.recipient(), "at once")
    assert (await site.rest.final(sid))["status"] == "delivered"
    return sid


async def test_srv_27_query_of_a_delivered_message(site: Site, esme: NodeScript) -> None:
    sid = await delivered(site, esme)

    said = await answer(esme, "query_sm", message_id=sid, **source())

    assert (said["status"], said["message_id"]) == ("ESME_ROK", sid)
    assert (said["message_state"], said["error_code"]) == (DELIVERED, 0)
    assert said["final_date"]


async def test_srv_27_query_of_a_message_that_waits(site: Site, esme: NodeScript) -> None:
    sid = await scheduled(site, esme)

    said = await answer(esme, "query_sm", message_id=sid, **source())

    assert said["message_state"] in WAITING
    assert not said["final_date"]


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("query_sm", "ESME_RQUERYFAIL"),
        ("cancel_sm", "ESME_RCANCELFAIL"),
        ("replace_sm", "ESME_RREPLACEFAIL"),
    ],
)
async def test_srv_27_another_source_finds_nothing(
    site: Site, esme: NodeScript, command: str, status: str
) -> None:
    sid = await scheduled(site, esme)
    text = {"short_message": "new"} if command == "replace_sm" else {}

    said = await answer(esme, command, message_id=sid, **source(TOLL_FREE), **text)

    assert said["status"] == status
    assert (await site.rest.fetch(sid))["status"] == "scheduled"


@pytest.mark.parametrize("command", ["query_sm", "cancel_sm", "replace_sm"])
async def test_srv_27_unknown_id_is_an_error_and_no_more(esme: NodeScript, command: str) -> None:
    text = {"short_message": "new"} if command == "replace_sm" else {}
    said = await answer(esme, command, message_id=NOT_AN_ID, **source(), **text)

    assert said["status"] != "ESME_ROK"
    assert (await answer(esme, "enquire_link"))["status"] == "ESME_ROK"


async def test_srv_27_message_that_waits_is_canceled(site: Site, esme: NodeScript) -> None:
    sid = await scheduled(site, esme)

    said = await answer(esme, "cancel_sm", message_id=sid, **source())

    assert said["status"] == "ESME_ROK"
    assert (await site.rest.fetch(sid))["status"] == "canceled"
    asked = await answer(esme, "query_sm", message_id=sid, **source())
    assert asked["message_state"] == DELETED


async def test_srv_27_cancel_without_an_id_is_for_all_between_two_addresses(
    site: Site, esme: NodeScript
) -> None:
    to, other = site.recipient(), site.recipient()
    sids = [
        await submit(esme, recipient, f"text {number}", schedule_delivery_time=IN_AN_HOUR)
        for number, recipient in enumerate([to, to, other])
    ]

    said = await answer(esme, "cancel_sm", message_id="", **source(), **destination(to))

    assert said["status"] == "ESME_ROK"
    assert [(await site.rest.fetch(sid))["status"] for sid in sids] == [
        "canceled",
        "canceled",
        "scheduled",
    ]


async def test_srv_27_delivered_message_is_not_canceled(site: Site, esme: NodeScript) -> None:
    sid = await delivered(site, esme)

    said = await answer(esme, "cancel_sm", message_id=sid, **source())

    assert said["status"] == "ESME_RCANCELFAIL"


async def test_srv_27_message_that_waits_is_replaced_and_keeps_its_id(
    site: Site, esme: NodeScript
) -> None:
    sid = await scheduled(site, esme, "old")

    said = await answer(esme, "replace_sm", message_id=sid, **source(), short_message="new")

    assert said["status"] == "ESME_ROK"
    message = await site.rest.fetch(sid)
    assert (message["status"], message["body"]) == ("scheduled", "new")


async def test_srv_27_delivered_message_is_not_replaced(site: Site, esme: NodeScript) -> None:
    sid = await delivered(site, esme)

    said = await answer(esme, "replace_sm", message_id=sid, **source(), short_message="new")

    assert said["status"] == "ESME_RREPLACEFAIL"


async def test_srv_25_replace_if_present_keeps_the_one_that_waits(
    site: Site, esme: NodeScript
) -> None:
    to, later = site.recipient(), {"schedule_delivery_time": IN_AN_HOUR}
    first = await submit(esme, to, "old", **later)

    second = await submit(esme, to, "new", replace_if_present_flag=1, **later)

    assert second == first
    assert (await site.rest.fetch(first))["body"] == "new"


async def test_srv_25_replace_if_present_is_a_new_message_when_none_waits(
    site: Site, esme: NodeScript
) -> None:
    to = site.recipient()
    sid = await submit(esme, to, "only", replace_if_present_flag=1)
    assert (await site.rest.final(sid))["status"] == "delivered"

    assert [arrived.text for arrived in site.arrived(to)] == ["only"]


async def test_srv_28_submit_multi_delivers_to_each(site: Site, esme: NodeScript) -> None:
    recipients = [site.recipient() for _ in range(3)]
    addresses = [destination(to) for to in recipients]
    fields = {"registered_delivery": 1, "short_message": "to all"}

    said = await answer(esme, "submit_multi", **source(), dest_address=addresses, **fields)
    for to in recipients:
        await esme.wait_for("deliver_sm", source_addr=to.removeprefix("+"))

    assert (said["status"], said["unsuccess_sme"]) == ("ESME_ROK", [])
    assert [[a.text for a in site.arrived(to)] for to in recipients] == [["to all"]] * 3


async def test_srv_28_submit_multi_tells_whom_it_refused(site: Site, esme: NodeScript) -> None:
    good, bad = site.recipient(), destination("+1")
    addresses = [destination(good), bad]
    fields = {"registered_delivery": 1, "short_message": "to one"}

    said = await answer(esme, "submit_multi", **source(), dest_address=addresses, **fields)
    await esme.wait_for("deliver_sm", source_addr=good.removeprefix("+"))

    assert said["status"] == "ESME_ROK"
    assert said["unsuccess_sme"] == [bad | {"error_status_code": 0x0B}]


async def test_srv_28_submit_multi_to_254(site: Site, esme: NodeScript) -> None:
    recipients = [site.recipient() for _ in range(254)]
    addresses = [destination(to) for to in recipients]

    async def arrived() -> int:
        return sum(len(site.arrived(to)) for to in recipients)

    said = await answer(
        esme, "submit_multi", **source(), dest_address=addresses, short_message="to many"
    )

    assert (said["status"], said["unsuccess_sme"]) == ("ESME_ROK", [])
    assert await until(arrived, lambda count: count >= 254) == 254


async def test_srv_28_list_that_nobody_keeps_is_unsuccessful(site: Site, esme: NodeScript) -> None:
    addresses = [destination(site.recipient()), {"dl_name": "friends"}]

    said = await answer(
        esme, "submit_multi", **source(), dest_address=addresses, short_message="to a list"
    )

    assert said["status"] == "ESME_ROK"
    assert [refused["error_status_code"] for refused in said["unsuccess_sme"]] == [0x34]
