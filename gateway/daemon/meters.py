"""The meters of a gateway, read for health, metrics and the console."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.admin.readings import Backlog, Readings
from routing.alarm import AlarmKind

if TYPE_CHECKING:
    from gateway.daemon.assembly import Gateway


def read(gateway: Gateway) -> Readings:
    """What every part of the gateway has counted, and where it stands."""
    now = gateway.clock.now()
    store = gateway.store.readings()
    return Readings(
        version=gateway.version,
        uptime_s=now - gateway.started_at,
        restored=gateway.restored,
        accepting=gateway.store.accepting and gateway.restored,
        binds=gateway.router.snapshot(now),
        backlogs=tuple(Backlog(*backlog) for backlog in gateway.dispatcher.lanes.backlog()),
        sinks=tuple(gateway.streams.readings()),
        alarms=gateway.routing_alarms.standing(),
        alarms_raised={kind: gateway.routing_alarms.raised[kind] for kind in AlarmKind},
        calls=gateway.voice.readings() if gateway.voice else None,
        statuses={status.value: count for status, count in gateway.statuses.items()},
        error_codes=dict(gateway.error_codes),
        counters={
            "messages_accepted": gateway.intake.accepted,
            "messages_expired": gateway.dispatcher.lanes.expired,
            "messages_received": gateway.deliveries.received,
            "messages_received_refused": gateway.deliveries.refused,
            "messages_joined": gateway.reassembly.joined,
            "messages_incomplete": gateway.reassembly.incomplete,
            "alert_notifications": gateway.deliveries.alerts,
            "idempotent_replays": gateway.idempotency.replayed,
            "idempotency_conflicts": gateway.idempotency.conflicts,
            "receipts_matched": gateway.receipts.matched,
            "receipts_unmatched": gateway.receipts.unmatched,
            "receipts_duplicate": gateway.receipts.duplicates,
            "receipts_confirming": gateway.receipts.confirmed,
            "receipts_not_awaited": gateway.receipts.not_awaited,
            "receipts_intermediate": gateway.receipts.intermediate,
            "webhooks_delivered": gateway.webhooks.delivered,
            "webhooks_failed_attempts": gateway.webhooks.failed_attempts,
            "webhooks_given_up": gateway.webhooks.given_up,
            "events_replayed": gateway.undelivered.replayed,
            "esme_submits": gateway.smpp_server.submitted,
            "esme_throttled": gateway.smpp_server.throttled,
            "esme_auth_failures": gateway.smpp_server.auth_failures,
            "esme_locked_out": gateway.smpp_server.locked_out,
            "esme_delivered": gateway.esme_delivery.delivered,
            "esme_refused": gateway.esme_delivery.refused,
            "esme_given_up": gateway.esme_delivery.given_up,
            "store_commits": store.commits,
            "store_records": store.records,
            "store_failures": store.failures,
        },
        gauges={
            "messages_open": gateway.messages_open,
            "messages_scheduled": gateway.intake.scheduled,
            "receipts_expected": gateway.receipts.expected,
            "message_parts_waiting": gateway.reassembly.waiting,
            "binds_on_backup": sum(bind.on_backup for bind in gateway.binds.values()),
            "webhooks_in_flight": gateway.webhooks.in_flight,
            "webhooks_pending": gateway.webhooks.pending,
            "webhooks_waiting": gateway.webhooks.waiting,
            "webhook_circuits_open": gateway.webhooks.open_circuits,
            "esme_deliveries_pending": gateway.esme_delivery.pending,
            "esme_binds": len(gateway.smpp_server.binds()),
            "store_segments": store.segments,
            "store_octets": store.octets,
            "store_free_octets": store.free_octets,
            "store_uncommitted": store.uncommitted,
        },
    )
