"""Who may bind as an ESME, from where, and how often."""

import asyncio
import ssl
from typing import Any

import pytest

from gateway.config.credentials import Credentials
from gateway.config.sections import SmppTls
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
from tests.carriers_sim.customer import Customer
from tests.ingress.esme_world import SmppSite, a_site, moment
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


# The version, and what is spoken after it


@pytest.mark.parametrize(
    ("interface_version", "told"), [(0x00, None), (0x33, None), (0x34, 0x34), (0x50, 0x50)]
)
def test_srv_15_the_lower_of_the_two_versions_is_told(
    interface_version: int, told: int | None
) -> None:
    @virtual_time
    async def binds() -> None:
        site = await a_site()
        answered = await site.bind(await site.customer(), interface_version=interface_version)
        assert isinstance(answered.pdu, BindRespFields)
        tlvs = {} if told is None else {Tag.SC_INTERFACE_VERSION: bytes([told])}
        assert answered.pdu.tlvs == tlvs

    binds()


# address_range


@pytest.mark.parametrize("address_range", ["", "^555", "^(55501|55502)$"])
def test_srv_16_a_range_that_can_be_used_is_taken(address_range: str) -> None:
    @virtual_time
    async def binds() -> None:
        site = await a_site()
        answered = await site.bind(await site.customer(), address_range=address_range)
        assert answered.command_status == CommandStatus.ESME_ROK

    binds()


@pytest.mark.parametrize("address_range", ["(", "[9-1]", "*", "(5{40}){40}"])
def test_srv_16_a_range_that_cannot_be_used_is_refused_and_logged(
    address_range: str, caplog: pytest.LogCaptureFixture
) -> None:
    @virtual_time
    async def refused() -> None:
        site = await a_site()
        answered = await site.bind(await site.customer(), address_range=address_range)
        assert answered.command_status == CommandStatus.ESME_RBINDFAIL
        (refusal,) = [each for each in caplog.records if each.message == "bind refused"]
        assert str(getattr(refusal, "reason", "")).startswith("address_range: ")

    refused()


# TLS


CERTIFICATE = {"subject": ((("commonName", "Gateway.customer.example"),),)}


@pytest.mark.parametrize(
    ("esme", "over_tls", "peercert", "status"),
    [
        ({"require_tls": True}, False, None, CommandStatus.ESME_RBINDFAIL),
        ({"require_tls": True}, True, None, CommandStatus.ESME_ROK),
        ({"certificate": "gateway.customer.example"}, False, None, CommandStatus.ESME_RBINDFAIL),
        ({"certificate": "gateway.customer.example"}, True, None, CommandStatus.ESME_RBINDFAIL),
        ({"certificate": "gateway.customer.example"}, True, CERTIFICATE, CommandStatus.ESME_ROK),
        ({"certificate": "another.example"}, True, CERTIFICATE, CommandStatus.ESME_RBINDFAIL),
        ({}, True, CERTIFICATE, CommandStatus.ESME_ROK),
        ({}, False, None, CommandStatus.ESME_ROK),
    ],
)
def test_an_esme_may_have_to_come_over_tls_and_with_its_certificate(
    esme: dict[str, Any], over_tls: bool, peercert: Any, status: CommandStatus
) -> None:
    @virtual_time
    async def binds() -> None:
        site = await a_site(esme=esme, tls=ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        site.network.client = {"peercert": peercert}
        port = site.server.tls_port if over_tls else site.server.port
        customer = await Customer(site.clock).connect(site.network, port)
        assert (await site.bind(customer)).command_status == status

    binds()


@virtual_time
async def test_the_port_without_tls_may_be_closed() -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    site = await a_site({"tls": SmppTls(cert_file="x", port=3550, only=True)}, tls=context)
    with pytest.raises(ConnectionRefusedError):
        await Customer(site.clock).connect(site.network, 2775)
    assert site.server.port == site.server.tls_port == 3550


# Connections


@virtual_time
async def test_connections_of_one_address_have_a_bound() -> None:
    site = await a_site({"connections_per_address_max": 2})
    first, _, third = [await site.customer() for _ in range(3)]
    await moment()
    assert (third.closed.is_set(), first.closed.is_set()) == (True, False)
    site.network.client = {"peername": ("198.51.100.1", 1)}
    other = await site.customer()
    first.connection.abort("test")
    await moment()
    site.network.client = {}
    again = await site.customer()
    await moment()
    assert not other.closed.is_set()
    assert not again.closed.is_set()


@virtual_time
async def test_connections_of_one_ipv6_network_count_as_one() -> None:
    site = await a_site({"connections_per_address_max": 1})
    site.network.client = {"peername": ("2001:db8::1", 1, 0, 0)}
    await site.customer()
    site.network.client = {"peername": ("2001:db8::2", 1, 0, 0)}
    second = await site.customer()
    await moment()
    assert second.closed.is_set()


# Who guesses passwords


async def guess(site: SmppSite, peer: str, password: str = "wrong", **fields: Any) -> int:
    """A bind from an address; its answer."""
    site.network.client = {"peername": (peer, 1)}
    customer = await site.customer()
    answered = await site.bind(customer, password=password, **fields)
    customer.connection.abort("test")
    await moment()
    return answered.command_status


STRANGER, CUSTOMER, ELSEWHERE = "192.0.2.66", "198.51.100.1", "198.51.100.2"
LOCKOUT = {"auth_failures_max": 3, "lockout_s": 300.0}


@virtual_time
async def test_who_guesses_too_often_is_not_heard_for_a_while() -> None:
    site = await a_site(LOCKOUT)
    answers = [await guess(site, STRANGER) for _ in range(4)]
    assert answers == [CommandStatus.ESME_RINVPASWD] * 3 + [CommandStatus.ESME_RBINDFAIL]
    assert await guess(site, STRANGER, "secret") == CommandStatus.ESME_RBINDFAIL
    assert (site.server.auth_failures, site.server.locked_out) == (3, 2)
    await moment(300)
    assert await guess(site, STRANGER, "secret") == CommandStatus.ESME_ROK


@virtual_time
async def test_who_is_not_heard_costs_no_hash() -> None:
    site = await a_site(LOCKOUT)
    for _ in range(3):
        await guess(site, STRANGER)
    site.passwords.clear()
    await guess(site, STRANGER)
    await guess(site, STRANGER, "secret", system_id="spare")
    assert site.passwords == []


@virtual_time
async def test_guesses_of_one_address_that_are_checked_at_once_are_counted_one_by_one() -> None:
    site = await a_site(LOCKOUT)
    customers = [await site.customer() for _ in range(20)]
    answers = await asyncio.gather(*(site.bind(each, password="wrong") for each in customers))
    statuses = [answered.command_status for answered in answers]
    # Two passwords are hashed at a time, so one more than three may have been begun.
    assert len(site.passwords) <= 4
    assert statuses.count(CommandStatus.ESME_RBINDFAIL) >= 16


@virtual_time
async def test_a_stranger_does_not_lock_a_customer_out() -> None:
    site = await a_site(LOCKOUT)
    for _ in range(20):
        await guess(site, STRANGER)
    assert await guess(site, CUSTOMER, "secret") == CommandStatus.ESME_ROK


@virtual_time
async def test_many_strangers_lock_nobody_out_from_where_he_has_bound() -> None:
    site = await a_site(LOCKOUT)
    assert await guess(site, CUSTOMER, "secret") == CommandStatus.ESME_ROK
    for number in range(3):
        await guess(site, f"203.0.113.{number}")
    assert await guess(site, CUSTOMER, "secret") == CommandStatus.ESME_ROK
    assert await guess(site, ELSEWHERE, "secret") == CommandStatus.ESME_RBINDFAIL
    assert await guess(site, ELSEWHERE, "secret", system_id="spare") == CommandStatus.ESME_ROK
    await moment(300)
    assert await guess(site, ELSEWHERE, "secret") == CommandStatus.ESME_ROK


@virtual_time
async def test_many_strangers_lock_nobody_out_from_his_own_addresses() -> None:
    site = await a_site(LOCKOUT, esme={"allowed_ips": (CUSTOMER,)})
    for number in range(3):
        await guess(site, f"203.0.113.{number}")
    assert await guess(site, CUSTOMER, "secret") == CommandStatus.ESME_ROK


@virtual_time
async def test_who_comes_from_elsewhere_is_refused_before_his_password_is_hashed() -> None:
    site = await a_site(esme={"allowed_ips": (CUSTOMER,)})
    assert await guess(site, STRANGER) == CommandStatus.ESME_RBINDFAIL
    assert site.passwords == []


@virtual_time
async def test_a_bind_that_breaks_is_a_system_error(monkeypatch: pytest.MonkeyPatch) -> None:
    site = await a_site()

    def breaks(account: object, system_id: object, password: object) -> None:
        raise ZeroDivisionError("the inner workings")

    monkeypatch.setattr(Credentials, "find_esme", breaks)
    answered = await site.bind(await site.customer())
    assert answered.command_status == CommandStatus.ESME_RSYSERR
