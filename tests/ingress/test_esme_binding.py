"""Who may bind as an ESME, from where, and how often."""

import asyncio

import pytest

from gateway.net.smpp_connection import SmppConnection
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.events import Event, Response
from gateway.smpp.pdus import (
    BindFields,
    BindReceiver,
    BindRespFields,
    BindTransceiver,
    BindTransmitter,
)
from gateway.smpp.session import Timers
from gateway.smpp.states import Role
from tests.ingress.esme_world import a_site, moment
from tests.store.builders import ACCOUNT
from tests.support.memory_network import HOST as PEER
from tests.support.virtual_time import virtual_time


@pytest.mark.parametrize(
    ("kind", "state"),
    [
        (BindTransceiver, "bound_trx"),
        (BindTransmitter, "bound_tx"),
        (BindReceiver, "bound_rx"),
    ],
)
def test_srv_8_an_esme_binds_in_each_of_the_three_ways(kind: type[BindFields], state: str) -> None:
    @virtual_time
    async def binds() -> None:
        site = await a_site()
        await site.bound(kind)
        assert site.server.binds() == [("demo", ACCOUNT, state)]

    binds()


@pytest.mark.parametrize(
    ("system_id", "password", "status"),
    [
        ("nobody", "secret", CommandStatus.ESME_RINVSYSID),
        ("demo", "wrong", CommandStatus.ESME_RINVPASWD),
    ],
)
def test_srv_14_wrong_credentials_are_answered_by_their_name(
    system_id: str, password: str, status: CommandStatus
) -> None:
    @virtual_time
    async def refused() -> None:
        site = await a_site()
        customer = await site.customer()
        answered = await site.bind(customer, system_id=system_id, password=password)
        assert (answered.command_status, site.server.binds()) == (status, [])

    refused()


@virtual_time
async def test_srv_14_who_was_refused_may_try_again_on_the_same_connection() -> None:
    site = await a_site()
    customer = await site.customer()
    await site.bind(customer, password="wrong")
    assert (await site.bind(customer)).command_status == CommandStatus.ESME_ROK


@virtual_time
async def test_a_suspended_account_does_not_bind() -> None:
    site = await a_site(suspended=True)
    answered = await site.bind(await site.customer())
    assert answered.command_status == CommandStatus.ESME_RBINDFAIL


@pytest.mark.parametrize(
    ("allowed_ips", "status"),
    [
        ((), CommandStatus.ESME_ROK),
        ((PEER,), CommandStatus.ESME_ROK),
        (("198.51.100.0/24", "192.0.2.0/24"), CommandStatus.ESME_ROK),
        (("192.0.2.77/24",), CommandStatus.ESME_ROK),
        (("198.51.100.0/24",), CommandStatus.ESME_RBINDFAIL),
        (("2001:db8::/32",), CommandStatus.ESME_RBINDFAIL),
        (("not an address",), CommandStatus.ESME_RBINDFAIL),
    ],
)
def test_an_esme_binds_from_where_it_may(
    allowed_ips: tuple[str, ...], status: CommandStatus
) -> None:
    @virtual_time
    async def binds() -> None:
        site = await a_site(esme={"allowed_ips": allowed_ips})
        assert (await site.bind(await site.customer())).command_status == status

    binds()


@virtual_time
async def test_an_esme_has_so_many_binds() -> None:
    site = await a_site(esme={"binds_max": 2})
    first = await site.bound()
    await site.bound()
    third = await site.customer()
    assert (await site.bind(third)).command_status == CommandStatus.ESME_RBINDFAIL
    assert (await site.bind(third, system_id="spare")).command_status == CommandStatus.ESME_ROK
    first.connection.unbind()
    await moment()
    assert (await site.bind(await site.customer())).command_status == CommandStatus.ESME_ROK


@virtual_time
async def test_binds_that_are_checked_at_once_are_counted_one_by_one() -> None:
    site = await a_site(esme={"binds_max": 1})
    customers = [await site.customer() for _ in range(3)]
    answers = await asyncio.gather(*(site.bind(customer) for customer in customers))
    statuses = sorted(answered.command_status for answered in answers)
    assert statuses == [0, CommandStatus.ESME_RBINDFAIL, CommandStatus.ESME_RBINDFAIL]


@virtual_time
async def test_who_leaves_before_the_password_is_checked_is_not_bound() -> None:
    site = await a_site()
    customer = await site.customer()
    customer.send(BindTransceiver(system_id="demo", password="secret"))
    await moment(0.01)
    customer.connection.abort("test")
    await moment()
    assert site.server.binds() == []


@virtual_time
async def test_srv_10_who_never_binds_is_let_go() -> None:
    site = await a_site({"session_init_s": 30.0})
    customer = await site.customer()
    await moment(29)
    assert not customer.closed.is_set()
    await moment(2)
    assert customer.closed.is_set()


@virtual_time
async def test_srv_10_who_is_silent_for_an_hour_is_unbound() -> None:
    site = await a_site({"inactivity_s": 3_600.0})
    customer = await site.bound()
    await moment(3_700)
    assert (customer.closed.is_set(), site.server.binds()) == (True, [])


@pytest.mark.parametrize(
    ("interface_version", "tlvs"), [(0x33, {}), (0x34, {Tag.SC_INTERFACE_VERSION: b"\x34"})]
)
def test_srv_15_our_version_is_told_to_those_who_read_it(
    interface_version: int, tlvs: dict[int, bytes]
) -> None:
    @virtual_time
    async def told() -> None:
        site = await a_site()
        answers: list[Event] = []
        made: list[SmppConnection] = []

        def connection() -> SmppConnection:
            made.append(
                SmppConnection(
                    Role.ESME, site.clock, Timers(), lambda _, event: answers.append(event)
                )
            )
            return made[0]

        await site.network.connect("127.0.0.1", site.server.port, connection)
        made[0].request(
            BindTransceiver(
                system_id="demo", password="secret", interface_version=interface_version
            )
        )
        await moment()
        response = answers[0]
        assert isinstance(response, Response)
        assert isinstance(response.pdu, BindRespFields)
        assert (response.pdu.system_id, response.pdu.tlvs) == ("supernet", tlvs)

    told()


@virtual_time
async def test_connections_have_a_bound() -> None:
    site = await a_site({"connections_max": 2})
    first = await site.bound()
    await site.customer()
    third = await site.customer()
    await moment()
    assert (third.closed.is_set(), first.closed.is_set()) == (True, False)
