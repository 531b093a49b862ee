"""What a gateway still holds in memory; with nothing to do, that is nothing."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.daemon.assembly import Gateway


def left_in_memory(gateway: Gateway, now: float) -> Iterator[str]:
    dispatcher, receipts = gateway.dispatcher, gateway.receipts
    left = {
        "messages": len(gateway.journal),
        "lanes": len(dispatcher._lanes),
        "expiry deadlines": dispatcher._expiry.next_at(),
        "deadlines of doubt": dispatcher._unknown.next_at(),
        "scheduled messages": gateway.intake._scheduled.next_at(),
        "expected receipts": receipts.expected,
        "receipt deadlines": receipts._given_up.next_at(),
        "parked receipts": len(receipts._parked),
        "webhooks": gateway.webhooks.pending,
        "webhook hosts": gateway.webhooks._outbox.hosts,
        "ESME deliveries": gateway.esme_delivery.pending,
        "ESME deliveries in flight": sum(map(len, gateway.esme_delivery._in_flight.values())),
        "submits in flight": sum(len(bind._submitted) for bind in gateway.binds.values()),
        "places in windows": sum(bind.window_used for bind in gateway.router.snapshot(now)),
    }
    yield from (f"{count} {name} are left in memory" for name, count in left.items() if count)
    for record in gateway.store.load_opt_outs():
        key = (record.account_sid, record.sender, record.recipient)
        if gateway.opt_outs.is_opted_out(*key) is not record.opted_out:
            yield f"the opt-out of {key} is forgotten"
