"""The table of transactions: its bounds, and that nothing stays in it whatever the network does."""

from heapq import heappop, heappush
from itertools import count
from random import Random

import pytest

from gateway.sip.transaction import Destination, Outgoing
from gateway.sip.transaction_events import (
    AckReceived,
    Cancelled,
    RequestReceived,
    ResponseReceived,
    TimedOut,
)
from gateway.sip.transaction_layer import TransactionLayer, TransactionsFull
from tests.sip.transactions import NOW, UDP, layer, read, request, run, sent, told

CLIENT, SERVER = Destination("UDP", "192.0.2.1", 5060), Destination("UDP", "192.0.2.2", 5060)


# Bounds


def test_full_table_refuses_what_is_new_and_keeps_nothing_of_it() -> None:
    made = layer(transactions_max=2)
    for number in range(4):
        made.receive(request(branch=f"z9hG4bK{number}", cseq=number), UDP, NOW)
    first, second = map(read, made.messages_to_send())
    assert first.start_line() == "SIP/2.0 503 Service Unavailable"
    assert first.headers.get("Retry-After") == "5"
    assert first.to_tag != second.to_tag
    assert (made.server_transactions, made.refused_requests) == (2, 2)


def test_repeated_request_is_refused_with_the_same_tag() -> None:
    made = layer(transactions_max=1)
    made.receive(request(branch="z9hG4bK1"), UDP, NOW)
    for _ in range(2):
        made.receive(request(branch="z9hG4bK2", cseq=2), UDP, NOW)
    first, second = map(read, made.messages_to_send())
    assert first == second


def test_calls_that_stand_can_be_ended_while_the_table_is_full() -> None:
    made = layer(transactions_max=2)
    for number in range(2):
        made.receive(request(branch=f"z9hG4bK{number}", cseq=number), UDP, NOW)
    made.receive(request("CANCEL", branch="z9hG4bK1", cseq=1), UDP, NOW)
    made.receive(request("BYE", branch="z9hG4bK8", to_tag="b"), UDP, NOW)
    made.receive(request("BYE", branch="z9hG4bK9", to_tag="b"), UDP, NOW)
    assert sent(made) == ["200", "503"]
    assert len(told(made, Cancelled)) == 1


def test_ack_is_never_refused() -> None:
    made = layer(transactions_max=1)
    made.receive(request(branch="z9hG4bK1"), UDP, NOW)
    made.receive(request("ACK", branch="z9hG4bK2"), UDP, NOW)
    assert sent(made) == []


def test_too_many_requests_of_ours_are_refused_at_the_call_but_for_bye() -> None:
    made = layer(transactions_max=1)
    made.send_request(request("OPTIONS"), UDP, NOW)
    with pytest.raises(TransactionsFull):
        made.send_request(request("OPTIONS"), UDP, NOW)
    made.send_request(request("BYE"), UDP, NOW)
    assert made.client_transactions == 2


def test_response_to_nothing_of_ours_is_counted_and_dropped() -> None:
    made = layer()
    made.receive(request(branch="z9hG4bK1").response(200, to_tag="b"), UDP, NOW)
    assert (made.stray_responses, sent(made), made.events()) == (1, [], [])


# A network that loses, repeats and reorders


class Network:
    """Two layers, and between them datagrams that are lost, doubled and late, by a seed."""

    def __init__(self, seed: int, loss: float) -> None:
        self.random = Random(seed)
        self.loss = loss
        self.client = layer("c", 1_000_000)
        self.server = layer("s", 1_000_000)
        self.at = {CLIENT: self.client, SERVER: self.server}
        self.numbers = count()
        self.under_way: list[tuple[float, int, Destination, Outgoing]] = []
        self.now = NOW
        self.answers: list[tuple[float, int, RequestReceived, int]] = []
        self.final: dict[str, list[str]] = {}
        self.requests: dict[str, int] = {}

    def carry(self, source: Destination, made: TransactionLayer) -> None:
        for outgoing in made.messages_to_send():
            for _ in range(self.random.choice((1, 1, 1, 2))):
                if self.random.random() >= self.loss:
                    at = self.now + self.random.expovariate(10)
                    heappush(self.under_way, (at, next(self.numbers), source, outgoing))

    def step(self) -> bool:
        deadlines = [made.next_timer() for made in self.at.values()]
        deadlines += [queue[0][0] for queue in (self.under_way, self.answers) if queue]
        known = [deadline for deadline in deadlines if deadline is not None]
        if not known:
            return False
        self.now = max(self.now, min(known))
        while self.under_way and self.under_way[0][0] <= self.now:
            _, _, source, outgoing = heappop(self.under_way)
            self.at[outgoing.destination].receive(read(outgoing), source, self.now)
        while self.answers and self.answers[0][0] <= self.now:
            _, _, asked, status = heappop(self.answers)
            transaction = asked.transaction
            response = asked.request.response(status, to_tag=transaction.to_tag)
            self.server.respond(transaction, response, self.now)
        for made in self.at.values():
            made.handle_timer(self.now)
        self.take_events()
        for source, made in self.at.items():
            self.carry(source, made)
        return True

    def take_events(self) -> None:
        for event in self.server.events():
            if isinstance(event, RequestReceived):
                call_id = event.request.call_id
                self.requests[call_id] = self.requests.get(call_id, 0) + 1
                # Who sends 2xx to an INVITE repeats it itself: the user agent core, not the layer.
                ways = ((200,),) if event.request.method == "OPTIONS" else ((503,), (180, 486))
                for status in self.random.choice(ways):
                    at = self.now + self.random.expovariate(1 if status == 180 else 0.5)
                    heappush(self.answers, (at, next(self.numbers), event, status))
            else:
                assert not isinstance(event, AckReceived)
        for event in self.client.events():
            if isinstance(event, ResponseReceived) and not event.response.provisional:
                outcomes = self.final.setdefault(event.response.call_id, [])
                outcomes.append(str(event.response.status))
            elif isinstance(event, TimedOut):
                self.final.setdefault(event.transaction.request.call_id, []).append("408")


@pytest.mark.parametrize(("seed", "loss"), [(1, 0.0), (2, 0.1), (3, 0.3), (4, 0.9), (5, 1.0)])
def test_each_request_has_one_outcome_and_nothing_stays(seed: int, loss: float) -> None:
    network, transactions = Network(seed, loss), []
    for number in range(400):
        method = "INVITE" if number % 2 else "OPTIONS"
        asked = request(method, call_id=f"call-{number}", uri="sip:bob@192.0.2.2")
        transactions.append(network.client.send_request(asked, SERVER, network.now))
        network.carry(CLIENT, network.client)
    while network.step():
        pass
    for transaction in transactions:  # What has rung once is given up by its user alone.
        network.client.cancel(transaction, network.now)
    while network.step():
        pass
    assert len(network.final) == 400
    assert all(len(set(outcomes)) == 1 for outcomes in network.final.values())
    assert all(times == 1 for times in network.requests.values())
    for made in network.at.values():
        assert (made.client_transactions, made.server_transactions) == (0, 0)
        assert not made._merging
        assert len(made.shared.timers) == 0
    if loss == 0.0:
        assert all(outcomes != ["408"] for outcomes in network.final.values())


def test_thousands_of_answered_requests_leave_nothing() -> None:
    client, server = layer("c", 20_000), layer("s", 20_000)
    for number in range(3_000):
        client.send_request(request("OPTIONS", call_id=f"call-{number}"), SERVER, NOW)
        server.receive(read(client.messages_to_send()[0]), CLIENT, NOW)
        (event,) = told(server, RequestReceived)
        server.respond(event.transaction, event.request.response(200, to_tag="b"), NOW)
        client.receive(read(server.messages_to_send()[0]), SERVER, NOW)
    assert len(told(client, ResponseReceived)) == 3_000
    for made in (client, server):
        run(made, NOW + 32)
        assert (made.client_transactions, made.server_transactions) == (0, 0)
        assert (made.next_timer(), len(made.shared.timers)) == (None, 0)
