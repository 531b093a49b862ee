"""Messages of handsets that come in parts."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from gateway.clock import Clock, IdFactory
from gateway.events import EventBus
from gateway.interworking.deliver_sm import MobileOriginated, from_carrier
from gateway.message import Direction, Encoding, Message, Origin, Status
from gateway.messaging import message_parts, reassembly
from gateway.messaging.journal import Journal
from gateway.messaging.message_parts import concatenation_of
from gateway.messaging.reassembly import Reassembly
from gateway.smpp.constants import CommandStatus, Tag
from gateway.smpp.pdus import DeliverSm
from gateway.store.interface import Deleted, Listener, Transition
from tests.messaging.ledger import Ledger
from tests.store.builders import ACCOUNT, OTHER_ACCOUNT
from tests.support.virtual_time import virtual_time

WALL = 1_700_000_000.0
WAIT_S = 60.0
OK, AGAIN = CommandStatus.ESME_ROK, CommandStatus.ESME_RX_T_APPN
HANDSET = "15005550009"


class Desk:
    """Reassembly on a ledger. `told` is what customers hear, `answers` what the carrier does, by
    the order in which the parts came."""

    def __init__(self, ledger: Ledger | None = None, first_id: int = 0) -> None:
        self.ledger = ledger or Ledger()
        self.clock = Clock(asyncio.get_running_loop().time, WALL)
        self.ids = IdFactory(self.clock, last_id=first_id)
        self.told: list[Message] = []
        self.steps: list[Transition] = []
        self.answers: dict[int, int] = {}
        self._came = 0
        journal = Journal(self.ledger, self.clock, EventBus(), 3_600.0)
        self.reassembly = Reassembly(
            journal, self.ledger, self.clock, self.ids, WAIT_S, self._tell, self._tell
        )

    def _tell(self, message: Message, step: Transition) -> None:
        self.told.append(message)
        self.steps.append(step)

    @property
    def texts(self) -> list[str]:
        return [message.body for message in self.told]

    async def came(
        self,
        octets: bytes,
        header: str = "",
        data_coding: int = 0,
        account: str = ACCOUNT,
        sender: str = HANDSET,
        **tlvs: bytes,
    ) -> int:
        """A part has come; its number among all that came."""
        pdu = DeliverSm(
            source_addr_ton=1,
            source_addr=sender,
            destination_addr="55501",
            esm_class=0x40 if header else 0,
            data_coding=data_coding,
            short_message=bytes.fromhex(header) + octets,
            tlvs={int(Tag[name]): value for name, value in tlvs.items()},
        )
        delivered = from_carrier(pdu)
        assert isinstance(delivered, MobileOriginated)
        data = delivered.data
        now = self.clock.now()
        message = Message(
            id=self.ids.next(),
            account_sid=account,
            sender=delivered.sender,
            recipient=delivered.recipient,
            body=data.body,
            encoding=data.encoding,
            segments=1,
            direction=Direction.INBOUND,
            origin=Origin.CARRIER,
            accepted_at=now,
            expires_at=now,
            udh=data.udh,
            octets=data.octets,
            carrier="alpha/1",
        )
        concatenation = concatenation_of(message)
        assert concatenation
        self._came += 1
        number = self._came
        self.reassembly.take(message, concatenation, partial(self._answer, number))
        await asyncio.sleep(0)
        return number

    def _answer(self, number: int, command_status: int) -> None:
        assert number not in self.answers
        self.answers[number] = command_status

    async def again(self) -> Desk:
        """After a kill: what is committed is there, and nothing else."""
        self.reassembly.close()
        desk = Desk(self.ledger, self.ids.next())
        for owed in self.ledger.load_owed():
            if not desk.reassembly.restore(owed):
                desk._tell(owed.message, owed.transition)
        return desk


def part(number: int, total: int = 3, ref: int = 0x2A) -> str:
    return f"050003{ref:02x}{total:02x}{number:02x}"


# The whole


@virtual_time
async def test_gsm_15_parts_in_any_order_are_told_as_one() -> None:
    desk = Desk()
    for number, text in ((3, b"ghi"), (1, b"abc"), (2, b"def")):
        await desk.came(text, part(number))
    (whole,) = desk.told
    assert (whole.body, whole.segments, whole.udh, whole.octets) == ("abcdefghi", 3, b"", b"")
    assert desk.answers == dict.fromkeys((1, 2, 3), OK)
    assert (desk.reassembly.joined, desk.reassembly.waiting) == (1, 0)
    assert desk.steps[0].listener is Listener.ESME


@virtual_time
async def test_gsm_15_the_parts_are_no_messages_any_more() -> None:
    desk = Desk()
    for number in (1, 2, 3):
        await desk.came(b"x", part(number))
    deleted = [record for record in desk.ledger.records if isinstance(record, Deleted)]
    parts = [message.id for message in desk.ledger.accepted if message.udh]
    assert [record.message_id for record in deleted] == parts


@virtual_time
async def test_gsm_15_a_part_is_answered_once_it_is_durable_and_does_not_wait_for_the_rest() -> (
    None
):
    """A carrier with a window of one would else never send the next."""
    desk = Desk()
    desk.ledger.held = True
    first = await desk.came(b"x", part(1))
    assert desk.answers == {}
    desk.ledger.commit()
    assert (desk.answers, desk.told) == ({first: OK}, [])


@virtual_time
async def test_gsm_15_the_last_part_is_answered_once_the_whole_is_durable() -> None:
    desk = Desk()
    await desk.came(b"x", part(1, 2))
    desk.ledger.held = True
    last = await desk.came(b"y", part(2, 2))
    assert (last in desk.answers, desk.told) == (False, [])
    desk.ledger.commit()
    assert (desk.answers[last], desk.texts) == (OK, ["xy"])


@virtual_time
async def test_gsm_15_a_part_that_comes_twice_counts_once() -> None:
    desk = Desk()
    for number in (1, 1, 2, 2, 3):
        await desk.came(b"%d" % number, part(number))
    assert (desk.texts, set(desk.answers.values())) == (["123"], {OK})


@virtual_time
async def test_gsm_15_a_part_that_comes_again_after_the_whole_was_told_changes_nothing() -> None:
    """The carrier has not heard our answer."""
    desk = Desk()
    for number in (1, 2, 3):
        await desk.came(b"%d" % number, part(number))
    again = await desk.came(b"3", part(3))
    await asyncio.sleep(2 * WAIT_S)
    assert (desk.answers[again], desk.texts, desk.reassembly.waiting) == (OK, ["123"], 0)


@virtual_time
async def test_gsm_15_the_same_reference_again_is_another_message() -> None:
    desk = Desk()
    for text in (b"a", b"b"):
        for number in (1, 2):
            await desk.came(text, part(number, 2))
    assert desk.texts == ["aa", "bb"]


@virtual_time
async def test_gsm_15_another_text_under_the_same_number_is_another_message() -> None:
    desk = Desk()
    await desk.came(b"a", part(1, 2))
    await desk.came(b"b", part(1, 2))
    await desk.came(b"c", part(2, 2))
    assert desk.texts == ["a", "bc"]


@pytest.mark.parametrize(
    "other",
    [
        {"header": part(2, 3, 0x2A)},
        {"header": part(2, 2, 0x2B)},
        {"header": "060804002a0202"},
        {"header": part(2, 2), "sender": "15005550008"},
    ],
    ids=["total", "reference", "size of the reference", "sender"],
)
def test_gsm_15_another_key_is_another_message(other: dict[str, str]) -> None:
    @virtual_time
    async def apart() -> None:
        desk = Desk()
        await desk.came(b"a", part(1, 2))
        await desk.came(b"b", **other)  # type: ignore[arg-type]  # the test's own
        assert (desk.told, desk.reassembly.waiting) == ([], 2)

    apart()


# Where the concatenation stands, and what was cut


@pytest.mark.parametrize(
    "header",
    ["0500032a0201", "0608042a2a0201", "0b0504158100000003010201", "0b0003010201050415810000"],
    ids=["8 bits", "16 bits", "behind the ports", "before the ports"],
)
def test_gsm_16_the_concatenation_is_found_wherever_it_stands(header: str) -> None:
    @virtual_time
    async def found() -> None:
        desk = Desk()
        octets = bytearray(bytes.fromhex(header))
        await desk.came(b"\x01", octets.hex(), data_coding=4)
        last = octets.index(b"\x02\x01") + 1
        octets[last] = 2
        await desk.came(b"\x02", octets.hex(), data_coding=4)
        (whole,) = desk.told
        assert (whole.octets, whole.encoding) == (b"\x01\x02", Encoding.BINARY)
        ports = bytes.fromhex("06050415810000")
        assert whole.udh == (ports if len(octets) > 7 else b"")

    found()


@virtual_time
async def test_gsm_16_sar_tlvs_are_a_concatenation_of_16_bits() -> None:
    desk = Desk()
    for number in (2, 1):
        await desk.came(
            b"%d" % number,
            SAR_MSG_REF_NUM=b"\x12\x34",
            SAR_TOTAL_SEGMENTS=b"\x02",
            SAR_SEGMENT_SEQNUM=bytes([number]),
        )
    assert desk.texts == ["12"]


@virtual_time
async def test_gsm_5_an_escape_sequence_that_was_cut_is_whole_again() -> None:
    desk = Desk()
    await desk.came(b"5 \x1b", part(1, 2))
    await desk.came(b"\x65!", part(2, 2))
    assert desk.texts == ["5 €!"]


@virtual_time
async def test_gsm_6_a_surrogate_pair_that_was_cut_is_whole_again() -> None:
    desk = Desk()
    await desk.came(b"\xd8\x3d", part(1, 2), data_coding=8)
    await desk.came(b"\xde\x00", part(2, 2), data_coding=8)
    assert (desk.texts, desk.told[0].encoding) == (["😀"], Encoding.UCS2)


@virtual_time
async def test_gsm_7_parts_of_two_encodings_are_joined_as_texts() -> None:
    desk = Desk()
    await desk.came(b"hi ", part(1, 2))
    await desk.came(b"\x04\x3f", part(2, 2), data_coding=8)
    assert (desk.texts, desk.told[0].encoding) == (["hi п"], Encoding.UCS2)


# Time, and bounds


@virtual_time
async def test_gsm_15_what_came_is_told_as_it_came_when_the_time_is_over() -> None:
    desk = Desk()
    await desk.came(b"a", part(1))
    await asyncio.sleep(WAIT_S / 2)
    await desk.came(b"c", part(3))
    await asyncio.sleep(WAIT_S / 2 + 0.1)
    assert (desk.texts, desk.reassembly.incomplete, desk.reassembly.waiting) == (["a", "c"], 1, 0)
    assert [message.udh.hex() for message in desk.told] == [part(1), part(3)]
    assert [(step.number, step.part, step.status) for step in desk.steps] == [
        (2, 0, Status.RECEIVED)
    ] * 2


@virtual_time
async def test_a_message_that_is_told_in_parts_owes_nothing_else() -> None:
    desk = Desk()
    await desk.came(b"a", part(1))
    await asyncio.sleep(WAIT_S + 1)
    owed = [(owed.message.body, owed.transition.number) for owed in desk.ledger.load_owed()]
    assert owed == [("a", 2)]


def test_what_waits_is_bounded_for_each_account(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_parts, "ACCOUNT_PARTS_MAX", 3)

    @virtual_time
    async def bounded() -> None:
        desk = Desk()
        await desk.came(b"other", part(1), account=OTHER_ACCOUNT, sender="15005550008")
        for ref in range(5):
            await desk.came(b"%d" % ref, part(1, 2, ref))
        assert (desk.texts, desk.reassembly.waiting) == (["0", "1"], 4)

    bounded()


def test_what_waits_is_bounded_in_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_parts, "ACCOUNT_OCTETS_MAX", 250)

    @virtual_time
    async def bounded() -> None:
        desk = Desk()
        for ref in range(3):
            await desk.came(b"%d" % ref * 100, part(1, 2, ref))
        assert desk.texts == ["0" * 100]

    bounded()


def test_what_waits_is_bounded_in_all_at_the_cost_of_who_has_most(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reassembly, "PARTS_MAX", 3)

    @virtual_time
    async def bounded() -> None:
        desk = Desk()
        await desk.came(b"other", part(1), account=OTHER_ACCOUNT, sender="15005550008")
        for ref in range(3):
            await desk.came(b"%d" % ref, part(1, 2, ref))
        assert desk.texts == ["0"]

    bounded()


# The store


@virtual_time
async def test_a_part_that_is_not_stored_is_asked_for_again() -> None:
    desk = Desk()
    desk.ledger.held = True
    first = await desk.came(b"a", part(1, 2))
    desk.ledger.fail()
    assert (desk.answers[first], desk.reassembly.waiting) == (AGAIN, 0)


@virtual_time
async def test_a_whole_that_is_not_stored_waits_for_its_last_part_again() -> None:
    desk = Desk()
    await desk.came(b"a", part(1, 2))
    desk.ledger.held = True
    last = await desk.came(b"b", part(2, 2))
    desk.ledger.fail()
    desk.ledger.held = False
    assert (desk.answers[last], desk.told, desk.reassembly.waiting) == (AGAIN, [], 1)
    await desk.came(b"b", part(2, 2))
    assert desk.texts == ["ab"]


@virtual_time
async def test_while_no_messages_are_taken_no_part_is() -> None:
    desk = Desk()
    await desk.came(b"a", part(1, 2))
    desk.ledger.accepting = False
    answers = [desk.answers[await desk.came(b"b", part(2, 2))]]
    answers.append(desk.answers[await desk.came(b"c", part(1, 3))])
    assert (answers, desk.reassembly.waiting) == ([AGAIN, AGAIN], 1)


# A kill between any two commits: nothing is lost, and nothing is told twice


@virtual_time
async def test_a_kill_between_parts_loses_none() -> None:
    desk = Desk()
    await desk.came(b"a", part(1))
    await desk.came(b"b", part(2))
    desk = await desk.again()
    assert (desk.told, desk.reassembly.waiting) == ([], 2)
    await desk.came(b"c", part(3))
    assert desk.texts == ["abc"]


@virtual_time
async def test_a_kill_before_the_parts_are_deleted_tells_the_whole_once() -> None:
    """The whole is durable, and the carrier has heard no answer: it sends the last part again."""
    desk = Desk()
    for number, text in ((1, b"a"), (2, b"b"), (3, b"c")):
        await desk.came(text, part(number))
    desk.ledger.records = [
        record for record in desk.ledger.records if not isinstance(record, Deleted)
    ]
    desk = await desk.again()
    await desk.came(b"c", part(3))
    await asyncio.sleep(2 * WAIT_S)
    assert desk.texts == ["abc"]


@virtual_time
async def test_a_kill_after_the_parts_are_deleted_tells_the_whole_once() -> None:
    desk = Desk()
    for number, text in ((1, b"a"), (2, b"b"), (3, b"c")):
        await desk.came(text, part(number))
    desk = await desk.again()
    await asyncio.sleep(2 * WAIT_S)
    assert desk.texts == ["abc"]


@virtual_time
async def test_a_kill_while_parts_are_told_as_they_came_tells_each_once() -> None:
    desk = Desk()
    await desk.came(b"a", part(1))
    await asyncio.sleep(WAIT_S + 1)
    desk.ledger.records = [
        record for record in desk.ledger.records if type(record).__name__ != "Notified"
    ]
    desk = await desk.again()
    await asyncio.sleep(2 * WAIT_S)
    assert (desk.texts, desk.reassembly.waiting) == (["a"], 0)
