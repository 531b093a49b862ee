"""Samples are counted where the work is, not where it was called from."""

import pytest

from tests.bench import stages
from tests.bench.stages import Stack, stage_of

RUN = ("main (gateway/cli/__init__.py:26)", "run (gateway/daemon/__init__.py:63)")
RECEIVED = "SmppConnection.data_received (gateway/net/smpp_connection.py:110)"


@pytest.mark.parametrize(
    ("frames", "stage"),
    [
        ((), stages.LOOP),
        ((RECEIVED, "decode (gateway/smpp/codec.py:70)"), stages.PDUS),
        (("SmppConnection._flush (gateway/net/smpp_connection.py:9)",), stages.FLUSH),
        ((RECEIVED, "EsmeRequests.take (gateway/ingress/esme_requests.py:5)"), stages.ADMISSION),
        (("Dispatcher._run (gateway/messaging/dispatcher.py:5)",), stages.DISPATCH),
    ],
)
def test_a_stack_belongs_to_the_stage_of_its_innermost_owner(
    frames: tuple[str, ...], stage: str
) -> None:
    assert stage_of((*RUN, *frames)) == stage


def test_a_library_is_counted_to_who_called_it() -> None:
    caller = "Dispatcher._run (gateway/messaging/dispatcher.py:5)"
    assert stage_of((*RUN, caller, "heappush (heapq.py:3)")) == stages.DISPATCH


def test_routing_below_the_dispatcher_is_the_route() -> None:
    caller = "Dispatcher._rank (gateway/messaging/dispatcher.py:5)"
    assert stage_of((*RUN, caller, "Router.rank (routing/router.py:3)")) == stages.ROUTE


def test_encoding_for_the_carrier_is_the_carriers() -> None:
    caller = "SmppBind.submit (gateway/carriers/smpp_bind.py:5)"
    assert stage_of((*RUN, caller, "encode (gateway/smpp/codec.py:52)")) == stages.SUBMIT


def test_stacks_are_read_with_their_thread_and_count() -> None:
    line = "thread (7): MainThread;a (x.py:1);b c (y.py:2) 12\n"
    assert list(stages.stacks([line])) == [
        Stack("thread (7): MainThread", ("a (x.py:1)", "b c (y.py:2)"), 12)
    ]
