"""Every metric, from a gateway that is built on the demo's configuration and not started."""

from __future__ import annotations

import asyncio
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import cast

from gateway.admin.metric_family import PREFIX
from gateway.admin.metrics import metrics
from gateway.admin.readings import Backlog, Readings
from gateway.call import Quality
from gateway.clock import system_clock
from gateway.config import load, read_plan
from gateway.daemon.assembly import Gateway
from gateway.net.network import TcpNetwork
from gateway.store.call_store import CallStore
from gateway.store.inline import InlineStore
from gateway.streams.event_streams import SinkReadings
from gateway.voice.call_callbacks import CallCallbacks
from gateway.voice.call_meters import CallMeters, CallReadings
from gateway.voice.call_records import CallRecords
from gateway.voice.media_session import MediaReadings
from gateway.webhooks.client import WebhookClient
from gateway.webhooks.request import Poster
from tests.docs.page import ROOT, code, table
from tests.store.call_builders import a_record, the_end

TYPE = re.compile(r"^# TYPE (\w+) (\w+)\n(?:\w+\{(.*)\})?", re.M)
LABEL = re.compile(r'(\w+)="')

MEANINGS: dict[str, str] = {
    "uptime_seconds": "Since the start.",
    "accepting": "1 while the store takes messages. **0: nothing is accepted; act now.**",
    "messages_open": "Messages in no final state, scheduled ones included.",
    "messages_scheduled": "Messages that wait for their SendAt.",
    "idempotent_replays_total": "Requests answered with the message that their idempotency key had "
    "made.",
    "idempotency_conflicts_total": "Requests refused because their key had made a message of "
    "another request.",
    "receipts_confirming_total": "Receipts that settled a part in doubt by its addresses.",
    "receipts_not_awaited_total": "Times that memory had no room to await a receipt.",
    "webhooks_in_flight": "Requests under way; `concurrency` bounds them.",
    "webhooks_waiting": "Webhooks that wait in the store, and in memory by their key alone.",
    "webhook_circuits_open": "Accounts' hosts that fail, and get nothing but probes.",
    "webhooks_delivered_total": "Webhooks that a server took.",
    "webhooks_failed_attempts_total": "Attempts that failed, to be repeated or not.",
    "webhooks_given_up_total": "Webhooks given up; `supernet replay` lists them.",
    "events_replayed_total": "Events that were told, or are to be told, once more.",
    "esme_given_up_total": "deliver_sm given up: too old, too many, or fits no PDU.",
    "store_segments": "Files that hold messages.",
    "store_octets": "What they take on the disk.",
    "store_free_octets": "What the disk has left. Nothing is accepted below `free_bytes_min`.",
    "store_uncommitted": "Records that wait for their commit.",
    "store_commits_total": "Commits; each is one flush of the disk.",
    "store_records_total": "Records committed.",
    "store_failures_total": "Times that the store failed and was opened again. **Look at the "
    "disk.**",
    "event_sink_behind_seconds": "Age of the oldest event that a sink has not taken.",
    "event_sink_events_total": "Events that a sink took.",
    "event_sink_failures_total": "Failed attempts and connections.",
    "event_sink_lost_total": "Pages whose events the store had dropped before the sink took them.",
    "receipts_expected": "Segments that a carrier has and has not told the end of.",
    "webhooks_pending": "Webhooks in memory that are not yet taken or given up.",
    "esme_deliveries_pending": "deliver_sm that no ESME has answered yet, those that wait in the "
    "store included.",
    "esme_binds": "Bound ESMEs.",
    "messages_accepted_total": "Messages accepted since the start, over REST and SMPP.",
    "messages_expired_total": "Messages whose time passed in their queue.",
    "messages_received_total": "Inbound messages.",
    "messages_received_refused_total": "deliver_sm of carriers that could not be read or whose "
    "number belongs to nobody.",
    "messages_joined_total": "Inbound messages that came in parts and are whole.",
    "messages_incomplete_total": "Those of which a part stayed away; what came was told.",
    "message_parts_waiting": "Parts of inbound messages that wait for others.",
    "alert_notifications_total": "Carriers said that a handset can be reached again.",
    "receipts_intermediate_total": "Receipts that are not final.",
    "binds_on_backup": "Binds that are up by a backup host only.",
    "receipts_matched_total": "Receipts that found their message.",
    "receipts_unmatched_total": "Receipts that found none; `/receipts/unmatched` lists them.",
    "receipts_duplicate_total": "Receipts that came again.",
    "esme_submits_total": "Requests of bound ESMEs; of a submit_multi each destination.",
    "esme_throttled_total": "Those answered with ESME_RTHROTTLED.",
    "esme_auth_failures_total": "Binds with a wrong password or an unknown system_id.",
    "esme_locked_out_total": "Binds refused unheard, after too many of those.",
    "esme_delivered_total": "deliver_sm that an ESME took.",
    "esme_refused_total": "deliver_sm that an ESME refused for good.",
    "message_status_total": "Messages that reached a status.",
    "message_error_total": "Messages that ended with an error code.",
    "queue_segments": "Segments that wait, of the 100 deepest queues.",
    "route_alarms": "Alarms of routes that stand; see [Routing](../explanation/routing.md#alarms).",
    "route_alarms_raised_total": "Those that were raised since the start.",
    "bind_up": "1 while bound.",
    "bind_drops_total": "Times that the bind was lost.",
    "bind_window_used": "submit_sm that await their response.",
    "bind_rate": "Segments a second allowed now; below the contract after ESME_RTHROTTLED.",
    "bind_latency_seconds": "Of responses; a peak fades over 10 s. 0.1 before the first.",
    "bind_submitted_total": "Segments sent.",
    "calls_standing": "Calls that are not over.",
    "media_workers": "Processes that relay media and are up; or rtpengines.",
    "media_workers_down": "Those that are not, though they should.",
    "media_calls": "Calls whose media they hold.",
    "media_calls_free": "For how many more calls there are RTP ports. 0 with rtpengine, which "
    "does not tell.",
    "media_worker_restarts_total": "Times that one was started again. **Look at the log.**",
    "media_packets_total": "RTP packets that came from the ends of calls.",
    "media_octets_total": "Their octets.",
    "media_stray_packets_total": "Packets that came to a port of a call and were not its "
    "end's, or no RTP.",
    "media_one_way_total": "Times that media came from one end of a call and none from the other.",
    "media_unsent_packets_total": "Packets that the system or a codec did not take in time; late "
    "media is not kept.",
    "call_callbacks_pending": "Status callbacks of calls that are not yet taken or given up.",
    "call_callbacks_in_flight": "Requests of them under way.",
    "call_facts_uncommitted": "Starts, statuses and records of calls that wait for their commit.",
    "calls_begun_total": "Calls let in since the start.",
    "calls_cut_off_total": "Calls that the last run had not ended; each has its record now.",
    "call_records_lost_total": "Records of calls that could not be stored. **Look at the log.**",
    "call_callbacks_delivered_total": "Status callbacks of calls that a server took.",
    "call_callbacks_failed_attempts_total": "Attempts that failed, to be repeated or not.",
    "call_callbacks_given_up_total": "Status callbacks of calls given up.",
    "calls_ended_total": "Calls that are over, by the trunk that was tried last.",
    "call_attempts_total": "Tries at trunks, by the class of the SIP status of their end.",
    "calls_one_way_total": "Calls at whose end one side had sent nothing for 10 s and more, though "
    "it should, and the other was heard. `silent` is `caller` or `called`, and `trunk` that "
    "side's: **if that is a carrier's, call it**. Empty for a customer that calls.",
    "call_pdd_seconds": "Post-dial delay: from INVITE to ringing.",
    "call_talk_seconds": "From the answer to the end; the mean is the ACD.",
    "call_mos": "Mean opinion score of whole calls, of what came from that side.",
    "bind_results_total": "Answers to submit_sm by outcome.",
}


def metric_table() -> str:
    found = TYPE.findall(metrics(_sample()))
    differ = sorted({name.removeprefix(PREFIX) for name, *_ in found} ^ set(MEANINGS))
    assert not differ, f"say in {__name__} what these metrics mean, or forget them: {differ}"
    rows = []
    for name, kind, labels in found:
        shown = ", ".join(code(label) for label in LABEL.findall(labels))
        rows.append((code(name), kind, shown, MEANINGS[name.removeprefix(PREFIX)]))
    return table(("Metric", "Kind", "Labels", "Meaning"), rows)


def _sample() -> Readings:
    """Readings with one of everything, so that each metric shows its labels."""
    return replace(
        asyncio.run(_readings()),
        backlogs=(Backlog("AC", "+1", 1, 1),),
        sinks=(SinkReadings("mqtt", 0.0, False, 1, 0, 0),),
        statuses={"delivered": 1},
        error_codes={30003: 1},
        calls=_calls(),
    )


def _calls() -> CallReadings:
    """As the meters have it after one call."""
    clock = system_clock(lambda: 0.0)
    store = cast(CallStore, SimpleNamespace(uncommitted=0))
    records = CallRecords(store, clock)
    callbacks = CallCallbacks(store, cast(Poster, None), lambda sid: None, clock, Random(0))
    meters = CallMeters()
    one_way = Quality(one_way=True)
    meters.on_event(the_end(a_record(called_quality=one_way)))
    return meters.readings(records, callbacks, MediaReadings())


async def _readings() -> Readings:
    config = load(ROOT / "conf" / "demo.toml")
    with tempfile.TemporaryDirectory() as directory:
        store = InlineStore(Path(directory), lambda: 0.0)
        clock = system_clock(asyncio.get_running_loop().time)
        plan = read_plan(config.numbering_plan)
        async with WebhookClient() as poster:
            gateway = Gateway(config, plan, store, TcpNetwork(), clock, Random(0), poster)
            readings = gateway.readings()
        await store.close()
    return readings
