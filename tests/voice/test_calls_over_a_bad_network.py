"""Calls through the B2BUA in virtual time, over a network that loses, repeats and reorders, with
carriers that die and come back, and media that is slow: each call ends, is recorded once, and
nothing of it stays."""

import pytest

from gateway.call import CallStatus
from tests.voice.network import CARRIERS, BadNetwork

CALLS = 120
DEATHS = 3


@pytest.mark.parametrize("slow_media", [False, True])
@pytest.mark.parametrize(("seed", "loss"), [(1, 0.0), (2, 0.05), (3, 0.2), (4, 0.5), (5, 0.95)])
def test_each_call_ends_once_and_nothing_stays(seed: int, loss: float, slow_media: bool) -> None:
    network = BadNetwork(seed, loss, slow_media)
    for _ in range(CALLS):
        network.plan(900, network.call)
    for name in CARRIERS:
        for _ in range(DEATHS):
            network.plan(900, lambda name=name: network.live_and_die(name))  # type: ignore[misc]
    for _ in range(CALLS // 20):
        network.plan(900, network.fall_silent)
    network.run()
    assert_nothing_stays(network)
    assert network.statuses[CallStatus.COMPLETED] or loss > 0.9


def assert_nothing_stays(network: BadNetwork) -> None:
    assert all(told[-1].record is not None for told in network.events.values())
    assert network.b2bua.calls == 0
    assert network.b2bua.next_timer() is None
    assert network.media.open_sessions == 0
    assert network.admission.held == 0
    assert {one.bind: one.window_used for one in network.router.snapshot(network.now)} == {
        "one/a": 0,
        "two/a": 0,
    }
    for made in network.agents.values():
        assert made.legs == 0
        assert (made.layer.client_transactions, made.layer.server_transactions) == (0, 0)
        assert made.next_timer() is None
