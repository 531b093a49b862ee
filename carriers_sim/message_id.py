"""How carriers write message ids: in the response one way, in receipts often another (RCP-2)."""

from __future__ import annotations

from enum import StrEnum
from random import Random
from uuid import UUID

ID_LENGTH_MAX = 64  # §5.2.23, without the NUL.


class IdFormat(StrEnum):
    """`decimal` has ten digits, `hex8` is what SMPP 3.3 has room for; `part_suffix` ends in `-1`,
    `-2`, … by the message's part; `empty` tells nothing, in the response alone."""

    DECIMAL = "decimal"
    DECIMAL_BARE = "decimal_bare"
    DECIMAL_20 = "decimal_20"
    HEX = "hex"
    HEX_LOWER = "hex_lower"
    HEX8 = "hex8"
    HEX8_LOWER = "hex8_lower"
    UUID = "uuid"
    LONG = "long"
    PART_SUFFIX = "part_suffix"
    EMPTY = "empty"


def message_ids(
    in_response: IdFormat,
    in_receipt: IdFormat | None,
    id_number: int,
    part_number: int,
    chance: Random,
) -> tuple[str, str]:
    """The id in the response, and the same id as the receipts write it."""
    response_id = _format(in_response, id_number, part_number, chance)
    if in_receipt is None or in_receipt is in_response:
        return response_id, response_id
    return response_id, _format(in_receipt, id_number, part_number, chance)


def wrong_id(message_id: str) -> str:
    """One like it that was never given: its first character differs, its shape does not."""
    first = message_id[:1]
    other = "8" if first == "9" else "9"
    return other + message_id[1:]


def _format(id_format: IdFormat, id_number: int, part_number: int, chance: Random) -> str:
    match id_format:
        case IdFormat.DECIMAL:
            return f"{id_number:010d}"
        case IdFormat.DECIMAL_BARE:
            return str(id_number)
        case IdFormat.DECIMAL_20:
            return f"{id_number:020d}"
        case IdFormat.HEX:
            return f"{id_number:X}"
        case IdFormat.HEX_LOWER:
            return f"{id_number:x}"
        case IdFormat.HEX8:
            return f"{id_number & 0xFFFF_FFFF:08X}"
        case IdFormat.HEX8_LOWER:
            return f"{id_number & 0xFFFF_FFFF:08x}"
        case IdFormat.UUID:
            return str(UUID(int=chance.getrandbits(128), version=4))
        case IdFormat.LONG:
            return f"{id_number:0{ID_LENGTH_MAX}x}"
        case IdFormat.PART_SUFFIX:
            return f"{id_number:010d}-{part_number}"
        case IdFormat.EMPTY:
            return ""
