"""All transactions of one element (RFC 3261 §17, RFC 6026): messages and `now` in; messages to
send, events and the next deadline out. No sockets, no clock, no tasks.

What the transaction user need not decide is decided here: what is repeated, by us and by the peer;
ACK to a response that is no 2xx; the answer to a CANCEL (§9.2); a request that came twice on
different ways (482, §8.2.2.2); 100 after 200 ms; and, where the table of transactions is full, 503
without keeping anything (§21.5.4).
"""

from __future__ import annotations

from collections.abc import Callable
from zlib import crc32

from gateway.sip.client_transaction import (
    CancelClientTransaction,
    ClientTransaction,
    InviteClientTransaction,
    NonInviteClientTransaction,
)
from gateway.sip.errors import SipError
from gateway.sip.headers import Headers
from gateway.sip.message import SipRequest, SipResponse
from gateway.sip.server_transaction import (
    InviteServerTransaction,
    NonInviteServerTransaction,
    ServerTransaction,
)
from gateway.sip.timers import Timer, TimerValues
from gateway.sip.transaction import Destination, Key, Outgoing, Surroundings, Transaction
from gateway.sip.transaction_events import (
    AckReceived,
    Cancelled,
    RequestReceived,
    TransactionEvent,
)
from gateway.sip.transaction_matching import (
    client_key,
    has_passed_others,
    merge_key,
    response_destination,
    server_key,
)
from gateway.sip.transaction_states import Happening
from gateway.sip.via import MAGIC_COOKIE

# At 64*T1 a transaction, this is about 600 calls a second.
TRANSACTIONS_MAX = 100_000
RETRY_AFTER_S = 5
# §18.1.1: what is longer may not fit one packet, and a lost fragment loses the message.
UDP_OCTETS_MAX = 1_300
# Peers that take no connection get what is longer by UDP for so long.
STREAMLESS_MAX = 4_096
STREAMLESS_S = 600.0


class TransactionsFull(SipError):
    """`transactions_max` requests of ours are under way."""


class TransactionLayer:
    """`sent_by` says how we are reached by those who answer on this way ("host:port", which fits
    its line); `new_token` makes the unguessable part of branches and tags.

    Of the peers' requests, those that begin something are refused above `transactions_max`; those
    of a dialog are taken up to twice as many, so that calls that stand can still be ended.
    """

    def __init__(
        self,
        sent_by: Callable[[Destination], str],
        new_token: Callable[[], str],
        values: TimerValues,
        transactions_max: int = TRANSACTIONS_MAX,
    ) -> None:
        assert transactions_max >= 1
        self._sent_by = sent_by
        self._new_token = new_token
        self._transactions_max = transactions_max
        self.shared = Surroundings(values)
        self._clients: dict[Key, ClientTransaction] = {}
        self._servers: dict[Key, ServerTransaction] = {}
        self._merging: dict[Key, ServerTransaction] = {}
        self._streamless: dict[tuple[str, int], float] = {}
        self.stray_responses = 0
        self.refused_requests = 0

    # What the owner asks

    @property
    def client_transactions(self) -> int:
        return len(self._clients)

    @property
    def server_transactions(self) -> int:
        return len(self._servers)

    def send_request(
        self, request: SipRequest, destination: Destination, now: float
    ) -> ClientTransaction:
        """Send a request, which has no Via yet and gets it, and await its responses.

        Raises:
            TransactionsFull: too many of ours are under way; what ends or belongs to an INVITE
                of ours (CANCEL, BYE, PRACK) is let through.
        """
        method = request.method
        assert method not in ("ACK", "CANCEL")
        if len(self._clients) >= self._transactions_max and method not in ("BYE", "PRACK"):
            raise TransactionsFull(f"{self._transactions_max} requests await their response")
        branch = f"{MAGIC_COOKIE}{self._new_token()}"
        if (
            self._streamless
            and self._streamless.get((destination.host, destination.port), now) < now
        ):
            del self._streamless[destination.host, destination.port]
        asked = destination
        octets, destination = self._on_its_way(request, branch, asked)
        key: Key = (branch, method)
        transaction: ClientTransaction
        if method == "INVITE":
            transaction = InviteClientTransaction(
                key, request, octets, destination, self.shared, self._send_cancel, now
            )
        else:
            transaction = NonInviteClientTransaction(
                key, request, octets, destination, self.shared, now
            )
        if destination is not asked:
            transaction.datagram = asked
        self._clients[key] = transaction
        return transaction

    def send_ack(self, ack: SipRequest, destination: Destination) -> Outgoing:
        """Send the ACK for a 2xx, a transaction of its own that nobody answers (§13.2.2.4). What is
        returned may be given to `repeat` for the next 2xx."""
        branch = f"{MAGIC_COOKIE}{self._new_token()}"
        octets, destination = self._on_its_way(ack, branch, destination)
        outgoing = Outgoing(octets, destination)
        self.shared.messages.append(outgoing)
        return outgoing

    def repeat(self, outgoing: Outgoing) -> None:
        self.shared.messages.append(outgoing)

    def cancel(self, transaction: ClientTransaction, now: float) -> None:
        """Ask the peer to give up an INVITE (§9.1): once it has said a 1xx, and not after a final
        response. 64*T1 later the INVITE is given up, with TimedOut."""
        transaction.step(Happening.CANCEL, now)

    def respond(self, transaction: ServerTransaction, response: SipResponse, now: float) -> None:
        """An answer that comes after the transaction's end goes nowhere."""
        transaction.respond(response, now)
        if self.shared.ended:
            self._forget_ended()

    def transport_error(self, outgoing: Outgoing, now: float) -> None:
        """This message could not be sent (§17.1.4, §17.2.4)."""
        transaction = outgoing.transaction
        if isinstance(transaction, ClientTransaction) and transaction.datagram is not None:
            self._fall_back(transaction, transaction.datagram, now)
        elif transaction is not None:
            transaction.step(Happening.TRANSPORT_ERROR, now)
            self._forget_ended()

    def connection_lost(self, destination: Destination, now: float) -> None:
        """What was sent over this connection will not be answered over it."""
        for transaction in list(self._clients.values()):
            if transaction.destination == destination:
                transaction.step(Happening.TRANSPORT_ERROR, now)
        self._forget_ended()

    # The verbs of a protocol core

    def receive(self, message: SipRequest | SipResponse, source: Destination, now: float) -> None:
        """A message as `gateway.sip.parser` gives it."""
        if isinstance(message, SipRequest):
            self._receive_request(message, source, now)
        else:
            transaction = self._clients.get(client_key(message))
            if transaction is None or has_passed_others(message):  # §17.1.3, §8.1.3.3
                self.stray_responses += 1
            else:
                transaction.datagram = None
                transaction.receive_response(message, now)
        if self.shared.ended:
            self._forget_ended()

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`; harmless when nothing is."""
        while fired := self.shared.timers.pop_due(now):
            timer, transaction = fired
            assert isinstance(transaction, Transaction)
            self.fire(transaction, timer, now)

    def fire(self, transaction: Transaction, timer: Timer, now: float) -> None:
        transaction.step(timer, now)
        if self.shared.ended:
            self._forget_ended()

    def next_timer(self) -> float | None:
        """When `handle_timer` is wanted next."""
        return self.shared.timers.next_timer()

    def messages_to_send(self) -> list[Outgoing]:
        """Since the last call, in order."""
        messages, self.shared.messages = self.shared.messages, []
        return messages

    def events(self) -> list[TransactionEvent]:
        """What happened since the last call, in order."""
        events, self.shared.events = self.shared.events, []
        return events

    def over(self) -> list[Transaction]:
        """Those of which nothing will be told any more, since the last call; ask after `events`."""
        over, self.shared.over = self.shared.over, []
        return over

    # Requests of the peers'

    def _receive_request(self, request: SipRequest, source: Destination, now: float) -> None:
        request.received_from(source.host, source.port)
        key = server_key(request)
        transaction = self._servers.get(key)
        if request.method == "ACK":
            if transaction is None:
                self.shared.events.append(AckReceived(request))
            else:
                transaction.step(Happening.ACK, now, request)
        elif transaction is not None:
            transaction.step(Happening.REQUEST, now)
        elif len(self._servers) >= self._transactions_max and self._overloaded(request):
            self._refuse_stateless(request, source)
        else:
            self._start_server(request, source, key, now)

    def _start_server(self, request: SipRequest, source: Destination, key: Key, now: float) -> None:
        kind: type[InviteServerTransaction | NonInviteServerTransaction] = (
            InviteServerTransaction if request.method == "INVITE" else NonInviteServerTransaction
        )
        to_tag = request.to_tag
        transaction = kind(
            key,
            request,
            source,
            response_destination(request, source),
            to_tag or self._new_token(),
            self.shared,
            now,
        )
        self._servers[key] = transaction
        if request.method == "CANCEL":
            self._receive_cancel(transaction, now)
            return
        if to_tag is None:
            merging = merge_key(request)
            if merging in self._merging:
                transaction.respond(request.response(482, to_tag=transaction.to_tag), now)
                return
            self._merging[merging] = transaction
            transaction.merge_key = merging
        self.shared.events.append(RequestReceived(transaction, request))

    def _receive_cancel(self, cancel: ServerTransaction, now: float) -> None:
        """200 where there is what it cancels, whether it comes in time or not; 481 elsewhere
        (§9.2)."""
        invite = self._servers.get((*cancel.key[:-1], "INVITE"))
        if invite is None:
            cancel.respond(cancel.request.response(481, to_tag=cancel.to_tag), now)
            return
        cancel.respond(cancel.request.response(200, to_tag=invite.to_tag), now)
        if not invite.answered:
            self.shared.events.append(Cancelled(invite, cancel.request))

    def _overloaded(self, request: SipRequest) -> bool:
        count, most = len(self._servers), self._transactions_max
        begins = request.to_tag is None and request.method != "CANCEL"
        return begins or count >= 2 * most

    def _refuse_stateless(self, request: SipRequest, source: Destination) -> None:
        """The same tag for the same request, since it is not kept (§8.2.7)."""
        self.refused_requests += 1
        key = "/".join(map(str, server_key(request)))
        tag = f"{crc32(key.encode('utf-8', 'surrogateescape')):08x}"
        retry_after = [("Retry-After", str(RETRY_AFTER_S))]
        response = request.response(503, to_tag=tag, headers=retry_after)
        destination = response_destination(request, source)
        self.shared.messages.append(Outgoing(response.to_bytes(), destination))

    # Requests of ours

    def _on_its_way(
        self, request: SipRequest, branch: str, destination: Destination
    ) -> tuple[bytes, Destination]:
        """With the Via of the way that it takes, which its length may decide (§18.1.1)."""
        without = request.headers
        octets = request.under(self._via(branch, destination)).to_bytes()
        if (
            len(octets) > UDP_OCTETS_MAX
            and destination.transport == "UDP"
            and (destination.host, destination.port) not in self._streamless
        ):
            destination = Destination("TCP", destination.host, destination.port)
            request.headers = without
            octets = request.under(self._via(branch, destination)).to_bytes()
        return octets, destination

    def _via(self, branch: str, destination: Destination) -> str:
        sent_by = self._sent_by(destination)
        return f"SIP/2.0/{destination.transport} {sent_by};branch={branch};rport"

    def _fall_back(
        self, transaction: ClientTransaction, destination: Destination, now: float
    ) -> None:
        """To UDP, on the same branch, for a peer that takes no connection (§18.1.1)."""
        transaction.datagram = None
        if len(self._streamless) >= STREAMLESS_MAX:
            del self._streamless[next(iter(self._streamless))]
        self._streamless[destination.host, destination.port] = now + STREAMLESS_S
        _, *rest = transaction.request.headers
        request = transaction.request.with_headers(Headers.of(rest))
        branch = str(transaction.key[0])
        octets, destination = self._on_its_way(request, branch, destination)
        transaction.send_as_datagram(request, octets, destination, now)

    def _send_cancel(self, cancel: SipRequest, destination: Destination, now: float) -> None:
        """On the branch and the way of what it cancels."""
        key = client_key(cancel)
        self._clients[key] = CancelClientTransaction(
            key, cancel, cancel.to_bytes(), destination, self.shared, now
        )

    def _forget_ended(self) -> None:
        for transaction in self.shared.ended:
            if isinstance(transaction, ServerTransaction):
                self._servers.pop(transaction.key, None)
                if transaction.merge_key is not None:
                    del self._merging[transaction.merge_key]
            else:
                self._clients.pop(transaction.key, None)
        self.shared.over += self.shared.ended
        self.shared.ended.clear()
