"""One host of many customers, one of whom has a URL that always fails."""

import heapq

from gateway.messaging.webhook_delivery import Delivery
from gateway.messaging.webhook_outbox import OutboxLimits
from tests.messaging.outbox_world import DOWN, NOW, a_delivery, an_outbox, ids, of_account, offer

ACCOUNTS = 10
BAD = 0
HOUR = 3_600
ANSWER_S = 0.1
# The host answers in a tenth of a second, and nothing is in the way: the bound has no more in it.
LATE_S = 2 * ANSWER_S


def lives(seconds: int) -> tuple[int, float, int]:
    """An event of each account every second: how many of the healthy ones were told, the longest
    that one took, and how often the bad URL was attempted.
    """
    outbox = an_outbox()
    flying: list[tuple[float, int, Delivery]] = []
    told, longest, in_vain, order, now, next_at = 0, 0.0, 0, 0, NOW, NOW
    while now < NOW + seconds:
        if now >= next_at:
            first = round(next_at - NOW) * ACCOUNTS
            for i in range(first, first + ACCOUNTS):
                offer(outbox, of_account(i % ACCOUNTS, a_delivery(i)), now=now)
            next_at += 1
        while flying and flying[0][0] <= now:
            _, _, delivery = heapq.heappop(flying)
            if delivery.message_id % ACCOUNTS == BAD:
                in_vain += 1
                outbox.failed(delivery, DOWN, now)
            else:
                outbox.succeeded(delivery)
                outbox.recorded()
                told += 1
                longest = max(longest, now - NOW - delivery.message_id // ACCOUNTS)
        for delivery in outbox.take(now):
            order += 1
            heapq.heappush(flying, (now + ANSWER_S, order, delivery))
        if keys := outbox.page(now):
            outbox.paged({key: of_account(key[0] % ACCOUNTS, a_delivery(*key[:2])) for key in keys})
            continue
        timer = max(outbox.next_timer() or next_at, now + 0.01)
        now = min([next_at, timer, *(at for at, _, _ in flying[:1])])
    return told, longest, in_vain


def test_bad_url_is_not_noticed_by_the_other_customers_of_its_host() -> None:
    told, longest, in_vain = lives(HOUR)
    assert told >= (ACCOUNTS - 1) * (HOUR - 1)
    assert longest <= LATE_S
    assert in_vain <= 40


def test_accounts_share_the_places_of_a_host() -> None:
    outbox = an_outbox(OutboxLimits(host_in_flight_max=4))
    offer(outbox, *(of_account(i, a_delivery(i)) for i in range(6)))
    started = outbox.take(NOW)
    outbox.succeeded(started[0])
    assert (len(started), ids(outbox.take(NOW))) == (4, [(4, 1)])


def test_accounts_in_trouble_leave_places_of_the_host_to_the_others() -> None:
    outbox = an_outbox(OutboxLimits(host_in_flight_max=4))
    for i in range(4):
        offer(outbox, of_account(i, a_delivery(i)))
    for delivery in outbox.take(NOW):
        outbox.failed(delivery, DOWN, NOW)
    offer(outbox, *(of_account(10 + i, a_delivery(10 + i)) for i in range(4)))
    assert [message_id for message_id, _ in ids(outbox.take(NOW + 1))] == [0, 10, 11, 12]
