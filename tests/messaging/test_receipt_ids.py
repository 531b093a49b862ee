"""Receipts of carriers that write an id otherwise than they gave it."""

from gateway.config.dialect import IdFormat
from gateway.message import Status
from gateway.messaging.carrier_ids import CarrierIds, Reading
from gateway.messaging.open_message import OpenMessage
from gateway.messaging.parked_receipts import PARK_S, REMATCH_S
from gateway.smpp.receipt import Receipt
from gateway.store.interface import CarrierId
from tests.messaging.traffic_world import OTHER, RECIPIENT, SENDER, Traffic
from tests.support.virtual_time import virtual_time

AUTO, HEX, DECIMAL = IdFormat.AUTO, IdFormat.HEX, IdFormat.DECIMAL


class Place:
    """Traffic over a carrier whose ids are written so."""

    def __init__(self, response: IdFormat = AUTO, receipt: IdFormat = AUTO) -> None:
        self.ids = CarrierIds(response, receipt)
        self.traffic = Traffic(carrier_ids={"alpha": self.ids})

    async def taken(self, carrier_id: str, recipient: str = RECIPIENT) -> OpenMessage:
        opened = await self.traffic.put(recipient=recipient)
        await self.traffic.turn()
        self.traffic.ok(carrier_id=carrier_id)
        await self.traffic.turn()
        return opened

    async def told(self, receipt_id: str, recipient: str = RECIPIENT, after_s: float = 0.1) -> None:
        self.traffic.receipt(receipt_id, recipient=recipient)
        await self.traffic.turn(after_s)


# As the configuration says


@virtual_time
async def test_rcp_2_a_receipt_in_decimal_finds_its_message_in_hex() -> None:
    place = Place(HEX, DECIMAL)
    opened = await place.taken("4A5B")
    await place.told("19035")
    assert opened.status is Status.DELIVERED


@virtual_time
async def test_rcp_2_ten_is_not_sixteen() -> None:
    """The ids of two messages are the same octets in the two formats."""
    place = Place(HEX, DECIMAL)
    ten, sixteen = await place.taken("A", OTHER), await place.taken("10")
    await place.told("10", OTHER)
    assert (ten.status, sixteen.status) == (Status.DELIVERED, Status.SENT)


@virtual_time
async def test_rcp_4_an_early_receipt_in_another_format_meets_its_response() -> None:
    place = Place(HEX, DECIMAL)
    opened = await place.traffic.put()
    await place.traffic.turn()
    await place.told("0000019035")
    place.traffic.ok(carrier_id="00004A5B")
    await place.traffic.turn()
    assert (opened.status, place.traffic.receipts.matched) == (Status.DELIVERED, 1)


@virtual_time
async def test_rcp_4_a_receipt_in_another_format_that_comes_twice_is_known() -> None:
    place = Place(HEX, DECIMAL)
    await place.taken("4A5B")
    await place.told("19035")
    assert place.traffic.receipt("19035") == [None]
    assert place.traffic.receipts.duplicates == 1


@virtual_time
async def test_rcp_4_a_receipt_of_an_earlier_run_that_comes_again_is_known() -> None:
    """By what its response had said, which is what is on record."""
    place = Place(HEX, DECIMAL)
    await place.taken("4A5B")
    await place.told("19035")
    settled = place.traffic.ledger.transitions[-1]
    assert (settled.status, settled.carrier_id) == (Status.DELIVERED, "4A5B")
    again = Place(HEX, DECIMAL)
    again.traffic.receipts.restore_past(CarrierId("alpha/1", settled.carrier_id, True))
    assert again.traffic.receipt("19035") == [None]


# Found out


@virtual_time
async def test_rcp_2_a_format_is_learnt_from_letters() -> None:
    place = Place()
    opened = await place.taken("4a5b")
    await place.told("19035", after_s=PARK_S + 0.5)
    assert (opened.status, place.ids.reading) == (Status.DELIVERED, Reading.DECIMAL_OF_HEX)
    opened = await place.taken("4a5c")
    await place.told("19036")
    assert opened.status is Status.DELIVERED


@virtual_time
async def test_rcp_2_the_same_octets_are_learnt_from_what_matches() -> None:
    place = Place()
    for number in range(1_001, 1_004):
        opened = await place.taken(str(number))
        await place.told(str(number))
        assert opened.status is Status.DELIVERED
    assert place.ids.reading is Reading.SAME


@virtual_time
async def test_rcp_2_what_two_readings_explain_is_told_by_the_addresses() -> None:
    place = Place()
    ten, sixteen = await place.taken("A", OTHER), await place.taken("10", RECIPIENT)
    await place.told("10", OTHER, after_s=PARK_S + 0.5)
    assert (ten.status, sixteen.status) == (Status.DELIVERED, Status.SENT)


@virtual_time
async def test_rcp_2_what_two_readings_explain_is_given_to_nobody_until_more_is_known() -> None:
    """Both went to the same recipient. Then another receipt shows the format."""
    place = Place()
    ten, sixteen = await place.taken("A"), await place.taken("10")
    await place.told("10", after_s=PARK_S + 0.5)
    assert (ten.status, sixteen.status) == (Status.SENT, Status.SENT)
    assert place.traffic.receipts.unmatched == 1
    await place.taken("FF", OTHER)
    await place.told("255", OTHER, after_s=REMATCH_S + 2)
    assert place.traffic.statuses(ten)[-1] is Status.DELIVERED
    assert place.traffic.statuses(sixteen)[-1] is Status.SENT


@virtual_time
async def test_rcp_2_the_same_octets_count_before_a_receipt_is_forgotten() -> None:
    """Ten and sixteen went to one recipient, and nothing ever had a letter."""
    place = Place()
    ten, sixteen = await place.taken("10"), await place.taken("16")
    await place.told("10", after_s=PARK_S + REMATCH_S + 2)
    assert place.traffic.statuses(ten)[-1] is Status.DELIVERED
    assert place.traffic.statuses(sixteen)[-1] is Status.SENT


@virtual_time
async def test_rcp_4_an_early_receipt_does_not_find_anothers_message_by_a_reading() -> None:
    """17 is early; 0x17 is another message, to the same recipient."""
    place = Place()
    other, opened = await place.taken("23"), await place.traffic.put(recipient=OTHER)
    await place.traffic.turn()
    await place.told("17", OTHER)
    place.traffic.ok(carrier_id="17")
    await place.traffic.turn()
    assert (other.status, opened.status) == (Status.SENT, Status.DELIVERED)


@virtual_time
async def test_rcp_2_a_reading_needs_the_addresses_of_the_message() -> None:
    place = Place()
    opened = await place.taken("4a5b")
    await place.told("19035", OTHER, after_s=PARK_S + REMATCH_S + 2)
    assert (opened.status, place.ids.reading) == (Status.SENT, None)
    assert place.traffic.receipts.unmatched == 1


@virtual_time
async def test_rcp_2_the_same_octets_count_in_the_end_whatever_the_addresses() -> None:
    """A carrier may put its own there."""
    place = Place()
    opened = await place.taken("1001")
    await place.told("1001", OTHER, after_s=PARK_S + 0.5)
    assert opened.status is Status.DELIVERED


@virtual_time
async def test_rcp_2_leading_zeros_and_a_suffix_are_found_out() -> None:
    for response_id, receipt_id in (("00077AB", "77ab"), ("x77", "x77-1"), ("x77/1", "x77")):
        place = Place()
        opened = await place.taken(response_id)
        await place.told(receipt_id, after_s=PARK_S + 0.5)
        assert opened.status is Status.DELIVERED, receipt_id


@virtual_time
async def test_rcp_2_another_carriers_ids_are_not_looked_at() -> None:
    place = Place(HEX, DECIMAL)
    opened = await place.taken("4A5B")
    told = Receipt("19035", "DELIVRD", "", "", RECIPIENT, SENDER)
    place.traffic.receipts.on_receipt("beta", told, lambda error: None)
    await place.traffic.turn(PARK_S + 0.5)
    assert opened.status is Status.SENT


@virtual_time
async def test_rcp_6_an_unmatched_receipt_is_stored_as_it_was_written() -> None:
    place = Place(HEX, DECIMAL)
    await place.told("0000019035", after_s=PARK_S + 0.5)
    assert [each.carrier_id for each in place.traffic.ledger.unmatched] == ["0000019035"]


@virtual_time
async def test_a_part_in_doubt_is_on_record_as_its_response_would_have_been() -> None:
    place = Place(HEX, DECIMAL)
    opened = await place.traffic.put()
    await place.traffic.turn()
    place.traffic.time_out()
    await place.told("19035", after_s=PARK_S + 0.5)
    assert (opened.status, place.traffic.receipts.confirmed) == (Status.DELIVERED, 1)
    assert place.traffic.ledger.transitions[-1].carrier_id == "4a5b"
