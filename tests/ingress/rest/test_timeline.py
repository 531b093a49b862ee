"""The timeline of a message: for its owner, in the order of time."""

from typing import Any, cast

import msgspec
import pytest

from gateway.account import Account
from gateway.clock import message_sid
from gateway.errors import Refused, StoreError
from gateway.ingress.rest.gate import Call
from gateway.ingress.rest.timeline import Timelines, rfc_3339, timeline_resource
from gateway.message import Message, Status
from gateway.store.interface import (
    WHOLE,
    Attempt,
    AttemptOutcome,
    Deleted,
    Notified,
    Record,
    Replay,
    StoredMessage,
    Timeline,
    Transition,
)
from tests.messaging.ledger import Ledger
from tests.store.builders import ACCOUNT, NOON, OTHER_ACCOUNT, a_message, became


class AnyCall:
    """A request that has passed the gate."""

    def __init__(self, sid: str, account: str = ACCOUNT) -> None:
        self._sid = sid
        self.account = Account(account, "")

    def sid(self, name: str) -> str:
        assert name == "MessageSid"
        return self._sid


class Records:
    """A resource over a ledger in which a message is, and what is on record about it."""

    def __init__(self, *facts: Record) -> None:
        self.ledger = Ledger()
        self.message = a_message()
        self.ledger.has(self.message)
        self.ledger.records += facts

    async def fetch(self, sid: str = "", account: str = ACCOUNT) -> dict[str, Any]:
        timelines = Timelines(cast(Any, type("Dependencies", (), {"store": self.ledger})))
        call = AnyCall(sid or message_sid(self.message.id), account)
        answer = await timelines.fetch(cast(Call, call))
        assert answer.status == 200
        return cast(dict[str, Any], msgspec.json.decode(answer.body))


def entries(*facts: Transition | Attempt | Notified | Replay, **changes: Any) -> list[Any]:
    """The timeline of a message but for its acceptance, as JSON has it."""
    message: Message = a_message(**changes)
    found = Timeline(
        StoredMessage(
            message,
            tuple(each for each in facts if isinstance(each, Transition)),
            tuple(each for each in facts if isinstance(each, Attempt)),
        ),
        tuple(each for each in facts if isinstance(each, Notified)),
        tuple(each for each in facts if isinstance(each, Replay)),
    )
    _, *others = msgspec.to_builtins(timeline_resource(found))["timeline"]
    return cast(list[Any], others)


async def test_a_message_that_was_only_accepted_has_one_entry() -> None:
    records = Records()
    sid = message_sid(1)
    assert await records.fetch() == {
        "account_sid": ACCOUNT,
        "message_sid": sid,
        "uri": f"/2010-04-01/Accounts/{ACCOUNT}/Messages/{sid}/Timeline.json",
        "timeline": [{"date": "2023-11-14T22:13:21.000Z", "event": "accepted"}],
        "left_out": 0,
    }


async def test_a_message_of_another_account_is_not_found() -> None:
    with pytest.raises(Refused):
        await Records().fetch(account=OTHER_ACCOUNT)


@pytest.mark.parametrize("sid", [message_sid(2), "SM0123", "SM" + "0" * 32])
async def test_a_message_that_is_not_there_is_not_found(sid: str) -> None:
    with pytest.raises(Refused):
        await Records().fetch(sid)


async def test_a_message_that_was_deleted_is_not_found() -> None:
    with pytest.raises(Refused):
        await Records(Deleted(1)).fetch()


async def test_a_store_that_cannot_be_read_says_so() -> None:
    records = Records()
    records.ledger.readable = False
    with pytest.raises(StoreError):
        await records.fetch()


@pytest.mark.parametrize(
    ("outcome", "shown"),
    [
        (AttemptOutcome.WRITTEN, "written"),
        (AttemptOutcome.LOST, "lost"),
        (AttemptOutcome.UNANSWERED, "unanswered"),
        (AttemptOutcome.RESENT, "resent"),
        (AttemptOutcome.HELD, "held"),
    ],
)
def test_an_attempt_is_shown_with_its_bind_and_how_far_it_got(
    outcome: AttemptOutcome, shown: str
) -> None:
    assert entries(Attempt(1, 2, NOON + 9, outcome, "alpha/1")) == [
        {
            "date": "2023-11-14T22:13:29.000Z",
            "event": "attempt",
            "part": 2,
            "bind": "alpha/1",
            "outcome": shown,
        }
    ]


@pytest.mark.parametrize(
    ("command_status", "name"), [(0x58, "ESME_RTHROTTLED"), (0x410, "0x00000410")]
)
def test_a_refusal_is_shown_in_the_words_of_the_specification(
    command_status: int, name: str
) -> None:
    (entry,) = entries(Attempt(1, 1, NOON + 9, AttemptOutcome.REFUSED, "alpha/1", command_status))
    assert (entry["outcome"], entry["command_status"]) == ("refused", name)


def test_a_status_is_shown_with_the_carriers_own_words() -> None:
    step = became(
        1,
        4,
        Status.UNDELIVERED,
        error_code=30005,
        bind="alpha/1",
        carrier_id="4a5b",
        carrier_status="UNDELIV",
        carrier_error="001",
    )
    assert entries(step) == [
        {
            "date": "2023-11-14T22:13:25.000Z",
            "event": "status",
            "status": "undelivered",
            "number": 4,
            "bind": "alpha/1",
            "error_code": 30005,
            "error_message": "The number is unknown or no longer in service",
            "carrier_status": "UNDELIV",
            "carrier_error": "001",
        }
    ]


def test_an_attempt_to_send_a_message_whole_names_no_part() -> None:
    (entry,) = entries(Attempt(1, WHOLE, NOON + 9, AttemptOutcome.WRITTEN, "alpha/1"), segments=3)
    assert "part" not in entry


def test_a_status_of_a_part_names_the_part() -> None:
    (entry,) = entries(became(1, 1, Status.SENT, part=2, bind="alpha/1"), segments=2)
    assert (entry["part"], entry["status"]) == (2, "sent")


@pytest.mark.parametrize("gave_up", [False, True])
def test_it_is_shown_when_the_listener_was_told_or_given_up(gave_up: bool) -> None:
    assert entries(Notified(1, 3, NOON + 9, "503", 0, gave_up)) == [
        {
            "date": "2023-11-14T22:13:29.000Z",
            "event": "notification",
            "number": 3,
            "outcome": "503",
            "round": 0,
            "gave_up": gave_up,
        }
    ]


def test_a_replay_is_shown_with_what_it_repeats() -> None:
    assert entries(Replay(1, 3, 2, NOON + 9)) == [
        {"date": "2023-11-14T22:13:29.000Z", "event": "replay", "number": 3, "round": 2}
    ]


def test_everything_is_in_the_order_of_time() -> None:
    shown = entries(
        Transition(1, 1, Status.SENDING, NOON + 10),
        Transition(1, 2, Status.SENT, NOON + 12),
        Attempt(1, 1, NOON + 10, AttemptOutcome.WRITTEN, "alpha/1"),
        Attempt(1, 1, NOON + 11, AttemptOutcome.LOST, "alpha/1"),
        Attempt(1, 1, NOON + 11, AttemptOutcome.WRITTEN, "beta/1"),
        Notified(1, 1, NOON + 20, "gave up", 0, True),
        Notified(1, 1, NOON + 30, "200", 1),
        Replay(1, 1, 1, NOON + 30),
    )
    assert [each.get("outcome") or each.get("status") or each["event"] for each in shown] == [
        "written",
        "sending",
        "lost",
        "written",
        "sent",
        "gave up",
        "replay",
        "200",
    ]


async def test_of_a_long_timeline_the_oldest_entries_are_left_out() -> None:
    refused = (
        Attempt(1, 1, NOON + 9 + second, AttemptOutcome.REFUSED, "alpha/1", 0x58)
        for second in range(1_500)
    )
    shown = await Records(*refused).fetch()
    assert (len(shown["timeline"]), shown["left_out"]) == (1_000, 501)
    assert shown["timeline"][-1]["date"] == "2023-11-14T22:38:28.000Z"


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (1_767_323_045.0, "2026-01-02T03:04:05.000Z"),
        (1_767_323_045.678, "2026-01-02T03:04:05.678Z"),
    ],
)
def test_times_have_milliseconds(at: float, text: str) -> None:
    assert rfc_3339(at) == text
