"""To which stage of a message's way a stack belongs: pure, from names of files and functions."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

LOOP = "event loop, sockets"
PDUS = "PDUs: framing, decode"
FLUSH = "PDUs: write"
ADMISSION = "customer: request, admission"
HTTP = "customer: HTTP"
ANSWER = "customer: answer"
STORE = "store, the loop's share"
DISPATCH = "queue, dispatch"
ROUTE = "route"
SUBMIT = "carrier: encode, submit"
RESPONSE = "carrier: response"
RECEIPT = "receipt: match, settle"
TELL = "customer: receipt by SMPP"
CALLBACK = "customer: callback"
OTHER = "other"

# The innermost frame of a stack that begins with one of these decides. Protocol code that both
# sides share is not here: whoever called it is found further out.
OWNERS = (
    (CALLBACK, ("messaging/callbacks", "messaging/webhook", "messaging/host_")),
    (CALLBACK, ("messaging/outbox_memory", "messaging/owed_positions", "webhooks/")),
    (TELL, ("ingress/esme_delivery", "ingress/esme_outbox", "interworking/customer_deliver_sm")),
    (RECEIPT, ("messaging/receipt", "messaging/deliveries", "messaging/carrier_ids")),
    (RECEIPT, ("messaging/settled_receipts", "messaging/parked_receipts", "messaging/strays")),
    (RECEIPT, ("messaging/message_parts", "messaging/forgone_receipts", "smpp/receipt")),
    (RECEIPT, ("interworking/receipt_outcome", "interworking/deliver_sm", "messaging/inbound")),
    (RESPONSE, ("messaging/answers", "messaging/sent_messages", "messaging/doubts")),
    (RESPONSE, ("messaging/suspects", "messaging/parts_in_doubt", "carriers/bind_events")),
    (ROUTE, ("routing/",)),
    (SUBMIT, ("carriers/", "interworking/submit_sm", "interworking/dialect_submit_sm")),
    (SUBMIT, ("interworking/carrier_", "interworking/user_data", "interworking/address")),
    (DISPATCH, ("messaging/dispatcher", "messaging/lane", "messaging/account_queue")),
    (DISPATCH, ("messaging/turns", "messaging/mps", "messaging/deadlines", "net/alarm")),
    (DISPATCH, ("messaging/queue_tail", "messaging/pending_messages", "messaging/open_message")),
    (STORE, ("store/", "messaging/journal")),
    (ANSWER, ("ingress/pending_requests", "ingress/rest/json_answer", "ingress/rest/message_json")),
    (HTTP, ("ingress/rest/",)),
    (ADMISSION, ("ingress/", "messaging/admission", "messaging/intake", "text/")),
    (ADMISSION, ("messaging/idempotency", "messaging/opt_out", "messaging/phone_number")),
    (ADMISSION, ("interworking/submission", "messaging/short_id")),
)
# Where only shared code is in the stack.
SHARED = (
    (FLUSH, ("SmppConnection._flush",)),
    (PDUS, ("SmppConnection.", "Session.")),
)

OURS = ("gateway/", "routing/")
# What stands below everything, and decides nothing.
TOP = ("gateway/cli/", "gateway/daemon/")

FRAME = re.compile(r"(?P<function>.*) \((?P<file>[^()]*?)(:\d+)?\)")


@dataclass(frozen=True, slots=True)
class Stack:
    """Frames from the outermost to the innermost, as `function (file:line)`, seen so often."""

    thread: str
    frames: tuple[str, ...]
    samples: int


def stacks(lines: Iterable[str]) -> Iterator[Stack]:
    """Of the raw form of py-spy: `thread;frame;frame… count`."""
    for line in lines:
        text, _, samples = line.rstrip("\n").rpartition(" ")
        thread, *frames = text.split(";")
        yield Stack(thread, tuple(frames), int(samples))


def stage_of(frames: tuple[str, ...]) -> str:
    """The stage of a stack of the event loop's thread; without any frame of ours below the
    daemon's own, it is the loop itself, which reads, writes and calls."""
    stage = LOOP
    for frame in reversed(frames):
        found = FRAME.fullmatch(frame)
        if not found or not found["file"].startswith(OURS) or found["file"].startswith(TOP):
            continue
        path = found["file"].removeprefix("gateway/")
        for owner, beginnings in OWNERS:
            if path.startswith(beginnings):
                return owner
        stage = next(
            (shared for shared, names in SHARED if found["function"].startswith(names)),
            OTHER if stage == LOOP else stage,
        )
    return stage
