"""One INVITE, many who answer (RFC 3261 §13.2.2.4, §19.3)."""

from gateway.sip.leg_events import Answered, EndCause, Provisional
from gateway.sip.message import SipRequest
from gateway.sip.outgoing_leg import FORKS_MAX, OutgoingLeg
from tests.sip.calls import ANSWER, BOB, Wire, invitation
from tests.sip.transactions import read


class Forked(Wire):
    """Alice's call goes to a proxy that forks; the test is all who answer."""

    def __init__(self) -> None:
        super().__init__()
        self.leg: OutgoingLeg = self.alice.invite(invitation(), BOB, self.now)
        asked = read(self.alice.messages_to_send()[0])
        assert isinstance(asked, SipRequest)
        self.asked = asked

    def answer(self, status: int, tag: str) -> list[str]:
        """What Alice says to it, with the To tag of each."""
        contact = f"<sip:{tag}@192.0.2.2>"
        response = self.asked.response(status, to_tag=tag, contact=contact, body=ANSWER)
        self.alice.receive(response, BOB, self.now)
        sent = [read(outgoing) for outgoing in self.alice.messages_to_send()]
        assert all(isinstance(message, SipRequest) for message in sent)
        return [f"{message.cseq.method} {message.to_tag}" for message in sent]


def test_each_branch_has_its_early_dialog() -> None:
    wire = Forked()
    for tag in ("x", "y", "x"):
        wire.answer(180, tag)
    told = wire.events(wire.alice, Provisional)
    assert [event.dialog.remote_tag for event in told if event.dialog] == ["x", "y", "x"]
    assert told[0].dialog is told[2].dialog is not told[1].dialog


def test_first_answer_is_the_call_and_others_are_acknowledged_and_hung_up() -> None:
    wire = Forked()
    assert wire.answer(200, "x") == ["ACK x"]
    assert wire.answer(200, "y") == ["ACK y", "BYE y"]
    assert wire.answer(200, "y") == ["ACK y"]
    assert len(wire.events(wire.alice, Answered)) == 1
    assert wire.ends(wire.alice) == []


def test_end_of_the_other_branch_is_not_the_end_of_the_call() -> None:
    wire = Forked()
    wire.answer(200, "x")
    wire.answer(200, "y")
    wire.run(40)
    assert (wire.alice.legs, wire.ends(wire.alice)) == (1, [])


def test_answer_of_a_branch_that_never_rang_is_as_good() -> None:
    wire = Forked()
    wire.answer(180, "x")
    assert wire.answer(200, "y") == ["ACK y"]
    assert wire.leg.dialog is not None
    assert wire.leg.dialog.remote_tag == "y"


def test_branches_without_end_are_not_heard() -> None:
    wire = Forked()
    for number in range(FORKS_MAX + 5):
        wire.answer(180, f"tag{number}")
    assert len(wire.events(wire.alice, Provisional)) == FORKS_MAX


def test_cancelled_call_that_two_answer_leaves_neither() -> None:
    wire = Forked()
    wire.answer(180, "x")
    wire.leg.hang_up(wire.now)
    wire.alice.messages_to_send()
    assert wire.answer(200, "x") == ["ACK x", "BYE x"]
    assert wire.answer(200, "y") == ["ACK y", "BYE y"]
    wire.run(100)
    assert wire.alice.legs == 0
    assert wire.ends(wire.alice) == [EndCause.HUNG_UP]
