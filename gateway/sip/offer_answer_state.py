"""Who may offer when, and what a session description is where it stands (RFC 3264; RFC 3261
§13.2.1, RFC 3262 §5, RFC 3311 §5)."""

from __future__ import annotations

from enum import StrEnum


class OfferAnswerState(StrEnum):
    """Of one dialog. IDLE: nothing was offered yet; STABLE: nothing awaits its answer."""

    IDLE = "idle"
    LOCAL_OFFER = "local offer"
    REMOTE_OFFER = "remote offer"
    STABLE = "stable"

    # Enum's own is written in Python and takes ten times as long.
    __hash__ = str.__hash__


class Description(StrEnum):
    """A session description that passes, by who sent it and where; or its end without an answer."""

    OFFER_SENT = "we offer"
    OFFER_RECEIVED = "the peer offers"
    ANSWER_SENT = "we answer"
    ANSWER_RECEIVED = "the peer answers"
    OFFER_FAILED = "the offer's request was refused"

    __hash__ = str.__hash__


_O, _D = OfferAnswerState, Description

# A pair without a row may not be: two offers at once are a glare.
TRANSITIONS: dict[tuple[OfferAnswerState, Description], OfferAnswerState] = {
    (_O.IDLE, _D.OFFER_SENT): _O.LOCAL_OFFER,
    (_O.IDLE, _D.OFFER_RECEIVED): _O.REMOTE_OFFER,
    (_O.LOCAL_OFFER, _D.ANSWER_RECEIVED): _O.STABLE,
    (_O.LOCAL_OFFER, _D.OFFER_FAILED): _O.STABLE,
    (_O.REMOTE_OFFER, _D.ANSWER_SENT): _O.STABLE,
    (_O.REMOTE_OFFER, _D.OFFER_FAILED): _O.STABLE,
    (_O.STABLE, _D.OFFER_SENT): _O.LOCAL_OFFER,
    (_O.STABLE, _D.OFFER_RECEIVED): _O.REMOTE_OFFER,
}


def may(state: OfferAnswerState, description: Description) -> bool:
    return (state, description) in TRANSITIONS


def received(state: OfferAnswerState) -> Description | None:
    """What a description is that comes in a response, an ACK or a PRACK: the answer to ours, else
    an offer. While one of the peer's awaits our answer it is neither, and is to be ignored."""
    if state is OfferAnswerState.LOCAL_OFFER:
        return Description.ANSWER_RECEIVED
    return None if state is OfferAnswerState.REMOTE_OFFER else Description.OFFER_RECEIVED
