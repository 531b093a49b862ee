"""How carriers misbehave: each mood is a fault that real ones have, and lasts a while."""

from __future__ import annotations

from random import Random

from carriers_sim.behaviour import Behaviour
from carriers_sim.dlr_schedule import ReceiptBehaviour
from carriers_sim.rule import Effect, Rule, When
from carriers_sim.throttle import Throttle

RESPONSE_S = (0.005, 0.03)
RECEIPT_S = (0.05, 2.0)
# Longer than the gateway's response_timeout_s, in tests/e2e/configuration.py.
LATE_S = 7.0

CALM = Behaviour(response_delay_s=RESPONSE_S, receipts=ReceiptBehaviour(delay_s=RECEIPT_S))


def moods(rate: float) -> dict[str, Behaviour]:
    """By name; `rate` is what customers ask of all carriers together, in messages a second."""
    return {
        "calm": CALM,
        "slow": Behaviour(
            response_delay_s=(0.2, 1.5), receipts=ReceiptBehaviour(delay_s=(1.0, 5.0))
        ),
        "late answers": Behaviour(
            response_delay_s=RESPONSE_S,
            receipts=ReceiptBehaviour(delay_s=RECEIPT_S),
            rules=(Rule(when=When(nth=40), then=Effect(response_delay_s=LATE_S)),),
        ),
        "lost answers": Behaviour(
            response_delay_s=RESPONSE_S,
            unanswered=0.02,
            receipts=ReceiptBehaviour(delay_s=RECEIPT_S),
        ),
        "throttling": Behaviour(
            response_delay_s=RESPONSE_S,
            throttle=Throttle(segments_per_s=max(1.0, rate / 3), penalty_s=1.0),
            receipts=ReceiptBehaviour(delay_s=RECEIPT_S),
        ),
        "refusing": Behaviour(
            response_delay_s=RESPONSE_S,
            submit={"ESME_ROK": 0.9, "ESME_RSYSERR": 0.05, "ESME_RMSGQFUL": 0.05},
            receipts=ReceiptBehaviour(delay_s=RECEIPT_S),
        ),
        "cutting": Behaviour(
            response_delay_s=RESPONSE_S,
            drop=0.01,
            receipts=ReceiptBehaviour(delay_s=RECEIPT_S),
        ),
        "bad receipts": Behaviour(
            response_delay_s=RESPONSE_S,
            receipts=ReceiptBehaviour(
                outcomes={"DELIVRD": 0.9, "UNDELIV": 0.1},
                delay_s=(0.5, 15.0),
                before_response=0.1,
                duplicated=0.1,
                missing=0.02,
            ),
        ),
    }


def mood(rate: float, random: Random) -> tuple[str, Behaviour]:
    return random.choice(list(moods(rate).items()))
