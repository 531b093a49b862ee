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
from gateway.smpp.pdus import PDUS, Pdu

HEADER = Struct(">IIII")
TLV_HEADER = Struct(">HH")
TLV_LENGTH_MAX = 0xFFFF
TLVS_MAX = 128
# 3.4 allows sm_length up to 254, 5.0 up to 255 (§4.4.1): we write what both read, and read both.
SHORT_MESSAGE_MAX = 254

Decoder = Callable[[bytes], Pdu]
Encoder = Callable[[Any], bytes]


def encode(pdu: Pdu, sequence_number: int, command_status: int = 0) -> bytes:
    """The PDU's octets. An answer other than ESME_ROK has no body (§4.4.2).

    Raises:
        FieldError: a value of ours does not fit its field.
    """
    try:
        body = b"" if command_status else _ENCODERS[type(pdu)](pdu)
    except (ValueError, OverflowError) as error:  # UnicodeEncodeError is a ValueError.
        raise FieldError(
            f"{type(pdu).__name__} has a value outside of its field: {error}"
        ) from None
    return (
        HEADER.pack(HEADER_LENGTH + len(body), pdu.command_id, command_status, sequence_number)
        + body
    )


def encode_header(command_id: int, sequence_number: int, command_status: int = 0) -> bytes:
    """A PDU without a body."""
    return HEADER.pack(HEADER_LENGTH, command_id, command_status, sequence_number)


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
    for tag, value in tlvs.items():
        if len(value) > TLV_LENGTH_MAX:
            raise FieldError(f"TLV 0x{tag:04x} is longer than {TLV_LENGTH_MAX} octets")
    return b"".join(TLV_HEADER.pack(tag, len(value)) + value for tag, value in tlvs.items())


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


def _decoder_source(fields: dict[str, Field], response: bool) -> str:
    """A function from a body to the PDU; `at` is where the next field begins.

    5.0 allows TLVs on every PDU (§3.2.1.6): where a PDU has no place for them they are read and
    forgotten. A response whose TLVs cannot be read is still an answer, and goes with the error.
    """
    lines = ["def decode(body):", "    at = 0"]
    if fields and response:  # With an error, and often without, they come without a body.
        lines += ["    if not body:", "        return pdu_class()"]
    for name, field in fields.items():
        match field:
            case Integer():
                lines += [f"    {name} = body[at]", "    at += 1"]
            case COctetString(size, status):
                lines += [
                    "    if body[at] == 0:",
                    f"        {name} = ''",
                    "        at += 1",
                    "    else:",
                    f"        end = body.find(0, at, at + {size})",
                    "        if end < 0:",
                    f"            raise unterminated({name!r}, {size}, CommandStatus({status}))",
                    f"        {name} = body[at:end].decode('latin-1')",
                    "        at = end + 1",
                ]
            case ShortMessage():
                lines += [
                    "    end = at + 1 + body[at]",
                    f"    {name} = body[at + 1:end]",
                    "    if end > len(body):",
                    f"        raise overrun({name!r})",
                    "    at = end",
                ]
            case OptionalParameters():
                pass  # The last field, and read as such.
            case Destinations():
                lines += [f"    {name}, at = decode_destinations(body, at)"]
            case UnsuccessfulDestinations():
                lines += [f"    {name}, at = decode_unsuccessful(body, at)"]
    mandatory = ", ".join(name for name in fields if name != "tlvs")
    pdu = f"pdu_class({', '.join(fields)})"
    lines += ["    if at >= len(body):", "        tlvs = {}", f"        return {pdu}"]
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


def _encoder_source(fields: dict[str, Field]) -> str:
    """A function from a PDU to its body: checks, then one bytes format."""
    lines, template, values = ["def encode(pdu):"], "", []
    for name, field in fields.items():
        match field:
            case Integer():
                template += "%c"
                values += [f"pdu.{name}"]
            case COctetString(size, _):
                lines += [
                    f"    {name} = pdu.{name}.encode('latin-1')",
                    f"    if len({name}) >= {size} or 0 in {name}:",
                    f"        raise unfit({name!r}, {size})",
                ]
                template += "%b\\0"
                values += [name]
            case ShortMessage():
                lines += [
                    f"    {name} = pdu.{name}",
                    f"    if len({name}) > {SHORT_MESSAGE_MAX}:",
                    f"        raise unfit({name!r}, {SHORT_MESSAGE_MAX})",
                ]
                template += "%c%b"
                values += [f"len({name})", name]
            case OptionalParameters():
                template += "%b"
                values += [f"encode_tlvs(pdu.{name}) if pdu.{name} else b''"]
            case Destinations():
                template += "%b"
                values += [f"encode_destinations(pdu.{name})"]
            case UnsuccessfulDestinations():
                template += "%b"
                values += [f"encode_unsuccessful(pdu.{name})"]
    lines += [f"    return b'{template}' % ({', '.join(values)}{',' if values else ''})"]
    return "\n".join(lines)


def _compile(source: str, name: str, pdu_class: type[Pdu]) -> Any:
    namespace = {
        "pdu_class": pdu_class,
        "CommandStatus": CommandStatus,
        "PduError": PduError,
        "decode_tlvs": _decode_tlvs,
        "encode_tlvs": _encode_tlvs,
        "decode_destinations": decode_destinations,
        "encode_destinations": encode_destinations,
        "decode_unsuccessful": decode_unsuccessful,
        "encode_unsuccessful": encode_unsuccessful,
        "unterminated": _unterminated,
        "overrun": _overrun,
        "unfit": _unfit,
    }
    exec(compile(source, f"<{name} of {pdu_class.__name__}>", "exec"), namespace)
    return namespace[name]


_DECODERS: dict[int, Decoder] = {}
_ENCODERS: dict[type[Pdu], Encoder] = {}
for _pdu_class in PDUS:
    _fields = _wire_fields(_pdu_class)
    _DECODERS[_pdu_class.command_id] = _compile(
        _decoder_source(_fields, bool(_pdu_class.command_id & RESPONSE)), "decode", _pdu_class
    )
    _ENCODERS[_pdu_class] = _compile(_encoder_source(_fields), "encode", _pdu_class)

KNOWN_COMMANDS: frozenset[int] = frozenset(CommandId(command) for command in _DECODERS)
