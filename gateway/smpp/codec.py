"""PDUs to octets and back (SMPP v3.4 §3.2), in one to two microseconds each way.

The annotations of a PDU class are its table in the specification. From them this module writes,
once at import, one decoder and one encoder per class, as `dataclasses` writes `__init__`: straight
lines without a loop over fields or a call per field.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from struct import error as StructError  # noqa: N812 - the name says what it is
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from gateway.smpp.constants import HEADER_LENGTH, RESPONSE, CommandId, CommandStatus
from gateway.smpp.destinations import (
    decode_destinations,
    decode_unsuccessful,
    encode_destinations,
    encode_unsuccessful,
)
from gateway.smpp.errors import FieldError, PduError
from gateway.smpp.fields import (
    COctetString,
    Destinations,
    Field,
    Integer,
    OptionalParameters,
    ShortMessage,
    UnsuccessfulDestinations,
)
from gateway.smpp.pdus import PDUS, Pdu, WrittenDeliverSm

HEADER = Struct(">IIII")
HEADER_PACK = HEADER.pack
TLV_HEADER = Struct(">HH")
_TLV_HEADER_PACK = TLV_HEADER.pack
TLV_LENGTH_MAX = 0xFFFF
TLVS_MAX = 128
# 3.4 allows sm_length up to 254, 5.0 up to 255 (§4.4.1): we write what both read, and read both.
SHORT_MESSAGE_MAX = 254

Decoder = Callable[[bytes], Pdu]
Encoder = Callable[[Any, int], bytes]
# Packs a header and all fields of one octet and of text, whose lengths it was made for.
Packer = Callable[..., bytes]
# Of one class of PDU; an address has 20 lengths, most others are empty. At the bound all are made
# anew, at 5 µs each.
PACKERS_MAX = 1_024
TAIL_MIN = 4
DELIVER_SM = int(CommandId.DELIVER_SM)


def encode(pdu: Pdu, sequence_number: int, command_status: int = 0) -> bytes:
    """The PDU's octets. An answer other than ESME_ROK has no body (§4.4.2).

    Raises:
        FieldError: a value of ours does not fit its field.
    """
    if command_status:
        return HEADER_PACK(HEADER_LENGTH, pdu.command_id, command_status, sequence_number)
    try:
        return _ENCODERS[type(pdu)](pdu, sequence_number)
    except (ValueError, OverflowError, StructError) as error:  # UnicodeEncodeError, the first.
        raise FieldError(
            f"{type(pdu).__name__} has a value outside of its field: {error}"
        ) from None


def encode_header(command_id: int, sequence_number: int, command_status: int = 0) -> bytes:
    """A PDU without a body."""
    return HEADER_PACK(HEADER_LENGTH, command_id, command_status, sequence_number)


def decode(command_id: int, body: bytes) -> Pdu:
    """The PDU whose octets after the header are `body`.

    Raises:
        PduError: the body cannot be read; its status answers the peer.
    """
    decoder = _DECODERS.get(command_id)
    if decoder is None:
        raise PduError(f"command_id 0x{command_id:08x} is not known", CommandStatus.ESME_RINVCMDID)
    try:
        return decoder(body)
    except IndexError:
        raise PduError(
            "the PDU ends before its mandatory fields do", CommandStatus.ESME_RINVCMDLEN
        ) from None


def _decode_tlvs(body: bytes, at: int) -> dict[int, bytes]:
    """§3.2.4.1; of a tag that comes twice the last one counts."""
    tlvs: dict[int, bytes] = {}
    end = len(body)
    while at < end:
        try:
            tag, length = TLV_HEADER.unpack_from(body, at)
        except StructError:
            raise PduError(
                "octets after the last TLV", CommandStatus.ESME_RINVOPTPARSTREAM
            ) from None
        at += TLV_HEADER.size
        if at + length > end:
            raise PduError(
                f"TLV 0x{tag:04x} runs past command_length", CommandStatus.ESME_RINVOPTPARSTREAM
            )
        tlvs[tag] = body[at : at + length]
        at += length
    if len(tlvs) > TLVS_MAX:
        raise PduError(f"more than {TLVS_MAX} TLVs", CommandStatus.ESME_RINVOPTPARSTREAM)
    return tlvs


def _encode_tlvs(tlvs: dict[int, bytes]) -> bytes:
    octets = b""
    for tag, value in tlvs.items():
        length = len(value)
        if length > TLV_LENGTH_MAX:
            raise FieldError(f"TLV 0x{tag:04x} is longer than {TLV_LENGTH_MAX} octets")
        octets += _TLV_HEADER_PACK(tag, length) + value
    return octets


def _unterminated(name: str, size: int, status: CommandStatus) -> PduError:
    return PduError(f"{name} has no NUL within {size} octets", status)


def _overrun(name: str) -> PduError:
    return PduError(f"{name} runs past command_length", CommandStatus.ESME_RINVMSGLEN)


def _unfit(name: str, size: int) -> FieldError:
    return FieldError(f"{name} must be under {size} Latin-1 characters without NUL")


def _wire_fields(pdu_class: type[Pdu]) -> dict[str, Field]:
    hints = get_type_hints(pdu_class, include_extras=True)
    return {
        name: get_args(hint)[1] for name, hint in hints.items() if get_origin(hint) is Annotated
    }


def _usual_tail(fields: dict[str, Field]) -> dict[str, Field]:
    """The last of the mandatory fields, in so far as each is one octet in nearly every PDU, if
    some need not be: numbers, the NUL of rare strings, and the length of short_message. None where
    they are so few that it is no faster to read them at once."""
    tail: dict[str, Field] = {}
    for name, field in reversed(fields.items()):
        match field:
            case Integer() | ShortMessage() | COctetString(rare=True):
                tail = {name: field} | tail
            case OptionalParameters():
                pass
            case _:
                break
    strings = any(isinstance(field, COctetString) for field in tail.values())
    return tail if strings and len(tail) >= TAIL_MIN else {}


def _reading_source(name: str, field: Field) -> list[str]:
    """Reads one field whatever is in it, of short_message the length."""
    match field:
        case Integer():
            return [f"{name} = body[at]", "at += 1"]
        case COctetString(size, status, rare):
            read = [
                f"end = body.find(0, at, at + {size})",
                "if end < 0:",
                "    body[at]  # IndexError where nothing is left.",
                f"    raise unterminated({name!r}, {size}, CommandStatus({status}))",
                f"{name} = body[at:end].decode('latin-1')",
                "at = end + 1",
            ]
            if not rare:
                return read
            empty = ["if body[at] == 0:", f"    {name} = ''", "    at += 1", "else:"]
            return empty + [f"    {line}" for line in read]
        case ShortMessage():
            return ["sm_length = body[at]", "at += 1"]
        case Destinations():
            return [f"{name}, at = decode_destinations(body, at)"]
        case UnsuccessfulDestinations():
            return [f"{name}, at = decode_unsuccessful(body, at)"]
        case OptionalParameters():
            return []  # They are read behind all others.


def _decoder_source(fields: dict[str, Field], response: bool) -> str:
    """A function from a body to the PDU; `at` is where the next field begins.

    5.0 allows TLVs on every PDU (§3.2.1.6): where a PDU has no place for them they are read and
    forgotten. A response whose TLVs cannot be read is still an answer, and goes with the error.
    """
    lines = ["def decode(body):", "    at, length = 0, len(body)"]
    if fields and response:  # With an error, and often without, they come without a body.
        lines += ["    if not body:", "        return pdu_class()"]
    tail = _usual_tail(fields)
    for name, field in fields.items():
        if name not in tail:
            lines += [f"    {line}" for line in _reading_source(name, field)]
    if tail:
        octets = ["sm_length" if name == "short_message" else name for name in tail]
        rare = [name for name, field in tail.items() if isinstance(field, COctetString)]
        slowly = [line for name, field in tail.items() for line in _reading_source(name, field)]
        lines += [
            f"    usual = length - at >= {len(tail)}",
            "    if usual:",
            f"        {', '.join(octets)} = read_tail(body, at)",
            f"        usual = not ({' or '.join(rare)})",
            "    if usual:",
            f"        {' = '.join(rare)} = ''",
            f"        at += {len(tail)}",
            "    else:",
            *(f"        {line}" for line in slowly),
        ]
    if "short_message" in fields:
        lines += [
            "    short_message = body[at : at + sm_length]",
            "    at += sm_length",
            "    if at > length:",
            "        raise overrun('short_message')",
        ]
    mandatory = ", ".join(name for name in fields if name != "tlvs")
    pdu = f"pdu_class({', '.join(fields)})"
    lines += ["    if at >= length:", "        tlvs = {}", f"        return {pdu}"]
    if response:
        lines += [
            "    try:",
            "        tlvs = decode_tlvs(body, at)",
            "    except PduError as error:",
            f"        error.pdu = pdu_class({mandatory})",
            "        raise",
        ]
    else:
        lines += ["    tlvs = decode_tlvs(body, at)"]
    lines += [f"    return {pdu}"]
    return "\n".join(lines)


def _encoder_source(fields: dict[str, Field], command_id: int) -> str:
    """A function from a PDU and its sequence_number to its octets: checks, then one struct, made
    for the lengths of its strings, and what has its own form behind it.
    """
    lines = ["def encode(pdu, sequence_number):"]
    formats, values = ">IIII", ["sequence_number"]
    lengths: list[str] = []
    rest: list[str] = []
    for name, field in fields.items():
        match field:
            case Integer():
                formats += "B"
                values += [f"pdu.{name}"]
            case COctetString(size, _):
                lines += [
                    f"    {name} = pdu.{name}",
                    f"    if {name}:",
                    f"        {name} = {name}.encode('latin-1')",
                    f"        if len({name}) >= {size} or 0 in {name}:",
                    f"            raise unfit({name!r}, {size})",
                    "    else:",
                    f"        {name} = b''",
                ]
                formats += "%dsx"  # And the NUL.
                lengths += [f"len({name})"]
                values += [name]
            case ShortMessage():
                lines += [
                    f"    {name} = pdu.{name}",
                    f"    sm_length = len({name})",
                    f"    if sm_length > {SHORT_MESSAGE_MAX}:",
                    f"        raise unfit({name!r}, {SHORT_MESSAGE_MAX})",
                ]
                formats += "B"
                values += ["sm_length"]
                rest += [name]
            case OptionalParameters():
                lines += [f"    {name} = encode_tlvs(pdu.{name}) if pdu.{name} else b''"]
                rest += [name]
            case Destinations():
                lines += [f"    {name} = encode_destinations(pdu.{name})"]
                formats += "%ds"
                lengths += [f"len({name})"]
                values += [name]
            case UnsuccessfulDestinations():
                lines += [f"    {name} = encode_unsuccessful(pdu.{name})"]
                formats += "%ds"
                lengths += [f"len({name})"]
                values += [name]
    total = " + ".join(["size", *(f"len({name})" for name in rest)])
    arguments = ", ".join([total, f"{command_id:d}, 0", *values])
    key = "".join(f"{length}, " for length in lengths)
    lines += [
        f"    lengths = ({key})",
        f"    pack, size = packers.get(lengths) or new_packer(packers, {formats!r}, lengths)",
        f"    return {' + '.join([f'pack({arguments})', *rest])}",
    ]
    return "\n".join(lines)


def _new_packer(
    packers: dict[tuple[int, ...], tuple[Packer, int]], formats: str, lengths: tuple[int, ...]
) -> tuple[Packer, int]:
    """One for strings of these lengths, and the octets that it packs."""
    if len(packers) >= PACKERS_MAX:
        packers.clear()
    packed = Struct(formats % lengths)
    packers[lengths] = packed.pack, packed.size
    return packers[lengths]


def _compile(source: str, name: str, pdu_class: type[Pdu]) -> Any:
    namespace = {
        "pdu_class": pdu_class,
        "CommandStatus": CommandStatus,
        "PduError": PduError,
        "decode_tlvs": _decode_tlvs,
        "read_tail": Struct(f"{len(_usual_tail(_wire_fields(pdu_class)))}B").unpack_from,
        "encode_tlvs": _encode_tlvs,
        "decode_destinations": decode_destinations,
        "encode_destinations": encode_destinations,
        "decode_unsuccessful": decode_unsuccessful,
        "encode_unsuccessful": encode_unsuccessful,
        "unterminated": _unterminated,
        "overrun": _overrun,
        "unfit": _unfit,
        "packers": {},
        "new_packer": _new_packer,
    }
    exec(compile(source, f"<{name} of {pdu_class.__name__}>", "exec"), namespace)
    return namespace[name]


def _encode_written(pdu: WrittenDeliverSm, sequence_number: int) -> bytes:
    body = pdu.body
    return HEADER_PACK(HEADER_LENGTH + len(body), DELIVER_SM, 0, sequence_number) + body


_DECODERS: dict[int, Decoder] = {}
_ENCODERS: dict[type[Pdu], Encoder] = {WrittenDeliverSm: _encode_written}
for _pdu_class in PDUS:
    _fields = _wire_fields(_pdu_class)
    _DECODERS[_pdu_class.command_id] = _compile(
        _decoder_source(_fields, bool(_pdu_class.command_id & RESPONSE)), "decode", _pdu_class
    )
    _ENCODERS[_pdu_class] = _compile(
        _encoder_source(_fields, _pdu_class.command_id), "encode", _pdu_class
    )

KNOWN_COMMANDS: frozenset[int] = frozenset(CommandId(command) for command in _DECODERS)
