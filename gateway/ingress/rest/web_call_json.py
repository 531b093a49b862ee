"""What happens to a call that is made over the API, as its event stream shows it."""

from __future__ import annotations

import msgspec

from gateway.call import CallEvent, CallRecord, Quality
from gateway.clock import call_sid
from gateway.ingress.rest.call_json import WORDS
from gateway.streams.timestamp import rfc_3339
from gateway.voice.web_call import Described, Kind, WebEvent


class WebCallResource(msgspec.Struct, frozen=True, rename={"from_": "from"}):
    """A call that has begun. Its own Call resource has the rest."""

    sid: str
    account_sid: str
    from_: str
    to: str
    status: str
    date_created: str
    uri: str
    events_uri: str


class AttemptResource(msgspec.Struct, frozen=True):
    """One try at a trunk or a phone; `status` is the SIP status of its end."""

    trunk: str
    status: int
    reason: str


class SideQualityResource(msgspec.Struct, frozen=True):
    """What one side has sent to the gateway. `loss` is a share, times are milliseconds; null is
    what is not known yet. `one_way`: nothing comes from it, though it should, while the other side
    is heard."""

    packets: int
    lost: int
    loss: float | None
    jitter_ms: float | None
    rtt_ms: float | None
    mos: float | None
    one_way: bool


class QualityResource(msgspec.Struct, frozen=True):
    caller: SideQualityResource
    called: SideQualityResource


class StatusResource(msgspec.Struct, frozen=True):
    """A status that the call has reached. What stands from `ended_by` on is of its end."""

    call_sid: str
    status: str
    at: str
    sip_status: int | None
    trunk: str | None
    ended_by: str | None = None
    duration_s: float | None = None
    attempts: tuple[AttemptResource, ...] | None = None
    quality: QualityResource | None = None


class DescriptionResource(msgspec.Struct, frozen=True):
    """A session description of the other side's. An answer that is `early` may be followed by
    another."""

    sdp: str
    early: bool


encode = msgspec.json.Encoder().encode


def event_of(event: WebEvent) -> tuple[str, bytes]:
    """The name of an event in the stream, and its data."""
    if isinstance(event, Described):
        name = "offer" if event.kind is Kind.OFFER else "answer"
        sdp = event.sdp.decode("utf-8", "replace")
        return name, encode(DescriptionResource(sdp, event.kind is Kind.EARLY))
    return "status", encode(status_resource(event))


def status_resource(event: CallEvent) -> StatusResource:
    reached = StatusResource(
        call_sid(event.call.id),
        WORDS[event.status],
        rfc_3339(event.at),
        event.sip_status or None,
        event.trunk or None,
    )
    return reached if event.record is None else _ended(reached, event.record)


def quality_resource(caller: Quality, called: Quality) -> QualityResource:
    return QualityResource(_side(caller), _side(called))


def _ended(reached: StatusResource, record: CallRecord) -> StatusResource:
    return msgspec.structs.replace(
        reached,
        ended_by=record.ended_by.value,
        duration_s=round(record.duration_s, 3),
        attempts=tuple(
            AttemptResource(each.trunk, each.status, each.reason) for each in record.attempts
        ),
        quality=quality_resource(record.caller_quality, record.called_quality),
    )


def _side(quality: Quality) -> SideQualityResource:
    sent = quality.packets + quality.lost
    return SideQualityResource(
        packets=quality.packets,
        lost=quality.lost,
        loss=round(quality.lost / sent, 4) if sent else None,
        jitter_ms=round(quality.jitter_s * 1_000, 1) if sent else None,
        rtt_ms=round(quality.rtt_s * 1_000, 1) if quality.rtt_s else None,
        mos=round(quality.mos, 2) if quality.mos else None,
        one_way=quality.one_way,
    )
