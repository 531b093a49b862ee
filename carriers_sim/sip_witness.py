"""Watches the SIP of one carrier's customers for what no user agent of ours would notice: what is
repeated too fast or in vain, ACK and CANCEL that fit nothing, what a message must have and has not.

It is shown each message before anything else sees it, and each message of ours that does go out.
Pure: messages and `now` in, violations out. Its tables are bounded and forget the oldest entry.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from carriers_sim.remember import remember
from carriers_sim.sip_violations import SipInvariant
from gateway.sip.errors import GrammarError
from gateway.sip.message import SipMessage, SipRequest, SipResponse

REMEMBERED_MAX = 100_000
T1_S, T2_S = 0.5, 4.0
# Both ends and the way between them may be late; a retransmission this early is not that.
EARLY_SHARE = 0.5
# How long after our response went out the peer may not have read it.
IN_FLIGHT_S = 1.0

# Call-ID, and the tag of who began.
DialogKey = tuple[str, str]
Found = tuple[SipInvariant, str]


class _Sent(msgspec.Struct):
    """A request of the peer's: how often it came, and when last."""

    method: str
    uri: str
    came_at: float
    times: int = 1
    answered_at: float | None = None
    status: int = 0
    to_tag: str = ""
    is_acknowledged: bool = False


class _Dialog(msgspec.Struct):
    highest: int = -1
    contact: str = ""
    branch: str = ""


class SipWitness:
    """Of one carrier."""

    def __init__(self) -> None:
        self._requests: dict[tuple[str, str], _Sent] = {}  # By branch and method.
        self._invites: dict[tuple[str, str, int], str] = {}  # Call-ID, From tag, CSeq to branch.
        self._dialogs: dict[DialogKey, _Dialog] = {}

    # What comes

    def received(self, message: SipMessage, is_reliable: bool, now: float) -> list[Found]:
        """What is wrong with a message of the peer's."""
        try:
            if isinstance(message, SipRequest):
                return list(self._request(message, is_reliable, now))
            assert isinstance(message, SipResponse)
            return list(_of_response(message))
        except GrammarError as error:
            return [(SipInvariant.SIP_MALFORMED, str(error))]

    def _request(self, request: SipRequest, is_reliable: bool, now: float) -> Iterator[Found]:
        key = (request.branch or "", request.method)
        there = self._requests.get(key)
        if there is not None and request.method != "ACK":
            yield from self._again(there, is_reliable, now)
            return
        yield from _of_request(request)
        invite_key = (request.call_id, request.from_tag or "", request.cseq.sequence)
        if request.method == "ACK":
            yield from self._ack(request, invite_key)
        elif request.method == "CANCEL":
            yield from self._cancel(request)
        else:
            yield from self._in_order(request)
        if request.method == "INVITE":
            remember(self._invites, invite_key, request.branch or "", REMEMBERED_MAX)
        if request.method != "ACK":
            sent = _Sent(request.method, request.uri, now)
            remember(self._requests, key, sent, REMEMBERED_MAX)

    def _again(self, there: _Sent, is_reliable: bool, now: float) -> Iterator[Found]:
        """A retransmission: T1 after the first, and then twice as long each time; of what is no
        INVITE, T2 at most."""
        waited_s = now - there.came_at
        due_s = T1_S * 2 ** (there.times - 1)
        if there.method != "INVITE":
            due_s = min(due_s, T2_S)
        shown = f"{there.method} again after {waited_s:.2f} s"
        if is_reliable or waited_s < due_s * EARLY_SHARE:
            yield SipInvariant.RETRANSMITTED_TOO_FAST, shown
        answered_at = there.answered_at
        if there.method == "INVITE" and answered_at and now - answered_at > IN_FLIGHT_S:
            yield SipInvariant.RETRANSMITTED_IN_VAIN, shown
        there.came_at = now
        there.times += 1

    def _ack(self, ack: SipRequest, key: tuple[str, str, int]) -> Iterator[Found]:
        branch = self._invites.get(key)
        shown = f"CSeq {ack.cseq.sequence}"
        if branch is None:
            yield SipInvariant.ACK_CSEQ, shown
            return
        invite = self._requests.get((branch, "INVITE"))
        if invite is None or not invite.answered_at:
            return
        invite.is_acknowledged = True
        if (ack.branch == branch) == (invite.status < 300):
            yield SipInvariant.ACK_BRANCH, f"to {invite.status}"
        if (ack.to_tag or "") != invite.to_tag:
            yield SipInvariant.ACK_TO_TAG, f"to {invite.status}"
        if invite.status < 300:
            yield from self._for_contact(ack)

    def _cancel(self, cancel: SipRequest) -> Iterator[Found]:
        branch = cancel.branch or ""
        invite = self._requests.get((branch, "INVITE"))
        key = (cancel.call_id, cancel.from_tag or "", cancel.cseq.sequence)
        if invite is None or self._invites.get(key) != branch or invite.uri != cancel.uri:
            yield SipInvariant.CANCEL_OF_NOTHING, f"CSeq {cancel.cseq.sequence}"
        elif not invite.answered_at:
            yield SipInvariant.CANCEL_TOO_EARLY, f"CSeq {cancel.cseq.sequence}"

    def _in_order(self, request: SipRequest) -> Iterator[Found]:
        key = (request.call_id, request.from_tag or "")
        dialog = self._dialogs.get(key)
        if dialog is None:
            dialog = _Dialog()
            remember(self._dialogs, key, dialog, REMEMBERED_MAX)
        sequence = request.cseq.sequence
        if sequence <= dialog.highest:
            shown = f"{request.method} has {sequence} after {dialog.highest}"
            yield SipInvariant.CSEQ_ORDER, shown
        dialog.highest = max(dialog.highest, sequence)
        if request.to_tag is not None:
            yield from self._for_contact(request)

    def _for_contact(self, request: SipRequest) -> Iterator[Found]:
        """Behind strict routers the Request-URI is theirs; with any Route we do not look."""
        dialog = self._dialogs.get((request.call_id, request.from_tag or ""))
        contact = dialog.contact if dialog is not None else ""
        if contact and not request.routes and request.uri != contact:
            yield SipInvariant.REMOTE_TARGET, request.method

    # What goes

    def sent(self, message: SipMessage, now: float) -> None:
        """A message of ours has gone out."""
        if isinstance(message, SipResponse):
            self._answered(message, now)
        elif isinstance(message, SipRequest) and message.contact is not None:
            key = (message.call_id, message.to_tag or "")
            if message.to_tag is not None and key in self._dialogs:
                self._dialogs[key].contact = str(message.contact.uri)

    def _answered(self, response: SipResponse, now: float) -> None:
        method = response.cseq.method
        request = self._requests.get((response.branch or "", method))
        if request is None:
            return
        if request.answered_at is None:
            request.answered_at = now
        request.status = response.status
        request.to_tag = response.to_tag or ""
        dialog = self._dialogs.get((response.call_id, response.from_tag or ""))
        if dialog is not None and method == "INVITE" and response.contact is not None:
            dialog.contact = str(response.contact.uri)


def _of_request(request: SipRequest) -> Iterator[Found]:
    method = request.method
    if request.max_forwards is None:
        yield SipInvariant.MAX_FORWARDS_MISSING, method
    if not request.via.has_magic_cookie:
        yield SipInvariant.BRANCH_WITHOUT_COOKIE, method
    if request.from_tag is None:
        yield SipInvariant.FROM_TAG_MISSING, method
    if method == "INVITE" and len(request.contacts) != 1:
        yield SipInvariant.CONTACT_MISSING, method
    if request.body and request.content_type is None:
        yield SipInvariant.CONTENT_TYPE_MISSING, method


def _of_response(response: SipResponse) -> Iterator[Found]:
    shown = f"{response.status} to {response.cseq.method}"
    if response.status > 100 and response.to_tag is None:
        yield SipInvariant.TO_TAG_MISSING, shown
    is_2xx = 200 <= response.status < 300
    if is_2xx and response.cseq.method == "INVITE" and len(response.contacts) != 1:
        yield SipInvariant.CONTACT_MISSING, shown
    if response.body and response.content_type is None:
        yield SipInvariant.CONTENT_TYPE_MISSING, shown
