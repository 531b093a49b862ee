"""Answers to 401 and 407 (RFC 3261 §22.2, RFC 8760 §2.4): which, how often, and when no more."""

from __future__ import annotations

import pytest

from gateway.sip.digest import Algorithm, Credentials, ha1
from gateway.sip.digest_client import REALMS_MAX, DigestClient
from gateway.sip.message import SipRequest, SipResponse
from tests.sip.messages import request

REGISTER = request(method="REGISTER")


def challenge(
    nonce: str = "n1", realm: str = "r", algorithm: str = "MD5", more: str = ', qop="auth"'
) -> str:
    return f'Digest realm="{realm}", nonce="{nonce}", algorithm={algorithm}{more}'


def asked(*values: str, sent: SipRequest = REGISTER, status: int = 401) -> SipResponse:
    name = "WWW-Authenticate" if status == 401 else "Proxy-Authenticate"
    return sent.response(status, to_tag="x", headers=[(name, value) for value in values])


def given(sent: SipRequest | None, name: str = "Authorization") -> list[Credentials]:
    assert sent is not None
    parsed = [Credentials.parse(value) for value in sent.headers.get_all(name)]
    return [credentials for credentials in parsed if credentials is not None]


def client() -> DigestClient:
    return DigestClient("alice", "secret")


@pytest.mark.parametrize(("status", "name"), [(401, "Authorization"), (407, "Proxy-Authorization")])
def test_a_challenge_is_answered_where_it_asks(status: int, name: str) -> None:
    (credentials,) = given(client().answer(REGISTER, asked(challenge(), status=status), "c"), name)
    assert (credentials.uri, credentials.nonce_count, credentials.cnonce) == (REGISTER.uri, 1, "c")
    secret = ha1("alice", "r", "secret", Algorithm.MD5)
    assert credentials.response == credentials.expected(secret, "REGISTER")


def test_the_next_try_has_no_via_of_the_first() -> None:
    answer = client().answer(REGISTER, asked(challenge()), "c")
    assert "Via" in REGISTER.headers
    assert answer is not None
    assert "Via" not in answer.headers


def test_another_response_is_not_answered() -> None:
    assert client().answer(REGISTER, REGISTER.response(403), "c") is None


def test_the_strongest_algorithm_is_answered() -> None:
    values = (challenge(), challenge(algorithm="SHA-256"), challenge(algorithm="SHA-512-256"))
    (credentials,) = given(client().answer(REGISTER, asked(*values), "c"))
    assert credentials.algorithm is Algorithm.SHA_256


def test_of_equals_the_first_is_answered() -> None:
    (credentials,) = given(client().answer(REGISTER, asked(challenge("a"), challenge("b")), "c"))
    assert credentials.nonce == "a"


@pytest.mark.parametrize(
    "value",
    [
        "Basic realm=r",
        "Digest realm=r",
        challenge(algorithm="X"),
        challenge(more=', qop="auth-int"'),
    ],
)
def test_a_challenge_that_we_do_not_speak_is_not_answered(value: str) -> None:
    assert client().answer(REGISTER, asked(value), "c") is None
    assert client().answer(REGISTER, asked(value, challenge()), "c") is not None


def test_no_challenge_is_not_answered() -> None:
    assert client().answer(REGISTER, asked(), "c") is None


def test_a_challenge_without_qop_is_answered_as_rfc_2069_has_it() -> None:
    (credentials,) = given(client().answer(REGISTER, asked(challenge(more="")), "c"))
    assert (credentials.qop, credentials.cnonce, credentials.nonce_count) == (None, None, None)


def test_the_opaque_comes_back() -> None:
    value = challenge(more=', qop="auth,auth-int", opaque="o"')
    (credentials,) = given(client().answer(REGISTER, asked(value), "c"))
    assert (credentials.opaque, credentials.qop) == ("o", "auth")


# Counts


def test_each_use_of_a_nonce_is_counted() -> None:
    user = client()
    user.answer(REGISTER, asked(challenge()), "c")
    counts = [given(user.authorized(REGISTER, "d"))[0].nonce_count for _ in range(3)]
    assert counts == [2, 3, 4]


def test_a_new_nonce_begins_at_one() -> None:
    user = client()
    sent = user.answer(REGISTER, asked(challenge("a")), "c")
    assert sent is not None
    stale = asked(challenge("b", more=', qop="auth", stale=true'), sent=sent)
    (credentials,) = given(user.answer(sent, stale, "c"))
    assert (credentials.nonce, credentials.nonce_count) == ("b", 1)


def test_nothing_is_given_before_it_is_asked_for() -> None:
    assert client().authorized(REGISTER, "c").headers == REGISTER.headers


# Refusals


def test_credentials_that_are_refused_are_not_given_again() -> None:
    user = client()
    sent = user.answer(REGISTER, asked(challenge("a")), "c")
    assert sent is not None
    assert user.answer(sent, asked(challenge("b"), sent=sent), "c") is None


def test_stale_credentials_are_given_anew_once() -> None:
    user = client()
    stale = ', qop="auth", stale=true'
    first = user.answer(REGISTER, asked(challenge("a")), "c")
    assert first is not None
    second = user.answer(first, asked(challenge("b", more=stale), sent=first), "c")
    assert second is not None
    assert user.answer(second, asked(challenge("c", more=stale), sent=second), "c") is None


def test_a_nonce_that_was_good_for_a_while_may_be_stale_later() -> None:
    user = client()
    stale = ', qop="auth", stale=true'
    user.answer(REGISTER, asked(challenge("a", more=stale)), "c")
    later = user.authorized(REGISTER, "d")
    (credentials,) = given(user.answer(later, asked(challenge("b", more=stale), sent=later), "c"))
    assert credentials.nonce == "b"


def test_the_same_nonce_called_stale_is_not_answered() -> None:
    user = client()
    sent = user.answer(REGISTER, asked(challenge("a")), "c")
    assert sent is not None
    same = asked(challenge("a", more=', qop="auth", stale=true'), sent=sent)
    assert user.answer(sent, same, "c") is None


# Realms


def test_two_realms_on_the_way_are_both_answered() -> None:
    """RFC 3261 §22.3"""
    user = client()
    first = user.answer(REGISTER, asked(challenge(realm="proxy"), status=407), "c")
    assert first is not None
    second = user.answer(first, asked(challenge(realm="home"), sent=first), "c")
    assert [one.realm for one in given(second, "Proxy-Authorization")] == ["proxy"]
    assert [one.realm for one in given(second)] == ["home"]


def test_two_realms_of_one_kind_are_both_answered() -> None:
    user = client()
    first = user.answer(REGISTER, asked(challenge(realm="a"), status=407), "c")
    assert first is not None
    second = user.answer(first, asked(challenge(realm="b"), status=407, sent=first), "c")
    realms = [(one.realm, one.nonce_count) for one in given(second, "Proxy-Authorization")]
    assert realms == [("a", 2), ("b", 1)]


def test_realms_have_a_bound() -> None:
    user = client()
    for number in range(REALMS_MAX + 3):
        user.answer(REGISTER, asked(challenge(realm=f"r{number}")), "c")
    assert len(given(user.authorized(REGISTER, "c"))) == REALMS_MAX
