"""What the signalling and a media worker say to each other, as octets."""

import pytest

from media.events import (
    DigitReceived,
    EndGone,
    MediaEvent,
    MediaTimeout,
    OneWay,
    Played,
    Silent,
    Talking,
)
from media.heard import Heard
from media.profile import Profile
from media.worker.messages import (
    FRAME_OCTETS_MAX,
    Answer,
    Begin,
    Delete,
    Described,
    Event,
    Fault,
    Frames,
    FrameTooLong,
    Happened,
    Measured,
    Offer,
    Ping,
    Place,
    Pong,
    Query,
    Refused,
    Reply,
    Report,
    Request,
    answers,
    event_of,
    frame,
    happened,
    requests,
)

HEARD = Heard(100, 17_200, 3, 0.004, 0.031, 4.3)
ASKED: list[Request] = [
    Begin(1, Place("192.0.2.1", "", 20_000, 20_999, 60.0)),
    Ping(2),
    Offer(3, 7, 0, b"v=0\r\n", Profile.WEBRTC),
    Answer(4, 7, 1, b"v=0\r\n"),
    Query(5, 7),
    Delete(6, 7),
]
TOLD: list[Reply | Event] = [
    Pong(2, 1, 200, 34_400, 1, 0),
    Described(3, b"v=0\r\n"),
    Refused(4, 488, "no audio"),
    Measured(5, HEARD, HEARD),
    happened(7, MediaTimeout()),
    Report([(7, HEARD, HEARD)]),
    Fault("Traceback"),
]


def test_messages_are_read_as_they_were_written() -> None:
    (batch,) = Frames().feed(frame(ASKED))
    assert requests.decode(batch) == ASKED
    (batch,) = Frames().feed(frame(TOLD))
    assert answers.decode(batch) == TOLD


def test_events_are_told_as_they_happened() -> None:
    events: list[MediaEvent] = [OneWay(1), DigitReceived(0, "5", 0.1, True)]
    messages: list[Reply | Event] = [happened(7, event) for event in events]
    (batch,) = Frames().feed(frame(messages))
    told = [event_of(one) for one in answers.decode(batch) if isinstance(one, Happened)]
    # An end that became 0.0 would be equal.
    assert repr(told) == repr(events)


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_frames_are_found_however_the_stream_is_cut(size: int) -> None:
    octets = frame(ASKED) + frame(ASKED[:1]) + frame([])
    frames, found = Frames(), []
    for at in range(0, len(octets), size):
        found += frames.feed(octets[at : at + size])
    assert [requests.decode(one) for one in found] == [ASKED, ASKED[:1], []]


def test_length_that_no_batch_has_ends_the_stream() -> None:
    with pytest.raises(FrameTooLong):
        Frames().feed((FRAME_OCTETS_MAX + 1).to_bytes(4))


@pytest.mark.parametrize(
    "event",
    [
        EndGone(1),
        OneWay(1),
        DigitReceived(0, "5", 0.12, True),
        Played(1, False),
        Talking(0, -20.5),
        Silent(1, -60.0),
    ],
)
def test_an_event_names_its_end_by_a_whole_number(event: MediaEvent) -> None:
    said: list[Reply | Event] = [happened(1, event)]
    (batch,) = Frames().feed(frame(said))
    (told,) = answers.decode(batch)
    assert isinstance(told, Happened)
    read = event_of(told)
    assert read == event
    assert type(next(iter(read))) is int
