"""The wire types of SMPP fields (v3.4 §3.1), as data that annotates the fields of a PDU.

A PDU class reads like its table in the specification; `gateway.smpp.codec` turns the annotations
into functions. Sizes of C-Octet strings include the NUL, as the specification counts them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from gateway.smpp.constants import CommandStatus


@dataclass(frozen=True, slots=True)
class Integer:
    """An unsigned integer of one octet."""


@dataclass(frozen=True, slots=True)
class COctetString:
    """Octets up to a NUL, `size` octets at most with it; `status` answers one that is longer.
    One that is `rare` is empty in nearly every PDU, which makes those faster to read."""

    size: int
    status: CommandStatus
    rare: bool = False


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """sm_length and that many octets. 3.4 allows 254 of them, 5.0 255; we read 255."""


@dataclass(frozen=True, slots=True)
class OptionalParameters:
    """The TLVs after the mandatory fields, in any order; unknown tags are kept (§3.2.4.1)."""


@dataclass(frozen=True, slots=True)
class Destinations:
    """number_of_dests and that many dest_address: an SME address or the name of a distribution
    list each (§4.5.1)."""


@dataclass(frozen=True, slots=True)
class UnsuccessfulDestinations:
    """no_unsuccess and that many unsuccess_sme (§4.5.2)."""


Octet = Annotated[int, Integer()]
Tlvs = Annotated[dict[int, bytes], OptionalParameters()]

Field = (
    Integer
    | COctetString
    | ShortMessage
    | OptionalParameters
    | Destinations
    | UnsuccessfulDestinations
)
