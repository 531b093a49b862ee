from random import Random
from typing import Any

import msgspec
import pytest

from carriers_sim.call_behaviour import CallBehaviour, CallDecision, OfferedCall, decide_call
from carriers_sim.call_magic_numbers import CALL_MAGIC_NUMBERS, effect_of
from carriers_sim.call_outcome import AudioSource
from carriers_sim.config import ConfigError, parse


def decided(called: str = "+15005551234", seed: int = 1, **keys: Any) -> CallDecision:
    offered = {name: keys.pop(name) for name in ("refused_by", "is_throttled") if name in keys}
    behaviour = msgspec.convert(keys, CallBehaviour)
    return decide_call(behaviour, OfferedCall("alpha", called, **offered), Random(seed))


def test_healthy_carrier_rings_and_answers_at_once() -> None:
    decision = decided()
    assert (decision.status, decision.provisional, decision.ring_s) == (200, 180, 0)
    assert decision.audio is AudioSource.ECHO


def test_refusal_does_without_ringing_unless_it_takes_time() -> None:
    assert decided(outcomes={"486": 1}).provisional == 0
    assert decided(outcomes={"486": 1}, ring_s=3).provisional == 180


def test_same_seed_gives_the_same_decision() -> None:
    keys: dict[str, Any] = {
        "outcomes": {"200": 1, "503": 1, "silence": 1},
        "ring_s": [1, 9],
        "early_media": 0.5,
    }
    assert [decided(seed=seed, **keys) for seed in range(20)] == [
        decided(seed=seed, **keys) for seed in range(20)
    ]


def test_throttled_call_is_a_503_whatever_its_number_asks_for() -> None:
    decision = decided("+15005550486", magic_numbers=True, is_throttled=True, retry_after_s=4)
    assert (decision.status, decision.reason, decision.retry_after_s) == (503, "throttle", 4)


@pytest.mark.parametrize("suffix", sorted(CALL_MAGIC_NUMBERS))
def test_each_magic_number_changes_what_is_decided(suffix: str) -> None:
    usual = decided(magic_numbers=True)
    assert decided(f"+1500555{suffix}", magic_numbers=True) != usual


@pytest.mark.parametrize(
    ("called", "status"),
    [("+15005550486", 486), ("0603", 603), ("+15005550200", None), ("12", None)],
)
def test_number_may_name_its_refusal(called: str, status: int | None) -> None:
    effect = effect_of(called)
    assert (effect and effect.changes) == (status and {"outcomes": {str(status): 1.0}})


def test_number_means_nothing_where_no_magic_is_wanted() -> None:
    assert decided("+15005550486").status == 200


def test_other_carrier_takes_what_the_first_has_refused() -> None:
    called = "+15005550130"
    assert decided(called, magic_numbers=True).is_remembered
    assert decided(called, magic_numbers=True, refused_by="alpha").status == 503
    assert decided(called, magic_numbers=True, refused_by="bravo").status == 200


@pytest.mark.parametrize(
    ("keys", "complaint"),
    [
        ('outcomes = { "199" = 1 }', "'199' is no final status of SIP"),
        ("outcomes = {}", "outcomes needs at least one outcome"),
        ('options = "yes"', "'yes' is no final status of SIP"),
        ("ring_s = [3, 1]", "a uniform delay is [low, high]"),
        ("early_media = 2", "expected `float` <= 1.0"),
    ],
)
def test_mistakes_in_the_file_are_named(keys: str, complaint: str) -> None:
    text = f'[[sip_carrier]]\nname = "a"\n[sip_carrier.behaviour]\n{keys}\n'
    with pytest.raises(ConfigError, match=r"sip_carrier\[0\]\.behaviour") as raised:
        parse(text)
    assert complaint.lower() in str(raised.value).lower()


def test_two_carriers_may_not_share_a_name() -> None:
    with pytest.raises(ConfigError, match="two carriers are called a"):
        parse('[[carriers]]\nname = "a"\n[[sip_carrier]]\nname = "a"\n')
