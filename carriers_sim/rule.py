"""Rules of a scenario: when a message looks like this, the carrier does that."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from carriers_sim.delay import Delay, Seconds, require_delay
from carriers_sim.dlr_schedule import HEALTHY_RECEIPTS, changed, require_err, stages
from carriers_sim.fault import Fault
from carriers_sim.message_id import IdFormat
from carriers_sim.response_form import ResponseForm
from gateway.smpp.constants import CommandStatus

CARRIER_STATUSES = range(0x400, 0x500)


class Repeat(StrEnum):
    """How often an effect meets the same message.

    `always`: each time. `once`: the next attempt passes, at whichever carrier. `here`: each time
    at the carrier that was asked first, while another carrier takes the message.
    """

    ALWAYS = "always"
    ONCE = "once"
    HERE = "here"


class When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All that is set must hold. Texts are regular expressions, searched in the field.

    `nth` = 10 means each tenth submit_sm of the carrier.
    """

    to: str = ""
    sender: str = msgspec.field(default="", name="from")
    body: str = ""
    nth: Annotated[int, msgspec.Meta(ge=0)] = 0

    def __post_init__(self) -> None:
        for pattern in (self.to, self.sender, self.body):
            try:
                re.compile(pattern)
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None

    def holds(self, number: int, sender: str, recipient: str, text: str) -> bool:
        """`number` counts the carrier's submit_sm from 1."""
        return (
            (not self.nth or number % self.nth == 0)
            and (not self.to or re.search(self.to, recipient) is not None)
            and (not self.sender or re.search(self.sender, sender) is not None)
            and (not self.body or re.search(self.body, text) is not None)
        )


class Effect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What happens instead of the carrier's usual behaviour; what is not set stays usual.

    `fault` befalls the message's connection as the answer is due, for `fault_for_s` where it lasts;
    one that ends the connection takes the answer along. `receipts` changes any key of the
    carrier's.
    """

    status: str = ""
    response: ResponseForm | None = None
    response_delay_s: Delay | None = None
    unanswered: bool = False
    drop: bool = False
    fault: Fault | None = None
    fault_for_s: Seconds = 0.0
    id_format: IdFormat | None = None
    receipt_id_format: IdFormat | None = None
    receipts: dict[str, Any] = {}
    receipt: str = ""
    err: str = ""
    receipt_delay_s: Delay | None = None
    receipt_before_response: bool = False
    receipt_duplicated: bool = False
    repeat: Repeat = Repeat.ALWAYS

    def __post_init__(self) -> None:
        if self.status:
            status_of(self.status)
        if self.receipt:
            stages(self.receipt)
        if self.err:
            require_err(self.err)
        for delay in (self.response_delay_s, self.receipt_delay_s):
            if delay is not None:
                require_delay(delay)
        changed(HEALTHY_RECEIPTS, self.receipts)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first rule whose `when` holds decides."""

    when: When
    then: Effect
    name: str = ""


def status_of(name: str) -> int:
    """`ESME_RTHROTTLED`, or a carrier's own status as `0x0410`. Raises ValueError."""
    status = CommandStatus.__members__.get(name)
    if status is not None:
        return status
    try:
        number = int(name, 16)
    except ValueError:
        number = -1
    if name.startswith("0x") and (
        number in CARRIER_STATUSES or number in CommandStatus._value2member_map_
    ):
        return number
    raise ValueError(
        f"{name!r} is no command_status: use a name of SMPP v3.4 table 5-2 such as "
        "ESME_RTHROTTLED, or a carrier's own from 0x0400 to 0x04FF"
    )
