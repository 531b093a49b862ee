"""A dialog (RFC 3261 §12): who the two are to each other, the way between them, and the order of
their requests."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from gateway.sip.address import Address
from gateway.sip.errors import GrammarError
from gateway.sip.headers import Field, Headers
from gateway.sip.message import MAX_FORWARDS, SipMessage, SipRequest, SipResponse
from gateway.sip.offer_answer_state import OfferAnswerState
from gateway.sip.uri import SipUri


class DialogState(StrEnum):
    EARLY = "early"
    CONFIRMED = "confirmed"
    TERMINATED = "terminated"


class Dialog:
    """`local` and `remote` are From and To of our requests, as they are written. `offer_answer` is
    where its session stands."""

    __slots__ = (
        "_strict",
        "call_id",
        "local",
        "local_sequence",
        "local_tag",
        "next_hop",
        "offer_answer",
        "remote",
        "remote_sequence",
        "remote_tag",
        "remote_target",
        "route_set",
        "state",
    )

    def __init__(
        self,
        call_id: str,
        local: str,
        local_tag: str,
        remote: str,
        remote_tag: str,
        remote_target: str,
        route_set: list[str],
        local_sequence: int,
        remote_sequence: int | None,
        state: DialogState = DialogState.EARLY,
        offer_answer: OfferAnswerState = OfferAnswerState.IDLE,
    ) -> None:
        self.call_id = call_id
        self.local = local
        self.local_tag = local_tag
        self.remote = remote
        self.remote_tag = remote_tag
        self.remote_target = remote_target
        self.local_sequence = local_sequence
        self.remote_sequence = remote_sequence
        self.state = state
        self.offer_answer = offer_answer
        self._take_route_set(route_set)

    @classmethod
    def as_uas(cls, request: SipRequest, local_tag: str, local_sequence: int) -> Dialog:
        """Of the request that we answer (§12.1.1). A peer of RFC 2543 may have no tag."""
        return cls(
            request.call_id,
            f"{request.required('To')};tag={local_tag}",
            local_tag,
            request.required("From"),
            request.from_tag or "",
            target_of(request) or request.uri,
            recorded_routes(request),
            local_sequence,
            request.cseq.sequence,
        )

    @classmethod
    def as_uac(cls, request: SipRequest, local_tag: str, response: SipResponse) -> Dialog:
        """Of the answer to our request (§12.1.2)."""
        return cls(
            request.call_id,
            request.required("From"),
            local_tag,
            response.required("To"),
            response.to_tag or "",
            target_of(response) or request.uri,
            recorded_routes(response)[::-1],
            request.cseq.sequence,
            None,
        )

    def confirm(self, response: SipResponse) -> None:
        """The 2xx has come, and tells the route set again (§13.2.2.4)."""
        self.state = DialogState.CONFIRMED
        self._take_route_set(recorded_routes(response)[::-1])
        self.refresh_target(response)

    def refresh_target(self, message: SipMessage) -> None:
        """By the Contact of a re-INVITE, an UPDATE or a 2xx to one (§12.2)."""
        self.remote_target = target_of(message) or self.remote_target
        if not self.route_set:
            self.next_hop = self.remote_target

    def in_order(self, sequence: int) -> bool:
        """Whether a request of the peer's comes after those before it, maybe with a gap; then it
        counts (§12.2.2)."""
        if self.remote_sequence is not None and sequence <= self.remote_sequence:
            return False
        self.remote_sequence = sequence
        return True

    def request(
        self,
        method: str,
        headers: Iterable[Field] = (),
        body: bytes = b"",
        sequence: int | None = None,
        max_forwards: int = MAX_FORWARDS,
    ) -> SipRequest:
        """The next request within the dialog (§12.2.1.1), without a Via. Only an ACK has a
        `sequence` that is given, that of its INVITE."""
        if sequence is None:
            self.local_sequence += 1
            sequence = self.local_sequence
        uri, routes = self.remote_target, self.route_set
        if self._strict:
            uri, routes = self.next_hop, [*routes[1:], f"<{self.remote_target}>"]
        fields: list[Field] = [
            ("Max-Forwards", str(max_forwards)),
            ("From", self.local),
            ("To", self.remote),
            ("Call-ID", self.call_id),
            ("CSeq", f"{sequence} {method}"),
            *headers,
        ]
        if routes:
            fields[:0] = [("Route", route) for route in routes]
        return SipRequest(method, uri, Headers.of(fields), body)

    def _take_route_set(self, route_set: list[str]) -> None:
        self.route_set = route_set
        self._strict = False
        self.next_hop = self.remote_target
        if route_set:
            first = Address.parse(route_set[0]).uri
            self._strict = isinstance(first, SipUri) and not first.is_loose_router
            self.next_hop = str(_as_request_uri(first) if isinstance(first, SipUri) else first)


def recorded_routes(message: SipMessage) -> list[str]:
    headers = message.headers
    return headers.elements("Record-Route") if "Record-Route" in headers.first else []


def target_of(message: SipMessage) -> str | None:
    """Where the peer is reached. A response whose Contact cannot be read has none: to drop an
    answered call for it helps nobody."""
    try:
        return message.target()
    except GrammarError:
        if isinstance(message, SipRequest):
            raise
        return None


def _as_request_uri(uri: SipUri) -> SipUri:
    """Without what a Request-URI may not have (§19.1.1 table 1)."""
    if not uri.headers and "method" not in uri.parameters:
        return uri
    parameters = {name: value for name, value in uri.parameters.items() if name != "method"}
    return SipUri(uri.host, uri.user, uri.port, parameters, (), uri.password, uri.scheme)
