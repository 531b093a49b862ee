"""Which part a receipt's id names, where its carrier may write ids in two ways.

A part is known by the carrier and the id of its submit_sm_resp, to the octet. For a carrier that is
`exact`, or was found to be, that is also the receipt's id, and nothing here costs anything.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Container, Mapping

from gateway.message import Message
from gateway.messaging.carrier_ids import CarrierIds, Reading
from gateway.messaging.doubts import comparable
from gateway.messaging.settled_receipts import Key
from gateway.smpp.receipt import Receipt

log = logging.getLogger(__name__)


class ReceiptKeys:
    """`expected` has the message id of each part that awaits its receipt; `past` are those
    that await none any more; `at_hand` gives a message that is in memory.
    """

    def __init__(
        self,
        ids: Mapping[str, CarrierIds],
        expected: Mapping[Key, int],
        past: tuple[Container[Key], ...],
        at_hand: Callable[[int], Message | None],
    ) -> None:
        self._ids = ids
        self._expected = expected
        self._past = past
        self._at_hand = at_hand

    def of(
        self, carrier: str, receipt: Receipt, waited: bool = False, at_last: bool = False
    ) -> Key | None:
        """The key of the part, or one that nobody has where it is unknown; None where several parts
        may be meant. `waited`: the submit_sm_resp would have come by now. `at_last`: else the
        receipt is forgotten.
        """
        ids = self._ids.get(carrier)
        if ids is None or ids.reading is Reading.SAME:
            return f"{carrier}/{receipt.message_id}"
        if ids.reading is None and not waited:
            ids.note_receipt(receipt.message_id)
        if ids.reading is None:
            key = self._by_evidence(carrier, ids, receipt, waited)
            if key is None and at_last and ids.is_even:
                return f"{carrier}/{receipt.message_id}"
            return key
        keys = [f"{carrier}/{one}" for one in ids.readings(receipt.message_id)[ids.reading]]
        for known in (self._expected, *self._past):
            for key in keys:
                if key in known:
                    return key
        return f"{carrier}/{ids.common(receipt.message_id)}"

    def waiting(self, carrier: str, carrier_id: str) -> Key:
        """The key under which a receipt waits for a submit_sm_resp with this id."""
        ids = self._ids.get(carrier)
        return f"{carrier}/{ids.common_of_response(carrier_id) if ids else carrier_id}"

    def as_response(self, carrier: str, receipt_id: str) -> str:
        """The id that the submit_sm_resp had or would have had."""
        ids = self._ids.get(carrier)
        if ids is None or ids.reading is None:
            return receipt_id
        return next(iter(ids.readings(receipt_id).values()))[0]

    def note_response(self, bind: str, carrier_id: str) -> None:
        """A part of this bind's carrier has this id."""
        if not self._ids:
            return
        ids = self._ids.get(bind.partition("/")[0])
        if ids and (ids.reading is None or carrier_id[0] == "0"):
            ids.note_response(carrier_id)

    def _by_evidence(
        self, carrier: str, ids: CarrierIds, receipt: Receipt, waited: bool
    ) -> Key | None:
        """What one reading alone explains; where several do, the addresses must tell."""
        same = f"{carrier}/{receipt.message_id}"
        fitting: dict[Key, Reading] = {}
        for reading, candidates in ids.readings(receipt.message_id).items():
            for candidate in candidates:
                if (key := f"{carrier}/{candidate}") in self._expected:
                    fitting.setdefault(key, reading)
        if not fitting:
            return same
        agreeing = {key: self._agrees(key, receipt) for key in fitting}
        if len(fitting) > 1:
            told = [key for key, agrees in agreeing.items() if agrees]
            if len(told) != 1 or None in agreeing.values():
                return None
            (key,) = told
        else:
            (key,) = fitting
        reading, agrees = fitting[key], agreeing[key]
        if reading is not Reading.SAME and not (waited and agrees):
            return same if same not in self._expected else None
        if reading is Reading.SAME and agrees is False and not waited:
            return None
        if agrees or waited:
            self._learn(carrier, ids, reading, key, receipt)
        return key

    def _learn(
        self, carrier: str, ids: CarrierIds, reading: Reading, key: Key, receipt: Receipt
    ) -> None:
        if ids.learn(reading, key.partition("/")[2], receipt.message_id):
            log.info(
                "how a carrier writes its ids is known",
                extra={"carrier": carrier, "receipt_id": reading.value},
            )

    def _agrees(self, key: Key, receipt: Receipt) -> bool | None:
        """Whether the addresses are those of the message, the other way round; None where that
        cannot be told."""
        message = self._at_hand(self._expected[key])
        if message is None or not receipt.source_addr or not receipt.destination_addr:
            return None
        return comparable(receipt.source_addr) == comparable(message.recipient) and comparable(
            receipt.destination_addr
        ) == comparable(message.sender)
