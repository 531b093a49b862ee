"""A decision of the router as JSON shows it, over REST and in `supernet route --json`.

Prices are the operator's affair. An account that may not see them gets null for each, and for the
utility and the margin from which they could be reckoned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.account import Account
from gateway.clock import call_sid, message_sid
from gateway.streams.timestamp import rfc_3339
from routing.ranking import Mode

# What the mode of a decision means for the bind that was chosen.
MEANINGS: dict[Mode, str] = {
    Mode.BEST: "goes first",
    Mode.EXPLORE: "is tried, to find out how well it delivers",
    Mode.PROBE: "is tried, to find out whether it is well again",
    Mode.FORCED: "has to do, for there is none better",
    Mode.FAILOVER: "goes first of those that have not refused the message",
    Mode.PINNED: "took the other parts",
}


class CandidateResource(msgspec.Struct, frozen=True):
    """A bind that leads there. Of one that is blocked, only `bind`, `blocked`, `retry_at` and
    `alarms` are known.

    `p` is the share that should be delivered, `deviation` its standard deviation, from `n` messages
    of the `level`: bind, country, network or sender. `z`: how many deviations the last minute is
    from that. `retry_at`: the earliest time at which time alone may lift the block. Of calls alone:
    `clearness`, how well they are heard, and `one_way`, the share whose called side is not heard.
    """

    bind: str
    blocked: str | None = None
    retry_at: str | None = None
    alarms: tuple[str, ...] = ()
    priority: int | None = None
    utility: float | None = None
    price: float | None = None
    p: float | None = None
    deviation: float | None = None
    n: float | None = None
    level: str | None = None
    z: float | None = None
    trust: float | None = None
    on_time: float | None = None
    latency_s: float | None = None
    burden: float | None = None
    turn: float | None = None
    data_points: int | None = None
    clearness: float | None = None
    one_way: float | None = None


class DecisionResource(msgspec.Struct, frozen=True, rename={"class_": "class"}):
    """Which bind takes a message, or trunk a call, and why. One of `message_sid` and `call_sid` is
    null, and for a dry run both are, and `uri`.

    Of many binds only the foremost are looked at closely, and some in turn; `not_looked_at` is how
    many were not, being no better when last seen.
    `network` is the operator, as MCC and MNC, or what comes nearest to it. `margin` is by how much
    money the chosen bind is better than the `runner_up`, `value` what a delivery is worth.
    """

    account_sid: str
    message_sid: str | None
    at: str
    mode: Mode
    class_: str
    value: float | None
    network: str
    sender_type: str
    attempt: int
    chosen: str | None
    runner_up: str | None
    margin: float | None
    data_points: int
    why: str
    candidates: tuple[CandidateResource, ...]
    uri: str | None
    call_sid: str | None = None
    not_looked_at: int = 0


def decision_resource(
    record: Mapping[str, Any],
    account: Account,
    message_id: int | None = None,
    call_id: int | None = None,
) -> DecisionResource:
    """From the router's own record of the decision (`Router.explain`)."""
    prices = account.sees_prices
    of_message = None if message_id is None else message_sid(message_id)
    of_call = None if call_id is None else call_sid(call_id)
    sid = of_message or of_call
    return DecisionResource(
        account_sid=account.sid,
        message_sid=of_message,
        at=rfc_3339(record["at"]),
        mode=Mode(record["mode"]),
        class_=record["class"],
        value=record["value"] if prices else None,
        network=record["network"],
        sender_type=record["sender_type"],
        attempt=record["attempt"],
        chosen=record["chosen"],
        runner_up=record["runner_up"],
        margin=record["margin"] if prices else None,
        data_points=record["data_points"],
        not_looked_at=record["not_looked_at"],
        why=record["why"] if prices else why_without_prices(record),
        candidates=tuple(_candidate(one, prices) for one in record["candidates"]),
        uri=f"/v1/Routing/Explain/{sid}" if sid else None,
        call_sid=of_call,
    )


def why_without_prices(record: Mapping[str, Any]) -> str:
    chosen, runner_up = record["chosen"], record["runner_up"]
    if chosen is None:
        # Then the router's sentence tells what blocks each, and nothing else.
        why: str = record["why"]
        return why
    sentence = f"{chosen} {MEANINGS[Mode(record['mode'])]}"
    return f"{sentence}; next {runner_up}" if runner_up else sentence


def _candidate(one: Mapping[str, Any], prices: bool) -> CandidateResource:
    fields = dict(one)
    if "retry_at" in fields:
        fields["retry_at"] = rfc_3339(fields["retry_at"])
    if not prices:
        fields.pop("utility", None)
        fields.pop("price", None)
    return CandidateResource(**fields | {"alarms": tuple(map(_alarm, fields.get("alarms", ())))})


def _alarm(alarm: Mapping[str, Any]) -> str:
    return f"{alarm['kind']} since {rfc_3339(alarm['since'])}"
