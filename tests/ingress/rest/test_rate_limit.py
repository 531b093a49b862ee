import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Refusal
from gateway.ingress.rest.errors import Throttled
from gateway.ingress.rest.rate_limit import RequestLimits
from tests.ingress.rest.builders import MESSAGES, Api, a_form, an_account


def admitted(limits: RequestLimits, rate: float, instants: list[float]) -> list[float]:
    account = an_account(requests_per_second=rate)
    taken = []
    for now in instants:
        try:
            limits.enter(account, now)
        except Throttled:
            continue
        limits.leave(account)
        taken.append(now)
    return taken


def test_a_burst_of_one_second_is_let_in() -> None:
    assert len(admitted(RequestLimits(), 5.0, [0.0] * 10)) == 5


def test_one_request_is_let_in_where_the_rate_is_below_one_a_second() -> None:
    assert admitted(RequestLimits(), 0.5, [0.0, 0.0, 1.0, 2.0, 2.5]) == [0.0, 2.0]


@given(
    rate=st.sampled_from([1.0, 3.0, 10.0]),
    gaps=st.lists(st.floats(0.0, 0.5), max_size=60),
)
def test_no_second_has_more_than_the_burst_and_the_rate(rate: float, gaps: list[float]) -> None:
    instants = [sum(gaps[:end]) for end in range(len(gaps))]

    taken = admitted(RequestLimits(), rate, instants)

    for start in taken:
        assert sum(start <= at < start + 1 for at in taken) <= 2 * rate + 1


def test_a_refused_request_is_told_when_to_come_back() -> None:
    limits, account = RequestLimits(), an_account(requests_per_second=0.1)
    limits.enter(account, 0.0)

    with pytest.raises(Throttled) as throttled:
        limits.enter(account, 4.0)

    assert throttled.value.refusal is Refusal.TOO_MANY_REQUESTS
    assert throttled.value.retry_after_s == pytest.approx(6.0)


def test_a_new_rate_counts_from_the_next_request_on() -> None:
    limits = RequestLimits()
    limits.enter(an_account(requests_per_second=1.0), 0.0)

    limits.enter(an_account(requests_per_second=2.0), 0.0)


def test_requests_in_flight_are_capped_until_one_leaves() -> None:
    limits, account = RequestLimits(), an_account(concurrent_requests=1)
    limits.enter(account, 0.0)
    with pytest.raises(Throttled):
        limits.enter(account, 0.0)

    limits.leave(account)

    limits.enter(account, 0.0)


async def test_over_the_rate_answers_20429_with_retry_after() -> None:
    async with Api(an_account(requests_per_second=1.0)).client() as client:
        await client.get(MESSAGES)
        answer = await client.get(MESSAGES)

    assert (answer.status_code, answer.json()["code"]) == (429, 20429)
    assert answer.headers["retry-after"] == "1"


async def test_over_the_cap_in_flight_answers_20429(monkeypatch: pytest.MonkeyPatch) -> None:
    api = Api(an_account(concurrent_requests=1))
    reached, released = asyncio.Event(), asyncio.Event()
    accept = api.intake.accept

    async def wait(request: object) -> object:
        reached.set()
        await released.wait()
        return await accept(request)  # type: ignore[arg-type]  # the request passes through

    monkeypatch.setattr(api.intake, "accept", wait)
    async with api.client() as client, asyncio.TaskGroup() as group:
        first = group.create_task(client.post(MESSAGES, data=a_form()))
        await reached.wait()
        second = await client.post(MESSAGES, data=a_form())
        released.set()

    assert (first.result().status_code, second.status_code) == (201, 429)


async def test_a_refused_request_does_not_stay_in_flight() -> None:
    async with Api(an_account(concurrent_requests=1)).client() as client:
        await client.post(MESSAGES, data=a_form(To=""))
        answer = await client.post(MESSAGES, data=a_form())

    assert answer.status_code == 201
