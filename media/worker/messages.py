"""What the signalling and a media worker say to each other, in the manner of rtpengine's ng:
requests with a number, each answered once by that number, in any order; and events that the worker
tells by itself. One frame carries a batch of them: whatever there is to say at the time.

The wire: four octets of length, then a msgpack array of messages, each an array that begins with
its name. Both ends are of one release, so there are no versions.
"""

from __future__ import annotations

from typing import get_args

import msgspec

from media.events import MediaEvent
from media.heard import Heard
from media.profile import Profile

# What a batch may take: more than all descriptions of its requests can come to.
FRAME_OCTETS_MAX = 16 << 20
BATCH_MAX = 128
_LENGTH_OCTETS = 4


class _Message(
    msgspec.Struct, frozen=True, gc=False, array_like=True, tag=lambda name: name.lower()
):
    pass


# From the signalling


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where a worker relays media, as `RelayHost` has it. `stun` is a host and port, `turn` those
    of a server with user, password and transport; their hosts are empty where there are none.
    `browsers` says that they are to be expected."""

    host: str
    advertised_host: str
    port_min: int
    port_max: int
    silence_s: float
    stun: tuple[str, int] = ("", 0)
    turn: tuple[str, int, str, str, str] = ("", 0, "", "", "")
    browsers: bool = False


class Begin(_Message, frozen=True):
    """The first; nothing else may be asked before."""

    number: int
    place: Place


class Ping(_Message, frozen=True):
    number: int


class Offer(_Message, frozen=True):
    """`end` (0 or 1) of this call offers, see `Relay.offer`; a call begins with its first offer.
    `profile` is what the other end is spoken to in, None where it has described itself."""

    number: int
    call: int
    end: int
    sdp: bytes
    profile: Profile | None = None


class Answer(_Message, frozen=True):
    number: int
    call: int
    end: int
    sdp: bytes


class Query(_Message, frozen=True):
    number: int
    call: int


class Delete(_Message, frozen=True):
    """The call is over; answered as Query is."""

    number: int
    call: int


class Play(_Message, frozen=True):
    """To that end, see `Relay.play`: the file is a WAV file that this machine can read; without one
    it is a tone of these frequencies."""

    number: int
    call: int
    end: int
    file: str
    repeats: int = 1
    hertz: tuple[float, ...] = ()
    on_s: float = 0.0
    off_s: float = 0.0


class Stop(_Message, frozen=True):
    """Playing to that end."""

    number: int
    call: int
    end: int


class Dtmf(_Message, frozen=True):
    """Digits to that end."""

    number: int
    call: int
    end: int
    digits: str
    duration_s: float


class Told(_Message, frozen=True):
    """That end is told digits by the signalling, where it takes no events."""

    number: int
    call: int
    end: int


class Listen(_Message, frozen=True):
    """Tell when that end talks and when it is silent; `on` or no more."""

    number: int
    call: int
    end: int
    on: bool


class Record(_Message, frozen=True):
    """What both ends say, into a WAV file that is not there yet."""

    number: int
    call: int
    file: str


class StopRecording(_Message, frozen=True):
    number: int
    call: int


Request = (
    Begin
    | Ping
    | Offer
    | Answer
    | Query
    | Delete
    | Play
    | Stop
    | Dtmf
    | Told
    | Listen
    | Record
    | StopRecording
)


# From the worker


class Pong(_Message, frozen=True):
    """To Begin and Ping: how it stands, and what it has counted since its start."""

    number: int
    calls: int
    packets: int
    octets: int
    strays: int
    unsent: int


class Described(_Message, frozen=True):
    number: int
    sdp: bytes


class Measured(_Message, frozen=True):
    """What came from both ends; zeros for a call that is not known."""

    number: int
    first: Heard
    second: Heard


class Done(_Message, frozen=True):
    number: int


class Refused(_Message, frozen=True):
    """`status` is SIP's, as in MediaError."""

    number: int
    status: int
    detail: str


Reply = Pong | Described | Measured | Done | Refused


class Happened(_Message, frozen=True):
    """What a relay tells of a call: which of `media.events`, and its facts in their order."""

    call: int
    event: str
    facts: tuple[str | int | float | bool, ...]


class Report(_Message, frozen=True):
    """How calls are now and then, of which some have not been told of before."""

    calls: list[tuple[int, Heard, Heard]]


class Fault(_Message, frozen=True):
    """A request or a packet met a fault of ours; its traceback."""

    text: str


Event = Happened | Report | Fault

_EVENTS = {kind.__name__: kind for kind in get_args(MediaEvent)}


def happened(call: int, event: MediaEvent) -> Happened:
    return Happened(call, type(event).__name__, tuple(event))


def event_of(told: Happened) -> MediaEvent:
    event: MediaEvent = _EVENTS[told.event](*told.facts)
    return event


_encoder = msgspec.msgpack.Encoder()
requests = msgspec.msgpack.Decoder(list[Request])
answers = msgspec.msgpack.Decoder(list[Reply | Event])


def frame(messages: list[Request] | list[Reply | Event]) -> bytes:
    octets = _encoder.encode(messages)
    return len(octets).to_bytes(_LENGTH_OCTETS) + octets


class Frames:
    """The octets of a stream, cut into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, octets: bytes) -> list[bytes]:
        """Those that are whole now.

        Raises:
            FrameTooLong: the other end is no worker of ours.
        """
        if not self._buffer and len(octets) - _LENGTH_OCTETS == int.from_bytes(
            octets[:_LENGTH_OCTETS]
        ):
            return [octets[_LENGTH_OCTETS:]]  # One is written at a time, and read so mostly.
        self._buffer += octets
        found = []
        at = 0
        while len(self._buffer) - at >= _LENGTH_OCTETS:
            begin = at + _LENGTH_OCTETS
            length = int.from_bytes(self._buffer[at:begin])
            if length > FRAME_OCTETS_MAX:
                raise FrameTooLong(f"a frame of {length} octets")
            if len(self._buffer) < begin + length:
                break
            found.append(bytes(self._buffer[begin : begin + length]))
            at = begin + length
        del self._buffer[:at]
        return found


class FrameTooLong(Exception):
    """The stream cannot be read on."""
