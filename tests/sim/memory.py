"""What a gateway still holds in memory; with nothing to do, that is nothing."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.daemon.assembly import Gateway


def left_in_memory(gateway: Gateway, now: float) -> Iterator[str]:
    dispatcher, receipts = gateway.dispatcher, gateway.receipts
    left = {
        "messages": gateway.messages_open,
        "lanes": len(dispatcher.lanes),
        "deadlines of lanes": dispatcher.lanes.next_timer(),
        "deadlines of doubt": dispatcher.answers.next_timer(),
        "parts in doubt": len(gateway.journal.doubts),
        "expected receipts": receipts.expected,
        "sent messages": len(receipts._sent),
        "parts of inbound messages": gateway.reassembly.waiting,
        "parked receipts": len(receipts._parked),
        "requests with a key": len(gateway.idempotency._under_way),
        "webhooks": gateway.webhooks.pending,
        "webhooks in the store": gateway.webhooks.waiting,
        "webhook hosts": gateway.webhooks._outbox.hosts,
        "ESME deliveries": gateway.esme_delivery.pending,
        "ESME deliveries in flight": sum(map(len, gateway.esme_delivery._in_flight.values())),
        "submits in flight": sum(bind.in_flight for bind in gateway.binds.values()),
        "places in windows": sum(bind.window_used for bind in gateway.router.snapshot(now)),
    }
    yield from (f"{count} {name} are left in memory" for name, count in left.items() if count)
    for record in gateway.store.load_opt_outs():
        key = (record.account_sid, record.sender, record.recipient)
        if gateway.opt_outs.is_opted_out(*key) is not record.opted_out:
            yield f"the opt-out of {key} is forgotten"
