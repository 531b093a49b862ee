"""Backup hosts, and carriers that go away in good order."""

import logging
from collections.abc import Sequence

import pytest

from gateway.carriers.bind_events import Alerted, BindCameUp, BindWentDown, SubmitAnswered
from gateway.smpp import codec
from gateway.smpp.constants import CommandStatus
from gateway.smpp.pdus import AlertNotification, Outbind, SubmitSm
from tests.carriers.carrier import Carrier, Site
from tests.carriers.test_smpp_bind import moment, site
from tests.support.virtual_time import virtual_time

BACKUP = "backup.example.com"
HELLO = SubmitSm(destination_addr="15005550009", short_message=b"hello")


class Sites(Site):
    """A carrier with two hosts."""

    def __init__(self) -> None:
        super().__init__(backups=(f"{BACKUP}:2776",))
        self.backup = Carrier(self.network, self.clock, BACKUP, 2776)


def causes(records: Sequence[logging.LogRecord]) -> list[str]:
    return [record.__dict__["address"] for record in records if record.msg == "carrier not reached"]


@virtual_time
async def test_cli_4_a_backup_is_tried_when_the_host_is_not_reached() -> None:
    made = Sites()
    await made.backup.open()
    made.run()
    await moment()
    assert (made.bind.up, made.bind.on_backup) == (True, True)
    await made.stop()


@virtual_time
async def test_cli_4_a_backup_is_tried_when_the_host_refuses_the_bind() -> None:
    made = Sites()
    made.carrier.bind_status = CommandStatus.ESME_RBINDFAIL
    await made.backup.open()
    await made.start()
    assert (len(made.backup.bound), made.bind.on_backup) == (1, True)
    await made.stop()


@virtual_time
async def test_cli_4_wrong_credentials_are_not_tried_at_the_backup_too() -> None:
    made = Sites()
    made.carrier.bind_status = CommandStatus.ESME_RINVPASWD
    await made.backup.open()
    await made.start()
    await moment(60)
    assert (len(made.carrier.binds), made.backup.binds) == (1, [])
    await made.stop()


@virtual_time
async def test_cli_4_the_host_comes_first_again_once_the_backup_is_lost() -> None:
    made = Sites()
    await made.backup.open()
    made.run()
    await moment()
    await made.carrier.open()
    made.backup.connection.abort("test")
    await moment(2)
    assert (made.bind.up, made.bind.on_backup) == (True, False)
    await made.stop()


def test_cli_4_hosts_are_tried_in_turn_with_a_pause_after_each_round(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @virtual_time
    async def tried() -> None:
        made = Sites()
        made.run()
        await moment(1.5)
        await made.stop()

    tried()
    assert causes(caplog.records) == ["smsc.example.com:2775", "backup.example.com:2776"] * 2


def test_which_host_it_is_is_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)

    @virtual_time
    async def bound() -> None:
        made = Sites()
        await made.backup.open()
        made.run()
        await moment()
        await made.stop()

    bound()
    (up,) = [record for record in caplog.records if record.msg == "bind up"]
    assert up.__dict__["address"] == "backup.example.com:2776"


# A carrier that leaves in good order


@site()
async def test_cli_4_an_unbind_of_the_carrier_is_no_failure(made: Site) -> None:
    for _ in range(3):
        await moment(10)
        made.carrier.connection.unbind()
        await moment(2)
    assert len(made.carrier.bound) == 4
    assert made.carrier.closed == ["unbound"] * 3


@site()
async def test_cli_4_a_carrier_that_unbinds_at_once_is_asked_less_and_less(made: Site) -> None:
    for _ in range(20):
        if made.bind.up:
            made.carrier.connection.unbind()
        await moment(1)
    assert len(made.carrier.bound) < 7


@site()
async def test_srv_11_an_unbind_of_the_carrier_waits_for_its_answers(made: Site) -> None:
    """With a submit_sm in flight: it is answered, and then the unbind is."""
    made.carrier.answers = False
    made.bind.submit(HELLO, "reference")
    await moment()
    made.carrier.connection.unbind()
    made.carrier.answer()
    await moment()
    kinds = [type(event) for event in made.events]
    assert kinds == [BindCameUp, SubmitAnswered, BindWentDown]


# What nobody answers


@site()
async def test_an_alert_notification_is_told(made: Site) -> None:
    pdu = AlertNotification(source_addr="15005550009", esme_addr="55501")
    made.carrier.connection.request(pdu)
    await moment()
    assert made.events[1:] == [Alerted("alpha/1", pdu)]
    assert made.bind.up


@site()
async def test_an_outbind_on_a_session_that_is_bound_changes_nothing(made: Site) -> None:
    (wire,) = made.network.wires.values()
    wire.server.write(codec.encode(Outbind("SMSC", "secret"), 9))
    await moment()
    assert (made.bind.up, [type(event) for event in made.events]) == (True, [BindCameUp])
