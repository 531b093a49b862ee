"""An audit that finds nothing is worth as much as what it finds in a broken gateway."""

from collections.abc import Callable

import pytest

from carriers_sim.recorder import Received
from tests.e2e.kill_loop_audit import Evidence, Promise, Stored, audit
from tests.e2e.kill_loop_ledger import Ask, Ledger, Way

KILLED_AT = 1_000.0
TOLD_AT = 1_010.0
RECIPIENT = "+12065551000"


class Case:
    """A gateway that was killed once, and kept its promises but for what a test breaks."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.arrived: list[Received] = []
        self.stored: dict[str, Stored] = {}
        self.unsigned = 0
        self.forgets = False

    def asked(self, recipient: str = "", *, keyed: bool = False) -> Ask:
        recipient = recipient or f"+1206555{len(self.ledger.asks):04}"
        return self.ledger.ask(Way.REST, recipient, keyed=keyed)

    def arrives(self, ask: Ask, at: float) -> None:
        self.arrived.append(
            Received("alpha", "+15005550006", ask.recipient, ask.text, 0, 1, ("1",), at)
        )

    def stores(self, ask: Ask, sid: str, status: str = "delivered") -> None:
        self.stored[sid] = Stored(sid, status, ask.text, ask.recipient)

    def delivered(self, *at: float, recipient: str = "", keyed: bool = False) -> Ask:
        """A message that went well, and arrived at these times."""
        ask = self.asked(recipient, keyed=keyed)
        self.ledger.answered(ask, f"SM{ask.number}")
        for each in at or (KILLED_AT + 5,):
            self.arrives(ask, each)
        self.stores(ask, ask.sid)
        self.ledger.told[ask.sid] = {"delivered": TOLD_AT}
        return ask

    def broken(self) -> set[Promise]:
        evidence = Evidence(
            self.ledger,
            self.arrived,
            self.stored,
            [KILLED_AT],
            window=1,
            in_flight_s=1.0,
            unsigned=self.unsigned,
            forgets=self.forgets,
        )
        return set(audit(evidence).broken)


def vanish(case: Case) -> None:
    del case.stored[case.delivered().sid]


def stay_open(case: Case) -> None:
    ask = case.delivered()
    case.stores(ask, ask.sid, "sent")


def never_arrive(case: Case) -> None:
    case.delivered()
    case.arrived.pop()


def arrive_unasked(case: Case) -> None:
    case.arrives(Ask(0, "out of thin air #0", RECIPIENT, Way.REST), KILLED_AT)


def be_stored_unasked(case: Case) -> None:
    case.stores(Ask(0, "out of thin air #0", RECIPIENT, Way.REST), "SM0")


def arrive_though_refused(case: Case) -> None:
    ask = case.asked()
    case.ledger.refused(ask, "HTTP 503 20503")
    case.arrives(ask, KILLED_AT)


def be_stored_though_nobody_heard(case: Case) -> None:
    case.stores(case.asked(), "SM1")


def arrive_again_after_its_end(case: Case) -> None:
    case.delivered(KILLED_AT - 0.5, TOLD_AT + 1)


def arrive_twice_without_a_kill(case: Case) -> None:
    case.delivered(KILLED_AT + 5, KILLED_AT + 6)


def arrive_again_long_after_it_was_in_flight(case: Case) -> None:
    case.delivered(KILLED_AT - 2, KILLED_AT + 2)


def arrive_twice_in_greater_number_than_was_in_flight(case: Case) -> None:
    for _ in range(2):
        case.delivered(KILLED_AT - 0.5, KILLED_AT + 2)


def two_sids_for_one_key(case: Case) -> None:
    case.ledger.answered(case.delivered(keyed=True), "SM0")


def two_messages_for_one_key(case: Case) -> None:
    case.stores(case.delivered(keyed=True), "SM0")


def stay_silent(case: Case) -> None:
    del case.ledger.told[case.delivered().sid]


def end_twice(case: Case) -> None:
    case.ledger.heard(case.delivered().sid, "failed")


def end_otherwise_than_told(case: Case) -> None:
    ask = case.delivered()
    case.stores(ask, ask.sid, "failed")


def overtake(case: Case) -> None:
    for at in (KILLED_AT + 2, KILLED_AT + 1):
        case.delivered(at, recipient=RECIPIENT)


def remember_the_deleted(case: Case) -> None:
    case.ledger.deleted.add(case.delivered().sid)


def remember_the_erased(case: Case) -> None:
    case.ledger.erased.add(case.delivered().sid)


def forget_a_handset(case: Case) -> None:
    case.ledger.handset_sends()


def sign_nothing(case: Case) -> None:
    case.unsigned = 1


def forget_a_key(case: Case) -> None:
    case.ledger.gone = 1


def answer_strangely(case: Case) -> None:
    case.ledger.refused(case.asked(), "HTTP 500 20500")


@pytest.mark.parametrize(
    ("breach", "promise"),
    [
        (vanish, Promise.KEPT),
        (stay_open, Promise.ENDED),
        (never_arrive, Promise.ARRIVED),
        (arrive_unasked, Promise.ASKED),
        (be_stored_unasked, Promise.ASKED),
        (arrive_though_refused, Promise.REFUSED),
        (be_stored_though_nobody_heard, Promise.REFUSED),
        (arrive_again_after_its_end, Promise.DOUBTFUL),
        (arrive_twice_without_a_kill, Promise.IN_FLIGHT),
        (arrive_again_long_after_it_was_in_flight, Promise.IN_FLIGHT),
        (arrive_twice_in_greater_number_than_was_in_flight, Promise.WINDOW),
        (two_sids_for_one_key, Promise.KEY),
        (two_messages_for_one_key, Promise.KEY),
        (stay_silent, Promise.TOLD),
        (end_twice, Promise.ONE_END),
        (end_otherwise_than_told, Promise.ONE_END),
        (overtake, Promise.ORDER),
        (remember_the_deleted, Promise.FORGOTTEN),
        (remember_the_erased, Promise.FORGOTTEN),
        (forget_a_handset, Promise.HANDSETS),
        (sign_nothing, Promise.SIGNED),
        (answer_strangely, Promise.ANSWERED),
        (forget_a_key, Promise.ANSWERED),
    ],
)
def test_breach_is_found(breach: Callable[[Case], None], promise: Promise) -> None:
    case = Case()
    case.delivered()

    breach(case)

    assert case.broken() == {promise}


def test_good_case_breaks_nothing() -> None:
    case = Case()
    case.delivered(keyed=True)
    case.delivered()

    assert case.broken() == set()


def test_in_flight_message_may_arrive_again() -> None:
    case = Case()

    case.delivered(KILLED_AT - 0.5, KILLED_AT + 0.5)

    assert case.broken() == set()


def test_unanswered_message_may_be_made() -> None:
    case = Case()
    ask = case.asked()
    ask.unanswered = 1

    case.stores(ask, "SM1")
    case.arrives(ask, KILLED_AT)

    assert case.broken() == set()


def test_dropped_message_is_believed_as_told() -> None:
    case = Case()
    case.forgets = True

    vanish(case)

    assert case.broken() == set()


def test_dropped_message_must_have_been_told() -> None:
    case = Case()
    case.forgets = True

    vanish(case)
    case.ledger.told.clear()

    assert case.broken() == {Promise.KEPT, Promise.TOLD}
