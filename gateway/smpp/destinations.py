"""The two lists of submit_multi: whom it is for, and whom it did not reach (SMPP v3.4 §4.5)."""

from __future__ import annotations

from gateway.smpp.constants import CommandStatus
from gateway.smpp.errors import FieldError, PduError
from gateway.smpp.pdus import DistributionList, SmeAddress, UnsuccessfulSme

DESTINATIONS_MAX = 254
UNSUCCESSFUL_MAX = 255
ADDRESS_SIZE = 21  # of an address, and of a distribution list's name, with the NUL
SME_ADDRESS = 1
DISTRIBUTION_LIST = 2

Destination = SmeAddress | DistributionList


def decode_destinations(body: bytes, at: int) -> tuple[tuple[Destination, ...], int]:
    """The list that begins at `at`, and where the next field does.

    Raises:
        PduError: no destinations or over 254 (ESME_RINVNUMDESTS), another dest_flag than 1 or 2
            (ESME_RINVDESTFLAG), or a name or address without NUL.
        IndexError: the body ends before the list does.
    """
    count = body[at]
    at += 1
    if not 1 <= count <= DESTINATIONS_MAX:
        raise PduError(
            f"number_of_dests is {count}, not from 1 to {DESTINATIONS_MAX}",
            CommandStatus.ESME_RINVNUMDESTS,
        )
    destinations: list[Destination] = []
    for _ in range(count):
        match body[at]:
            case 1:
                ton, npi = body[at + 1], body[at + 2]
                addr, at = _c_string(body, at + 3, CommandStatus.ESME_RINVDSTADR)
                destinations.append(SmeAddress(ton, npi, addr))
            case 2:
                name, at = _c_string(body, at + 1, CommandStatus.ESME_RINVDLNAME)
                destinations.append(DistributionList(name))
            case flag:
                raise PduError(f"dest_flag is {flag}", CommandStatus.ESME_RINVDESTFLAG)
    return tuple(destinations), at


def encode_destinations(destinations: tuple[Destination, ...]) -> bytes:
    """Raises FieldError."""
    if not 1 <= len(destinations) <= DESTINATIONS_MAX:
        raise FieldError(f"a submit_multi has 1 to {DESTINATIONS_MAX} destinations")
    octets = bytearray([len(destinations)])
    for destination in destinations:
        if isinstance(destination, SmeAddress):
            octets += bytes([SME_ADDRESS, destination.ton, destination.npi])
            octets += _octets(destination.addr)
        else:
            octets.append(DISTRIBUTION_LIST)
            octets += _octets(destination.name)
    return bytes(octets)


def decode_unsuccessful(body: bytes, at: int) -> tuple[tuple[UnsuccessfulSme, ...], int]:
    """The list that begins at `at`, and where the next field does.

    Raises:
        PduError: an address without NUL.
        IndexError: the body ends before the list does.
    """
    count = body[at]
    at += 1
    unsuccessful = []
    for _ in range(count):
        ton, npi = body[at], body[at + 1]
        addr, at = _c_string(body, at + 2, CommandStatus.ESME_RINVDSTADR)
        status = int.from_bytes(body[at : at + 4], "big")
        body[at + 3]  # IndexError where the body ends within it.
        unsuccessful.append(UnsuccessfulSme(ton, npi, addr, status))
        at += 4
    return tuple(unsuccessful), at


def encode_unsuccessful(unsuccessful: tuple[UnsuccessfulSme, ...]) -> bytes:
    """Raises FieldError."""
    if len(unsuccessful) > UNSUCCESSFUL_MAX:
        raise FieldError(f"a submit_multi_resp has at most {UNSUCCESSFUL_MAX} unsuccess_sme")
    octets = bytearray([len(unsuccessful)])
    for each in unsuccessful:
        octets += bytes([each.ton, each.npi]) + _octets(each.addr)
        octets += each.error_status_code.to_bytes(4, "big")
    return bytes(octets)


def _c_string(body: bytes, at: int, status: CommandStatus) -> tuple[str, int]:
    end = body.find(0, at, at + ADDRESS_SIZE)
    if end < 0:
        raise PduError(f"a destination has no NUL within {ADDRESS_SIZE} octets", status)
    return body[at:end].decode("latin-1"), end + 1


def _octets(text: str) -> bytes:
    octets = text.encode("latin-1")
    if len(octets) >= ADDRESS_SIZE or 0 in octets:
        raise FieldError(f"a destination must be under {ADDRESS_SIZE} Latin-1 characters")
    return octets + b"\0"
