"""What is fuzzed of the ng protocol: the body of a reply, through the client."""

from __future__ import annotations

from random import Random

from gateway.ng.bencode import decode, encode
from gateway.ng.client import ANSWER_S, NgClient, Reply, Unanswered
from gateway.ng.errors import NgError

NG_SEEDS = (
    b"d6:result2:oke",
    b"d6:result5:error12:error-reason15:Unknown call-ide",
    b"d4:tagsd1:ad6:mediasld5:indexi1eeeee6:totalsd3:RTPd7:packetsi-1eeee",
)


def fuzz_ng(octets: bytes) -> None:
    """Each request has one answer, whatever comes; and what is read is written as it was meant."""
    client = NgClient(Random(1), lambda up: None)
    client.ping(0.0)
    (ping,) = client.data_to_send()
    client.receive_data(ping.partition(b" ")[0] + b" d6:result4:ponge", 0.0)
    replies: list[Reply | Unanswered] = []
    client.ask({"command": "list"}, 0.0, replies.append)
    (asked,) = client.data_to_send()
    client.receive_data(octets, 0.1)
    client.receive_data(asked.partition(b" ")[0] + b" " + octets, 0.1)
    client.handle_timer(ANSWER_S)
    assert len(replies) == 1
    try:
        value = decode(octets)
    except NgError:
        return
    assert decode(encode(value)) == value
