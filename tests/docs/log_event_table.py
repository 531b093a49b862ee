"""Every event that the gateway logs, found in its source; what each means is said here."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.docs.page import ROOT, code, table

LEVELS = {"debug", "info", "warning", "error", "exception", "log"}
# Said through a variable, or at a level that depends.
SPOKEN = {
    "disk is nearly full": "warning",
    "disk has space again": "warning",
    "bind down": "warning",
    "carrier refuses the bind": "error",
    "call callback given up": "warning",
    "SIP connection not opened": "warning",
    "SIP connection refused": "warning",
    "SIP message not sent": "warning",
    "SIP message refused": "warning",
    "SIP response dropped": "warning",
}

MEANINGS: dict[str, str] = {
    "accounts not kept": "Many accounts could not be kept beside the store, for `reason`: the next "
    "start takes as long as this one. Look at the disk.",
    "a call's timer met a fault of ours": "A defect, with its traceback. Report it.",
    "media worker started": "A process that relays media is up, with its part of the ports.",
    "media worker lost": "It has died, with `calls`, which are ended; another is started. Its exit "
    "code is negative for a signal. **If it comes again, report it.**",
    "media worker silent": "It does not answer any more, and is killed.",
    "media worker not started": "Another could not be started, for `reason`; it is tried again, "
    "and calls go to the others meanwhile.",
    "media worker broke": "A defect, with its traceback; it `cost` a request or the worker. Report "
    "it.",
    "trunk down": "A SIP trunk does not answer, or has lost its registration. Calls take others; "
    "it comes back by itself.",
    "trunk up": "A SIP trunk answers, and is registered where it asks for that.",
    "rtpengine down": "An rtpengine answers no pings, or nobody listens at its port. New calls "
    "take others; without any they are refused with 503.",
    "rtpengine up": "An rtpengine answers.",
    "configuration reloaded": "By SIGHUP, as far as calls can take it over; the trunks to carriers "
    "that are new, changed or gone are named.",
    "configuration not reloaded": "Mend the file that `reason` names. All is as before.",
    "changes wait for a restart": "What was changed in the files and is taken over by a restart "
    "only. Each SIGHUP says it again.",
    "reloading broke": "A defect, with its traceback. Report it.",
    "audio goes one way": "In a call that was answered nothing has come from the `silent` side for "
    "10 s, though it should, while the other is heard. `trunk` is that of the called side. **Many "
    "of one trunk: call the carrier.** Many of one customer: its firewall or NAT.",
    "call ended": "A call is over and its record stored. `trunk` is the one that was tried last; "
    "`silent` is the side that was not heard any more though the other was, if there was one.",
    "calls cut off by a restart": "The last run ended with `calls` under way; each has its record "
    "now, as `completed` or `failed`.",
    "call record lost": "A record could not be stored, for `reason`; the customer was told. Report "
    "it.",
    "call callback failed": "A status callback of a call was not taken; it is tried again.",
    "call callback given up": "A status callback of a call was not taken for four hours, its URL "
    "cannot be called, its server is not to be asked again, or too many wait; `reason` says which.",
    "call callback broke": "A defect, with its traceback; the callback is given up. Report it.",
    "store of calls failed": "`calls.db` could not be written. New calls are refused until it can; "
    "what is known of others waits in memory. **Look at the disk.**",
    "store of calls recovered": "Calls are taken again; what had waited is written.",
    "call writer stopped": "A defect, with its traceback; the gateway stops. Report it.",
    "callback of the store of calls failed": "A defect, with its traceback. Report it.",
    "ESME bound": "A customer's ESME has bound.",
    "ESME gone": "Its session has ended; `reason` says how.",
    "ESME refuses a deliver_sm": "A receipt or message was refused for good and is not sent again. "
    "Tell the customer.",
    "ESME's PDU refused": "A customer sends what cannot be read, or at the wrong time. It was "
    "answered so.",
    "idempotency index damaged, rebuilding it": "A `keys-….db` file is damaged. It and all newer "
    "ones are deleted and read again from the messages.",
    "idempotency key came with another request": "A customer used a key twice for different "
    "things; the second was refused.",
    "request with an idempotency key failed": "A defect, with its traceback; answered as 503. "
    "Report it.",
    "answer to a request with an idempotency key broke": "A defect, with its traceback: one that "
    "asked was not told. What became of the request stands. Report it.",
    "ESME's outbox not read": "The store could not be read for an account's ESMEs; it is tried "
    "again.",
    "reading of an ESME's outbox broke": "A defect, with its traceback; it is tried again. Report "
    "it.",
    "ESME deliveries given up": "`count` receipts or messages that an account's ESMEs have not "
    "taken, for `reason`. They can be replayed.",
    "queued messages cannot be read": "The store could not be read; it is tried again every "
    "second, and the queues that need it wait.",
    "queued messages are read again": "That is over.",
    "queued message is gone": "A message that waited is no longer in the store, which should not "
    "be. It is not sent. Report it.",
    "scheduled messages cannot be read": "The store could not be read when they were due; it is "
    "tried again after a second.",
    "scheduled message is gone": "As for a queued one.",
    "queued messages have no sender": "After a start, `messages` belong to senders that may not "
    "send any more; they fail with 30002.",
    "receipt found its message by its addresses": "A receipt with an unknown id fitted exactly one "
    "part in doubt, which is thereby sent.",
    "archive file kept": "A file of the archive is complete in its target.",
    "archive file not kept": "At the stop; its messages are written again after the start.",
    "event broker connected": "Events and states go to the MQTT broker.",
    "event broker not reached": "No connection, for `reason`; tried again after `delay_s`. Events "
    "wait in the store.",
    "event broker lost": "The connection ended; as above.",
    "event broker broke": "A defect in the connection, with its traceback; it is made anew. Report "
    "it.",
    "event sink failed": "A sink has not taken a page; it is told again after `delay_s`.",
    "event sink broke": "A defect, with its traceback; the page is told again. Report it.",
    "event sink is behind": "**A sink is `behind_alarm_s` behind. Mend it before the store drops "
    "what it has not got.**",
    "event sink has caught up": "That alarm is over.",
    "events lost to a sink": "**A sink was away for longer than the store keeps its segments; what "
    "was dropped is not told.**",
    "gateway listens": "It answers; messages are refused with 503 until `gateway started`.",
    "gateway stops, for its store writes no more": "**The disk has been down for too long, or a "
    "defect ended the writer. The next start reads what is true.**",
    "segment begun": "The store goes on in a new file.",
    "segment dropped": "A file was dropped whole; what was not finished in it has been carried "
    "over.",
    "segment not archived": "It is kept, and tried again later. Look at the archive's target.",
    "segment not begun": "The store goes on in the file that it has, and tries again.",
    "store larger than bytes_max": "**Too much in the oldest files is not finished, so that none "
    "can be dropped. Make room, or find out what messages wait for.**",
    "store migrated": "A store of an earlier version has been taken over.",
    "store upkeep failed": "A defect, with its traceback; messages go on. Report it.",
    "store upkeep put off": "Files could not be closed or dropped now; it is tried again.",
    "stray segment removed": "A file that a crash had left in the making.",
    "too many copies without an answer": "Carriers may have 200,000 messages that they never "
    "answered for. Until there are fewer, receipts with an unknown id settle nothing.",
    "reading of webhooks broke": "A defect, with its traceback; it is tried again. Report it.",
    "undelivered events replayed": "An operator had events told once more.",
    "webhook circuit opened": "A host fails an account again and again. It gets a probe now and "
    "then, and what that account has for it waits.",
    "webhook circuit closed": "A host works again, and is told what has waited.",
    "webhook goes to its fallback": "A number's `sms_url` failed; its `sms_fallback_url` is "
    "called.",
    "webhook owed again": "A TwiML reply could not be stored at that moment, so the same webhook "
    "is sent again.",
    "webhooks cannot be read": "The store could not be read; it is tried again.",
    "webhooks given up unattempted": "Their time was over while their host failed; "
    "`supernet replay` lists them.",
    "StatusCallback refused": "A TwiML reply names a URL that cannot be called; the reply is sent "
    "without callbacks.",
    "TwiML not usable": "A customer's answer could not be read; nothing is sent for it.",
    "TwiML partly used": "A part of a customer's answer was left out.",
    "answer after the end": "A carrier answered for a message that had already ended, or "
    "that a receipt had settled.",
    "authentication failed": "Wrong REST credentials from `client`. After 20 it must wait.",
    "address locked out": "`auth_failures_max` wrong passwords or unknown system_ids from `peer`: "
    "it may not bind for `lockout_s`. A customer's program with an old password, or somebody who "
    "guesses.",
    "bind down": "A bind is lost. `in_doubt` segments had no answer; what becomes of them is their "
    "account's choice. It comes back by itself; if not, look for `carrier not reached`.",
    "bind not ready": "A bind takes nothing at this moment; another one does, or the message "
    "waits.",
    "bind broke": "A defect, with its traceback. A customer's bind was answered ESME_RSYSERR. "
    "Report it.",
    "bind refused": "A customer's bind was refused; `reason` says why.",
    "bind up": "A carrier has accepted the bind.",
    "bind waits": "The next attempt comes after `delay_s`.",
    "connection refused": "It has shown no PROXY header or TLS handshake that can be used, for "
    "`reason`. `peer` is the proxy, where one is trusted.",
    "connections cannot be accepted": "The operating system refuses, most often for want of file "
    "descriptors; it is tried again after a second.",
    "carrier_id cannot tell messages apart": "A carrier gave no id, or one that it gave before: "
    "receipts of such segments may be lost or go to the wrong one. Tell the carrier.",
    "carrier not reached": "No connection. Check address, network, and the carrier's firewall.",
    "carrier refuses the bind": "An error for wrong credentials: the next attempt is minutes away. "
    "Correct them and restart.",
    "carrier's PDU refused": "A carrier sends what cannot be read.",
    "carrier's message refused": "An inbound message for a number that is nobody's, or unreadable.",
    "deliver_sm not sent": "A receipt or message fits no PDU; it is given up.",
    "deliver_sm broke": "A defect, with its traceback. That receipt or message was given up. "
    "Report it.",
    "disk has space again": "Messages are accepted again.",
    "disk is nearly full": "**Nothing is accepted below `free_bytes_min`. Make room.**",
    "ESME's request broke": "A defect, with its traceback. It was answered ESME_RSYSERR. "
    "Report it.",
    "news for an ESME not sent": "An intermediate notification or an alert that a bind could not "
    "take now. Nobody gets it later.",
    "gateway drains": "A signal to stop has come.",
    "gateway started": "It listens, and carries traffic.",
    "gateway stopped": "The drain is over.",
    "gateway stops by a fault of ours": "A defect ended the traffic. The process exits with 1 and "
    "nothing accepted is lost. Report the traceback.",
    "alert_notification": "A carrier says that a handset can be reached again.",
    "bind cannot carry the text": "Its alphabet lacks a character, and as UCS-2 the text takes "
    "more parts than it was accepted with; another bind is asked. See `default_alphabet`.",
    "how a carrier writes its ids is known": "`auto` has found out what its receipts' ids are to "
    "those of its submit_sm_resp: `receipt_id` says it.",
    "inbound message lacks a part": "`reassembly_s` is over; the `parts` of `total` that came were "
    "told as they came.",
    "outbind": "The carrier has connected, and is bound to.",
    "outbind not awaited": "The address cannot be listened on; it is tried again.",
    "outbind refused": "Somebody connected to the port of a bind's outbind; `reason` says why he "
    "was not let in.",
    "intermediate receipt": "Not final, so nothing changes.",
    "message is damaged": "What a message says cannot be read from its file any more: it is left "
    "out and not sent. Look at the disk, and see `supernet store verify`.",
    "message fits no PDU": "A field is too long for SMPP; the message failed with 30006.",
    "message was under way each time binds went down": "Three binds went down while this message "
    "was on them, so it may be what ended them. It is not sent again, and fails with 30410 after "
    "`outcome_unknown_wait_s`. Show the carrier its octets.",
    "on_commit failed": "A defect, with its traceback. Report it.",
    "receipt of a bind that is no more": "It settled its message; the router has nothing to learn.",
    "receipt again": "A second receipt of one segment. It changes nothing.",
    "receipt that says nothing": "A receipt without id or state. It was answered and dropped.",
    "receipt without a message": "Kept, and shown at `/receipts/unmatched`. Many at once: another "
    "system uses the same carrier account, or the store was replaced.",
    "record cannot be stored": "One record is invalid; the others were stored. Report it.",
    "record was stored before": "The same fact twice, after a failure. Harmless.",
    "records lost at close": "**The store did not recover before the stop.** What had happened in "
    "the meantime is not on record, so it may happen again after the start.",
    "reply accepted": "A TwiML reply is on its way.",
    "reply loop": "30 replies in 30 s between two numbers; this one was not sent.",
    "reply refused": "A TwiML reply was not admitted; `refusal` says why.",
    "request failed": "A defect behind a 500, with its traceback. Report it.",
    "restored": "What an earlier run left was taken up.",
    "session ended by a fault of ours": "A defect ended one SMPP session. Report the traceback.",
    "SIP broke": "A defect, with its traceback; `cost` says what it cost: one message, event, "
    "timer or connection. Report it.",
    "SIP connection not opened": "What waited for it fails, and another way is tried. Of this line "
    "and the next four there are 30 a minute together; `unlogged` counts the others.",
    "SIP connection refused": "As many SIP connections stand as may, in all or of one source; one "
    "more was closed.",
    "SIP message not sent": "The system does not send to this address; the message fails.",
    "SIP message refused": "A peer sends what cannot be read. If it was a request, it was answered "
    "so.",
    "SIP response dropped": "A peer sends a response that is not for us, or cannot be read.",
    "host not resolved": "A carrier's or a peer's name leads nowhere; `reason` says why.",
    "name not looked up": "No name server has answered for it; it is asked again after 5 s.",
    "no name server is known": "`/etc/resolv.conf` names none. Hosts of carriers that are names "
    "are not found.",
    "store failed": "**A write failed; nothing is accepted until it recovers.** Look at the disk.",
    "store recovered": "The file was opened again; what was kept has been written.",
    "store writer stopped": "**A defect ended the writer: nothing is accepted. Restart, and report "
    "the traceback.**",
    "submit_sm refused": "A customer's submit_sm, submit_multi or data_sm cannot be read.",
    "too many connections": "As many SMPP connections stand as `bound` allows; one more was "
    "closed.",
    "too many receipts expected": "2,000,000 wait. Further messages stay `sent`. A carrier "
    "has stopped sending receipts.",
    "route alarm raised": "The router found a route to be bad: `kind` says how, `lost` how many "
    "messages that has cost so far. Most go over others meanwhile. Call the carrier; it is cleared "
    "by itself.",
    "route alarm cleared": "The route is well again; `lost` is what it has cost.",
    "routing memory broke": "A defect, with its traceback; it is tried again in 30 s. Report it.",
    "routing memory not used": "`routing.json` in the store's directory is damaged or of another "
    "version: the router learns anew.",
    "routing memory not written": "It is tried again in 30 s. Look at the disk.",
    "routing memory restored": "The router knows what it knew `age_s` ago.",
    "webhook attempt broke": "A defect, with its traceback. That webhook was given up. Report it.",
    "webhook failed": "One attempt failed; it is repeated.",
    "webhook given up": "A customer was not told, after four hours or by their own `rc` and `rp`.",
    "webhook refused": "A customer's URL cannot be called: malformed, or private.",
}


def log_event_table() -> str:
    found = dict(events())
    differ = sorted(set(found) ^ set(MEANINGS))
    assert not differ, f"say in {__name__} what these events mean, or forget them: {differ}"
    return table(
        ("Event", "Level", "What it means"),
        ((code(event), found[event], MEANINGS[event]) for event in sorted(found, key=str.lower)),
    )


def events() -> Iterator[tuple[str, str]]:
    """Event and level of each call of a logger in the gateway."""
    yield from SPOKEN.items()
    for path in sorted((ROOT / "gateway").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _is_log_call(node.func):
                yield from _said(node)


def _is_log_call(function: ast.expr) -> bool:
    return (
        isinstance(function, ast.Attribute)
        and function.attr in LEVELS
        and isinstance(function.value, ast.Name)
        and function.value.id == "log"
    )


def _said(call: ast.Call) -> Iterator[tuple[str, str]]:
    assert isinstance(call.func, ast.Attribute)
    event = next((arg.value for arg in call.args if isinstance(arg, ast.Constant)), None)
    if isinstance(event, str) and event not in SPOKEN:
        level = call.func.attr
        yield event, "error" if level == "exception" else level
