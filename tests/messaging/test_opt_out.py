"""STOP, START and HELP."""

import pytest

from gateway.messaging.opt_out import DEFAULT_REPLIES, KEYWORDS, Keyword, OptOuts, keyword
from gateway.store.interface import OptOut
from gateway.text.segmentation import TextEncoding, count

ACCOUNT = "AC0123456789abcdef0123456789abcdef"
SENDER = "+15005550006"
RECIPIENT = "+15005550009"


def said(
    *, stop: bool, account: str = ACCOUNT, sender: str = SENDER, recipient: str = RECIPIENT
) -> OptOut:
    return OptOut(account, sender, recipient, at=0.0, opted_out=stop)


@pytest.mark.parametrize("word", ["STOP", "stop", " Stop\n", "StopAll", "unsubscribe", "OptOut"])
def test_one_word_of_stop_is_a_stop(word: str) -> None:
    assert keyword(word) is Keyword.STOP


@pytest.mark.parametrize(
    ("word", "meaning"),
    [
        ("cancel", "STOP"),
        ("revoke", "STOP"),
        ("yes", "START"),
        ("unstop", "START"),
        ("info", "HELP"),
    ],
)
def test_synonyms_mean_the_same(word: str, meaning: str) -> None:
    assert keyword(word) == meaning


@pytest.mark.parametrize(
    "text", ["", "stop it", "please stop", "STOP.", "st op", "nonstop", "yes!"]
)
def test_anything_but_one_exact_word_is_no_keyword(text: str) -> None:
    assert keyword(text) is None


@pytest.mark.parametrize("word", KEYWORDS)
def test_every_word_of_the_table_is_found(word: str) -> None:
    assert keyword(word.lower()) is KEYWORDS[word]


@pytest.mark.parametrize("meaning", Keyword)
def test_a_default_reply_is_one_gsm_segment(meaning: Keyword) -> None:
    assert count(DEFAULT_REPLIES[meaning]) == (TextEncoding.GSM_7BIT, 1)


def test_nobody_is_opted_out_at_first() -> None:
    assert not OptOuts().is_opted_out(ACCOUNT, SENDER, RECIPIENT)


def test_a_stop_opts_out() -> None:
    opt_outs = OptOuts()
    opt_outs.apply(said(stop=True))
    assert opt_outs.is_opted_out(ACCOUNT, SENDER, RECIPIENT)


@pytest.mark.parametrize(
    "other",
    [("AC" + "f" * 32, SENDER, RECIPIENT), (ACCOUNT, "55501", RECIPIENT), (ACCOUNT, SENDER, "+1")],
)
def test_a_stop_holds_for_its_account_sender_and_recipient_only(
    other: tuple[str, str, str],
) -> None:
    opt_outs = OptOuts()
    opt_outs.apply(said(stop=True))
    assert not opt_outs.is_opted_out(*other)


def test_a_start_takes_the_stop_back() -> None:
    opt_outs = OptOuts()
    opt_outs.apply(said(stop=True))
    opt_outs.apply(said(stop=False))
    assert not opt_outs.is_opted_out(ACCOUNT, SENDER, RECIPIENT)


def test_a_start_of_one_recipient_leaves_the_others_opted_out() -> None:
    opt_outs = OptOuts()
    opt_outs.apply(said(stop=True))
    opt_outs.apply(said(stop=True, recipient="+15005550008"))
    opt_outs.apply(said(stop=False, recipient="+15005550008"))
    assert opt_outs.is_opted_out(ACCOUNT, SENDER, RECIPIENT)


def test_a_start_without_a_stop_changes_nothing() -> None:
    opt_outs = OptOuts()
    opt_outs.apply(said(stop=False))
    assert len(opt_outs) == 0


def test_a_stop_said_twice_is_one_entry() -> None:
    opt_outs = OptOuts()
    opt_outs.apply(said(stop=True))
    opt_outs.apply(said(stop=True))
    assert len(opt_outs) == 1
